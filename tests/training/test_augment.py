from collections.abc import Callable

import numpy as np
import pytest

from helpers.media import SAMPLE_RATE
from helpers.speech import frame_levels
from helpers.training.augment import (
    CODECS,
    RandomLine,
    _noise,
    at_speed,
    coded,
    mu_law,
    phone_channel,
    random_room,
    to_int16,
)
from tests.conftest import bursts


def white_noise(seconds: float = 2, level: float = -12) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, 10 ** (level / 20), round(seconds * SAMPLE_RATE))
    return (np.clip(noise, -1, 1) * 32767).astype(np.int16)


def band_level(samples: np.ndarray, low: float, high: float) -> float:
    """Measure the power per hertz of a band [dB]."""
    power = np.square(np.abs(np.fft.rfft(samples.astype(float) * np.hanning(len(samples)))))
    frequencies = np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE)
    return float(10 * np.log10(power[(frequencies >= low) & (frequencies < high)].mean()))


def a_random_line(samples: np.ndarray) -> np.ndarray:
    generator = np.random.default_rng(3)
    return RandomLine.draw(generator).send(samples, generator)


@pytest.mark.parametrize(("low", "high"), [(0, 200), (3_800, 4_000), (4_000, 8_000)])
def test_the_phone_lets_nothing_through_beside_its_band(low: float, high: float) -> None:
    noise = white_noise()
    heard = phone_channel(noise)
    assert band_level(heard, low, high) < band_level(heard, 500, 3_000) - 15
    assert band_level(heard, low, high) < band_level(noise, low, high) - 15


def test_the_phone_keeps_level_and_timing_of_what_lies_in_its_band() -> None:
    noise = white_noise()
    heard = phone_channel(noise)
    assert band_level(heard, 500, 3_000) == pytest.approx(band_level(noise, 500, 3_000), abs=0.5)
    voice = bursts((0.5, 1.5), duration=2, noise=-200)
    loud = np.flatnonzero(np.abs(phone_channel(voice)) > 500) / SAMPLE_RATE
    assert loud[0] == pytest.approx(0.5, abs=0.02)
    assert loud[-1] == pytest.approx(1.5, abs=0.02)


@pytest.mark.parametrize("channel", [phone_channel, a_random_line])
@pytest.mark.parametrize("length", [160, 161, 1_000, 32_003])
def test_no_channel_changes_length_or_type(channel: Callable[[np.ndarray], np.ndarray], length: int) -> None:
    samples = white_noise(3)[:length]
    before = samples.copy()
    heard = channel(samples)
    assert (heard.shape, heard.dtype) == (samples.shape, np.dtype(np.int16))
    np.testing.assert_array_equal(samples, before)


@pytest.mark.parametrize("channel", [phone_channel, a_random_line])
def test_full_scale_clips_and_does_not_wrap_around(channel: Callable[[np.ndarray], np.ndarray]) -> None:
    square = np.tile(np.repeat(np.array([32767, -32768], np.int16), 8), 500)
    sine = 10_000 * np.sin(2 * np.pi * 1_000 * np.arange(len(square)) / SAMPLE_RATE)
    heard, reference = channel(square).astype(float), channel(sine.astype(np.int16)).astype(float)
    assert np.abs(heard).max() <= 32_768
    assert np.corrcoef(heard, reference)[0, 1] > 0.8


def test_silence_stays_silent_on_the_phone() -> None:
    assert not phone_channel(np.zeros(16_000, np.int16)).any()


def test_the_phone_is_heard_with_the_noise_of_eight_bits() -> None:
    """Each level of a sound is quantised anew, so that half the sound is not half of what is heard."""
    voice = bursts((0, 2), duration=2, noise=-200)
    whole, half = phone_channel(voice // 2 * 2).astype(float), phone_channel(voice // 2).astype(float)
    noise = 10 * np.log10(np.var(whole - 2 * half) / np.var(whole))
    assert -40 < noise < -30


def test_mu_law_is_never_more_than_half_a_step_off() -> None:
    signal = np.linspace(-1, 1, 20_001)
    coded = mu_law(signal)

    def compressed(values: np.ndarray) -> np.ndarray:
        return np.sign(values) * np.log1p(255 * np.abs(values)) / np.log1p(255)

    error = np.abs(compressed(coded) - compressed(signal))
    assert error.max() <= 0.5 / 127 + 1e-9
    assert error.max() > 0.49 / 127
    assert len(np.unique(coded.round(12))) == 255
    np.testing.assert_allclose(coded, -coded[::-1], atol=1e-12)


def test_mu_law_clips_beyond_full_scale_and_keeps_codes_fixed() -> None:
    np.testing.assert_allclose(mu_law(np.array([-3.0, -1.0, 0.0, 1.0, 3.0])), [-1, -1, 0, 1, 1], atol=1e-12)
    coded = mu_law(np.linspace(-1, 1, 999))
    np.testing.assert_allclose(mu_law(coded), coded, atol=1e-12)


def test_a_random_line_is_drawn_by_its_generator_alone() -> None:
    voice = bursts((0.2, 1.8), duration=2)
    np.testing.assert_array_equal(a_random_line(voice), a_random_line(voice))
    generator = np.random.default_rng(0)
    heard = [RandomLine.draw(generator).send(voice, generator) for _ in range(12)]
    peaks = [int(np.abs(samples.astype(int)).max()) for samples in heard]
    assert len({samples.tobytes() for samples in heard}) == 12
    assert max(peaks) > 2.5 * min(peaks)
    highs = [band_level(samples, 5_000, 7_500) - band_level(samples, 500, 3_000) for samples in heard]
    assert max(highs) - min(highs) > 10
    for samples in heard:
        levels = frame_levels(samples)
        assert levels[30:170].mean() > levels[:15].mean() + 5  # still speech, where it was


def test_two_clips_share_what_a_line_does_to_them() -> None:
    """The noise differs, the band does not."""
    voice = bursts((0.2, 1.8), duration=2)
    generator = np.random.default_rng(0)
    lines = [RandomLine.draw(generator) for _ in range(8)]
    tilts = np.array(
        [
            [band_level(heard, 3_500, 7_500) - band_level(heard, 500, 3_000) for heard in sent]
            for sent in ([line.send(voice, generator) for _ in range(3)] for line in lines)
        ]
    )
    assert tilts.std(axis=1).mean() < tilts.mean(axis=1).std() / 3


def test_a_room_has_its_sound_first_and_then_dies_away() -> None:
    generator = np.random.default_rng(0)
    for _ in range(20):
        room = random_room(generator)
        assert np.argmax(np.abs(room)) == 0
        assert np.sum(room**2) == pytest.approx(1)
        half = len(room) // 2
        assert np.sum(room[:half] ** 2) > 100 * np.sum(room[half:] ** 2)


@pytest.mark.parametrize(("codec", "container"), CODECS)
def test_a_coding_keeps_length_and_place_of_speech_and_loses_what_the_phone_does(
    codec: str, container: str
) -> None:
    voice = bursts((0.5, 1.5), duration=2)
    heard = to_int16(coded(voice / 32768, codec, container))
    assert len(heard) == len(voice)
    levels = frame_levels(heard)
    assert levels[55:145].mean() > max(levels[:45].mean(), levels[160:].mean()) + 20
    assert band_level(heard, 4_500, 7_500) < band_level(heard, 500, 3_000) - 30


@pytest.mark.parametrize("speed", [0.9, 1.0, 1.1])
def test_at_another_speed_a_clip_is_as_much_shorter_as_it_is_higher(speed: float) -> None:
    time = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    played = at_speed((10_000 * np.sin(2 * np.pi * 440 * time)).astype(np.int16), speed)
    assert len(played) == pytest.approx(len(time) / speed, abs=1)
    spectrum = np.abs(np.fft.rfft(played[:SAMPLE_RATE].astype(float)))
    assert int(spectrum.argmax()) == pytest.approx(440 * speed, abs=1)


@pytest.mark.parametrize("length", [16_001, 47_563, 64_000])  # primes among them
def test_noise_is_as_long_and_as_loud_as_is_asked(length: int) -> None:
    noise = _noise(length, 0.5, np.random.default_rng(0), swelling=True)
    assert len(noise) == length
    assert np.sqrt(np.mean(np.square(noise))) == pytest.approx(1, abs=1e-3)
