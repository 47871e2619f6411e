"""The baseline: how one speaker usually sounds in one call, estimated from the call itself.

A voice, a microphone, a room and a line each shift the features more than most emotions do, and all of them
stay the same through a call. So features are taken against the speaker's neutral speech in this very call.
Nobody says which segments are neutral; a first classifier, without a baseline, gives each segment its
probability of being so, and the baseline is their mean under these weights. It is shrunk towards the
population's mean by the amount of neutral speech heard, so that one segment, or a call that is angry from its
first word, moves it little, and a long calm one fixes it.

On a line that the first classifier knows badly, such as a noisy one, it may find nothing neutral at all. What
the line does to the features shows in every segment, so each counts a little, whatever it is told to be.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from helpers.estimators import Estimator

_LEAST = 1e-12


def baseline_weights(neutral: np.ndarray, doubt: float) -> np.ndarray:
    """Say how much each segment of a call counts for its baseline.

    Parameters
    ----------
    neutral : np.ndarray [shape=(segments,)]
        Probability that each is neutral, as the first classifier has it.
    doubt : float >= 0
        Of that classifier: what each segment counts besides, the less the fewer there are, none where it is
        alone.

    Returns
    -------
    np.ndarray [shape=(segments,)]
    """
    return neutral + doubt * (1 - 1 / max(len(neutral), 1))


def estimate_baseline(values: np.ndarray, weights: np.ndarray, shrinkage: float) -> np.ndarray:
    """Estimate the baseline of a speaker.

    Parameters
    ----------
    values : np.ndarray [shape=(segments, features)]
        Standardised features of the speaker's segments in one call.
    weights : np.ndarray [shape=(segments,)]
        From `baseline_weights`.
    shrinkage : float > 0
        Weight of the population's mean, in neutral segments.

    Returns
    -------
    np.ndarray [shape=(features,)]
        Shrunk already: 0 is the population's mean.
    """
    return weights @ values / (weights.sum() + shrinkage)


@dataclass(frozen=True, eq=False)
class BaselinedClassifier:
    """Classifies the segments of one speaker in one call, against the speaker's baseline in it.

    Attributes
    ----------
    mean, deviation : np.ndarray [shape=(features,)]
        Of the training's features.
    alone : tuple of estimators
        Classify standardised features without a baseline.
    relative : tuple of estimators
        Classify what is left of them after the baseline is subtracted.
    neutral : int
        Column of the neutral emotion in their probabilities.
    shrinkage, doubt : float
        As of `estimate_baseline` and `baseline_weights`.
    """

    mean: np.ndarray
    deviation: np.ndarray
    alone: tuple[Estimator, ...]
    relative: tuple[Estimator, ...]
    neutral: int
    shrinkage: float
    doubt: float = 0.0

    def predict_proba(self, values: np.ndarray) -> np.ndarray:
        """Predict probabilities.

        Parameters
        ----------
        values : np.ndarray [shape=(segments, features)]
            Of all segments of one speaker in one call.

        Returns
        -------
        np.ndarray [shape=(segments, emotions)]
        """
        return self.against(values, self.baseline(values))

    def baseline(self, values: np.ndarray) -> np.ndarray:
        """Estimate how the speaker usually sounds in this call.

        Parameters
        ----------
        values : np.ndarray [shape=(segments, features)]
            As of `predict_proba`.

        Returns
        -------
        np.ndarray [shape=(features,)]
            Standardised.
        """
        standardised = standardise(values, self.mean, self.deviation)
        weights = baseline_weights(self._neutrality(standardised), self.doubt)
        return estimate_baseline(standardised, weights, self.shrinkage)

    def against(self, values: np.ndarray, baseline: np.ndarray) -> np.ndarray:
        """Predict probabilities of any segments of the speaker.

        Parameters
        ----------
        values : np.ndarray [shape=(segments, features)]
        baseline : np.ndarray [shape=(features,)]
            From `baseline`, of the whole call.

        Returns
        -------
        np.ndarray [shape=(segments, emotions)]
        """
        standardised = standardise(values, self.mean, self.deviation)
        return mean_probabilities(self.relative, standardised - baseline)

    def usual(self, baseline: np.ndarray) -> np.ndarray:
        """Give the features of a segment that is exactly as a baseline, in their own units."""
        return self.mean + self.deviation * baseline

    def neutrality(self, values: np.ndarray) -> np.ndarray:
        """Say how much each segment counts for the baseline.

        Parameters
        ----------
        values : np.ndarray [shape=(segments, features)]
            As of `predict_proba`.

        Returns
        -------
        np.ndarray [shape=(segments,)]
            The probability that it is neutral.
        """
        return self._neutrality(standardise(values, self.mean, self.deviation))

    def without_baseline(self) -> Self:
        """Give what judges each segment by itself, for comparison."""
        return replace(self, relative=self.alone, shrinkage=np.inf)

    def _neutrality(self, standardised: np.ndarray) -> np.ndarray:
        return mean_probabilities(self.alone, standardised)[:, self.neutral]


@dataclass(frozen=True, eq=False, kw_only=True)
class BaselinedEnsemble(BaselinedClassifier):
    """Joins what a baselined classifier says with what another tells of each segment by itself.

    The last features of a segment are the logarithms of the other's probabilities.

    Attributes
    ----------
    share : float
        Of the other in the weighted geometric mean of both (Genest and Zidek 1986, "Combining probability
        distributions: a critique and an annotated bibliography").
    """

    share: float

    def baseline(self, values: np.ndarray) -> np.ndarray:
        """As of `BaselinedClassifier`; of its own features alone."""
        return super().baseline(values[:, : len(self.mean)])

    def against(self, values: np.ndarray, baseline: np.ndarray) -> np.ndarray:
        """As of `BaselinedClassifier`."""
        count = len(self.mean)
        own = np.log(np.maximum(super().against(values[:, :count], baseline), _LEAST))
        powers = np.exp((1 - self.share) * own + self.share * values[:, count:])
        return powers / powers.sum(axis=1, keepdims=True)

    def neutrality(self, values: np.ndarray) -> np.ndarray:
        """As of `BaselinedClassifier`."""
        return super().neutrality(values[:, : len(self.mean)])


def standardise(values: np.ndarray, mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """Standardise features, and hold them within 4 deviations, so that one odd segment moves no baseline.

    Parameters
    ----------
    values : np.ndarray [shape=(segments, features)]
    mean, deviation : np.ndarray [shape=(features,)]

    Returns
    -------
    np.ndarray [shape=(segments, features), dtype=float32]
    """
    return np.clip((values - mean) / deviation, -4, 4).astype(np.float32)


def mean_probabilities(estimators: tuple[Estimator, ...], values: np.ndarray) -> np.ndarray:
    """Average the probabilities of several estimators [shape=(segments, emotions)]."""
    return np.mean([estimator.predict_proba(values) for estimator in estimators], axis=0)
