"""Frames as WebRTC delivers them, and what becomes of each."""

import threading
import time
from collections.abc import Callable
from fractions import Fraction

import av
import numpy as np
import pandas as pd
import pytest

from helpers import microphone as module
from helpers.classifier import Model, load_model
from helpers.errors import ModelError
from helpers.live import LiveCall
from helpers.media import SAMPLE_RATE
from helpers.microphone import Microphone, Take
from tests.conftest import bursts

RATE = 48_000
FRAME = 960


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model()


@pytest.fixture
def microphone(model: Model) -> Microphone:
    return Microphone(lambda: LiveCall(model))


def frames(samples: np.ndarray, start: int = 0) -> list[av.AudioFrame]:
    """Make frames of 20 ms at 48 kHz, stereo with equal channels, numbered from `start`."""
    upsampled = np.repeat(samples, 3)
    made = []
    for number in range(len(upsampled) // FRAME):
        block = upsampled[number * FRAME : (number + 1) * FRAME]
        frame = av.AudioFrame.from_ndarray(np.repeat(block, 2)[np.newaxis], "s16", "stereo")
        frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), (start + number) * FRAME
        made.append(frame)
    return made


def stopped(microphone: Microphone) -> Take:
    take = microphone.stop()
    assert take
    return take


def test_every_frame_is_heard_and_the_recording_has_them_all(microphone: Microphone) -> None:
    samples = bursts((1, 3), duration=5)
    microphone.start("a.wav")
    for frame in frames(samples):
        microphone.receive(frame)
    take = stopped(microphone)
    assert (take.count.received, take.count.heard, take.count.refused, take.count.missing) == (250, 250, 0, 0)
    assert take.recording
    assert take.recording.name == "a.wav"
    assert take.recording.samples.shape[1] == pytest.approx(len(samples), abs=20)
    heard = take.recording.samples[0][: len(samples)].astype(float)
    assert np.corrcoef(heard, samples[: len(heard)])[0, 1] > 0.99
    assert take.view
    assert len(take.view.segments) == 1


def test_what_is_known_can_be_looked_at_while_it_goes_on(microphone: Microphone) -> None:
    microphone.start("a.wav")
    for frame in frames(bursts((0.5, 3), duration=3)):
        microphone.receive(frame)
    _wait_for(lambda: (take := microphone.take()) and take.count.heard == 150)
    take = microphone.take()
    assert take
    assert take.view
    assert take.view.duration == pytest.approx(3, abs=0.01)
    assert len(take.view.segments) == 1
    assert take.recording is None
    stopped(microphone)
    microphone.close()
    assert microphone.take() is None


def test_handing_over_a_frame_does_not_wait_for_the_analysis(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Busy(LiveCall):
        def hear(self, samples: np.ndarray) -> pd.DataFrame:
            time.sleep(0.5)
            return super().hear(samples)

    microphone = Microphone(lambda: Busy(model))
    microphone.start("a.wav")
    durations = []
    for frame in frames(bursts((0, 1), duration=1)):
        before = time.perf_counter()
        microphone.receive(frame)
        durations.append(time.perf_counter() - before)
        time.sleep(0.01)
    assert sorted(durations)[-3] < 0.05
    assert stopped(microphone).count.heard == 50


def test_what_the_network_lost_is_counted_and_filled_with_silence(microphone: Microphone) -> None:
    samples = bursts((0, 4), duration=4, noise=-200)
    received = frames(samples)
    microphone.start("a.wav")
    for frame in received[:100] + received[150:]:
        microphone.receive(frame)
    take = stopped(microphone)
    assert take.count.received == 150
    assert take.count.missing == pytest.approx(1.0, abs=0.001)
    assert take.recording
    assert take.recording.duration == pytest.approx(4, abs=0.01)
    assert not take.recording.samples[0, int(2.05 * SAMPLE_RATE) : int(2.95 * SAMPLE_RATE)].any()


def test_a_clock_that_starts_anywhere_or_jumps_back_loses_nothing(microphone: Microphone) -> None:
    samples = bursts((0, 2), duration=2)
    microphone.start("a.wav")
    for frame in frames(samples, start=123_456) + frames(samples, start=7):
        microphone.receive(frame)
    take = stopped(microphone)
    assert take.count.missing == 0
    assert take.recording
    assert take.recording.duration == pytest.approx(4, abs=0.01)


def test_frames_without_room_are_counted_and_their_time_is_kept(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_WAITING", 10)
    ready = threading.Event()

    def late() -> LiveCall:
        ready.wait()
        return LiveCall(model)

    microphone = Microphone(late)
    microphone.start("a.wav")
    sent = frames(bursts((0, 2), duration=2))
    for frame in sent[:50]:
        microphone.receive(frame)
    ready.set()
    _wait_for(lambda: (take := microphone.take()) and take.count.heard == 10)
    for frame in sent[50:55]:
        microphone.receive(frame)
    count = stopped(microphone).count
    assert (count.received, count.heard, count.refused) == (55, 15, 40)
    assert count.missing == pytest.approx(0.8, abs=0.001)


def test_frames_outside_of_a_take_go_nowhere(microphone: Microphone) -> None:
    (frame, *_) = frames(bursts((0, 1), duration=1))
    microphone.receive(frame)
    assert microphone.stop() is None
    microphone.start("a.wav")
    microphone.end()
    microphone.receive(frame)
    take = stopped(microphone)
    assert take.count.received == 0
    assert take.recording
    assert take.recording.duration == 0


def test_a_take_that_was_ended_is_finished_without_being_asked(microphone: Microphone) -> None:
    """As when the tab was closed or another page opened: nobody stops it."""
    microphone.start("a.wav")
    for frame in frames(bursts((0, 1), duration=1)):
        microphone.receive(frame)
    microphone.end()
    _wait_for(lambda: not _listening())
    assert stopped(microphone).count.heard == 50


def test_a_new_take_begins_at_nothing(microphone: Microphone) -> None:
    for seconds in (2, 1):
        microphone.start("a.wav")
        for frame in frames(bursts((0, 1), duration=seconds)):
            microphone.receive(frame)
        take = stopped(microphone)
        assert take.count.received == 50 * seconds
        assert take.recording
        assert take.recording.duration == pytest.approx(seconds, abs=0.01)


def test_stopping_again_gives_the_same_take_until_it_is_closed(microphone: Microphone) -> None:
    """A page that is interrupted between stopping and keeping the take loses nothing."""
    microphone.start("a.wav")
    assert microphone.is_listening
    for frame in frames(bursts((0, 1), duration=1)):
        microphone.receive(frame)
    first = stopped(microphone)
    assert not microphone.is_listening
    assert stopped(microphone) is first
    microphone.close()
    assert microphone.stop() is None


def test_an_error_in_the_thread_is_said_and_is_no_silence(model: Model) -> None:
    class Broken(LiveCall):
        def hear(self, samples: np.ndarray) -> pd.DataFrame:
            raise ValueError

    microphone = Microphone(lambda: Broken(model))
    microphone.start("a.wav")
    assert "stopped unexpectedly" in str(stopped(microphone).failure)


def test_no_thread_remains_when_it_is_closed(microphone: Microphone) -> None:
    microphone.start("a.wav")
    assert _listening()
    microphone.close()
    _wait_for(lambda: not _listening())
    assert microphone.take() is None
    microphone.close()


def test_a_model_that_cannot_be_loaded_is_said_not_raised() -> None:
    def refuse() -> LiveCall:
        raise ModelError("The model is not there.")

    microphone = Microphone(refuse)
    microphone.start("a.wav")
    take = stopped(microphone)
    assert str(take.failure) == "The model is not there."
    assert take.recording is None


def test_two_microphones_do_not_hear_each_other(model: Model) -> None:
    pair = [Microphone(lambda: LiveCall(model)) for _ in range(2)]
    for number, microphone in enumerate(pair):
        microphone.start(f"{number}.wav")
    for number, microphone in enumerate(pair):
        for frame in frames(bursts((0, 1), duration=number + 1)):
            microphone.receive(frame)
    assert [stopped(microphone).count.heard for microphone in pair] == [50, 100]


def test_frames_of_another_form_go_on_the_same_recording(microphone: Microphone) -> None:
    """As when the device is changed while it records."""
    samples = bursts((0, 1), duration=1)
    mono = av.AudioFrame.from_ndarray(samples[np.newaxis], "s16", "mono")
    mono.sample_rate, mono.time_base, mono.pts = SAMPLE_RATE, Fraction(1, SAMPLE_RATE), SAMPLE_RATE
    microphone.start("a.wav")
    for frame in [*frames(samples), mono]:
        microphone.receive(frame)
    take = stopped(microphone)
    assert take.recording
    assert take.recording.duration == pytest.approx(2, abs=0.01)


def _listening() -> bool:
    return any(thread.name == "microphone" and thread.is_alive() for thread in threading.enumerate())


def _wait_for(condition: Callable[[], object]) -> None:
    for _ in range(200):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it did not happen in 10 s")
