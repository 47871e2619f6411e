"""Copies of clips as other channels would deliver them."""

from __future__ import annotations

import numpy as np
from scipy.signal import butter, resample_poly, sosfilt

from helpers.media import SAMPLE_RATE

PHONE_RATE = 8_000
PHONE_BAND = (300.0, 3400.0)

_MU = 255


def phone_channel(samples: np.ndarray) -> np.ndarray:
    """Send a clip over a narrow-band telephone line.

    Parameters
    ----------
    samples : np.ndarray [shape=(n,), dtype=int16]
        At `SAMPLE_RATE`.

    Returns
    -------
    np.ndarray [shape=(n,), dtype=int16]
        At `SAMPLE_RATE`, after 300 to 3400 Hz, 8 kHz and 8-bit µ-law (ITU-T G.711).
    """
    band = butter(6, PHONE_BAND, "bandpass", fs=SAMPLE_RATE, output="sos")
    signal = sosfilt(band, samples.astype(np.float64) / 32768)
    narrow = mu_law(resample_poly(signal, PHONE_RATE, SAMPLE_RATE))
    wide = resample_poly(narrow, SAMPLE_RATE, PHONE_RATE)[: len(samples)]
    return np.clip(wide * 32768, -32768, 32767).astype(np.int16)


def mu_law(signal: np.ndarray) -> np.ndarray:
    """Compress to 8 bits and expand again, by the continuous µ-law that G.711 approximates.

    Parameters
    ----------
    signal : np.ndarray [shape=(n,)]
        In [-1, 1]; clipped beyond.

    Returns
    -------
    np.ndarray [shape=(n,)]
        With the quantisation noise of µ-law.
    """
    compressed = np.log1p(_MU * np.minimum(np.abs(signal), 1)) / np.log1p(_MU)
    quantised = np.round(compressed * 127) / 127
    return np.sign(signal) * np.expm1(quantised * np.log1p(_MU)) / _MU
