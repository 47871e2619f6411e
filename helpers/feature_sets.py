"""The feature sets that a model can be trained on and served with, by name and version."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, partial

import numpy as np

from helpers import embeddings, features, images, networks, spectrograms
from helpers.errors import ModelError
from helpers.features import HOP_LENGTH, SegmentFrames
from helpers.networks import Hearing
from helpers.spectrograms import Network

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of malloc.h
_KEPT_MEMORY = 32 * 2**20  # bytes


@dataclass(frozen=True)
class FeatureSet:
    """What a segment is described by.

    Attributes
    ----------
    name : str
    version : int
        Counted up when the same segment gets other values.
    names : callable
        Gives the names of the values.
    frames : callable
        From samples [shape=(n,), dtype=int16] of one channel at `SAMPLE_RATE` to frames [shape=(frames, …)],
        one for every 10 ms but those at the end with which none begins.
    begin : callable
        Begins to describe segments by their frames, which are iterated once, and gives what waits for their
        values; see `summaries`.
    beyond : int
        Number of those at the end.
    acoustic : callable
        From the frames of a segment to those of `ACOUSTIC`; most sets have the same.
    """

    name: str
    version: int
    names: Callable[[], list[str]]
    frames: Callable[[np.ndarray], np.ndarray]
    begin: Callable[[Iterable[np.ndarray]], Callable[[], np.ndarray]]
    beyond: int
    acoustic: Callable[[np.ndarray], np.ndarray] = np.asarray

    def summaries(self, segments: Iterable[np.ndarray]) -> np.ndarray:
        """Describe segments by their frames.

        Parameters
        ----------
        segments : iterable of np.ndarray [shape=(frames, …)]
            Iterated once.

        Returns
        -------
        np.ndarray [shape=(segments, features), dtype=float32]
            Always finite, in the order of `names`.

        Raises
        ------
        ModelError
            A network that hears them is missing or is another one.
        """
        return self.begin(segments)()

    def describe(self, samples: np.ndarray) -> np.ndarray:
        """Describe a segment.

        Parameters
        ----------
        samples : np.ndarray [shape=(n,), dtype=int16]
            At least 80 ms of one channel at `SAMPLE_RATE`.

        Returns
        -------
        np.ndarray [shape=(features,), dtype=float32]
            In the order of `names`.
        """
        return self.summaries([self.frames(samples)])[0]

    def as_entry(self) -> dict[str, str | int]:
        """Give name and version, as a model's card has them."""
        return {"name": self.name, "version": self.version}


@cache
def keep_freed_memory() -> None:
    """Have glibc reuse the memory of one piece for the next, which it gave back to the system in between.

    The system clears memory that it gives out: that took nearly half of the time. Elsewhere nothing is done.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt:
        mallopt(_M_TRIM_THRESHOLD, _KEPT_MEMORY)
        mallopt(_M_MMAP_THRESHOLD, _KEPT_MEMORY)


def _each(
    summary: Callable[[np.ndarray], np.ndarray], names: Callable[[], list[str]]
) -> Callable[[Iterable[np.ndarray]], Callable[[], np.ndarray]]:
    """Make of what describes one segment what describes several, at once."""

    def begin(segments: Iterable[np.ndarray]) -> Callable[[], np.ndarray]:
        described = [*map(summary, segments)]
        return lambda: np.array(described, np.float32).reshape(len(described), len(names()))

    return begin


def _of_each(
    name: str, version: int, names: Callable[[], list[str]], summary: Callable[[np.ndarray], np.ndarray]
) -> FeatureSet:
    """Make the set of what describes one segment by its acoustic frames."""
    return FeatureSet(name, version, names, features.kept_frames, _each(summary, names), features.BEYOND)


def _of_heard(summary: Callable[[SegmentFrames], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    return lambda frames: summary(SegmentFrames.of(frames))


def _hops(samples: np.ndarray) -> np.ndarray:
    """Part samples, for what is computed from them alone [shape=(hops, HOP_LENGTH)]."""
    return samples[: len(samples) // HOP_LENGTH * HOP_LENGTH].reshape(-1, HOP_LENGTH)


def _image_of_hops(hops: np.ndarray) -> np.ndarray:
    return images.mfcc_image(hops.ravel())


def _acoustic_of_hops(hops: np.ndarray) -> np.ndarray:
    return features.kept_frames(hops.ravel())


def _heard_by(name: str, version: int, *hearings: Hearing) -> FeatureSet:
    """Make the set of functionals, contours and what networks make of a segment."""
    return FeatureSet(
        name,
        version,
        partial(networks.names, hearings),
        features.kept_frames,
        partial(networks.describe_and_hear, hearings),
        features.BEYOND,
    )


def _told_by(network: Network) -> Hearing:
    return Hearing(partial(spectrograms.told_names, network), partial(spectrograms.told, network))


ACOUSTIC = _of_each(features.NAME, features.VERSION, features.feature_names, _of_heard(features.functionals))
SPECTROGRAM = _of_each(
    spectrograms.NAME, spectrograms.VERSION, spectrograms.spectrogram_names, spectrograms.spectrogram
)
_EMBEDDED = Hearing(embeddings.embedding_names, embeddings.embeddings)
ACOUSTIC_AND_EMBEDDED = _heard_by("acoustic and embedding", 1, _EMBEDDED)
ACOUSTIC_EMBEDDED_AND_TOLD = _heard_by(
    "acoustic, embedding and spectrogram", 1, _EMBEDDED, _told_by(spectrograms.FOUR)
)
ACOUSTIC_EMBEDDED_AND_SEVEN_TOLD = _heard_by(
    "acoustic, embedding and spectrogram, seven emotions", 1, _EMBEDDED, _told_by(spectrograms.SEVEN)
)
IMAGE = FeatureSet(
    images.NAME,
    images.VERSION,
    images.image_names,
    _hops,
    _each(_image_of_hops, images.image_names),
    0,
    acoustic=_acoustic_of_hops,
)
FEATURE_SETS = {
    each.name: each
    for each in (
        ACOUSTIC,
        ACOUSTIC_AND_EMBEDDED,
        ACOUSTIC_EMBEDDED_AND_TOLD,
        ACOUSTIC_EMBEDDED_AND_SEVEN_TOLD,
        SPECTROGRAM,
        IMAGE,
    )
}


def served_features(entry: dict[str, str | int]) -> FeatureSet:
    """Find the feature set that a card asks for.

    Parameters
    ----------
    entry : dict
        As of `FeatureSet.as_entry`.

    Returns
    -------
    FeatureSet

    Raises
    ------
    ModelError
        This program does not compute it, or in another version.
    """
    served = FEATURE_SETS.get(str(entry.get("name")))
    if served is None or served.as_entry() != entry:
        here = ", ".join(f"{each.name} {each.version}" for each in FEATURE_SETS.values())
        raise ModelError(
            f"The model needs the features {entry.get('name')} {entry.get('version')} and this program "
            f"computes {here}: train the model anew, or install the version that made it."
        )
    return served
