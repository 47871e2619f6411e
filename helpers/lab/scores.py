"""Scores and curves of what was told, computed anew from stored predictions.

Conventions: `told` has a row per clip or segment with the columns `emotion`, `predicted`, `speaker`, and one
per label with its score. What comes out are tidy tables for charts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.metrics import (
    auc,
    average_precision_score,
    confusion_matrix,
    precision_recall_curve,
    precision_recall_fscore_support,
    roc_curve,
)

from helpers.classifier import MODELS, NO_BASELINE, OTHER_CLIPS, ModelCard, model_names, read_card
from helpers.lab.reports import read_predictions
from helpers.training.evaluate import expected_calibration_error, speaker_interval, unweighted_average_recall

AVERAGE = "average"

_GRID = np.linspace(0, 1, 101)
_BINS = 10
_LEAST_SPEAKERS = 2


def cards() -> dict[str, ModelCard]:
    """Read the cards of all models, the default first."""
    return {name: read_card(name) for name in model_names()}


def model_rows(known: Iterable[ModelCard]) -> pd.DataFrame:
    """Lay models beside each other.

    Parameters
    ----------
    known : iterable of ModelCard

    Returns
    -------
    pd.DataFrame
        A row per model, for people.
    """
    rows = []
    for card in known:
        scores = {row["condition"]: row for row in headline_clip_scores(card)}
        rows.append(
            {
                "model": card.name,
                "tells apart": ", ".join(card.labels),
                "learned from": ", ".join(str(corpus["name"]) for corpus in card.corpora),
                "licence": card.licence,
                "MB": (MODELS / f"{card.name}.{card.layout}").stat().st_size / 2**20,
                **{name: _with_interval(row) for name, row in scores.items() if name != "line"},
                "chance": f"{1 / len(card.labels):.0%}",
            }
        )
    return pd.DataFrame(rows)


def headline_clip_scores(card: ModelCard) -> list[dict[str, Any]]:
    """Choose the scores that stand for a model: its first corpus, with the baseline that it takes.

    Parameters
    ----------
    card : ModelCard

    Returns
    -------
    list of dict
        One per condition, as on the card.
    """
    own = [row for row in card.scores if row["corpus"] == card.corpora[0]["name"]]
    return [row for row in own if row["baseline"] == OTHER_CLIPS] or own


def headline_table(known: Iterable[ModelCard]) -> pd.DataFrame:
    """Lay the headline scores of models beside each other, a row per model and condition."""
    return pd.DataFrame(
        [
            {
                **{"model": card.name, "corpus": row["corpus"], "condition": row["condition"]},
                **{"uar": row["uar"], "low": row["uar_interval"][0], "high": row["uar_interval"][1]},
                **{"ece": row["ece"], "segments": row["segments"], "speakers": row["speakers"]},
            }
            for card in known
            for row in headline_clip_scores(card)
        ]
    )


def confusion(told: pd.DataFrame, labels: Sequence[str]) -> pd.DataFrame:
    """Count what each emotion was told as.

    Parameters
    ----------
    told : pd.DataFrame
    labels : sequence of str

    Returns
    -------
    pd.DataFrame
        A row per pair: true, told, count, and the rate among the true.
    """
    return confusion_table(confusion_matrix(told["emotion"], told["predicted"], labels=list(labels)), labels)


def confusion_table(matrix: ArrayLike, labels: Sequence[str]) -> pd.DataFrame:
    """Lay out a confusion matrix, true emotions in rows, as of `confusion`."""
    counts = np.asarray(matrix)
    rates = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    true, predicted = np.meshgrid(labels, labels, indexing="ij")
    return pd.DataFrame(
        {
            **{"true": true.ravel(), "told": predicted.ravel()},
            **{"count": counts.ravel(), "rate": rates.ravel().round(4)},
        }
    )


def class_scores(told: pd.DataFrame, labels: Sequence[str]) -> pd.DataFrame:
    """Give precision, recall and F1 of each emotion that was there.

    Parameters
    ----------
    told : pd.DataFrame
    labels : sequence of str

    Returns
    -------
    pd.DataFrame
        A row per emotion and measure, with its value and the number of segments.
    """
    there = [name for name in labels if (told["emotion"] == name).any()]
    *measures, counts = precision_recall_fscore_support(
        told["emotion"], told["predicted"], labels=there, zero_division=0
    )
    table = pd.DataFrame(dict(zip(("precision", "recall", "F1"), measures, strict=True)))
    table = table.assign(emotion=there, segments=counts)
    return table.melt(["emotion", "segments"], var_name="measure").round({"value": 4})


def roc(told: pd.DataFrame, labels: Sequence[str]) -> pd.DataFrame:
    """Trace the receiver operating characteristic of each emotion against all others, and their average.

    Parameters
    ----------
    told : pd.DataFrame
    labels : sequence of str

    Returns
    -------
    pd.DataFrame
        emotion, x (false alarms), y (recall), and the area under each curve.
    """

    def trace(is_true: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, float]:
        false_alarms, recall, _ = roc_curve(is_true, score)
        return np.interp(_GRID, false_alarms, recall), float(auc(false_alarms, recall))

    return _traced(told, labels, trace)


def precision_recall(told: pd.DataFrame, labels: Sequence[str]) -> pd.DataFrame:
    """Trace precision (y) over recall (x) as of `roc`; the area is the average precision."""

    def trace(is_true: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, float]:
        precision, recall, _ = precision_recall_curve(is_true, score)
        return np.interp(_GRID, recall[::-1], precision[::-1]), float(average_precision_score(is_true, score))

    return _traced(told, labels, trace)


def reliability(told: pd.DataFrame, labels: Sequence[str]) -> tuple[pd.DataFrame, float]:
    """Compare confidence with accuracy.

    Parameters
    ----------
    told : pd.DataFrame
        With calibrated probabilities.
    labels : sequence of str

    Returns
    -------
    table : pd.DataFrame
        A row per bin that is not empty: mean confidence, accuracy, segments.
    error : float
        Expected calibration error.
    """
    probabilities = told[[*labels]].to_numpy()
    confidence = probabilities.max(axis=1)
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    right = told["emotion"] == told["predicted"]
    judged = pd.DataFrame({"bin": bins, "confidence": confidence, "accuracy": right.to_numpy(float)})
    table = judged.groupby("bin").mean().assign(segments=judged.groupby("bin").size()).reset_index()
    error = expected_calibration_error(told["emotion"].to_numpy(str), probabilities, labels)
    return table.round(4), error


def coverage(told: pd.DataFrame, labels: Sequence[str]) -> pd.DataFrame:
    """Say how accurate the most confident answers are, the fewer of them are given.

    Parameters
    ----------
    told : pd.DataFrame
    labels : sequence of str

    Returns
    -------
    pd.DataFrame
        coverage, accuracy, and the confidence that is asked for.
    """
    confidence = told[[*labels]].max(axis=1).to_numpy()
    order = np.argsort(-confidence, kind="stable")
    right = (told["emotion"] == told["predicted"]).to_numpy()[order]
    counts = np.unique(np.maximum(np.round(_GRID[5:] * len(told)), 1).astype(int))
    accuracy = np.cumsum(right)[counts - 1] / counts
    asked = confidence[order][counts - 1]
    return pd.DataFrame({"coverage": counts / len(told), "accuracy": accuracy, "confidence": asked}).round(4)


def by_group(told: pd.DataFrame, column: str) -> pd.DataFrame:
    """Score groups of segments apart.

    Parameters
    ----------
    told : pd.DataFrame
    column : str
        Such as sex, group of age, condition.

    Returns
    -------
    pd.DataFrame
        group; uar with its 95 % interval over speakers, missing where there is one speaker; segments,
        speakers. In the order in which the groups first occur.
    """
    rows = []
    for group, part in told.groupby(column, sort=False):
        labels, predicted, speakers = (
            part[name].to_numpy(str) for name in ("emotion", "predicted", "speaker")
        )
        several = len(np.unique(speakers)) >= _LEAST_SPEAKERS
        low, high = speaker_interval(labels, predicted, speakers) if several else (np.nan, np.nan)
        uar = unweighted_average_recall(labels, predicted)
        rows.append((group, uar, low, high, len(part), len(np.unique(speakers))))
    return pd.DataFrame(rows, columns=["group", "uar", "low", "high", "segments", "speakers"]).round(4)


def by_condition(known: Iterable[ModelCard]) -> pd.DataFrame:
    """Score models over each line as of `by_group`, on the first corpus of each, with the column model."""
    tables = []
    for card in known:
        table = read_predictions(card.name, card.labels)
        own = table[table["corpus"] == card.corpora[0]["name"]]
        best = OTHER_CLIPS if OTHER_CLIPS in set(own["baseline"]) else NO_BASELINE
        tables.append(by_group(own[own["baseline"] == best], "condition").assign(model=card.name))
    return pd.concat(tables, ignore_index=True)


def by_segments_heard(table: pd.DataFrame) -> pd.DataFrame:
    """Score clean segments by how much of their speaker was heard, as of `by_group`."""
    scored = by_group(table[table["condition"] == "clean"], "baseline")
    return scored.sort_values("group", key=lambda names: names == OTHER_CLIPS, kind="stable")


def _with_interval(row: dict[str, Any]) -> str:
    low, high = row["uar_interval"]
    return f"{row['uar']:.1%} ({low:.0%}–{high:.0%})"


def _traced(
    told: pd.DataFrame,
    labels: Sequence[str],
    trace: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, float]],
) -> pd.DataFrame:
    """Trace a curve per emotion that was there, and their mean."""
    there = [name for name in labels if (told["emotion"] == name).any()]
    traced = {name: trace((told["emotion"] == name).to_numpy(), told[name].to_numpy()) for name in there}
    curves, areas = zip(*traced.values(), strict=True)
    traced[AVERAGE] = np.mean(curves, axis=0), float(np.mean(areas))
    tables = [
        pd.DataFrame({"emotion": name, "x": _GRID, "y": curve, "area": area})
        for name, (curve, area) in traced.items()
    ]
    return pd.concat(tables, ignore_index=True).round(4)
