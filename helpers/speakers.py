"""Two speakers on one channel, told apart by their voices, neither of which is known.

A voice is what the features of a segment say of who speaks, rather than of what and how: a projection of the
means and deviations of its MFCC and of its pitch, learned from many speakers by linear discriminant analysis
(Fisher 1936). Seen from the mean of a call, two speakers lie in two directions, by which its segments are
parted (spherical k-means, Dhillon and Modha 2001). Where the parts are no clearer than one speaker's moods
are, by their silhouette (Rousseeuw 1987), there is one speaker.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from helpers.classifier import MODELS
from helpers.errors import ModelError
from helpers.feature_sets import ACOUSTIC

PROJECTION = MODELS / "voices" / "projection.json"
SCORES = MODELS / "reports" / "voices" / "scores.json"
ANY_PAIR, ONE_SPEAKER = "any two speakers", "one speaker alone"
LEAST_SEGMENTS = 8

_LEAST_SILHOUETTE = 0.2
_STARTS = 10  # of k-means, of which the best counts
_WORKING_MEMORY = 64  # MiB

_Content = TypeVar("_Content")


@dataclass(frozen=True)
class VoiceProjection:
    """What turns features into a voice, and where it comes from.

    Attributes
    ----------
    created : str
        Date of the training, ISO 8601.
    corpus, licence : str
        That it was learned from.
    speakers, segments : int
        Of the training.
    feature_set : dict
        ``name`` and ``version``.
    features : list of str
        Those that are projected, of `feature_set`.
    weights : list of list of float [shape=(features, dimensions)]
        The variance of a speaker's segments is 1 in each dimension.
    """

    created: str
    corpus: str
    licence: str
    speakers: int
    segments: int
    feature_set: dict[str, Any]
    features: list[str]
    weights: list[list[float]]

    def voices(self, vectors: np.ndarray) -> np.ndarray:
        """Project segments.

        Parameters
        ----------
        vectors : np.ndarray [shape=(segments, features)]
            Of ``feature_sets.ACOUSTIC``.

        Returns
        -------
        np.ndarray [shape=(segments, dimensions)]
        """
        places = {name: number for number, name in enumerate(ACOUSTIC.names())}
        return vectors[:, [places[name] for name in self.features]] @ np.array(self.weights)


@dataclass(frozen=True)
class VoiceScore:
    """How well voices are told apart on simulated calls of one kind.

    Attributes
    ----------
    line : str
        As of ``calls.LINES``.
    pair : str
        Whose calls.
    calls : int
    told_apart : float
        Share of the calls that were parted into two speakers, which is wrong where there is one.
    confusion : float or None
        Share of the speech time that was given to the wrong speaker in calls that were told apart, under the
        better assignment of the two: the speaker error of NIST's diarization error rate. None where there is
        one speaker.
    confusion_interval : list of float or None
        95 % over calls.
    uar_together, uar_apart : float or None
        Unweighted average recall of the emotions of both speakers, weighted by time, as one speaker and told
        apart. None where there is one speaker.
    """

    line: str
    pair: str
    calls: int
    told_apart: float
    confusion: float | None = None
    confusion_interval: list[float] | None = None
    uar_together: float | None = None
    uar_apart: float | None = None


def tell_apart(vectors: np.ndarray, projection: VoiceProjection | None = None) -> np.ndarray | None:
    """Say which of two speakers each segment is of.

    Parameters
    ----------
    vectors : np.ndarray [shape=(segments, features)]
        Of all segments of a channel in order of time, of ``feature_sets.ACOUSTIC``.
    projection : VoiceProjection, optional
        By default the one that is kept with the models.

    Returns
    -------
    np.ndarray [shape=(segments,), dtype=int] or None
        0 for who speaks first, 1 for the other; None where there is one speaker, or too little speech.

    Raises
    ------
    ModelError
        The projection is missing or damaged, or of other features.
    """
    from sklearn import config_context
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score

    if len(vectors) < LEAST_SEGMENTS:
        return None
    directions = _directions((projection or read_projection()).voices(vectors))
    if len(np.unique(directions, axis=0)) < 2:
        return None
    parted = KMeans(2, n_init=_STARTS, random_state=0).fit_predict(directions)
    with config_context(working_memory=_WORKING_MEMORY):
        clear = silhouette_score(directions, parted) >= _LEAST_SILHOUETTE
    return (parted != parted[0]).astype(int) if clear else None


def measured_error() -> str:
    """Say in a sentence how far to trust it.

    Returns
    -------
    str

    Raises
    ------
    ModelError
        The scores are missing or damaged.
    """
    phone = {score.pair: score for score in read_scores() if score.line == "phone"}
    two, one = phone[ANY_PAIR], phone[ONE_SPEAKER]
    return (
        f"Experimental: of simulated phone calls of two actors it had never heard, {two.told_apart:.0%} were "
        f"told apart, and {two.confusion:.0%} of the speech in them went to the wrong speaker; of actors who "
        f"spoke alone, {one.told_apart:.0%} were taken for two."
    )


@cache
def read_projection(path: Path = PROJECTION) -> VoiceProjection:
    """Read a projection.

    Parameters
    ----------
    path : Path
        Of what ``training.voices`` wrote.

    Returns
    -------
    VoiceProjection

    Raises
    ------
    ModelError
        It is missing or damaged, or of other features.
    """
    projection = _read(path, lambda entries: VoiceProjection(**entries))
    if projection.feature_set != ACOUSTIC.as_entry():
        raise ModelError(
            "The projection of voices is of other features than this program computes: learn it anew."
        )
    return projection


@cache
def read_scores(path: Path = SCORES) -> tuple[VoiceScore, ...]:
    """Read how well voices are told apart.

    Parameters
    ----------
    path : Path
        Of what ``training.voices`` wrote.

    Returns
    -------
    tuple of VoiceScore

    Raises
    ------
    ModelError
        They are missing or damaged.
    """
    return _read(path, lambda rows: tuple(VoiceScore(**row) for row in rows))


def _read(path: Path, parse: Callable[[Any], _Content]) -> _Content:
    try:
        return parse(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ModelError(f"{path.name} of voices is missing or damaged ({error}): restore it.") from None


def _directions(voices: np.ndarray) -> np.ndarray:
    """Give the direction of each voice from the mean of all, as unit vectors."""
    offsets = voices - voices.mean(axis=0)
    return offsets / np.maximum(np.linalg.norm(offsets, axis=1, keepdims=True), np.finfo(float).tiny)
