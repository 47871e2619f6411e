"""What the pictures show is what is heard: tones at their frequency, sound and silence at their time."""

import numpy as np
import pytest

from helpers.acoustics import WIDTH, channel_of, picture_of_call, picture_of_stretch, sound_channels
from helpers.features import MEL, N_MELS, band_of, frame_features
from helpers.media import SAMPLE_RATE, Recording
from tests.conftest import bursts


def tone(hz: float, seconds: float, level: float = -20.0) -> np.ndarray:
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (10 ** (level / 20) * np.sqrt(2) * np.sin(2 * np.pi * hz * time) * 32767).astype(np.int16)


def quietly(share: float) -> None:
    """Ignore progress."""


def test_a_call_has_sound_where_it_is_and_each_channel_its_own() -> None:
    samples = np.stack([bursts((10, 20), duration=60), bursts((40, 50), duration=60)])
    pictures = picture_of_call(Recording("call", samples), 60.0, ("left", "right"), quietly)
    for channel, (start, end) in {"left": (10, 20), "right": (40, 50)}.items():
        picture = pictures[channel]
        time = (np.arange(len(picture.highest)) + 0.5) * 60 / len(picture.highest)
        inside = (time > start + 0.1) & (time < end - 0.1)
        outside = (time < start - 0.1) | (time > end + 0.1)
        assert (picture.highest[inside] > 1000).all()
        assert (picture.lowest[inside] < -1000).all()
        assert (picture.highest[outside] < 200).all()
        loudest = picture.mel.max(axis=1)
        assert loudest[inside].min() > loudest[outside].max() + 20


@pytest.mark.parametrize("seconds", [0.3, 4.0, 150.0])
def test_the_spectrogram_of_a_call_is_the_mean_of_its_frames_however_it_is_cut(seconds: float) -> None:
    """Blocks of odd lengths, shorter than a frame too, give what one block gives; no column stays empty."""
    samples = np.concatenate([tone(440, seconds / 2), tone(2000, seconds - seconds / 2)])

    class Chopped(Recording):
        def blocks(self):  # type: ignore[no-untyped-def]
            edges = [0, 100, 5000, 5001, *range(5001 + 99_991, self.samples.shape[1], 99_991)]
            return (part.T for part in np.split(self.samples, edges, axis=1) if part.size)

    whole, chopped = (
        picture_of_call(kind("call", samples[None]), seconds, ("mono",), quietly)["mono"]
        for kind in (Recording, Chopped)
    )
    np.testing.assert_allclose(chopped.mel, whole.mel, atol=0.1)
    np.testing.assert_array_equal(chopped.highest, whole.highest)
    assert 1 <= len(whole.mel) <= WIDTH
    assert whole.mel.max(axis=1).min() > -40
    for column, hz in ((1, 440), (-2, 2000)):
        assert abs(whole.mel[column].argmax() + 0.5 - band_of(hz)) < 1.5
    frames = frame_features(samples[: 8 * SAMPLE_RATE])[:, MEL]
    assert whole.mel[0].max() == pytest.approx(frames[:4].max(), abs=1.5)


def test_a_longer_call_takes_no_more_memory() -> None:
    short, long = (
        picture_of_call(Recording("call", tone(440, seconds)[None]), seconds, ("mono",), quietly)["mono"]
        for seconds in (60.0, 180.0)
    )
    assert short.nbytes == long.nbytes < 300_000


def test_a_segment_has_the_pitch_and_the_level_that_it_has() -> None:
    voice = bursts((0.5, 1.5), duration=2)
    picture, contours = picture_of_stretch(voice, 30.0)
    assert (picture.start, picture.end) == (30.0, 32.0)
    assert picture.mel.shape == (len(contours.times), N_MELS)
    inside = (contours.times > 30.55) & (contours.times < 31.45)
    assert np.nanmedian(contours.pitch[inside]) == pytest.approx(140, abs=2)
    assert np.isnan(contours.pitch[contours.times < 30.4]).mean() > 0.9
    assert contours.level[inside].mean() == pytest.approx(-20, abs=2)
    assert contours.level[contours.times < 30.4].max() < -60


def test_channels_are_found_by_the_names_of_lanes() -> None:
    block = np.array([[1, 3], [5, 9]], np.int16)
    assert channel_of(block, "left").tolist() == [1, 5]
    assert channel_of(block, "right").tolist() == [3, 9]
    assert channel_of(block, "mono").tolist() == [2, 7]
    assert channel_of(block[:, :1], "mono B").tolist() == [1, 5]
    assert sound_channels(["mono A", "mono B"]) == ("mono",)
    assert sound_channels(["right", "left"]) == ("right", "left")
