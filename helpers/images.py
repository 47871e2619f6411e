"""Pictures of MFCC: what small convolutional networks of the literature look at instead of functionals.

A picture shows 2.5 s at 44.1 kHz, as coefficients over frames that are centred on their times. The definition
is librosa's, and a test holds the picture equal to librosa's own.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import scipy.fft

from helpers.features import decibels, mel_filters
from helpers.media import SAMPLE_RATE

NAME = "mfcc-image"
VERSION = 2
RATE = 44_100
SHOWN = 2.5  # seconds
N_MFCC = 39
FRAMES = 216

_N_FFT = 2048
_HOP_LENGTH = 512
_N_MELS = 128
_RANGE = 80.0  # dB, below the maximum


def image_names() -> list[str]:
    """Name the values of `mfcc_image`, row after row."""
    return [f"mfcc_{row} frame_{column}" for row in range(N_MFCC) for column in range(FRAMES)]


def mfcc_image(samples: np.ndarray) -> np.ndarray:
    """Show the first 2.5 s as a picture; what is shorter is filled up with silence.

    Parameters
    ----------
    samples : np.ndarray [shape=(n,), dtype=int16]
        One channel at `SAMPLE_RATE`.

    Returns
    -------
    np.ndarray [shape=(N_MFCC * FRAMES,), dtype=float32]
        In the order of `image_names`.
    """
    from scipy.signal import resample_poly

    shown = samples[: round(SHOWN * SAMPLE_RATE)].astype(np.float32) / 32768
    signal = resample_poly(shown, RATE // 100, SAMPLE_RATE // 100)[: round(SHOWN * RATE)]
    padded = np.zeros(_N_FFT + (FRAMES - 1) * _HOP_LENGTH, np.float32)
    padded[_N_FFT // 2 : _N_FFT // 2 + len(signal)] = signal
    frames = np.lib.stride_tricks.sliding_window_view(padded, _N_FFT)[::_HOP_LENGTH]
    spectrum = scipy.fft.rfft(frames * _window(), axis=1)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    mel = decibels(power @ mel_filters(_N_MELS, _N_FFT, RATE).T)
    mel = np.maximum(mel, mel.max() - _RANGE)
    return scipy.fft.dct(mel, axis=1, norm="ortho")[:, :N_MFCC].T.ravel().astype(np.float32)


@cache
def _window() -> np.ndarray:
    from scipy.signal import get_window

    return get_window("hann", _N_FFT).astype(np.float32)
