"""A recording heard piece by piece is what it is in one go, and needs memory for its speech alone."""

import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from helpers.errors import ModelError
from helpers.feature_sets import ACOUSTIC, FEATURE_SETS, FeatureSet
from helpers.frames import CallFrames, NotKeptError, hear
from helpers.lanes import Settings
from helpers.media import SAMPLE_RATE, Recording, Sound, decode, open_recording
from helpers.networks import SORTED
from helpers.samples import SAMPLES
from helpers.speech import NARROWEST, WIDEST, Segmentation, find_segments, frame_levels
from helpers.threads import beside
from tests.conftest import bursts

LENGTHS = {"shortest": 1.0, "longest": 4.0}
# A feature set for each kind of frames that there is: those of the others are the same.
EACH_FRAMES = {each.frames: each for each in FEATURE_SETS.values()}


@dataclass
class InBlocks:
    """A recording that comes in blocks of any lengths."""

    recording: Recording
    generator: np.random.Generator
    name: str = "call.wav"
    browser_type: str | None = None
    warnings: tuple[str, ...] = ()
    has_pictures: bool = False

    @property
    def duration(self) -> float:
        return self.recording.duration

    def blocks(self) -> Iterator[np.ndarray]:
        cuts = np.sort(self.generator.integers(0, self.recording.samples.shape[1], 40))
        yield from np.split(self.recording.samples.T, cuts)


def call(seed: int, seconds: float = 100) -> np.ndarray:
    """Speech of random lengths after random pauses, also at the very start and end."""
    generator = np.random.default_rng(seed)
    spans, time = [], float(generator.choice([0, 0.02, 2]))
    while time < seconds:
        length = float(generator.choice([0.12, 0.25, 0.5, 1, 3, 9]))
        spans.append((time, min(time + length, seconds)))
        time += length + float(generator.choice([0.15, 0.4, 0.8, 1.7, 3, 20]))
    return bursts(*spans, duration=seconds, noise=float(generator.choice([-90, -55, -40])))


def listen(sound: Sound, settings: Settings, feature_set: FeatureSet = ACOUSTIC) -> CallFrames:
    return hear(sound, settings, feature_set, shortest=1.0, longest=4.0)


def heard(samples: np.ndarray, settings: Settings) -> CallFrames:
    return listen(Recording("call.wav", np.atleast_2d(samples)), settings)


@pytest.mark.parametrize("feature_set", EACH_FRAMES.values(), ids=lambda feature_set: feature_set.name)
@pytest.mark.parametrize("seed", range(6))
def test_segments_are_described_as_in_one_go_however_the_blocks_come(
    seed: int, feature_set: FeatureSet
) -> None:
    samples, settings = call(seed), Settings(segmentation=Segmentation())
    blocks = InBlocks(Recording("call.wav", samples[None]), np.random.default_rng(seed))
    (lane,) = listen(blocks, settings, feature_set).lanes
    np.testing.assert_array_equal(lane.loudness.levels, frame_levels(samples))
    segments = lane.segments(settings.segmentation, **LENGTHS)
    np.testing.assert_array_equal(segments, find_segments(samples, settings.segmentation, **LENGTHS))
    assert len(segments) > 3
    for start, end in segments.to_numpy():
        alone = feature_set.frames(samples[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)])
        kept = lane.between(start, end)
        assert kept.shape == alone.shape
        spread = np.nanmax(np.abs(alone.astype(float)), axis=0) + 1
        gaps = np.abs(kept.astype(float) - alone) / spread
        assert np.nanmax(gaps) < 2e-3  # the last place of half precision
        assert (np.isnan(kept) == np.isnan(alone)).mean() > 0.999


@pytest.mark.parametrize("seed", range(8))
def test_frames_are_kept_for_all_settings_that_the_page_offers(seed: int) -> None:
    generator = np.random.default_rng(seed)
    (lane,) = heard(call(seed), Settings(segmentation=WIDEST)).lanes
    for _ in range(25):
        share = generator.uniform(size=3)
        threshold, min_speech, min_silence = (
            WIDEST_VALUES + share * (NARROWEST_VALUES - WIDEST_VALUES)  # anywhere between both ends
        )
        settings = Segmentation(threshold, min_speech, min_silence)
        assert WIDEST.covers(settings)
        for start, end in lane.segments(settings, **LENGTHS).to_numpy():
            assert len(lane.between(start, end)) == round((end - start) * 100) - ACOUSTIC.beyond


WIDEST_VALUES, NARROWEST_VALUES = (
    np.array([each.threshold, each.min_speech, each.min_silence]) for each in (WIDEST, NARROWEST)
)


@pytest.mark.parametrize("rest", [0, 1, 31, 32, 159])
@pytest.mark.parametrize("frames", [401, 402, 403, 404, 405])
def test_the_end_of_a_recording_may_lie_anywhere(frames: int, rest: int) -> None:
    """Frames are computed 400 together, and the last three have no whole window."""
    samples = bursts((0, 9), duration=9)[: frames * 160 + rest]
    sound = Recording("call.wav", samples[np.newaxis])
    (lane,) = hear(sound, Settings(), ACOUSTIC, shortest=1.0, longest=10.0).lanes
    segments = lane.segments(Segmentation(), shortest=1.0, longest=10.0)
    assert segments.to_numpy().tolist() == [[0, frames / 100]]
    assert len(lane.between(0, frames / 100)) == frames - ACOUSTIC.beyond


def test_a_recording_without_any_sample_has_no_frames() -> None:
    (lane,) = heard(np.zeros((1, 0), np.int16), Settings()).lanes
    assert not lane.pieces
    assert not lane.sounds


def test_what_was_not_kept_is_not_made_up() -> None:
    (lane,) = heard(bursts((2, 4), duration=40), Settings()).lanes
    with pytest.raises(NotKeptError):
        lane.between(20, 22)
    with pytest.raises(NotKeptError):
        lane.between(0, 3)


def test_silence_costs_no_frames() -> None:
    spoken = heard(bursts((2, 12), duration=20), Settings())
    with_silence = heard(bursts((2, 12), duration=600), Settings())
    assert with_silence.nbytes - spoken.nbytes < 6 * 580 * 100  # a level per frame, four figures per step
    assert spoken.nbytes < 14 * 100 * 200


def test_who_is_not_analysed_has_times_and_no_frames() -> None:
    both = np.stack([bursts((1, 3), duration=8), bursts((4, 6), duration=8)])
    customer, agent = heard(both, Settings(customer="left")).lanes
    assert (customer.lane.role, agent.lane.role) == ("customer", "agent")
    assert customer.pieces
    assert not agent.pieces
    assert len(agent.segments(Segmentation(), **LENGTHS)) == 1


def test_channels_that_part_after_a_silent_beginning_are_heard_apart() -> None:
    """The first five minutes hold nothing, so that more is needed to tell who is heard where."""
    late = np.zeros((2, 420 * SAMPLE_RATE), np.int16)
    late[0, 400 * SAMPLE_RATE :] = bursts((1, 3), duration=20)
    late[1, 400 * SAMPLE_RATE :] = bursts((5, 9), duration=20)
    assert heard(late, Settings()).channels == 2
    late[1] = late[0]
    assert heard(late, Settings()).channels == 1


def test_progress_tells_how_much_was_heard() -> None:
    shares: list[float] = []
    recording = Recording("call.wav", np.tile(call(0), 9)[None])
    hear(
        recording,
        Settings(),
        ACOUSTIC,
        shortest=1.0,
        longest=4.0,
        progress=lambda stage, done: shares.append(done),
    )
    assert shares == sorted(shares)
    assert len(shares) > 5
    assert shares[-1] == 1


def test_a_reader_that_gives_up_leaves_no_thread(tmp_path: Path) -> None:
    script = """
import sys, threading
from helpers.feature_sets import ACOUSTIC
from helpers.frames import hear
from helpers.lanes import Settings
from helpers.media import open_recording

def give_up(stage, done):
    raise KeyboardInterrupt

for _ in range(20):
    try:
        with open_recording(sys.argv[1]) as stream:
            hear(stream, Settings(), ACOUSTIC, shortest=1.0, longest=4.0, progress=give_up)
    except KeyboardInterrupt:
        pass
print([thread.name for thread in threading.enumerate() if thread.name == "decode"])
"""
    sample = str(next(SAMPLES.glob("*.mp3"), None) or next(SAMPLES.glob("neutral*")))
    done = subprocess.run([sys.executable, "-c", script, sample], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "[]"


def test_a_sample_call_is_heard_from_its_file_as_decoded() -> None:
    path = next(SAMPLES.glob("neutral*"))
    with open_recording(path) as stream:
        from_file = listen(stream, Settings())
    at_once = listen(decode(path), Settings())
    assert (from_file.duration, from_file.channels) == (at_once.duration, at_once.channels)
    for streamed, decoded in zip(from_file.lanes, at_once.lanes, strict=True):
        assert streamed.starts == decoded.starts
        np.testing.assert_array_equal(streamed.loudness.levels, decoded.loudness.levels)


def counted(described: list[np.ndarray]) -> FeatureSet:
    """Make a set that notes the segments that it describes, by the values of `ACOUSTIC`."""

    def begin(segments: Iterable[np.ndarray]) -> Callable[[], np.ndarray]:
        some = list(segments)
        described.extend(some)
        return ACOUSTIC.begin(some)

    return replace(ACOUSTIC, name="counted", begin=begin)


@pytest.mark.parametrize("seed", range(4))
def test_segments_are_described_once_while_a_recording_is_heard(seed: int) -> None:
    """Frames are kept for wider settings than those whose segments are described, as on the page."""
    described: list[np.ndarray] = []
    feature_set, segmentation = counted(described), Segmentation(min_silence=0.3)
    blocks = InBlocks(Recording("call.wav", call(seed, 600)[None]), np.random.default_rng(seed))
    settings = Settings(segmentation=WIDEST)
    (lane,) = hear(blocks, settings, feature_set, shortest=1, longest=4, described=segmentation).lanes
    segments = lane.segments(segmentation, **LENGTHS)
    assert len(described) == len(segments) > 2 * SORTED
    values = lane.describe(segments, feature_set)
    assert len(described) == len(segments)
    expected = ACOUSTIC.summaries(lane.between(*times) for times in segments.to_numpy())
    np.testing.assert_array_equal(values, expected)


def test_a_network_that_is_missing_is_told_although_another_thread_asked_it() -> None:
    def fail() -> np.ndarray:
        raise ModelError("The network is missing.")

    def begin(segments: Iterable[np.ndarray]) -> Callable[[], np.ndarray]:
        return beside().submit(fail).result

    with pytest.raises(ModelError, match="network is missing"):
        listen(Recording("call.wav", call(1)[None]), Settings(), replace(ACOUSTIC, begin=begin))


def test_other_settings_describe_only_the_segments_that_are_new() -> None:
    described: list[np.ndarray] = []
    counting = counted(described)
    (lane,) = heard(call(1), Settings()).lanes
    first = lane.segments(Segmentation(), **LENGTHS)
    other = lane.segments(Segmentation(min_silence=0.5), **LENGTHS)
    lane.describe(first, counting)
    described.clear()
    values = lane.describe(other, counting)
    new = other.merge(first, how="left", indicator=True)["_merge"] == "left_only"
    assert len(described) == new.sum() < len(other)
    assert new.any()
    expected = ACOUSTIC.summaries(lane.between(*times) for times in other.to_numpy())
    np.testing.assert_array_equal(values, expected)


def test_many_channels_are_not_held_whole_to_tell_who_is_heard_where() -> None:
    conference = Recording("conference", np.zeros((64, 120 * SAMPLE_RATE), np.int16))
    tracemalloc.start()
    hear(conference, Settings(), ACOUSTIC, shortest=1, longest=4)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < conference.samples.nbytes
