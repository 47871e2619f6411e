"""What is heard live is what a file with the same samples gives."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest

from helpers.analysis import analyze_recording
from helpers.classifier import Model, load_model
from helpers.lanes import Settings
from helpers.live import LiveCall
from helpers.media import SAMPLE_RATE, Recording, decode, mixed
from helpers.samples import SAMPLES
from helpers.speech import Segmentation
from tests.conftest import bursts


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model()


@pytest.fixture(scope="module")
def call() -> Recording:
    return mixed(decode(next(SAMPLES.glob("neutral*"))))


def hear(call: LiveCall, samples: np.ndarray, size: int) -> pd.DataFrame:
    """Feed samples in pieces of one size, and give all segments."""
    for start in range(0, len(samples), size):
        call.hear(samples[start : start + size])
    call.finish()
    return call.segments()


@pytest.mark.parametrize("size", [320, 3_200, 16_001, 10**9])
def test_the_segments_and_emotions_are_those_of_the_file(model: Model, call: Recording, size: int) -> None:
    expected = analyze_recording(call, model, Settings()).segments
    samples = call.samples[0]
    if size == 320:
        samples = samples[: 12 * SAMPLE_RATE]
        expected = analyze_recording(Recording("start", samples[np.newaxis]), model, Settings()).segments
    assert len(expected) > 2
    pd.testing.assert_frame_equal(hear(LiveCall(model), samples, size), expected)


def test_other_segmentation_is_that_of_the_file_too(model: Model, call: Recording) -> None:
    segmentation = Segmentation(threshold=12, min_silence=0.6)
    expected = analyze_recording(call, model, Settings(segmentation=segmentation)).segments
    heard = hear(LiveCall(model, segmentation), call.samples[0], 8_000)
    pd.testing.assert_frame_equal(heard, expected)
    assert len(heard) != len(hear(LiveCall(model), call.samples[0], 8_000))


def test_a_stretch_of_speech_has_its_emotion_while_it_lasts(model: Model) -> None:
    live = LiveCall(model)
    samples = bursts((1, 5), duration=8)
    for start in range(0, 3 * SAMPLE_RATE, 1_600):
        live.hear(samples[start : start + 1_600])
    segments = live.view().segments
    assert len(segments) == 1
    assert segments["start"][0] == pytest.approx(0.9, abs=0.15)
    assert segments["end"][0] == pytest.approx(3.0, abs=0.2)
    assert segments["emotion"].notna().all()
    assert live.view().duration == 3


def test_the_level_is_that_of_the_last_moment(model: Model) -> None:
    live = LiveCall(model)
    samples = bursts((1, 3), duration=6, level=-20, noise=-60)
    live.hear(samples[: 2 * SAMPLE_RATE])
    assert live.view().level == pytest.approx(-20, abs=5)
    live.hear(samples[2 * SAMPLE_RATE :])
    assert live.view().level == pytest.approx(-60, abs=2)


def test_nothing_heard_is_no_error(model: Model) -> None:
    live = LiveCall(model)
    view = live.view()
    assert (view.duration, len(view.segments)) == (0, 0)
    live.hear(np.empty(0, np.int16))
    live.finish()
    assert live.segments().empty
    assert live.recording("nothing.wav").samples.shape == (1, 0)


def test_the_recording_is_what_was_heard_last(model: Model) -> None:
    samples = np.random.default_rng(0).integers(-99, 99, 100 * SAMPLE_RATE).astype(np.int16)
    live = LiveCall(model, kept=70.0)
    for start in range(0, len(samples), 5_000):
        live.hear(samples[start : start + 5_000])
    recording = live.recording("a.wav")
    assert recording.name == "a.wav"
    np.testing.assert_array_equal(recording.samples[0], samples[-70 * SAMPLE_RATE :])


def test_memory_is_bounded_in_two_hours(model: Model) -> None:
    """What is kept is full after three minutes; from then on nothing grows."""
    live = LiveCall(model, kept=180.0)
    minute = bursts((1, 3), (30, 31.5), duration=60)
    tracemalloc.start()
    sizes = []
    for number in range(120):
        for start in range(0, len(minute), 20 * SAMPLE_RATE):
            live.hear(minute[start : start + 20 * SAMPLE_RATE])
        if number in (10, 60, 119):
            sizes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert live.view().duration == 7_200
    assert live.view().segments["start"].min() > 7_200 - 65
    assert max(sizes) < 2 * 180 * SAMPLE_RATE * 1.5 + 2e6
    assert sizes[-1] < sizes[0] * 1.1
