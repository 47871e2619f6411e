"""How the estimators of models learn: perceptrons against a baseline as calls offer it, and networks.

The baseline of a call is mostly neutral, now from one segment and now from fifty, and sometimes the speaker
is angry from the first word. So in every epoch each segment meets another baseline, drawn from the segments
that its speaker has on the same line, in a mixture and of a number that are drawn anew.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy.sparse import csr_array
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GroupKFold
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from helpers.baseline import BaselinedClassifier, BaselinedEnsemble, standardise
from helpers.emotions import NEUTRAL
from helpers.perceptron import Perceptron
from helpers.training.networks import ConvolutionalClassifier

SHRINKAGE = 0.5  # neutral segments
DOUBT = 0.1  # neutral segments per segment; to learn under it, too, did not help

_EPOCHS = 30
_MEMBERS = 2  # perceptrons that are averaged
_FOLDS = 3
_MOST_SEGMENTS = 60  # of a call
_NETWORK_EPOCHS = 4
_NETWORK_SHARE = 0.3  # as of `baseline.BaselinedEnsemble`
_NEUTRAL_SHARES = (0.25, 0.4, 0.6, 0.8, 0.9, 1.0)


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """Features of labelled segments.

    Attributes
    ----------
    segments : pd.DataFrame
        A row per segment: corpus, speaker, emotion, clip, condition, and the line that it shares with others.
    features : np.ndarray [shape=(segments, features)]
    """

    segments: pd.DataFrame
    features: np.ndarray

    def where(self, rows: np.ndarray) -> TrainingSet:
        """Take the rows [shape=(segments,), dtype=bool]."""
        return TrainingSet(self.segments[rows].reset_index(drop=True), self.features[rows])

    def joined(self, *others: TrainingSet) -> TrainingSet:
        """Put others after this one."""
        parts = (self, *others)
        segments = pd.concat([part.segments for part in parts], ignore_index=True)
        return TrainingSet(segments, np.concatenate([part.features for part in parts]))

    def emotions(self) -> np.ndarray:
        """Give the emotions [shape=(segments,)]."""
        return self.segments["emotion"].to_numpy(str)

    def labels(self) -> tuple[str, ...]:
        """Name the emotions, in the order in which estimators give their probabilities."""
        return tuple(map(str, np.unique(self.emotions())))

    def speakers(self) -> np.ndarray:
        """Give the speakers [shape=(segments,)]."""
        return self.segments["speaker"].to_numpy(str)


def speakers_on_lines(segments: pd.DataFrame) -> np.ndarray:
    """Name whom a baseline is of: a speaker on a line [shape=(segments,)]."""
    return (segments["speaker"] + "/" + segments["line"]).to_numpy(str)


class CallDraws:
    """Draws calls: for each segment, others that its speaker has on the same line.

    Parameters
    ----------
    segments : pd.DataFrame
        As of `TrainingSet`.
    """

    def __init__(self, segments: pd.DataFrame) -> None:
        self._count = len(segments)
        neutral = (segments["emotion"] == NEUTRAL).to_numpy()
        _, self._call = np.unique(speakers_on_lines(segments), return_inverse=True)
        calls = range(int(np.max(self._call)) + 1)
        self._neutral = [np.flatnonzero((self._call == number) & neutral) for number in calls]
        self._others = [np.flatnonzero((self._call == number) & ~neutral) for number in calls]

    def draw(self, generator: np.random.Generator) -> Iterator[np.ndarray]:
        """Draw a call around each segment.

        Parameters
        ----------
        generator : np.random.Generator

        Yields
        ------
        np.ndarray
            Row numbers, the segment's own first.
        """
        sizes = np.exp(generator.uniform(0, np.log(_MOST_SEGMENTS), self._count)).astype(int)
        shares = generator.choice(_NEUTRAL_SHARES, self._count)
        for row, (size, share) in enumerate(zip(sizes, shares, strict=True)):
            neutral, others = (part[self._call[row]] for part in (self._neutral, self._others))
            if len(neutral) and len(others):
                calm = generator.binomial(size - 1, share)
                parts = generator.choice(neutral, calm), generator.choice(others, size - 1 - calm)
                yield np.concatenate([[row], *parts])
            else:
                yield np.array([row])


def fit_baselined(training: TrainingSet) -> BaselinedClassifier:
    """Train perceptrons without and with a baseline.

    Parameters
    ----------
    training : TrainingSet
        Neutral segments among them.

    Returns
    -------
    BaselinedClassifier
    """
    emotions = training.emotions()
    classes = list(np.unique(emotions))
    mean, deviation = training.features.mean(axis=0), training.features.std(axis=0) + 1e-6
    values = standardise(training.features, mean, deviation)
    alone = Parallel()(delayed(_fitted)(seed, values, emotions) for seed in range(_MEMBERS))
    neutral = _unheard_neutral(values, training, classes.index(NEUTRAL))
    draws = CallDraws(training.segments)
    relative = Parallel()(
        delayed(_fitted_in_calls)(seed, values, emotions, neutral, draws) for seed in range(_MEMBERS)
    )
    members = [tuple(map(Perceptron.of, each)) for each in (alone, relative)]
    return BaselinedClassifier(
        mean, deviation, members[0], members[1], classes.index(NEUTRAL), SHRINKAGE, DOUBT
    )


def fit_alone(training: TrainingSet) -> Pipeline:
    """Train a perceptron that judges each segment by itself.

    Parameters
    ----------
    training : TrainingSet
        That no baseline can be learned from: nothing is neutral, or nobody knows who speaks.

    Returns
    -------
    Pipeline
    """
    scaler = StandardScaler()
    values = scaler.fit_transform(training.features).astype(np.float32)
    perceptron = _fitted(0, values, training.emotions())
    for name in ("_optimizer", "_best_coefs", "_best_intercepts"):  # of use to further training alone
        vars(perceptron).pop(name, None)
    return make_pipeline(scaler, perceptron)


def fit_ensemble(training: TrainingSet) -> BaselinedEnsemble:
    """Train perceptrons without and with a baseline beside a network that is trained already.

    Parameters
    ----------
    training : TrainingSet
        Neutral segments among them; the last features as of ``spectrograms.told``, for just the
        emotions of the training.

    Returns
    -------
    BaselinedEnsemble
    """
    count = training.features.shape[1] - len(np.unique(training.emotions()))
    own = fit_baselined(TrainingSet(training.segments, training.features[:, :count]))
    return BaselinedEnsemble(**vars(own), share=_NETWORK_SHARE)


def fit_network(training: TrainingSet) -> ConvolutionalClassifier:
    """Train the convolutional network of the literature.

    Parameters
    ----------
    training : TrainingSet
        Of pictures of MFCC.

    Returns
    -------
    ConvolutionalClassifier
    """
    return ConvolutionalClassifier(epochs=_NETWORK_EPOCHS).fit(training.features, training.emotions())


def _perceptron(seed: int) -> MLPClassifier:
    return MLPClassifier(
        hidden_layer_sizes=(256,),
        alpha=3.0,
        batch_size=256,
        learning_rate_init=2e-4,
        max_iter=_EPOCHS,
        n_iter_no_change=_EPOCHS,
        random_state=seed,
    )


def _fitted(seed: int, values: np.ndarray, emotions: np.ndarray) -> MLPClassifier:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is fixed
        return _perceptron(seed).fit(values, emotions)


def _fitted_in_calls(
    seed: int, values: np.ndarray, emotions: np.ndarray, neutral: np.ndarray, draws: CallDraws
) -> MLPClassifier:
    """Train a perceptron on segments against the baselines of calls that are drawn anew in every epoch."""
    perceptron, generator = _perceptron(seed), np.random.default_rng(seed)
    classes = np.unique(emotions)
    for _ in range(_EPOCHS):
        against = values - _locations(values, neutral, draws.draw(generator))
        perceptron.partial_fit(against, emotions, classes=classes)
    return perceptron


def _locations(values: np.ndarray, neutral: np.ndarray, calls: Iterator[np.ndarray]) -> np.ndarray:
    """Estimate the baselines of many calls at once, as of ``baseline.estimate_baseline``.

    Returns
    -------
    np.ndarray [shape=(calls, features), dtype=float32]
    """
    rows = list(calls)
    members = np.concatenate(rows)
    starts = np.concatenate([[0], np.cumsum([len(call) for call in rows])])
    chosen = csr_array((neutral[members], members, starts), shape=(len(rows), len(values)))
    return (chosen @ values / (chosen.sum(axis=1) + SHRINKAGE)[:, None]).astype(np.float32)


def _unheard_neutral(values: np.ndarray, training: TrainingSet, neutral: int) -> np.ndarray:
    """Give the probability that each segment is neutral, by perceptrons that did not hear its speaker."""
    emotions, speakers = training.emotions(), training.speakers()
    found = np.empty(len(values), np.float32)
    folds = [*GroupKFold(min(_FOLDS, len(np.unique(speakers)))).split(values, groups=speakers)]
    perceptrons = Parallel()(delayed(_fitted)(0, values[known], emotions[known]) for known, _ in folds)
    for perceptron, (_, unheard) in zip(perceptrons, folds, strict=True):
        found[unheard] = perceptron.predict_proba(values[unheard])[:, neutral]
    return found
