"""How sure a model may be: temperatures and a threshold, from calls of speakers that it did not hear.

A model would be too sure if clips alone told: in a call a segment may begin in one clip and end in the next,
and somebody else may talk over it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import chain

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from helpers.baseline import BaselinedClassifier
from helpers.classifier import Model, between_temperatures, calibrated, neutral_share
from helpers.emotions import NEUTRAL
from helpers.estimators import Estimator
from helpers.training.call_scores import CONDITIONS, Condition, hear_calls
from helpers.training.calls import Surroundings
from helpers.training.evaluate import fit_temperatures
from helpers.training.fitting import CallDraws, TrainingSet

NOT_CALIBRATED = (1.0, 1.0), 0.0

_COVERAGE = 0.85
_USUALLY_NEUTRAL = 0.6  # of a call of which only one segment is known
_CALLS = 30  # of each condition


@dataclass(frozen=True, eq=False)
class Judged:
    """Segments that were judged within calls [each shape=(segments, …)], and how often such ones occur."""

    emotions: np.ndarray
    probabilities: np.ndarray
    neutral: np.ndarray
    weights: np.ndarray

    @classmethod
    def joined(cls, parts: Sequence[Judged]) -> Judged:
        """Put several together."""
        return cls(*(np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(cls)))


def calibrate(judged: Sequence[Judged], labels: tuple[str, ...]) -> tuple[tuple[float, float], float]:
    """Fit the temperatures, and the confidence under which the answer is "uncertain".

    Parameters
    ----------
    judged : sequence of Judged
        From `in_calls` or `in_simulated_calls`, each of speakers that its estimator did not hear.
    labels : tuple of str
        Emotions in the order of the probabilities.

    Returns
    -------
    temperatures : tuple of float
    uncertain_below : float
        As of ``classifier.ModelCard``.
    """
    told = Judged.joined(judged)
    first, last = fit_temperatures(told.emotions, told.probabilities, labels, told.neutral, told.weights)
    temperatures = round(first, 4), round(last, 4)
    between = between_temperatures(temperatures, told.neutral[:, None])
    confidence = calibrated(told.probabilities, between).max(axis=1)
    least = np.quantile(confidence, 1 - _COVERAGE, weights=told.weights, method="inverted_cdf")
    return temperatures, round(float(least), 4)


def in_simulated_calls(
    model: Model,
    clips: pd.DataFrame,
    surroundings: Surroundings,
    *,
    conditions: Sequence[Condition] = CONDITIONS,
    least_calls: int = _CALLS,
) -> Judged:
    """Judge simulated calls as the app does.

    Parameters
    ----------
    model : Model
        With `NOT_CALIBRATED`.
    clips, surroundings, conditions, least_calls
        As of ``call_scores.score_calls``.

    Returns
    -------
    Judged
        Each call counts as much as any other, and in it each segment by its seconds.
    """
    labels = list(model.card.labels)
    of_conditions = Parallel()(
        delayed(hear_calls)([model], clips, surroundings, condition, least_calls) for condition in conditions
    )
    parts = []
    for (call,) in chain.from_iterable(of_conditions):
        table = call.overlaps
        seconds = table["seconds"].to_numpy(float)
        neutral = np.full(len(table), call.neutral)
        probabilities = table[labels].to_numpy(float)
        parts.append(Judged(table["emotion"].to_numpy(str), probabilities, neutral, seconds / seconds.sum()))
    return Judged.joined(parts)


def in_calls(estimator: Estimator, data: TrainingSet, labels: Sequence[str]) -> Judged:
    """Judge each segment within a call of its speaker's, as calls are drawn for the training.

    Every emotion is drawn as often as the corpora have it, so a segment counts as often as its emotion occurs
    in a call of that mixture.

    Parameters
    ----------
    estimator : Estimator
    data : TrainingSet
        Of speakers that it was not trained on.
    labels : sequence of str
        Emotions in the order of the probabilities.

    Returns
    -------
    Judged
    """
    emotions = data.emotions()
    if not isinstance(estimator, BaselinedClassifier):
        count = len(emotions)
        return Judged(emotions, estimator.predict_proba(data.features), np.zeros(count), np.ones(count))
    is_neutral = emotions == NEUTRAL
    usual = is_neutral.mean()
    probabilities, neutral, weights = [], [], []
    for row, call in enumerate(CallDraws(data.segments).draw(np.random.default_rng(0))):
        told = estimator.predict_proba(data.features[call])
        share = (is_neutral[call[1:]].sum() + _USUALLY_NEUTRAL) / len(call)
        probabilities.append(told[0])
        neutral.append(neutral_share(told, labels))
        weights.append(share / usual if is_neutral[row] else (1 - share) / (1 - usual))
    return Judged(emotions, np.stack(probabilities), np.array(neutral), np.array(weights))
