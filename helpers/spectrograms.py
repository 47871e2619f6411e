"""What a small network makes of a segment's log-mel spectrogram, beside its functionals and contours.

Those say what somebody thought of; a convolutional network finds by itself how pitch and energy move.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from helpers.features import MEL, N_MELS
from helpers.parts import Part, read_part

NAME = "spectrogram"
VERSION = 1
FRAMES = 200
RANGE = 80.0  # dB, below the maximum of the segment

_POOLED = 2  # frames
_LEAST = 1e-6


@dataclass(frozen=True)
class Network(Part):
    """A network that tells emotions.

    Attributes
    ----------
    emotions : tuple of str
        That it tells apart, in the order of its probabilities.
    """

    emotions: tuple[str, ...]


FOUR = Network(
    "spectrogram",
    "c0ea191220fe64daa7fc7c5ea9b0e7180e06732b012494ebfd22bc49950fdaea",
    ("angry", "happy", "neutral", "sad"),
)
SEVEN = Network(
    "spectrogram-seven",
    "e40128f19fb025df3cad70e9a1cba80adf4762edaa723e562023ced417791adc",
    ("angry", "disgust", "fearful", "happy", "neutral", "sad", "surprised"),
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


def told_names(network: Network) -> list[str]:
    """Name the values of `told`."""
    return [f"log-probability {emotion}" for emotion in network.emotions]


def told(network: Network, segments: Sequence[np.ndarray]) -> np.ndarray:
    """Ask a network of what emotion segments are.

    Parameters
    ----------
    network : Network
    segments : sequence of np.ndarray [shape=(frames, …)]
        As of ``features.kept_frames``; at least one.

    Returns
    -------
    np.ndarray [shape=(segments, emotions)]
        Logarithms of the probabilities, in the order of `told_names`.

    Raises
    ------
    ModelError
        The network is missing or is another one.
    """
    pictures = np.stack([spectrogram(frames) for frames in segments])
    return np.log(np.maximum(read_part(network).predict_proba(pictures), _LEAST))
