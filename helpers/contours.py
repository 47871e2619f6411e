"""How a segment moves: what functionals forget, for they do not know the order of the frames.

Energy that rises and falls with the syllables, and where in the segment pitch, timbre and level are high or
low.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import scipy.fft

from helpers.features import (
    HEARD_LEVEL,
    HEARD_MFCC,
    HEARD_SPECTRAL,
    N_MELS,
    N_MFCC,
    SPECTRAL_NAMES,
    SegmentFrames,
    feature_names,
    functionals,
)
from helpers.speech import FRAME

_BANDS = 16  # of neighbouring mel bands
_MODULATION = (1.0, 2.5, 4.0, 6.5, 10.0, 16.0, 30.0)  # Hz, edges of the bands of modulation
_LEAST_LENGTH = 512  # frames of a Fourier transform
_FLOOR = 1e-3  # dB²
_PARTS = 3
_SOFT, _LOUD = 0.2, 0.95  # shares of the frames that are quieter
_DYNAMICS = ("level slope", "level deviation", "level range")
_TIMING = ("segment length", "segment heard", "segment onsets")


def names() -> list[str]:
    """Name the values of `functionals_and_contours`."""
    return [*feature_names(), *contour_names()]


def functionals_and_contours(segment: SegmentFrames) -> np.ndarray:
    """Describe a segment by how it sounds, and by how it moves.

    Parameters
    ----------
    segment : SegmentFrames

    Returns
    -------
    np.ndarray [shape=(features,), dtype=float32]
        In the order of `names`.
    """
    return np.concatenate([functionals(segment), contours(segment)])


def contour_names() -> list[str]:
    """Name the values of `contours`: what moves, and how, as in ``mfcc_3 third_1``."""
    swings = [
        f"bands_{band} modulation_{rate}" for rate in range(len(_MODULATION) - 1) for band in range(_BANDS)
    ]
    moving = [*(f"mfcc_{index}" for index in range(N_MFCC)), *SPECTRAL_NAMES, "pitch"]
    course = [f"{name} third_{part}" for part in range(_PARTS) for name in moving]
    return [*swings, *course, *_DYNAMICS, *_TIMING]


def contours(segment: SegmentFrames) -> np.ndarray:
    """Describe how a segment moves.

    Parameters
    ----------
    segment : SegmentFrames

    Returns
    -------
    np.ndarray [shape=(features,), dtype=float32]
        The modulation spectrum, the course of the features, the dynamics of the level, and the timing, in the
        order of `contour_names`.
    """
    heard = segment.heard
    moving = np.concatenate([heard[:, HEARD_MFCC], heard[:, HEARD_SPECTRAL]], axis=1)
    described = [
        modulation_spectrum(segment.mel),
        _course(moving, segment.pitch),
        _dynamics(heard[:, HEARD_LEVEL]),
        _timing(segment.active, segment.pitch),
    ]
    return np.concatenate(described).astype(np.float32)


def modulation_spectrum(mel: np.ndarray) -> np.ndarray:
    """Measure how strongly the energy of each band swings, slowly and fast.

    Parameters
    ----------
    mel : np.ndarray [shape=(frames, N_MELS), dtype=float32]
        Log-mel spectrum, as of ``features.cepstrum``.

    Returns
    -------
    np.ndarray [shape=(features,)]
        Logarithm of the power of the modulation by bands of modulation, then of frequency (Greenberg and
        Kingsbury 1997, "The modulation spectrogram: in pursuit of an invariant representation of speech").
    """
    bands = _joining() @ mel.T
    swings = (bands - bands.mean(axis=1, keepdims=True)) * np.hanning(len(mel)).astype(np.float32)
    length = max(_LEAST_LENGTH, len(mel))
    spectrum = scipy.fft.rfft(swings, n=length, axis=1)
    power = (np.square(spectrum.real) + np.square(spectrum.imag)) / len(mel)
    return np.log(_rates(length) @ power.T + _FLOOR).ravel()


@cache
def _joining() -> np.ndarray:
    """Average neighbouring mel bands [shape=(_BANDS, N_MELS)]."""
    return np.kron(np.eye(_BANDS), np.full(N_MELS // _BANDS, _BANDS / N_MELS)).astype(np.float32)


@cache
def _rates(length: int) -> np.ndarray:
    """Average the frequencies of each band of modulation [shape=(bands, length // 2 + 1)]."""
    rates = scipy.fft.rfftfreq(length, FRAME)
    inside = np.array([(rates >= low) & (rates < high) for low, high in pairwise(_MODULATION)])
    return (inside / inside.sum(axis=1, keepdims=True)).astype(np.float32)


def _course(values: np.ndarray, pitch: np.ndarray) -> np.ndarray:
    """Say how far each third of what is heard lies from all of it: cepstrum, spectral shape and pitch."""
    known = ~np.isnan(pitch)
    summed = np.column_stack([values, np.where(known, pitch, 0)])
    counted = np.ones_like(summed)
    counted[:, -1] = known
    starts = [-(-len(pitch) * part // _PARTS) for part in range(_PARTS)]
    sums, counts = (np.add.reduceat(each, starts, axis=0) for each in (summed, counted))
    whole = sums.sum(axis=0) / np.maximum(counts.sum(axis=0), 1)
    return (sums / np.maximum(counts, 1) - whole).ravel()


def _dynamics(levels: np.ndarray) -> np.ndarray:
    """Say how the level rises from the beginning to the end, how far it varies, and over which range [dB]."""
    times = np.linspace(-1, 1, len(levels))
    slope = times @ levels / (times @ times)
    ranks = np.arange(len(levels)) / (len(levels) - 1)
    soft, loud = np.interp((_SOFT, _LOUD), ranks, np.sort(levels))
    return np.array([slope, levels.std(), loud - soft])


def _timing(active: np.ndarray, pitch: np.ndarray) -> np.ndarray:
    """Say how long the segment is, how much of it is heard, and how often a voiced sound begins."""
    begins = int(np.count_nonzero(np.diff((~np.isnan(pitch)).astype(np.int8)) == 1))
    return np.array([np.log(len(active)), active.mean(), np.log(max(begins, 1) / len(pitch))])
