"""What a small network makes of a segment's log-mel spectrogram, beside its functionals and contours.

Those say what somebody thought of; a convolutional network finds by itself how pitch and energy move. Its
probabilities are kept as features of the segment, so that it is asked once per segment, whatever is made of
them later. The network is a part of these features: another one makes another version of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path

import numpy as np

from helpers import contours
from helpers.errors import ModelError
from helpers.estimators import ONNX, Estimator, OnnxEstimator
from helpers.features import MEL, N_MELS, SegmentFrames
from helpers.threads import beside

NAME = "spectrogram"
VERSION = 1
PARTS = Path(__file__).parent.parent / "models" / "parts"
FRAMES = 200
RANGE = 80.0  # dB, below the maximum of the segment

_POOLED = 2  # frames
_ASKED_AT_ONCE = 8  # segments
_LEAST = 1e-6


@dataclass(frozen=True)
class Network:
    """A network that is a part of features.

    Attributes
    ----------
    name : str
        Of its file in `PARTS`.
    emotions : tuple of str
        That it tells apart, in the order of its probabilities.
    sha256 : str
        Of its file.
    """

    name: str
    emotions: tuple[str, ...]
    sha256: str


FOUR = Network(
    "spectrogram",
    ("angry", "happy", "neutral", "sad"),
    "c0ea191220fe64daa7fc7c5ea9b0e7180e06732b012494ebfd22bc49950fdaea",
)
SEVEN = Network(
    "spectrogram-seven",
    ("angry", "disgust", "fearful", "happy", "neutral", "sad", "surprised"),
    "e40128f19fb025df3cad70e9a1cba80adf4762edaa723e562023ced417791adc",
)


def spectrogram_names() -> list[str]:
    """Name the values of `spectrogram`, band after band."""
    return [f"mel_{band} step_{step}" for band in range(N_MELS) for step in range(FRAMES)]


def spectrogram(frames: np.ndarray) -> np.ndarray:
    """Show the first 4 s of a segment as a picture.

    Parameters
    ----------
    frames : np.ndarray [shape=(frames, …)]
        As of ``features.frame_features``, at least 2.

    Returns
    -------
    np.ndarray [shape=(N_MELS * FRAMES,), dtype=float32]
        Log-mel spectrum, band after band, every 20 ms, relative to its maximum [dB]; `RANGE` below it, and
        after the end, it is -`RANGE`.
    """
    count = min(len(frames) // _POOLED, FRAMES)
    mel = frames[: count * _POOLED, MEL].astype(np.float32)
    pooled = mel.reshape(count, _POOLED, N_MELS).mean(axis=1)
    picture = np.full((N_MELS, FRAMES), -RANGE, np.float32)
    picture[:, :count] = np.maximum(pooled - np.max(pooled), -RANGE).T
    return picture.ravel()


def joint_names(network: Network) -> list[str]:
    """Name the values of `joint_features`: those of ``contours.names``, and the emotions told."""
    return [*contours.names(), *(f"log-probability {emotion}" for emotion in network.emotions)]


def joint_features(network: Network, segments: Iterable[np.ndarray]) -> np.ndarray:
    """Describe segments by functionals and contours, and by what a network tells, which it does meanwhile.

    Parameters
    ----------
    network : Network
    segments : iterable of np.ndarray [shape=(frames, …)]
        As of ``features.kept_frames``.

    Returns
    -------
    np.ndarray [shape=(segments, features), dtype=float32]
        In the order of `joint_names`.

    Raises
    ------
    ModelError
        The network is missing or is another one.
    """
    estimator = _estimator(network)
    remaining = iter(segments)
    described: list[np.ndarray] = []
    told: list[Future[np.ndarray]] = []
    while batch := list(islice(remaining, _ASKED_AT_ONCE)):
        pictures = np.stack([spectrogram(frames) for frames in batch])
        if told:
            told[-1].result()  # so that no pictures pile up
        told.append(beside().submit(estimator.predict_proba, pictures))
        described += [contours.functionals_and_contours(SegmentFrames.of(frames)) for frames in batch]
    if not described:
        return np.empty((0, len(joint_names(network))), np.float32)
    logarithms = np.log(np.maximum(np.concatenate([each.result() for each in told]), _LEAST))
    return np.concatenate([described, logarithms], axis=1, dtype=np.float32)


@cache
def _estimator(network: Network) -> Estimator:
    try:
        content = (PARTS / f"{network.name}.{ONNX}").read_bytes()
    except OSError:
        raise ModelError(f"The network {network.name} is missing: restore the folder models/parts.") from None
    if hashlib.sha256(content).hexdigest() != network.sha256:
        raise ModelError(
            f"The network {network.name} is not the one that the features are defined by: restore the folder "
            "models/parts."
        )
    return OnnxEstimator(content)
