import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from helpers.feature_sets import ACOUSTIC
from helpers.features import (
    CHROMA,
    HOP_LENGTH,
    MEL,
    MEL_RANGE,
    N_CHROMA,
    N_FFT,
    N_MELS,
    N_MFCC,
    PITCH,
    SPECTRAL,
    WIDTH,
    SegmentFrames,
    cepstrum,
    chroma_filterbank,
    feature_names,
    frame_features,
    functionals,
    kept_frames,
    mel_filters,
)
from helpers.media import SAMPLE_RATE
from helpers.training.augment import phone_channel
from tests.conftest import bursts


def white_noise(level: float = -20, seconds: float = 2) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, 10 ** (level / 20), round(seconds * SAMPLE_RATE))
    return (np.clip(noise, -1, 1) * 32767).astype(np.int16)


def square_wave() -> np.ndarray:
    return np.tile(np.repeat(np.array([32767, -32768], np.int16), 40), 400)


def tone(hz: float, seconds: float = 1) -> np.ndarray:
    """Make a voice-like tone: many harmonics, each weaker than the one below."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    harmonics = range(1, int(SAMPLE_RATE / 2 / hz))
    voice = np.sum([np.sin(2 * np.pi * hz * k * time + k * k) / k for k in harmonics], axis=0)
    return (voice / np.abs(voice).max() * 16_000).astype(np.int16)


def sine(hz: float) -> np.ndarray:
    return (np.sin(2 * np.pi * hz * np.arange(SAMPLE_RATE) / SAMPLE_RATE) * 16_000).astype(np.int16)


@dataclass
class Parts:
    """The frame features by their names."""

    mel: np.ndarray
    mfcc: np.ndarray
    chroma: np.ndarray
    spectral: np.ndarray
    pitch: np.ndarray


def parts(samples: np.ndarray) -> Parts:
    frames = frame_features(samples)
    mel, mfcc = cepstrum(frames[:, MEL])
    return Parts(mel, mfcc, frames[:, CHROMA], frames[:, SPECTRAL], frames[:, PITCH])


def described(samples: np.ndarray) -> pd.Series:
    """Describe samples as one segment, by the names of the features."""
    return pd.Series(functionals(SegmentFrames.of(frame_features(samples))), feature_names())


# The definitions are librosa's

SIGNALS: dict[str, Callable[[], np.ndarray]] = {
    "voice": lambda: bursts((0.3, 1.2), (1.5, 1.9), duration=2),
    "soft voice": lambda: bursts((0.3, 1.2), duration=2, level=-60, noise=-80),
    "voice in digital silence": lambda: bursts((0.3, 1.2), duration=2, noise=-200),
    "noise": white_noise,
    "clipped noise": lambda: white_noise(0),
    "square wave": square_wave,
    "silence": lambda: np.zeros(8_000, np.int16),
}

each_signal = pytest.mark.parametrize("name", SIGNALS)


@cache
def both(name: str) -> tuple[Parts, dict[str, np.ndarray]]:
    """Compute our features and librosa's of a signal, each [shape=(frames, …)]."""
    import librosa

    samples = SIGNALS[name]()
    signal = samples.astype(np.float32) / 32768
    framing: dict[str, Any] = {"frame_length": N_FFT, "hop_length": HOP_LENGTH, "center": False}
    magnitude = np.abs(librosa.stft(signal, n_fft=N_FFT, hop_length=HOP_LENGTH, center=False))
    of_magnitude = {"S": magnitude, "sr": SAMPLE_RATE}
    of_power = {"S": magnitude**2, "sr": SAMPLE_RATE}

    def decibels(power: np.ndarray, top_db: float | None = None) -> np.ndarray:
        return librosa.power_to_db(power, ref=1.0, amin=1e-10, top_db=top_db)

    mel = decibels(librosa.feature.melspectrogram(**of_power, n_mels=N_MELS), top_db=MEL_RANGE)
    theirs = {
        "mel": mel,
        "mfcc": librosa.feature.mfcc(S=mel, sr=SAMPLE_RATE, n_mfcc=N_MFCC),
        "chroma": librosa.feature.chroma_stft(**of_power, tuning=0.0, n_chroma=N_CHROMA),
        "centroid": librosa.feature.spectral_centroid(**of_magnitude),
        "bandwidth": librosa.feature.spectral_bandwidth(**of_magnitude),
        "rolloff": librosa.feature.spectral_rolloff(**of_magnitude, roll_percent=0.85),
        "flatness": decibels(librosa.feature.spectral_flatness(S=magnitude, amin=1e-10, power=2.0)),
        "level": decibels(librosa.feature.rms(y=signal, **framing) ** 2),
        "zero crossings": librosa.feature.zero_crossing_rate(y=signal, **framing),
    }
    return parts(samples), {name: values.T for name, values in theirs.items()}


@each_signal
def test_log_mel_is_librosas(name: str) -> None:
    ours, theirs = both(name)
    np.testing.assert_allclose(ours.mel, theirs["mel"], atol=2e-4)


@each_signal
def test_mfcc_are_librosas(name: str) -> None:
    ours, theirs = both(name)
    np.testing.assert_allclose(ours.mfcc, theirs["mfcc"], atol=1e-3)


@each_signal
def test_chroma_is_librosas(name: str) -> None:
    ours, theirs = both(name)
    np.testing.assert_allclose(ours.chroma, theirs["chroma"], atol=2e-6)


@each_signal
@pytest.mark.parametrize(
    ("column", "feature", "tolerance"),
    [
        (0, "centroid", 0.01),  # Hz
        (1, "bandwidth", 0.01),  # Hz
        (2, "rolloff", 1e-6),  # Hz: the same bin
        (3, "flatness", 0.01),  # dB: silent bins are near the floor, where rounding counts
        (4, "level", 1e-4),  # dB
        (5, "zero crossings", 1e-7),
    ],
)
def test_the_shape_of_the_spectrum_is_librosas(
    column: int, feature: str, tolerance: float, name: str
) -> None:
    ours, theirs = both(name)
    np.testing.assert_allclose(ours.spectral[:, column], theirs[feature][:, 0], atol=tolerance, rtol=1e-6)


def test_filterbanks_are_librosas() -> None:
    import librosa.filters

    theirs = librosa.filters.mel(sr=SAMPLE_RATE, n_fft=N_FFT, n_mels=N_MELS)
    np.testing.assert_allclose(mel_filters(N_MELS, N_FFT, SAMPLE_RATE), theirs, atol=1e-8)
    theirs = librosa.filters.chroma(sr=SAMPLE_RATE, n_fft=N_FFT, n_chroma=N_CHROMA, tuning=0.0)
    np.testing.assert_allclose(chroma_filterbank(), theirs, atol=1e-7)


def test_features_need_neither_librosa_nor_numba() -> None:
    """They would compile for ten seconds on a fresh machine, and an app does not have them in memory."""
    code = (
        "import sys, numpy; from helpers.features import frame_features; "
        "frame_features(numpy.ones(16000, numpy.int16)); "
        "print(sorted({'librosa', 'numba', 'sklearn', 'av'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


# Pitch


@pytest.mark.parametrize("over_the_phone", [False, True])
@pytest.mark.parametrize("hz", [90, 120, 200, 330])
def test_pitch_is_right_in_every_frame_even_where_the_phone_took_the_fundamental(
    hz: float, over_the_phone: bool
) -> None:
    samples = phone_channel(tone(hz)) if over_the_phone else tone(hz)
    pitch = parts(samples).pitch[5:-5]
    assert np.abs(pitch - 12 * np.log2(hz / 100)).max() < 0.5


@pytest.mark.parametrize("over_the_phone", [False, True])
@pytest.mark.parametrize("hz", np.geomspace(75, 440, 20).round())
def test_no_pitch_is_an_octave_off_in_noise(hz: float, over_the_phone: bool) -> None:
    samples = tone(hz) // 2 + white_noise(-38, seconds=1)
    pitch = parts(phone_channel(samples) if over_the_phone else samples).pitch[5:-5]
    assert np.mean(np.abs(pitch - 12 * np.log2(hz / 100)) < 0.5) > 0.95


@pytest.mark.parametrize("level", [-60, -20, 0])
def test_noise_has_no_pitch(level: float) -> None:
    assert np.isnan(parts(white_noise(level, seconds=10)).pitch).mean() > 0.95
    assert described(white_noise(level))["pitch voiced"] < 0.05


def test_silence_has_no_pitch() -> None:
    assert np.isnan(parts(np.zeros(8_000, np.int16)).pitch).all()


def test_voicing_tells_a_voice_from_noise() -> None:
    voice, noise = (parts(samples).spectral[:, -1] for samples in (tone(150), white_noise()))
    assert voice.min() > 10
    assert noise.max() < 0


# Functionals


def test_names_are_unique_and_as_many_as_the_values() -> None:
    names = feature_names()
    assert len(set(names)) == len(names) == len(functionals(SegmentFrames.of(frame_features(tone(100)))))


def test_names_stand_at_their_values() -> None:
    low = described(sine(440))
    assert low["chroma_9 mean"] == pytest.approx(1)
    assert low["zero_crossings mean"] == pytest.approx(2 * 440 / SAMPLE_RATE, rel=0.02)
    assert low["rolloff p50"] == pytest.approx(440, abs=40)
    assert low["level std"] < 0.1
    assert low["mel_8 p50"] > low["mel_20 p50"] + 40
    rising = np.concatenate([tone(100, seconds=0.5), tone(200, seconds=1.5)])
    voice = described(rising)
    assert voice["pitch p10"] == pytest.approx(0, abs=0.2)
    assert voice["pitch p50"] == voice["pitch p90"] == pytest.approx(12, abs=0.2)
    assert voice["pitch mean"] == pytest.approx(9, abs=0.5)
    assert voice["pitch std"] == pytest.approx(12 * np.sqrt(3) / 4, abs=0.3)
    assert voice["pitch voiced"] > 0.98
    assert described(white_noise())["flatness mean"] > described(tone(100))["flatness mean"] + 10


def test_functionals_are_the_statistics_of_their_names() -> None:
    generator = np.random.default_rng(0)
    frames = generator.normal(size=(101, WIDTH)).astype(np.float32)
    frames[:, PITCH] = np.nan
    result = pd.Series(functionals(SegmentFrames.of(frames)), feature_names())
    values = frames[:, CHROMA][:, 3]  # a feature that does not rise with the level
    expected = {
        "mean": values.mean(),
        **{f"p{percent}": np.percentile(values, percent) for percent in (10, 25, 50, 75, 90)},
        "std": values.std(),
        "change": np.abs(np.diff(values)).mean(),
        "delta_std": (values[4:] - values[:-4]).std(),
    }
    for functional, value in expected.items():
        assert result[f"chroma_3 {functional}"] == pytest.approx(value, rel=1e-5)
    level = frames[:, SPECTRAL][:, 4].mean()
    assert result["mel_7 p75"] == pytest.approx(np.percentile(frames[:, MEL][:, 7], 75) - level, rel=1e-5)
    assert result.filter(like="pitch").tolist() == [0.0] * 7
    frames[:, PITCH] = pitch = np.where(np.arange(101) % 2, np.nan, np.arange(101) % 8)  # 2 up and 6 down
    result = pd.Series(functionals(SegmentFrames.of(frames)), feature_names())
    assert result["pitch voiced"] == pytest.approx(51 / 101)
    assert result["pitch std"] == pytest.approx(np.nanstd(pitch))
    assert result["pitch change"] == pytest.approx((38 * 2 + 12 * 3) / 50)  # a jump counts as 3 semitones


@pytest.mark.parametrize("divisor", [2, 8])
def test_the_gain_of_a_recording_does_not_count(divisor: int) -> None:
    """An exact division, so that nothing but the level changes; noise holds every band above the floor."""
    samples = bursts((0.2, 1.5), duration=2, level=-12, noise=-25) // 8 * 8
    loud, soft = described(samples), described(samples // divisor)
    np.testing.assert_allclose(loud, soft, rtol=1e-3, atol=2e-3)
    other = described(bursts((0.2, 0.9), duration=2, level=-15, noise=-25))
    assert np.mean(np.abs(loud - other) > 0.01) > 0.8  # they do tell other things apart


@pytest.mark.parametrize("noise", [-200, -75])
def test_the_width_of_the_silence_around_speech_does_not_count(noise: float) -> None:
    samples = bursts((1.0, 2.2), duration=3.2, level=-15, noise=noise)
    tight, loose = described(samples[14_400:36_800]), described(samples[8_000:44_800])
    np.testing.assert_allclose(tight, loose, rtol=1e-3, atol=2e-3)


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(16_000, np.int16),
        np.full(16_000, 12_000, np.int16),
        np.full(16_000, -32_768, np.int16),
        np.eye(1, 16_000, 8_000, dtype=np.int16)[0],
        square_wave(),
        white_noise(-85),
        white_noise(-20),
        white_noise(20),
        tone(120),
        tone(120)[:1_280],
        np.zeros(1_280, np.int16),
    ],
    ids=["silence", "offset", "rail", "click", "square", "faint", "noise", "clipped", "tone", "80 ms", "0"],
)
def test_no_signal_makes_a_value_that_is_not_finite(samples: np.ndarray) -> None:
    with np.errstate(all="raise", under="ignore"):
        values = ACOUSTIC.describe(samples)
    assert values.shape == (len(feature_names()),)
    assert values.dtype == np.float32
    assert np.isfinite(values).all()
    assert np.abs(values).max() < 1e5


# Frames


@pytest.mark.parametrize(("length", "count"), [(512, 1), (671, 1), (672, 2), (16_000, 97)])
def test_frames_lie_wholly_inside_the_samples(length: int, count: int) -> None:
    assert frame_features(tone(100)[:length]).shape == (count, WIDTH)


def test_what_is_kept_in_half_precision_describes_a_segment_alike() -> None:
    samples = bursts((0.3, 1.2), (1.5, 1.9), duration=2)
    exact, kept = (
        described(samples),
        pd.Series(functionals(SegmentFrames.of(kept_frames(samples))), feature_names()),
    )
    assert np.median(np.abs(kept - exact) / (np.abs(exact) + 1)) < 1e-3
    np.testing.assert_allclose(kept, exact, rtol=0.02, atol=0.05)
