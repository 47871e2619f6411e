import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.signal import find_peaks

from helpers.media import SAMPLE_RATE, decode
from helpers.speech import (
    FRAME,
    Loudness,
    LoudnessMeter,
    Segmentation,
    Segmenter,
    count_peaks,
    cut_spans,
    find_segments,
    frame_levels,
    measure_loudness,
    speech_spans,
)
from tests.conftest import bursts

Spans = tuple[tuple[float, float], ...]

SPOKEN: Spans = ((1.0, 2.2), (3.5, 4.1), (5.0, 8.0))
DURATION = 10.0
SEGMENTATION = Segmentation()
SHORTEST, LONGEST = 1.0, 4.0


def spans_of(samples: np.ndarray, segmentation: Segmentation = SEGMENTATION) -> np.ndarray:
    """Find the spans [seconds]."""
    return speech_spans(measure_loudness(samples), segmentation) * FRAME


def segments_of(spans: Spans, levels: np.ndarray) -> np.ndarray:
    """Cut spans [seconds] of levels [per frame] into segments [frames]."""
    frames = np.array(spans).reshape(-1, 2) / FRAME
    return cut_spans(frames.round().astype(int), levels, shortest=SHORTEST, longest=LONGEST)


def assert_found(samples: np.ndarray, spoken: Spans = SPOKEN) -> None:
    found = spans_of(samples)
    assert len(found) == len(spoken)
    np.testing.assert_allclose(found, spoken, atol=0.15)


# Levels


def test_levels_are_dbfs_whatever_the_offset() -> None:
    samples = bursts((0, 10), duration=10, level=-20, noise=-200)
    levels = frame_levels(samples)
    assert levels.shape == (1000,)
    assert levels.dtype == np.float32
    power = 10 * np.log10(np.mean(10 ** (levels / 10)))
    assert power == pytest.approx(-20, abs=0.5)
    np.testing.assert_allclose(frame_levels(samples + np.int16(8_000)), levels, atol=0.01)


def test_levels_are_smoothed_so_that_one_frame_does_not_stand_alone() -> None:
    samples = np.zeros(1_600, np.int16)
    samples[800:960:2] = 16_000
    levels = frame_levels(samples)
    assert np.flatnonzero(levels > -90).tolist() == [3, 4, 5, 6, 7]
    assert levels[5] == pytest.approx(20 * np.log10(8_000 / 32_768) - 10 * np.log10(5), abs=0.01)


def test_levels_of_silence_are_finite_and_low() -> None:
    assert frame_levels(np.zeros(1_600, np.int16)) == pytest.approx(np.full(10, -100))
    loud_before = np.concatenate([np.tile([32767, -32768], 8_000), np.zeros(16_000, int)]).astype(np.int16)
    assert frame_levels(loud_before)[110:].max() == pytest.approx(-100)


@pytest.mark.parametrize("length", [0, 1, 159])
def test_less_than_a_frame_has_no_levels_and_no_speech(length: int) -> None:
    samples = np.ones(length, np.int16)
    assert frame_levels(samples).shape == (0,)
    assert spans_of(samples).shape == (0, 2)
    assert find_segments(samples, SEGMENTATION, shortest=SHORTEST, longest=LONGEST).empty


def test_an_incomplete_last_frame_is_left_out_and_block_borders_leave_no_trace() -> None:
    samples = bursts((1, 80), duration=90)
    levels = frame_levels(samples)
    np.testing.assert_array_equal(frame_levels(np.append(samples, np.full(159, 9_000, np.int16))), levels)
    block = slice(4_096 - 10, 4_096 + 10)
    around = frame_levels(samples[(4_096 - 20) * 160 : (4_096 + 20) * 160])
    np.testing.assert_allclose(levels[block], around[10:30], atol=1e-4)


# Speech spans


@pytest.mark.parametrize(
    ("level", "noise"),
    [(-12, -75), (-45, -65), (-20, -32), (-20, -200), (-60, -85)],
    ids=["studio", "quiet phone", "noisy", "digital silence", "faint"],
)
def test_speech_is_found_to_the_tenth_of_a_second_in(level: float, noise: float) -> None:
    assert_found(bursts(*SPOKEN, duration=DURATION, level=level, noise=noise))


@pytest.mark.parametrize("share", [0.01, 0.05, 0.09, 0.11, 0.5, 0.95])
def test_any_share_of_digital_silence_leaves_the_speech_found(share: float) -> None:
    """A recorder that mutes itself leaves zeros, which say nothing of the noise around speech."""
    silent = 40 * share
    first, second = (0.0, (40 - silent) / 2), ((40 + silent) / 2, 40.0)
    samples = bursts(first, second, duration=40, noise=-200)
    found = spans_of(samples)
    spoken = sum(end - start for start, end in found)
    assert spoken == pytest.approx(40 - silent, abs=0.6)
    assert len(found) == 2


def test_speech_that_never_gets_softer_is_found_between_digital_silence() -> None:
    time = np.arange(round(DURATION * SAMPLE_RATE)) / SAMPLE_RATE
    samples = np.zeros(len(time), np.int16)
    for start, end in SPOKEN:
        spoken = (time >= start) & (time < end)
        samples[spoken] = 3_000 * np.sin(2 * np.pi * 300 * time[spoken])
    assert_found(samples)


def test_noise_is_no_speech_because_the_line_was_muted_for_a_while() -> None:
    samples = bursts((1, 3), (16, 19), duration=20, level=-20, noise=-45)
    samples[6 * SAMPLE_RATE : 12 * SAMPLE_RATE] = 0
    assert_found(samples, ((1, 3), (16, 19)))


def test_noise_that_rises_and_falls_is_no_speech() -> None:
    quiet = bursts((1, 3), (6, 8), duration=20, noise=-65)
    loud = bursts((8, 10), (14, 16), duration=30, noise=-45)
    rising = spans_of(np.concatenate([quiet, loud]))
    falling = spans_of(np.concatenate([loud, quiet]))
    for found, spoken in (
        (rising, ((1, 3), (6, 8), (28, 30), (34, 36))),
        (falling, ((8, 10), (14, 16), (31, 33), (36, 38))),
    ):
        wrong = [span for span in found if np.abs(np.array(spoken) - span).max(axis=1).min() > 0.15]
        assert len(found) - len(wrong) == len(spoken)
        assert sum(end - start for start, end in wrong) < 3  # where the noise changes, for a moment


def test_two_seconds_of_speech_in_ten_minutes_are_found() -> None:
    minute = bursts(duration=60, noise=-60)
    samples = np.tile(minute, 10)
    samples[300 * SAMPLE_RATE : 302 * SAMPLE_RATE] += bursts((0, 2), duration=2, level=-35, noise=-200)
    assert_found(samples, ((300, 302),))


def test_an_offset_does_not_hide_speech() -> None:
    samples = bursts(*SPOKEN, duration=DURATION, level=-40, noise=-65)
    assert_found(samples + np.int16(10_000))


def test_a_speaker_20_db_softer_or_louder_than_the_other_is_found() -> None:
    for difference in (-20, 20):
        samples = bursts((1, 3), (6, 8), duration=10, level=-35, noise=-200)
        samples[5 * SAMPLE_RATE :] = bursts((1, 3), duration=5, level=-35 + difference, noise=-200)
        noise = bursts(duration=10, noise=-72)
        assert_found(samples + noise, ((1, 3), (6, 8)))


@pytest.mark.parametrize("level", [-80, -50, -20])
def test_noise_alone_is_no_speech(level: float) -> None:
    assert len(spans_of(bursts(duration=30, noise=level))) == 0


def test_silence_alone_is_no_speech() -> None:
    assert len(spans_of(np.zeros(30 * SAMPLE_RATE, np.int16))) == 0
    assert len(spans_of(np.full(30 * SAMPLE_RATE, 5_000, np.int16))) == 0


def test_a_click_is_no_speech() -> None:
    samples = bursts((1, 1.02), (5, 7), duration=10, level=-10)
    assert_found(samples, ((5, 7),))


@pytest.mark.parametrize(("gap", "count"), [(0.2, 1), (0.45, 2)])
def test_only_a_gap_of_min_silence_ends_a_span(gap: float, count: int) -> None:
    samples = bursts((2, 4), (4 + gap, 6), duration=10)
    spans = spans_of(samples)
    assert len(spans) == count
    assert spans[0, 0] == pytest.approx(2, abs=0.15)
    assert spans[-1, 1] == pytest.approx(6, abs=0.15)


def test_every_setting_does_what_its_name_says() -> None:
    levels = np.full(1_000, -70.0)
    levels[200:220] = levels[300:360] = levels[380:500] = -30
    levels[600:700] = -58

    def spans(**settings: float) -> list[list[int]]:
        chosen = {"threshold": 9.0, "min_speech": 0.3, "min_silence": 0.3, "speech_pad": 0.0} | settings
        return speech_spans(Loudness.of_levels(levels), Segmentation(**chosen)).tolist()

    assert spans() == [[300, 500], [600, 700]]
    assert spans(min_speech=0.2) == [[200, 220], [300, 500], [600, 700]]
    assert spans(min_silence=0.1) == [[300, 360], [380, 500], [600, 700]]
    assert spans(threshold=15) == [[300, 500]]
    assert spans(speech_pad=0.1) == [[290, 510], [590, 710]]
    assert spans(speech_pad=0.5) == [[250, 750]]
    assert spans(speech_pad=5) == [[0, 1000]]


# Segments


def test_a_long_span_is_cut_where_it_is_quietest() -> None:
    levels = np.full(1_000, -20.0)
    levels[437] = -40
    levels[100:800:50] = -25
    segments = segments_of(((2.0, 7.0),), levels)
    assert segments.tolist() == [[200, 437], [437, 700]]


def test_a_pause_for_breath_is_where_a_long_turn_of_samples_is_cut() -> None:
    samples = bursts((1, 3.4), (3.55, 6.5), duration=8)
    segments = find_segments(samples, SEGMENTATION, shortest=SHORTEST, longest=LONGEST)
    assert len(segments) == 2
    assert segments["end"][0] == segments["start"][1] == pytest.approx(3.475, abs=0.1)


@pytest.mark.parametrize("length", [4.0, 4.01, 4.5, 5.0, 7.99, 8.0, 8.01, 12.34, 60.0])
def test_no_long_span_leaves_a_stump_or_a_gap(length: float) -> None:
    levels = np.random.default_rng(0).normal(-20, 5, 7_000)
    segments = segments_of(((3.0, 3.0 + length),), levels)
    lengths = np.diff(segments, axis=1)
    assert lengths.min() >= SHORTEST / FRAME
    assert lengths.max() <= LONGEST / FRAME
    assert segments[0, 0] == 300
    assert segments[-1, 1] == round((3 + length) / FRAME)
    np.testing.assert_array_equal(segments[1:, 0], segments[:-1, 1])


@pytest.mark.parametrize(
    ("span", "widened"),
    [
        ((4.0, 4.4), [370, 470]),
        ((0.0, 0.3), [0, 100]),
        ((0.1, 0.3), [0, 100]),
        ((9.8, 10.0), [900, 1000]),
        ((9.5, 9.9), [900, 1000]),
    ],
)
def test_a_short_span_is_widened_even_at_an_edge(span: tuple[float, float], widened: list[int]) -> None:
    assert segments_of((span,), np.full(1_000, -20.0)).tolist() == [widened]


def test_short_spans_that_touch_when_widened_become_one() -> None:
    assert segments_of(((4.0, 4.3), (4.6, 4.9)), np.full(1_000, -20.0)).tolist() == [[365, 525]]


def test_a_recording_shorter_than_a_segment_has_none() -> None:
    assert segments_of(((0.0, 0.9),), np.full(99, -20.0)).shape == (0, 2)
    assert segments_of(((0.0, 0.9),), np.full(100, -20.0)).tolist() == [[0, 100]]


def test_lengths_that_cannot_be_met_are_refused() -> None:
    with pytest.raises(ValueError, match=r"longest=1\.5 is less than twice shortest=1\.0"):
        cut_spans(np.empty((0, 2), int), np.zeros(1_000), shortest=1.0, longest=1.5)


@pytest.mark.parametrize("seed", range(200))
def test_no_layout_of_spans_breaks_a_promise(seed: int) -> None:
    generator = np.random.default_rng(seed)
    count = int(generator.integers(100, 4_000))
    levels = generator.normal(-60, 6, count).astype(np.float32)
    for start in generator.integers(0, count, generator.integers(0, 12)):
        levels[start : start + generator.integers(1, 900)] += generator.uniform(10, 40)
    settings = Segmentation(
        threshold=generator.uniform(3, 15),
        min_speech=generator.uniform(0.05, 0.5),
        min_silence=generator.uniform(0.05, 0.8),
        speech_pad=generator.uniform(0, 0.4),
    )
    shortest = generator.uniform(0.3, 1.0)
    longest = shortest * generator.uniform(2, 6)

    spans = speech_spans(Loudness.of_levels(levels), settings)
    segments = cut_spans(spans, levels, shortest=shortest, longest=longest)

    for pairs in (spans, segments):
        assert pairs.dtype.kind == "i"
        assert np.all(pairs[:, 0] < pairs[:, 1])
        assert np.all(pairs >= 0)
        assert np.all(pairs <= count)
        assert np.all(pairs[1:, 0] >= pairs[:-1, 1])
    assert np.all(spans[1:, 0] > spans[:-1, 1])
    if count >= round(shortest / FRAME):
        lengths = np.diff(segments, axis=1)
        assert np.all(lengths >= round(shortest / FRAME))
        assert np.all(lengths <= round(longest / FRAME))
        inside = np.zeros(count, bool)
        for start, end in segments:
            inside[start:end] = True
        assert all(inside[start:end].all() for start, end in spans)


# The whole way


def test_segments_are_seconds_in_order_on_the_grid_of_frames() -> None:
    widened = [(1.0, 2.2), (3.3, 4.3), (5.0, 8.0)]
    samples = bursts(*SPOKEN, duration=DURATION)
    segments = find_segments(samples, SEGMENTATION, shortest=SHORTEST, longest=LONGEST)
    assert segments.columns.tolist() == ["start", "end"]
    np.testing.assert_allclose(segments, widened, atol=0.15)
    np.testing.assert_array_equal(segments, segments.round(2))
    assert np.all(segments["start"].to_numpy()[1:] >= segments["end"].to_numpy()[:-1])


# While it is heard


class Ear:
    """A segmenter that hears samples."""

    def __init__(
        self, settings: Segmentation = SEGMENTATION, *, shortest: float = SHORTEST, longest: float = LONGEST
    ) -> None:
        self.meter = LoudnessMeter()
        self.segmenter = Segmenter(settings, shortest=shortest, longest=longest)

    def feed(self, samples: np.ndarray) -> pd.DataFrame:
        return self.segmenter.feed(self.meter.feed(samples))

    def finish(self) -> pd.DataFrame:
        return self.segmenter.finish(self.meter.finish())


def heard_in_pieces(
    samples: np.ndarray, settings: Segmentation, pieces: list[int], *, shortest: float, longest: float
) -> pd.DataFrame:
    """Feed pieces of the given lengths in turn, and collect what is settled."""
    ear = Ear(settings, shortest=shortest, longest=longest)
    tables: list[pd.DataFrame] = []
    position = 0
    while position < len(samples):
        length = pieces[len(tables) % len(pieces)]
        tables.append(ear.feed(samples[position : position + length]))
        position += length
    return pd.concat([*tables, ear.finish()], ignore_index=True)


def talk(generator: np.random.Generator, seconds: float) -> np.ndarray:
    """Make samples whose level wanders, jumps and now and then is muted."""
    levels = generator.normal(-60, 2, round(seconds / FRAME))
    for start in generator.integers(0, len(levels), generator.integers(0, 25)):
        longest = generator.choice([20, 120, 1_500])
        levels[start : start + generator.integers(1, longest)] += generator.uniform(8, 40)
    if generator.random() < 0.3:
        start = generator.integers(0, len(levels))
        levels[start : start + generator.integers(1, 500)] = -200
    noise = generator.normal(0, 32768, (len(levels), 160))
    samples = noise * 10 ** (np.minimum(levels, -3)[:, None] / 20)
    return samples.clip(-32768, 32767).astype(np.int16).reshape(-1)


@pytest.mark.parametrize("seed", range(24))
def test_what_is_heard_in_pieces_is_cut_like_the_whole(seed: int) -> None:
    generator = np.random.default_rng(seed)
    samples = talk(generator, generator.uniform(0.5, 45))
    settings = Segmentation(
        threshold=generator.uniform(3, 15),
        min_speech=generator.uniform(0.05, 0.5),
        min_silence=generator.uniform(0.05, 0.8),
        speech_pad=generator.uniform(0, 0.4),
    )
    settings = SEGMENTATION if seed % 2 else settings
    shortest = generator.uniform(0.3, 1.0)
    lengths = {"shortest": shortest, "longest": shortest * generator.uniform(2, 6)}
    pieces = generator.integers(1, generator.choice([700, 3_000, 40_000]), 50).tolist()

    heard = heard_in_pieces(samples, settings, pieces, **lengths)

    pd.testing.assert_frame_equal(heard, find_segments(samples, settings, **lengths))


def test_a_segment_is_seen_within_half_a_second_of_its_end_and_soon_settled() -> None:
    samples = bursts(*SPOKEN, (9, 30), (31, 31.3), (40, 41), duration=50)
    segments = find_segments(samples, SEGMENTATION, shortest=SHORTEST, longest=LONGEST)
    assert len(segments) > 10
    ear = Ear()
    settled = ear.feed(samples[:0])
    for fed in range(1_600, len(samples) + 1, 1_600):
        now = fed / SAMPLE_RATE
        settled = pd.concat([settled, ear.feed(samples[fed - 1_600 : fed])])
        shown = pd.concat([settled, ear.segmenter.pending()])
        assert (shown["end"] <= now).all()
        ended = segments[segments["end"] <= now - 0.5]
        assert shown["end"].max() >= ended["end"].max() or ended.empty
        long_ago = segments[segments["end"] < now - 6]
        assert len(settled.merge(long_ago)) == len(long_ago)


def test_a_segmenter_forgets_the_levels_of_what_is_settled() -> None:
    minute = bursts((1, 3), (4, 4.5), (6, 19), (25, 26), (30, 41), (45, 57), duration=60)
    ear = Ear()
    sizes = []
    for _ in range(20):
        ear.feed(minute)
        parts = (ear.segmenter, ear.meter, *vars(ear.meter).values())
        arrays = [value for part in parts if hasattr(part, "__dict__") for value in vars(part).values()]
        sizes.append(sum(value.nbytes for value in arrays if isinstance(value, np.ndarray)))
    assert max(sizes) < 50_000
    assert sizes[-1] <= sizes[1] * 1.1


def test_an_empty_piece_changes_nothing() -> None:
    ear = Ear()
    assert ear.feed(np.empty(0, np.int16)).empty
    assert ear.segmenter.pending().empty
    assert ear.finish().empty


def test_no_real_clip_is_taken_for_silence(corpora: Path) -> None:
    clips = sorted((corpora / "crema-d" / "AudioWAV").iterdir())[::250]
    clips += sorted((corpora / "ravdess").rglob("03-01-*"))[::60]
    shares = []
    for clip in clips:
        samples = decode(clip).samples[0]
        segments = find_segments(samples, SEGMENTATION, shortest=SHORTEST, longest=LONGEST)
        shares.append((segments["end"] - segments["start"]).sum() / (len(samples) / SAMPLE_RATE))
    assert len(shares) > 40
    assert min(shares) > 0.2
    assert np.mean(shares) > 0.5


def test_the_lines_of_a_real_call_are_told_apart(corpora: Path) -> None:
    """Agent and caller take turns, so that little of the time is found on both lines."""
    call = decode(corpora / "calls" / "auto-repairs-40_agent-left_caller-right.flac")
    speaking = np.zeros((2, call.samples.shape[1] // 160), bool)
    for line, samples in zip(speaking, call.samples, strict=True):
        for start, end in speech_spans(measure_loudness(samples), SEGMENTATION):
            line[start:end] = True
    assert all(0.2 < line.mean() < 0.8 for line in speaking)
    assert speaking.all(axis=0).mean() < 0.15


def test_no_speech_gives_an_empty_table_with_its_columns() -> None:
    silence = np.zeros(10 * SAMPLE_RATE, np.int16)
    segments = find_segments(silence, SEGMENTATION, shortest=SHORTEST, longest=LONGEST)
    assert segments.empty
    assert segments.columns.tolist() == ["start", "end"]


def test_an_hour_takes_less_than_a_second() -> None:
    minute = bursts((1, 3), (4, 4.5), (6, 19), (25, 26), (30, 41), (45, 57), duration=60)
    hour = np.tile(minute, 60)
    times = []
    for _ in range(3):
        before = time.process_time()
        segments = find_segments(hour, SEGMENTATION, shortest=SHORTEST, longest=LONGEST)
        times.append(time.process_time() - before)
    assert len(segments) > 60 * 10
    assert min(times) < 1


@pytest.mark.parametrize("seed", range(200))
def test_peaks_are_those_of_scipy(seed: int) -> None:
    generator = np.random.default_rng(seed)
    count, prominence = generator.integers(80), generator.uniform(0.1, 6)
    values = np.repeat(np.cumsum(generator.normal(size=count)) * 2, generator.integers(1, 4, count))
    assert count_peaks(values, prominence) == len(find_peaks(values, prominence=prominence)[0])


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 1.0], [0.0, 5.0], [5.0, 0.0], [5.0, 0.0, 5.0]])
def test_there_is_no_peak_at_an_end(values: list[float]) -> None:
    assert count_peaks(np.array(values), 2.0) == 0
