"""How good predictions are, and how far their confidence can be believed.

Conventions: `labels` are true emotions ``[n]`` as strings, `probabilities` are ``[n, classes]`` in the order
of `classes`. Every figure belongs to a protocol, which the caller names.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, recall_score

from helpers.classifier import between_temperatures, calibrated

_BINS = 10
_COVERAGES = (0.25, 0.5, 0.75, 0.85, 1.0)
_RESAMPLINGS = 1000
_DRAWS = 200


def fit_temperatures(
    labels: np.ndarray,
    probabilities: np.ndarray,
    classes: Sequence[str],
    neutral: np.ndarray,
    weights: np.ndarray,
) -> tuple[float, float]:
    """Find the temperatures under which the labels are most likely (Guo et al. 2017).

    Parameters
    ----------
    labels : np.ndarray [shape=(n,)]
    probabilities : np.ndarray [shape=(n, classes)]
        Of speakers that the estimator was not trained on.
    classes : sequence of str
    neutral : np.ndarray [shape=(n,)]
        How neutral the call of each seems; see ``classifier.neutral_share``.
    weights : np.ndarray [shape=(n,)]
        How much each counts.

    Returns
    -------
    tuple of float
        As of ``classifier.ModelCard``: between 0.25 and 8, and, of nothing but neutral speech, which no call
        seems to be quite, between 0.1 and 8.
    """
    true = np.arange(len(labels)), [list(classes).index(label) for label in labels]

    def loss(logarithms: np.ndarray) -> float:
        first, last = np.exp(logarithms)
        told = calibrated(probabilities, between_temperatures((first, last), neutral[:, None]))
        return -float(np.average(np.log(told[true]), weights=weights))

    bounds = [(np.log(0.25), np.log(8)), (np.log(0.1), np.log(8))]
    first, last = np.exp(minimize(loss, np.zeros(2), bounds=bounds, method="Nelder-Mead").x)
    return float(first), float(last)


def expected_calibration_error(
    labels: np.ndarray,
    probabilities: np.ndarray,
    classes: Sequence[str],
    weights: np.ndarray | None = None,
) -> float:
    """Average the gap between confidence and accuracy over ten bins of confidence (Naeini et al. 2015).

    Parameters
    ----------
    labels : np.ndarray [shape=(n,)]
    probabilities : np.ndarray [shape=(n, classes)]
    classes : sequence of str
    weights : np.ndarray, optional [shape=(n,)]
        How much each counts, such as its seconds.

    Returns
    -------
    float
        From 0 (confidence is accuracy) to 1.
    """
    weights = np.ones(len(labels)) if weights is None else weights
    confidence = probabilities.max(axis=1)
    correct = np.asarray(classes)[probabilities.argmax(axis=1)] == labels
    gaps = np.bincount(_bins(confidence), weights * (correct - confidence), _BINS)
    return float(np.abs(gaps).sum()) / float(weights.sum())


def calibration_error_by_chance(probabilities: np.ndarray, weights: np.ndarray, *, seed: int = 0) -> float:
    """Give the calibration error that a perfectly calibrated model is expected to show on as many answers.

    Each answer is right by a draw of its own confidence. With few answers the error is never near 0 (Roelofs
    et al. 2022, "Mitigating bias in calibration error estimation"). Answers of one speaker are more alike
    than such draws, so that chance brings rather more than this.

    Parameters
    ----------
    probabilities : np.ndarray [shape=(n, classes)]
    weights : np.ndarray [shape=(n,)]
        How much each counts, such as its seconds.
    seed : int
        Of the draws.

    Returns
    -------
    float
        As of `expected_calibration_error`, the mean of many draws.
    """
    confidence = probabilities.max(axis=1)
    correct = np.random.default_rng(seed).random((_DRAWS, len(confidence))) < confidence
    in_bins = _bins(confidence)[:, None] == np.arange(_BINS)
    gaps = (weights * (correct - confidence)) @ in_bins
    return float(np.abs(gaps).sum(axis=1).mean()) / float(weights.sum())


def accuracy_by_coverage(
    labels: np.ndarray, probabilities: np.ndarray, classes: Sequence[str], weights: np.ndarray
) -> dict[str, float]:
    """Say how accurate the most confident answers are, the fewer of them are given.

    Parameters
    ----------
    labels : np.ndarray [shape=(n,)]
    probabilities : np.ndarray [shape=(n, classes)]
    classes : sequence of str
    weights : np.ndarray [shape=(n,)]
        How much each counts, such as its seconds.

    Returns
    -------
    dict of str to float
        By the share of weight that is answered, as "0.25" to "1.00" (El-Yaniv and Wiener 2010, "On the
        foundations of noise-free selective classification").
    """
    order = np.argsort(-probabilities.max(axis=1), kind="stable")
    correct = (np.asarray(classes)[probabilities.argmax(axis=1)] == labels)[order]
    answered = np.cumsum(weights[order])
    right = np.cumsum(weights[order] * correct)
    ends = np.searchsorted(answered, np.array(_COVERAGES) * answered[-1] * (1 - 1e-9))
    return {
        f"{coverage:.2f}": round(float(right[end] / answered[end]), 4)
        for coverage, end in zip(_COVERAGES, ends, strict=True)
    }


def unweighted_average_recall(
    labels: np.ndarray, predicted: np.ndarray, weights: np.ndarray | None = None
) -> float:
    """Average the recall over the emotions, so that a frequent one counts no more than a rare one.

    An emotion that is predicted but nowhere true has no recall of its own to average.

    Parameters
    ----------
    labels, predicted : np.ndarray [shape=(n,)]
    weights : np.ndarray, optional [shape=(n,)]
        How much each counts, such as its seconds.

    Returns
    -------
    float
        In [0, 1].
    """
    emotions = np.unique(labels)
    return float(recall_score(labels, predicted, labels=emotions, average="macro", sample_weight=weights))


def speaker_interval(
    labels: np.ndarray,
    predicted: np.ndarray,
    speakers: np.ndarray,
    *,
    weights: np.ndarray | None = None,
    seed: int = 0,
) -> tuple[float, float]:
    """Bootstrap the unweighted average recall over speakers, because segments of one speaker go together.

    Parameters
    ----------
    labels, predicted, speakers : np.ndarray [shape=(n,)]
    weights : np.ndarray, optional [shape=(n,)]
        How much each counts, such as its seconds.
    seed : int
        Of the resampling.

    Returns
    -------
    tuple of float
        The 2.5th and 97.5th percentile.
    """
    (recalls,) = _resampled(labels, [predicted], speakers, weights, seed)
    return _interval(recalls)


def gain_interval(
    labels: np.ndarray,
    predicted: np.ndarray,
    otherwise: np.ndarray,
    speakers: np.ndarray,
    *,
    weights: np.ndarray | None = None,
    seed: int = 0,
) -> tuple[float, float]:
    """Bootstrap over speakers by how much one recall is above another of the same segments.

    Parameters
    ----------
    labels, predicted, otherwise, speakers : np.ndarray [shape=(n,)]
        `otherwise` is what the other model predicted.
    weights, seed
        As of `speaker_interval`.

    Returns
    -------
    tuple of float
        The 2.5th and 97.5th percentile; where 0 lies between them, neither is known to be better.
    """
    one, other = _resampled(labels, [predicted, otherwise], speakers, weights, seed)
    return _interval(one - other)


def _interval(drawn: np.ndarray) -> tuple[float, float]:
    """Give the middle 95 % of what was drawn [shape=(draws,)]."""
    low, high = np.percentile(drawn, [2.5, 97.5])
    return float(low), float(high)


def _resampled(
    labels: np.ndarray,
    predictions: Sequence[np.ndarray],
    speakers: np.ndarray,
    weights: np.ndarray | None,
    seed: int,
) -> np.ndarray:
    """Give the unweighted average recall of each prediction in every draw [shape=(predictions, draws)]."""
    emotions, people = np.unique(labels), np.unique(speakers)
    is_true = (speakers == people[:, None])[:, None] & (labels == emotions[:, None])
    weights = np.ones(len(labels)) if weights is None else weights
    drawn = np.random.default_rng(seed).integers(len(people), size=(_RESAMPLINGS, len(people)))
    true = (is_true @ weights)[drawn].sum(axis=1)
    found = [(is_true & (told == labels)) @ weights for told in predictions]
    recalls = [each[drawn].sum(axis=1) / np.where(true > 0, true, 1) for each in found]
    return np.mean(recalls, axis=2, where=true > 0)


def score(
    labels: np.ndarray,
    probabilities: np.ndarray,
    classes: Sequence[str],
    *,
    speakers: np.ndarray,
    uncertain_below: float,
) -> dict[str, object]:
    """Score predictions as a model's card reports them.

    Parameters
    ----------
    labels, speakers : np.ndarray [shape=(n,)]
    probabilities : np.ndarray [shape=(n, classes)]
        Calibrated.
    classes : sequence of str
    uncertain_below : float
        Confidence under which the answer is "uncertain".

    Returns
    -------
    dict
        Number of ``segments`` and ``speakers``; ``uar`` with its 95 % ``uar_interval``, ``accuracy`` and
        ``macro_f1`` over all segments; ``ece``; ``coverage``, the share of certain answers, and
        ``accuracy_of_certain``, left out where none is; ``confusion``, true emotions in rows.
    """
    predicted = np.asarray(classes)[probabilities.argmax(axis=1)]
    certain = probabilities.max(axis=1) >= uncertain_below
    figures = {
        "uar": unweighted_average_recall(labels, predicted),
        "accuracy": accuracy_score(labels, predicted),
        "macro_f1": f1_score(labels, predicted, average="macro", zero_division=0),
        "ece": expected_calibration_error(labels, probabilities, classes),
        "coverage": certain.mean(),
    }
    if certain.any():
        figures["accuracy_of_certain"] = accuracy_score(labels[certain], predicted[certain])
    return {
        "segments": len(labels),
        "speakers": len(np.unique(speakers)),
        **{name: round(float(value), 4) for name, value in figures.items()},
        "uar_interval": [round(bound, 4) for bound in speaker_interval(labels, predicted, speakers)],
        "confusion": confusion_matrix(labels, predicted, labels=list(classes)).tolist(),
    }


def _bins(confidence: np.ndarray) -> np.ndarray:
    """Say in which of the bins of equal width each confidence lies [shape=(n,)]."""
    return np.minimum((confidence * _BINS).astype(int), _BINS - 1)
