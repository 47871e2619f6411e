"""Contours know what functionals do not: the order of the frames."""

import numpy as np
import pytest

from helpers.contours import contour_names, contours, functionals_and_contours, modulation_spectrum, names
from helpers.features import MEL, SegmentFrames, cepstrum, frame_features, functionals, kept_frames
from helpers.media import SAMPLE_RATE
from tests.conftest import bursts

BANDS, MODULATIONS = 16, 6  # of frequency, of modulation


def voice(pitches: tuple[float, ...], seconds: float = 0.5) -> np.ndarray:
    """Say one tone after the other."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    tones = [sum(np.sin(2 * np.pi * pitch * k * time) / k for k in range(1, 12)) for pitch in pitches]
    return (np.concatenate(tones) * 6_000).astype(np.int16)


def swinging(hz: float) -> np.ndarray:
    """Make noise whose energy swings this often per second."""
    time = np.arange(3 * SAMPLE_RATE) / SAMPLE_RATE
    noise = np.random.default_rng(0).normal(0, 2_000, len(time))
    return (noise * (1.1 + np.sin(2 * np.pi * hz * time))).astype(np.int16)


def test_rising_and_falling_pitch_are_alike_to_functionals_and_not_to_contours() -> None:
    rising, falling = (
        SegmentFrames.of(frame_features(voice(pitches))) for pitches in ((120, 180, 240), (240, 180, 120))
    )
    assert np.abs(functionals(rising) - functionals(falling)).mean() < 2.0
    moved = contours(rising) - contours(falling)
    pitch_of_last_third = moved[contour_names().index("pitch third_2")]
    assert pitch_of_last_third == pytest.approx(12, abs=0.5)  # an octave


@pytest.mark.parametrize(("hz", "band"), [(1.5, 0), (3.0, 1), (5.0, 2), (8.0, 3), (12.0, 4), (20.0, 5)])
def test_the_modulation_spectrum_is_highest_where_energy_swings(hz: float, band: int) -> None:
    mel, _ = cepstrum(frame_features(swinging(hz))[:, MEL])
    spectrum = modulation_spectrum(mel).reshape(MODULATIONS, BANDS)
    assert spectrum.mean(axis=1).argmax() == band


def test_the_gain_of_a_recording_makes_no_difference() -> None:
    samples = bursts((0.2, 0.9), (1.2, 1.9), duration=2)
    loud, quiet = (contours(SegmentFrames.of(frame_features(samples // divisor))) for divisor in (1, 4))
    assert np.median(np.abs(loud - quiet)) < 0.02


@pytest.mark.parametrize(
    "samples",
    [np.zeros(SAMPLE_RATE, np.int16), np.full(SAMPLE_RATE, 32767, np.int16), bursts((0, 0.2), duration=0.2)],
    ids=["silence", "clipping", "short"],
)
def test_all_values_are_finite_and_as_many(samples: np.ndarray) -> None:
    values = functionals_and_contours(SegmentFrames.of(kept_frames(samples)))
    assert np.isfinite(values).all()
    assert len(values) == len(names()) == len(set(names()))


def test_bands_are_whole() -> None:
    assert (MEL.stop - MEL.start) % BANDS == 0


def test_frames_of_half_precision_are_described_as_those_of_single_precision() -> None:
    frames = kept_frames(voice((120, 180, 240)))
    half, single = (contours(SegmentFrames.of(each)) for each in (frames, frames.astype(np.float32)))
    np.testing.assert_array_equal(half, single)


def test_level_and_length_have_their_units() -> None:
    """Two seconds of noise that rises by 20 dB."""
    time = np.linspace(0, 1, 2 * SAMPLE_RATE)
    noise = np.random.default_rng(0).normal(0, 300, len(time)) * 10**time
    segment = SegmentFrames.of(frame_features(noise.astype(np.int16)))
    values = dict(zip(contour_names(), contours(segment), strict=True))
    assert 2 * values["level slope"] == pytest.approx(20, abs=0.5)
    assert values["level range"] == pytest.approx(0.75 * 20, abs=1)
    assert np.exp(values["segment length"]) == pytest.approx(200, abs=4)
    assert values["segment heard"] == 1
