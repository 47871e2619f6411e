"""Acoustic features: one spectrum per frame, features of each frame, functionals per segment.

Frames lie on one grid per channel: frame ``t`` covers the `N_FFT` samples from ``t * HOP_LENGTH`` on, as
with librosa's ``center=False``. A segment has the frames that lie wholly inside it, and segments do not
overlap, so that each spectrum is computed once, and none in silence. The definitions are librosa's, and the
tests hold every feature equal to librosa's own; the code is not, because importing librosa compiles for ten
seconds on a fresh machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Self

import numpy as np
import scipy.fft

from helpers.media import SAMPLE_RATE

NAME = "acoustic"
VERSION = 1
N_FFT = 512
HOP_LENGTH = 160
N_MELS = 64
N_MFCC = 25
N_CHROMA = 12
MEL_RANGE = 60.0  # dB, below the maximum of a stretch

_PADDED = 2 * N_FFT
_FLOOR = 1e-10
_DECIBELS = float(10 / np.log(10))  # per natural logarithm, which is four times as fast as that to base 10
_ROLLOFF = 0.85
_PITCH_RANGE = (70.0, 500.0)  # Hz
_PITCH_REFERENCE = 100.0  # Hz
_CORRECTION = 0.6
_VOICED = 0.45  # of the autocorrelation at lag 0
_LEAST_VOICED_FRAMES = 5
ACTIVE_RANGE = 40.0  # dB
_LEAST_ACTIVE_FRAMES = 8
PITCH_STEP = 3.0  # semitones, beyond which a step is an error of the pitch
_DELTA = 4  # frames
SPECTRAL_NAMES = ("centroid", "bandwidth", "rolloff", "flatness", "level", "zero_crossings", "voicing")
_PERCENTILES = (10, 25, 50, 75, 90)
_LOCATIONS = ("mean", *(f"p{percentile}" for percentile in _PERCENTILES))
MEL = slice(0, N_MELS)
CHROMA = slice(MEL.stop, MEL.stop + N_CHROMA)
SPECTRAL = slice(CHROMA.stop, CHROMA.stop + len(SPECTRAL_NAMES))
LEVEL = SPECTRAL.start + SPECTRAL_NAMES.index("level")
PITCH = SPECTRAL.stop
WIDTH = PITCH + 1
BEYOND = -(-N_FFT // HOP_LENGTH) - 1  # hops at the end of a stretch with which no frame begins
HEARD_MFCC = slice(N_MELS, N_MELS + N_MFCC)  # columns of ``SegmentFrames.heard``
HEARD_SPECTRAL = slice(HEARD_MFCC.stop + N_CHROMA, HEARD_MFCC.stop + N_CHROMA + len(SPECTRAL_NAMES))
HEARD_LEVEL = HEARD_SPECTRAL.start + SPECTRAL_NAMES.index("level")

_FUNCTIONALS = (*_LOCATIONS, "std", "change", "delta_std")
_PITCH_FUNCTIONALS = ("mean", "std", "p10", "p50", "p90", "change", "voiced")


def feature_names() -> list[str]:
    """Name the values of `describe`: a frame feature and a functional, as in ``mfcc_3 std``."""
    numbered = (("mel", N_MELS), ("mfcc", N_MFCC), ("chroma", N_CHROMA))
    frame_names = [f"{name}_{index}" for name, count in numbered for index in range(count)] + [
        *SPECTRAL_NAMES
    ]
    names = [f"{name} {functional}" for functional in _FUNCTIONALS for name in frame_names]
    return names + [f"pitch {functional}" for functional in _PITCH_FUNCTIONALS]


def kept_frames(samples: np.ndarray) -> np.ndarray:
    """Compute `frame_features`, in the half precision in which they are kept: 0.03 dB, 0.05 %.

    Parameters
    ----------
    samples : np.ndarray [shape=(n,), dtype=int16]
        At least `N_FFT` samples of one channel.

    Returns
    -------
    np.ndarray [shape=(frames, WIDTH), dtype=float16]
    """
    return frame_features(samples).astype(np.float16)


def frame_features(samples: np.ndarray) -> np.ndarray:
    """Compute all features of each frame from one spectrum.

    Parameters
    ----------
    samples : np.ndarray [shape=(n,), dtype=int16]
        At least `N_FFT` samples of one channel.

    Returns
    -------
    np.ndarray [shape=(frames, WIDTH), dtype=float32]
        Of ``1 + (n - N_FFT) // HOP_LENGTH`` frames. Columns `MEL` are the log-mel spectrum [dB]; `CHROMA` the
        energy per pitch class, the strongest class being 1; `SPECTRAL` centroid, bandwidth and roll-off [Hz],
        flatness [dB], level [dBFS], share of zero crossings, and voicing, the harmonics-to-noise ratio at the
        pitch [dB]; `PITCH` the fundamental frequency [semitones above 100 Hz], NaN in unvoiced frames.
    """
    signal = samples.astype(np.float32) / 32768
    frames = np.lib.stride_tricks.sliding_window_view(signal, N_FFT)[::HOP_LENGTH]
    padded = np.zeros(
        (len(frames), _PADDED), np.float32
    )  # by hand: scipy.fft takes four times as long for it
    np.multiply(frames, _window(), out=padded[:, :N_FFT])
    spectrum = scipy.fft.rfft(padded, axis=1)
    padded_power = np.square(spectrum.real) + np.square(spectrum.imag)
    power = np.ascontiguousarray(padded_power[:, ::2])
    pitch, voicing = _pitch(padded_power)
    values = np.empty((len(frames), WIDTH), np.float32)
    values[:, MEL] = decibels(power @ mel_filters(N_MELS, N_FFT, SAMPLE_RATE).T)
    values[:, CHROMA] = _normalised(power @ chroma_filterbank().T)
    values[:, SPECTRAL] = np.column_stack([*_shape(power), _level(frames), _zero_crossings(frames), voicing])
    values[:, PITCH] = pitch
    return values


def cepstrum(mel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bound the range of a log-mel spectrum, and compute its cepstral coefficients.

    Parameters
    ----------
    mel : np.ndarray [shape=(frames, N_MELS)]
        Of one stretch [dB].

    Returns
    -------
    mel : np.ndarray [shape=(frames, N_MELS)]
        At least `MEL_RANGE` below the maximum of the stretch.
    mfcc : np.ndarray [shape=(frames, N_MFCC)]
        Mel-frequency cepstral coefficients.
    """
    bounded = np.maximum(mel, mel.max() - MEL_RANGE)
    return bounded, bounded @ _cosines().T


@dataclass(frozen=True, eq=False)
class SegmentFrames:
    """The frames of one segment, as whatever describes it needs them.

    Frames more than 40 dB below the loudest do not count, so that it makes no difference how much of the
    silence around speech a segment has, and whether the line fills it with noise.

    Attributes
    ----------
    mel : np.ndarray [shape=(frames, N_MELS)]
        Log-mel spectrum, as of `cepstrum`.
    active : np.ndarray [shape=(frames,), dtype=bool]
        Which frames count, from `active_frames`.
    heard : np.ndarray [shape=(active, N_MELS + N_MFCC + N_CHROMA + spectral)]
        Of those that count: `mel`, mel-frequency cepstral coefficients (`HEARD_MFCC`), chroma and spectral
        features (`HEARD_SPECTRAL`).
    pitch : np.ndarray [shape=(active,)]
        Of those that count, NaN in unvoiced ones.
    """

    mel: np.ndarray
    active: np.ndarray
    heard: np.ndarray
    pitch: np.ndarray

    @classmethod
    def of(cls, frames: np.ndarray) -> Self:
        """Take frames [shape=(frames, WIDTH)] of `frame_features` or `kept_frames`, at least 8."""
        frames = single_precision(frames)
        mel, mfcc = cepstrum(frames[:, MEL])
        active = active_frames(frames[:, LEVEL])
        heard = np.concatenate((mel, mfcc, frames[:, CHROMA.start : SPECTRAL.stop]), axis=1)[active]
        return cls(mel, active, heard, frames[active, PITCH])


def functionals(segment: SegmentFrames) -> np.ndarray:
    """Summarise frames by statistics that depend neither on the gain of the recording nor on its silence.

    Parameters
    ----------
    segment : SegmentFrames

    Returns
    -------
    np.ndarray [shape=(features,), dtype=float32]
        In the order of `feature_names`.
    """
    values = segment.heard
    ordered = np.sort(values.T, axis=1)
    ranks = [round(percentile / 100 * (len(values) - 1)) for percentile in _PERCENTILES]
    mean = values.mean(axis=0)
    locations = np.stack([mean, *ordered[:, ranks].T])
    locations -= _level_shares() * mean[HEARD_LEVEL]
    change = np.abs(np.diff(values, axis=0)).mean(axis=0)
    deltas = values[_DELTA:] - values[:-_DELTA]
    spreads = [_deviation(values, mean), change, _deviation(deltas, deltas.mean(axis=0))]
    described = [*locations, *spreads, _pitch_functionals(segment.pitch)]
    return np.concatenate(described).astype(np.float32)


def mel_power(samples: np.ndarray, hop: int) -> np.ndarray:
    """Compute the mel spectrum alone, as far apart as a picture needs it.

    Parameters
    ----------
    samples : np.ndarray [shape=(n,), dtype=int16]
        At least `N_FFT` samples of one channel.
    hop : int > 0
        From one frame to the next [samples].

    Returns
    -------
    np.ndarray [shape=(frames, N_MELS), dtype=float32]
        Power, of which `frame_features` has the decibels.
    """
    frames = np.lib.stride_tricks.sliding_window_view(samples, N_FFT)[::hop].astype(np.float32) / 32768
    spectrum = scipy.fft.rfft(frames * _window(), axis=1)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    return power @ mel_filters(N_MELS, N_FFT, SAMPLE_RATE).T


def band_of(hz: float) -> float:
    """Say where among the mel bands a frequency lies; 0.5 is the middle of the first."""
    return _slaney_mel(hz) / _slaney_mel(SAMPLE_RATE / 2) * (N_MELS + 1) - 0.5


def to_hz(semitones: np.ndarray) -> np.ndarray:
    """Convert the pitch of `frame_features` to its frequency [Hz]."""
    return _PITCH_REFERENCE * 2 ** (semitones / 12)


@cache
def mel_filters(n_mels: int, n_fft: int, rate: int) -> np.ndarray:
    """Make triangular filters on Slaney's mel scale, normalised by area, as ``librosa.filters.mel``.

    Parameters
    ----------
    n_mels, n_fft : int
        Number of filters, length of a frame [samples].
    rate : int
        Of the sampling [Hz].

    Returns
    -------
    np.ndarray [shape=(n_mels, n_fft // 2 + 1), dtype=float32]
        From 0 Hz to half of `rate`.
    """
    edges = _slaney_hz(np.linspace(0, _slaney_mel(rate / 2), n_mels + 2))
    ramps = edges[:, None] - np.arange(n_fft // 2 + 1) * rate / n_fft
    widths = np.diff(edges)[:, None]
    filters = np.maximum(0, np.minimum(-ramps[:-2] / widths[:-1], ramps[2:] / widths[1:]))
    return (filters * 2 / (edges[2:] - edges[:-2])[:, None]).astype(np.float32)


@cache
def chroma_filterbank() -> np.ndarray:
    """Make octave-folding filters tuned to A440, as ``librosa.filters.chroma`` with ``tuning=0``.

    Returns
    -------
    np.ndarray [shape=(N_CHROMA, N_FFT // 2 + 1), dtype=float32]
        From C on; Ellis (2007), "Chroma feature analysis and synthesis".
    """
    octaves = np.log2(np.arange(1, N_FFT) * SAMPLE_RATE / N_FFT / (440 / 16))
    octaves = np.concatenate([octaves[:1] - 1.5, octaves])
    widths = np.concatenate([np.maximum(np.diff(octaves) * N_CHROMA, 1), [1]])
    half = N_CHROMA // 2
    distance = (octaves * N_CHROMA - np.arange(N_CHROMA)[:, None] + half) % N_CHROMA - half
    filters = np.exp(-0.5 * (2 * distance / widths) ** 2)
    filters /= np.linalg.norm(filters, axis=0)
    filters *= np.exp(-0.5 * ((octaves - 5) / 2) ** 2)
    from_c = np.roll(filters, -3, axis=0)
    return from_c[:, : N_FFT // 2 + 1].astype(np.float32)


@cache
def _window() -> np.ndarray:
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(N_FFT) / N_FFT)).astype(np.float32)


@cache
def _cosines() -> np.ndarray:
    """First rows of the orthonormal DCT-II [shape=(N_MFCC, N_MELS)]."""
    return scipy.fft.dct(np.eye(N_MELS), axis=0, norm="ortho")[:N_MFCC].astype(np.float32)


@cache
def _moments() -> np.ndarray:
    """First and second power of each frequency [kHz, shape=(N_FFT // 2 + 1, 2)]."""
    frequencies = np.arange(N_FFT // 2 + 1) * SAMPLE_RATE / N_FFT / 1000
    return np.stack([frequencies, np.square(frequencies)], axis=1).astype(np.float32)


@cache
def _level_shares() -> np.ndarray:
    """By how much each frame feature rises when the signal rises by 1 dB."""
    shares = np.zeros(HEARD_SPECTRAL.stop, np.float32)
    shares[:N_MELS] = shares[HEARD_LEVEL] = 1
    shares[N_MELS] = np.sqrt(N_MELS)
    return shares


def _slaney_mel(hz: float) -> float:
    """Convert to mel (Slaney 1998, "Auditory Toolbox")."""
    return 15 + np.log(hz / 1000) / (np.log(6.4) / 27) if hz > 1000 else hz * 3 / 200


def _slaney_hz(mel: np.ndarray) -> np.ndarray:
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))


def decibels(power: np.ndarray) -> np.ndarray:
    """Convert power to dB, from -100 dB on."""
    return _DECIBELS * np.log(np.maximum(power, _FLOOR))


def active_frames(levels: np.ndarray) -> np.ndarray:
    """Choose the frames that count: those at most `ACTIVE_RANGE` below the loudest, or all if they are few.

    Parameters
    ----------
    levels : np.ndarray [shape=(frames,)]
        Of the frames of one segment [dBFS].

    Returns
    -------
    np.ndarray [shape=(frames,), dtype=bool]
    """
    active = levels > levels.max() - ACTIVE_RANGE
    return active if active.sum() >= _LEAST_ACTIVE_FRAMES else np.ones_like(active)


def _normalised(chroma: np.ndarray) -> np.ndarray:
    return chroma / np.maximum(chroma.max(axis=1, keepdims=True), np.finfo(np.float32).tiny)


def _shape(power: np.ndarray) -> tuple[np.ndarray, ...]:
    """Centroid, bandwidth and roll-off of the magnitudes [Hz], flatness of the power [dB]."""
    magnitude = np.sqrt(power)
    cumulated = np.cumsum(magnitude, axis=1)
    total = np.maximum(cumulated[:, -1:], np.finfo(np.float32).tiny)
    mean, square = (magnitude @ _moments() / total).T
    rolloff = np.count_nonzero(cumulated < _ROLLOFF * cumulated[:, -1:], axis=1) * np.float32(
        SAMPLE_RATE / N_FFT
    )
    floored = np.maximum(power, _FLOOR)
    half = floored.shape[1] // 2
    paired = floored[:, :half] * floored[:, half : 2 * half]  # one logarithm for two
    logarithms = np.log(paired).sum(axis=1) + np.log(floored[:, 2 * half :]).sum(axis=1)
    flatness = _DECIBELS * (logarithms / floored.shape[1] - np.log(floored.mean(axis=1)))
    spread = np.sqrt(np.maximum(square - np.square(mean), 0))
    return 1000 * mean, 1000 * spread, rolloff, flatness


@cache
def _half_precision_values() -> np.ndarray:
    """All values of half precision, in single precision, by their bits."""
    return np.arange(2**16, dtype=np.uint16).view(np.float16).astype(np.float32)


def single_precision(frames: np.ndarray) -> np.ndarray:
    """Convert frames of half precision, in a third of the time that NumPy takes for it."""
    if frames.dtype != np.float16:
        return frames.astype(np.float32, copy=False)
    return _half_precision_values().take(frames.view(np.uint16))


def _deviation(values: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Compute the standard deviation of each column, whose mean is known."""
    rest = values - mean
    return np.sqrt(np.einsum("ij,ij->j", rest, rest) / len(values))


def _level(frames: np.ndarray) -> np.ndarray:
    return decibels(np.einsum("ij,ij->i", frames, frames) / N_FFT)


def _zero_crossings(frames: np.ndarray) -> np.ndarray:
    signs = np.signbit(frames)
    return np.count_nonzero(signs[:, 1:] != signs[:, :-1], axis=1) / N_FFT


@cache
def _window_autocorrelation() -> np.ndarray:
    autocorrelation = scipy.fft.irfft(np.square(np.abs(scipy.fft.rfft(_window(), _PADDED))))
    return (autocorrelation / autocorrelation[0]).astype(np.float32)


def _pitch(padded_power: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the strongest period by autocorrelation, corrected for the window.

    After Boersma (1993), "Accurate short-term analysis of the fundamental frequency and the
    harmonics-to-noise ratio of a sampled sound". Harmonics suffice, so it works on the phone's band. The
    correction raises noise at long periods, so that it counts only in part while periods compete: else twice
    the period often wins, an octave too low.

    Returns
    -------
    pitch : np.ndarray [shape=(frames,)]
        Semitones above 100 Hz, NaN in unvoiced frames.
    voicing : np.ndarray [shape=(frames,)]
        Harmonics-to-noise ratio [dB].
    """
    shortest, longest = (round(SAMPLE_RATE / hz) for hz in reversed(_PITCH_RANGE))
    autocorrelation = scipy.fft.dct(padded_power, type=1, axis=1)[:, :longest]  # of an even spectrum
    window = _window_autocorrelation()[shortest:longest]
    best = np.argmax(autocorrelation[:, shortest:] * window**-_CORRECTION, axis=1)
    strongest = np.take_along_axis(autocorrelation, shortest + best[:, None], axis=1)[:, 0]
    strength = strongest / np.maximum(autocorrelation[:, 0], 1e-9) / window[best]
    semitones = 12 * np.log2(SAMPLE_RATE / (shortest + best) / _PITCH_REFERENCE)
    harmonic = np.clip(strength, 0.01, 0.999)
    return np.where(strength > _VOICED, semitones, np.nan), 10 * np.log10(harmonic / (1 - harmonic))


def _pitch_functionals(pitch: np.ndarray) -> np.ndarray:
    """Mean, deviation, percentiles and change of the voiced frames [semitones], and their share."""
    voiced = pitch[~np.isnan(pitch)]
    if len(voiced) < _LEAST_VOICED_FRAMES:
        return np.zeros(len(_PITCH_FUNCTIONALS))
    steps = np.abs(np.diff(voiced))
    change = np.minimum(steps, PITCH_STEP).mean()
    ranks = np.arange(len(voiced)) / (len(voiced) - 1)
    percentiles = np.interp((0.1, 0.5, 0.9), ranks, np.sort(voiced))
    mean = voiced.mean(keepdims=True)
    (deviation,) = _deviation(voiced[:, None], mean)
    return np.array([*mean, deviation, *percentiles, change, len(voiced) / len(pitch)])
