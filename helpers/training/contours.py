"""How a whole clip moves: what functionals forget, for they do not know the order of the frames.

Energy that rises and falls with the syllables, and where in the clip pitch, timbre and level are high or low.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from helpers.features import LEVEL, MEL, PITCH, SPECTRAL, active_frames, cepstrum
from helpers.speech import FRAME

_BANDS = 16  # of neighbouring mel bands
_MODULATION = (1.0, 2.5, 4.0, 6.5, 10.0, 16.0, 30.0)  # Hz, edges of the bands of modulation
_LEAST_LENGTH = 512  # frames of a Fourier transform
_FLOOR = 1e-3  # dB²
_PARTS = 3
_LOUD, _SOFT = 95, 20  # percentiles of the level


def contours(frames: np.ndarray) -> np.ndarray:
    """Describe how a clip moves.

    Parameters
    ----------
    frames : np.ndarray [shape=(frames, WIDTH)]
        As of ``features.frame_features``.

    Returns
    -------
    np.ndarray [shape=(features,), dtype=float32]
        The modulation spectrum, the course of the features, the dynamics of the level, and the timing.
    """
    active = active_frames(frames[:, LEVEL].astype(np.float32))
    heard = frames[active].astype(np.float32)
    described = [modulation_spectrum(frames), _course(heard), _dynamics(heard[:, LEVEL])]
    return np.concatenate([*described, _timing(active, heard[:, PITCH])]).astype(np.float32)


def modulation_spectrum(frames: np.ndarray) -> np.ndarray:
    """Measure how strongly the energy of each band swings, slowly and fast.

    Parameters
    ----------
    frames : np.ndarray [shape=(frames, WIDTH)]
        As of ``features.frame_features``.

    Returns
    -------
    np.ndarray [shape=(features,)]
        Logarithm of the power of the modulation by bands of modulation, then of frequency (Greenberg and
        Kingsbury 1997, "The modulation spectrogram: in pursuit of an invariant representation of speech").
    """
    mel, _ = cepstrum(frames[:, MEL].astype(np.float32))
    bands = mel.reshape(len(mel), _BANDS, -1).mean(axis=2)
    swings = (bands - bands.mean(axis=0)) * np.hanning(len(bands))[:, None]
    length = max(_LEAST_LENGTH, len(swings))
    power = np.square(np.abs(np.fft.rfft(swings, n=length, axis=0))) / len(swings)
    rates = np.fft.rfftfreq(length, FRAME)
    means = [power[(rates >= low) & (rates < high)].mean(axis=0) for low, high in pairwise(_MODULATION)]
    return np.log(np.concatenate(means) + _FLOOR)


def _course(heard: np.ndarray) -> np.ndarray:
    """Say how far each third of what is heard lies from all of it: cepstrum, spectral shape and pitch."""
    _, mfcc = cepstrum(heard[:, MEL])
    values = np.concatenate([mfcc, heard[:, SPECTRAL], heard[:, [PITCH]]], axis=1)
    whole = _means(values)
    return np.concatenate([_means(part) - whole for part in np.array_split(values, _PARTS)])


def _means(values: np.ndarray) -> np.ndarray:
    """Average each column over where it is known; 0 where it nowhere is."""
    known = ~np.isnan(values)
    return np.where(known, values, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)


def _dynamics(levels: np.ndarray) -> np.ndarray:
    """Say how the level rises from the beginning to the end, how far it varies, and over which range [dB]."""
    times = np.linspace(-1, 1, len(levels))
    slope = times @ levels / (times @ times)
    loud, soft = np.percentile(levels, (_LOUD, _SOFT))
    return np.array([slope, levels.std(), loud - soft])


def _timing(active: np.ndarray, pitch: np.ndarray) -> np.ndarray:
    """Say how long the clip is, how much of it is heard, and how often a voiced sound begins."""
    begins = int(np.count_nonzero(np.diff((~np.isnan(pitch)).astype(np.int8)) == 1))
    return np.array([np.log(len(active)), active.mean(), np.log(max(begins, 1) / len(pitch))])
