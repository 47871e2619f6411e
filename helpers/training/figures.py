"""Figures of a report: confusion matrix, ROC and precision-recall curves, clips on a plane, as SVG."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
from sklearn.metrics import precision_recall_curve, roc_curve

from helpers.emotions import EMOTIONS
from helpers.training.results import figure_name

_POINTS = 60
_SIZE = 220


def write_figures(
    report: dict[str, Any], predictions: pd.DataFrame, projection: pd.DataFrame, folder: Path
) -> None:
    """Draw, for each case, the best method with speakers apart, and the clips on two components.

    Parameters
    ----------
    report : dict
        From ``reproduce.as_object``.
    predictions : pd.DataFrame
        Of all runs, with the columns case, method and protocol.
    projection : pd.DataFrame
        From ``reproduce.project``, of all cases.
    folder : Path
    """
    import vl_convert

    for case in dict.fromkeys(run["case"] for run in report["runs"]):
        apart = [run for run in report["runs"] if run["case"] == case and not run["leaky"]]
        best = max(apart, key=lambda run: run["mean"][report["metric"]])
        own = (predictions["case"] == case) & (predictions["protocol"] == best["protocol"])
        told = predictions[own & (predictions["method"] == best["method"])]
        emotions = list(best["classes"])
        panels: list[Any] = [confusion_matrix_chart(best)]
        if set(emotions) <= set(told) and told[emotions].notna().all(axis=None):
            panels += [roc_chart(told, emotions), precision_recall_chart(told, emotions)]
        panels.append(projection_chart(projection[projection["case"] == case], emotions))
        chart = alt.hconcat(*panels).resolve_scale(color="independent")
        titled = chart.properties(title=f"{case}: {best['method']}, {best['protocol']}")
        svg = vl_convert.vegalite_to_svg(titled.to_dict())
        (folder / figure_name(case)).write_text(svg, encoding="utf-8")


def confusion_matrix_chart(run: dict[str, Any]) -> alt.LayerChart | alt.FacetChart:
    """Draw the confusion matrix of a run, as shares of the true emotion.

    Parameters
    ----------
    run : dict
        From ``reproduce.as_object``.

    Returns
    -------
    alt.LayerChart
    """
    emotions = list(run["classes"])
    shares = np.array(run["confusion"]) / np.maximum(np.sum(run["confusion"], axis=1, keepdims=True), 1)
    table = pd.DataFrame(
        [
            {"true": true, "told": told, "share": shares[row, column]}
            for row, true in enumerate(emotions)
            for column, told in enumerate(emotions)
        ]
    )
    base = alt.Chart(table).encode(
        x=alt.X("told:N", title="told as", sort=emotions), y=alt.Y("true:N", title="true", sort=emotions)
    )
    fields = base.mark_rect().encode(color=alt.Color("share:Q", scale=alt.Scale(scheme="teals"), legend=None))
    words = base.mark_text(fontSize=10).encode(text=alt.Text("share:Q", format=".0%"))
    return alt.layer(fields, words).properties(width=_SIZE, height=_SIZE)


def roc_chart(told: pd.DataFrame, emotions: list[str]) -> alt.Chart:
    """Draw the receiver operating characteristic of each emotion against all others.

    Parameters
    ----------
    told : pd.DataFrame
        With the columns emotion and one per emotion with its score.
    emotions : list of str

    Returns
    -------
    alt.Chart
    """
    return _curves(told, emotions, {"false alarms": 0, "recall": 1}, roc_curve)


def precision_recall_chart(told: pd.DataFrame, emotions: list[str]) -> alt.Chart:
    """Draw precision over recall of each emotion, as of `roc_chart`."""
    return _curves(told, emotions, {"recall": 1, "precision": 0}, precision_recall_curve)


def projection_chart(projection: pd.DataFrame, emotions: list[str]) -> alt.Chart:
    """Draw clips on the two principal components of their features.

    Parameters
    ----------
    projection : pd.DataFrame
        With the columns x, y and emotion.
    emotions : list of str

    Returns
    -------
    alt.Chart
    """
    return (
        alt.Chart(projection[["x", "y", "emotion"]])
        .mark_circle(size=12, opacity=0.6)
        .encode(
            x=alt.X("x:Q", title="first component"),
            y=alt.Y("y:Q", title="second component"),
            color=_coloured(emotions),
        )
        .properties(width=_SIZE, height=_SIZE)
    )


def _coloured(emotions: list[str]) -> alt.Color:
    colours = [EMOTIONS[name].colour for name in emotions]
    return alt.Color("emotion:N", scale=alt.Scale(domain=emotions, range=colours))


def _thinned(emotion: str, x: np.ndarray, y: np.ndarray) -> pd.DataFrame:
    kept = np.unique(np.linspace(0, len(x) - 1, _POINTS).astype(int))
    return pd.DataFrame({"emotion": emotion, "x": x[kept].round(4), "y": y[kept].round(4)})


def _curves(
    told: pd.DataFrame,
    emotions: list[str],
    axes: dict[str, int],
    curve: Callable[..., tuple[np.ndarray, ...]],
) -> alt.Chart:
    """Draw a curve per emotion; `axes` names x and y, and their places in what `curve` gives."""
    (x, first), (y, second) = axes.items()
    curves = {emotion: curve(told["emotion"] == emotion, told[emotion]) for emotion in emotions}
    table = pd.concat(_thinned(emotion, found[first], found[second]) for emotion, found in curves.items())
    return (
        alt.Chart(table)
        .mark_line(strokeWidth=1.5)
        .encode(
            x=alt.X("x:Q", title=x, scale=alt.Scale(domain=[0, 1])),
            y=alt.Y("y:Q", title=y, scale=alt.Scale(domain=[0, 1])),
            color=_coloured(emotions),
            order="x:Q",
        )
        .properties(width=_SIZE, height=_SIZE)
    )
