"""How a segment sounds to a network that learned to tell speakers apart, from more speech than has labels.

To tell who speaks, a network must first hear how: how high, how rough, how fast, how pressed. Its last layer
forgets most of that; the layers before it still know, and that is what tells emotions apart. So the first two
of three layers are used, of the network of Wan et al. 2018, "Generalized end-to-end loss for speaker
verification", as Resemblyzer trained it on LibriSpeech and VoxCeleb. ``training.speaker_network`` says how
its file is made.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from helpers.features import LEVEL, MEL, N_FFT, N_MELS, single_precision
from helpers.parts import Part, read_part

SPEAKER_NETWORK = Part("speakers", "047e6bcf23b8500ef54e5af5bee9cf70348750f062f62b84b84ba076bebadc70")
UNITS = 256

_LEVEL = -30.0  # dBFS, at which the network heard speech
_WINDOW = 400  # samples of its frames, which begin every 10 ms as ours do
_WARM_UP = 10  # frames in which it hears too little to say anything


def embedding_names() -> list[str]:
    """Name the values of `embeddings`."""
    return [f"embedding_{unit} {functional}" for functional in ("mean", "std") for unit in range(UNITS)]


def embeddings(segments: Sequence[np.ndarray]) -> np.ndarray:
    """Describe segments by the mean and deviation of what the network's units say in their course.

    Parameters
    ----------
    segments : sequence of np.ndarray [shape=(frames, …)]
        As of ``features.kept_frames``; at least one, and few, for they are heard together.

    Returns
    -------
    np.ndarray [shape=(segments, features), dtype=float32]
        In the order of `embedding_names`.

    Raises
    ------
    ModelError
        The network is missing or is another one.
    """
    heard = np.zeros((len(segments), max(map(len, segments)), N_MELS), np.float32)
    for row, frames in zip(heard, segments, strict=True):
        row[: len(frames)] = power_at_level(single_precision(frames))
    said = read_part(SPEAKER_NETWORK).predict_proba(heard)
    courses = (
        row[min(_WARM_UP, len(frames) // 2) : len(frames)] for row, frames in zip(said, segments, strict=True)
    )
    return np.stack([np.concatenate([course.mean(axis=0), course.std(axis=0)]) for course in courses])


def power_at_level(frames: np.ndarray) -> np.ndarray:
    """Give the mel spectrum of a segment as if it were as loud as what the network learned from.

    Parameters
    ----------
    frames : np.ndarray [shape=(frames, …), dtype=float32]
        As of ``features.frame_features``.

    Returns
    -------
    np.ndarray [shape=(frames, N_MELS), dtype=float32]
        Power.
    """
    power, loudness = 10 ** (frames[:, MEL] / 10), 10 ** (frames[:, LEVEL] / 10)
    level = 10 ** (_LEVEL / 10) / loudness.mean()
    return power * np.float32(level * (_WINDOW / N_FFT) ** 2)
