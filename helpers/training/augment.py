"""Copies of clips as other channels would deliver them."""

from __future__ import annotations

import numpy as np
from scipy.signal import butter, resample_poly, sosfilt

from helpers.media import SAMPLE_RATE

PHONE_RATE = 8_000
PHONE_BAND = (300.0, 3400.0)

_MU = 255
_NARROW = 2 / 3
_MU_LAW = 1 / 2


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
    return _to_int16(_coded(signal))


def random_line(samples: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Send a clip over a line of any quality: noise, perhaps a band, gain up to clipping, perhaps µ-law.

    Parameters
    ----------
    samples : np.ndarray [shape=(n,), dtype=int16]
        At `SAMPLE_RATE`.
    generator : np.random.Generator
        Draws the line.

    Returns
    -------
    np.ndarray [shape=(n,), dtype=int16]
        At `SAMPLE_RATE`, with 10 to 40 dB between speech and noise and a peak from -20 dBFS to 6 dB of
        clipping.
    """
    signal = samples.astype(np.float64) / 32768
    signal += _noise(len(signal), generator) * _rms(signal) * 10 ** (-generator.uniform(10, 40) / 20)
    if generator.random() < _NARROW:
        band = generator.uniform(80, 400), generator.uniform(3000, 3800)
        order = int(generator.integers(2, 7))
        signal = sosfilt(butter(order, band, "bandpass", fs=SAMPLE_RATE, output="sos"), signal)
    peak = max(float(np.max(np.abs(signal), initial=0)), 1e-6)
    signal = np.clip(signal / peak * generator.uniform(0.1, 2.0), -1, 1)
    if generator.random() < _MU_LAW:
        signal = _coded(signal)
    return _to_int16(signal)


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


def _coded(signal: np.ndarray) -> np.ndarray:
    """Code at the rate of the telephone by µ-law, and decode again."""
    narrow = mu_law(resample_poly(signal, PHONE_RATE, SAMPLE_RATE))
    return resample_poly(narrow, SAMPLE_RATE, PHONE_RATE)[: len(signal)]


def _noise(length: int, generator: np.random.Generator) -> np.ndarray:
    """Draw white noise, or noise without its highest frequencies, of RMS 1."""
    noise = generator.normal(size=length)
    return np.convolve(noise, np.full(4, 0.5), "same") if generator.random() < 0.5 else noise


def _rms(signal: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(signal)))) + 1e-6


def _to_int16(signal: np.ndarray) -> np.ndarray:
    return np.clip(signal * 32768, -32768, 32767).astype(np.int16)
