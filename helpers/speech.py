"""Where somebody speaks, and how speech is cut into the segments that a model gets.

Conventions: levels are per frame of `FRAME` seconds, in dBFS; spans and segments are frame indices
``[n, 2]`` (start, end) while they are made, and a DataFrame with `start` and `end` in seconds after.
The parameters have the names of silero-vad's ``get_speech_timestamps``; the decision itself is an energy
threshold above the noise floor. It rests on what was heard until then, so that a recording and a microphone
are segmented alike: `find_segments` takes all samples at once, a `Segmenter` takes them as they come.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view

from helpers.media import SAMPLE_RATE

FRAME = 0.01

_HOP = round(FRAME * SAMPLE_RATE)
_BLOCK = 4_000  # frames, whole steps
SILENCE = -100.0  # dBFS, the least level that is told apart
_DIGITAL_SILENCE = -90.0  # dBFS, below which nothing but zeros is there
_SMOOTHING = 5  # frames
_STEP = 2 * _SMOOTHING  # frames that share a threshold
_BIN = 0.5  # dB, of the histogram of levels
_LEVELS = np.arange(SILENCE, _BIN / 2, _BIN)
_FADE = 0.5 ** (_STEP * FRAME / 60.0)  # of what was heard, by step: half of it counts after a minute
_FLOOR_PERCENTILE = 10
_SPEECH_PERCENTILE = 75
_LOUD_PERCENTILE = 95
_DYNAMIC_RANGE = 35.0  # dB, from loud speech down to the quietest that counts
_LEAST_RANGE = 20.0  # dB, the same where noise is close
_MOMENT = 25  # steps
_LEAST_CONTRAST = 6.0  # dB, between noise and any speech
_QUIETEST_SPEECH = -70.0  # dBFS
_SYLLABLE = 2.0  # dB, by which its peak stands out
_NO_SPANS = np.empty((0, 2), int)


@dataclass(frozen=True)
class Segmentation:
    """How speech is told from silence.

    Attributes
    ----------
    threshold : float
        Level above the noise floor from which a frame counts as speech [dB].
    min_speech : float
        Shorter sounds, such as clicks, are dropped [seconds].
    min_silence : float
        Shorter pauses do not end a speech span [seconds].
    speech_pad : float
        Added before and after each speech span [seconds].
    """

    threshold: float = 9.0
    min_speech: float = 0.2
    min_silence: float = 0.3
    speech_pad: float = 0.1

    def covers(self, other: Segmentation) -> bool:
        """Tell whether all that `other` takes for speech is speech here too."""
        return (
            self.threshold <= other.threshold
            and self.min_speech <= other.min_speech
            and self.min_silence >= other.min_silence
            and self.speech_pad >= other.speech_pad
        )


WIDEST = Segmentation(threshold=3.0, min_speech=0.1, min_silence=2.0)
NARROWEST = Segmentation(threshold=24.0, min_speech=1.0, min_silence=0.1)


@dataclass(frozen=True, eq=False)
class Loudness:
    """How loud one channel is, and what of that is noise.

    Attributes
    ----------
    levels : np.ndarray [shape=(frames,), dtype=float32]
        As of `frame_levels` [dBFS].
    by_step : np.ndarray [shape=(steps, 4), dtype=float32]
        By steps of 0.1 s what was known by their end: the floor of the noise and the level of speech in all
        that was heard, fading, and in the last 2.5 s the quietest, and the loudest sound [dBFS]. Steps with
        which nothing was heard above the noise have infinite speech.
    """

    levels: np.ndarray
    by_step: np.ndarray

    @classmethod
    def of_levels(cls, levels: np.ndarray) -> Loudness:
        """Measure what is noise in all the levels [shape=(frames,)] of a channel."""
        return cls(levels, _Surroundings().feed(levels))

    @classmethod
    def joined(cls, parts: Sequence[Loudness]) -> Loudness:
        """Join parts that follow each other, of whole steps but for the last."""
        return cls(
            np.concatenate([part.levels for part in parts]), np.concatenate([part.by_step for part in parts])
        )


class LoudnessMeter:
    """Measures the loudness of one channel while it is heard."""

    def __init__(self) -> None:
        self._meter = _LevelMeter()
        self._surroundings = _Surroundings()
        self._rest = np.empty(0, np.float32)  # levels of a step that is not whole

    def feed(self, samples: np.ndarray) -> Loudness:
        """Hear some more.

        Parameters
        ----------
        samples : np.ndarray [shape=(n,), dtype=int16]
            Those that follow the last ones, any number of them.

        Returns
        -------
        Loudness
            Of the steps that are known from now on.
        """
        levels = np.concatenate([self._rest, self._meter.feed(samples)])
        count = len(levels) // _STEP * _STEP
        self._rest = levels[count:]
        return self._measured(levels[:count])

    def finish(self) -> Loudness:
        """Give the rest, after which nothing may be fed."""
        return self._measured(np.concatenate([self._rest, self._meter.finish()]))

    def _measured(self, levels: np.ndarray) -> Loudness:
        return Loudness(levels, self._surroundings.feed(levels))


def measure_loudness(samples: np.ndarray) -> Loudness:
    """Measure the loudness of one channel.

    Parameters
    ----------
    samples : np.ndarray [shape=(n,), dtype=int16]

    Returns
    -------
    Loudness
    """
    return Loudness.of_levels(frame_levels(samples))


def frame_levels(samples: np.ndarray) -> np.ndarray:
    """Measure the level of each frame, smoothed over 50 ms.

    Parameters
    ----------
    samples : np.ndarray [shape=(n,), dtype=int16]
        One channel.

    Returns
    -------
    np.ndarray [shape=(n // 160,), dtype=float32]
        Levels [dBFS]; the mean of each frame is taken out first, so that an offset does not count.
    """
    meter = _LevelMeter()
    return np.concatenate([meter.feed(samples), meter.finish()])


def speech_spans(loudness: Loudness, segmentation: Segmentation) -> np.ndarray:
    """Find the stretches of speech between silences.

    Whether a frame is speech depends on no frame that comes more than 0.1 s after it.

    Parameters
    ----------
    loudness : Loudness
    segmentation : Segmentation
        How speech is told from silence.

    Returns
    -------
    np.ndarray [shape=(spans, 2), dtype=int]
        Start and end of each span [frames], in order, apart from each other.
    """
    return _spans(_active(loudness, segmentation.threshold), segmentation)


def cut_spans(spans: np.ndarray, levels: np.ndarray, *, shortest: float, longest: float) -> np.ndarray:
    """Make segments of the model's length from speech spans.

    A span shorter than `shortest` is widened into the silence around it (and joined with a neighbour that it
    then touches); a span longer than `longest` is cut at its quietest points.

    Parameters
    ----------
    spans : np.ndarray [shape=(spans, 2), dtype=int]
        From `speech_spans` [frames].
    levels : np.ndarray [shape=(frames,)]
        From `frame_levels` [dBFS].
    shortest, longest : float
        Length of a segment [seconds]; `longest` is at least twice `shortest`.

    Returns
    -------
    np.ndarray [shape=(segments, 2), dtype=int]
        Start and end of each segment [frames], each between `shortest` and `longest`; none where all the
        frames together are shorter than `shortest`.
    """
    least, most = _frames(shortest), _frames(longest)
    if most < 2 * least:
        raise ValueError(f"longest={longest} is less than twice shortest={shortest}")
    if len(levels) < least:
        return _NO_SPANS
    cut = [_cut(start, end, levels, least, most) for start, end in _widened(spans, least, len(levels))]
    return np.concatenate(cut) if cut else _NO_SPANS


def find_segments(
    samples: np.ndarray, segmentation: Segmentation, *, shortest: float, longest: float
) -> pd.DataFrame:
    """Cut one channel into segments of speech: `measure_loudness` and `cut_segments` in one go.

    Parameters
    ----------
    samples : np.ndarray [shape=(n,), dtype=int16]
        One channel.
    segmentation : Segmentation
        How speech is told from silence.
    shortest, longest : float
        Length of a segment [seconds].

    Returns
    -------
    pd.DataFrame
        Columns `start` and `end` [seconds], in order, without overlap; empty where nobody speaks.
    """
    return cut_segments(measure_loudness(samples), segmentation, shortest=shortest, longest=longest)


def cut_segments(
    loudness: Loudness, segmentation: Segmentation, *, shortest: float, longest: float
) -> pd.DataFrame:
    """Cut one channel into segments of speech: `speech_spans` and `cut_spans` in one go.

    Parameters
    ----------
    loudness : Loudness
    segmentation : Segmentation
        How speech is told from silence.
    shortest, longest : float
        Length of a segment [seconds].

    Returns
    -------
    pd.DataFrame
        As of `find_segments`.
    """
    spans = speech_spans(loudness, segmentation)
    segments = cut_spans(spans, loudness.levels, shortest=shortest, longest=longest)
    return _table(segments)


def speaking_rate(levels: np.ndarray, segments: pd.DataFrame) -> float | None:
    """Estimate how fast somebody speaks, by the peaks of loudness that stand out, as syllables do.

    After de Jong and Wempe (2009), "Praat script to detect syllable nuclei and measure speech rate
    automatically", without its test for voicing.

    Parameters
    ----------
    levels : np.ndarray [shape=(frames,)]
        From `frame_levels` [dBFS].
    segments : pd.DataFrame
        With `start` and `end` [seconds].

    Returns
    -------
    float or None
        Peaks per second of the segments; None where there is no speech.
    """
    bounds = (segments[["start", "end"]].to_numpy(float) / FRAME).round().astype(int)
    peaks = sum(count_peaks(levels[start:end], _SYLLABLE) for start, end in bounds)
    seconds = float(np.diff(bounds, axis=1).sum()) * FRAME
    return peaks / seconds if seconds else None


def count_peaks(values: np.ndarray, prominence: float) -> int:
    """Count the peaks that stand out from what is around them.

    Parameters
    ----------
    values : np.ndarray [shape=(n,)]
    prominence : float
        How far it goes down on both sides of a peak before it goes higher, or ends.

    Returns
    -------
    int
        As many as ``scipy.signal.find_peaks`` finds where no two peaks are equally high; loading that takes
        0.3 s and 48 MiB.
    """
    moves = values[np.append(True, values[1:] != values[:-1])] if len(values) else values
    rises = moves[1:] > moves[:-1]
    turns = moves[1:-1][rises[1:] != rises[:-1]]
    peaks, risen = 0, False
    lowest = highest = float(moves[0]) if len(moves) else 0.0
    for value in (*turns.tolist(), *moves[-1:].tolist()):
        if risen:
            highest = max(highest, value)
            if highest - value >= prominence:
                peaks, risen, lowest = peaks + 1, False, value
        else:
            lowest = min(lowest, value)
            if value - lowest >= prominence:
                risen, highest = True, value
    return peaks


class Segmenter:
    """Cuts one channel into segments while it is heard: the same ones that `find_segments` finds in it all.

    Parameters
    ----------
    segmentation : Segmentation
        How speech is told from silence.
    shortest, longest : float
        Length of a segment [seconds].
    """

    def __init__(self, segmentation: Segmentation, *, shortest: float, longest: float) -> None:
        self._segmentation = segmentation
        self._shortest, self._longest = shortest, longest
        self._levels = np.empty(0, np.float32)  # from the end of the last segment that nothing can touch
        self._active = np.empty(0, bool)
        self._origin = 0  # the frame with which both begin
        self._given = 0  # the frame with which the last settled segment ends

    @property
    def untouched(self) -> int:
        """The frame before which no segment will begin that is not settled yet."""
        return max(self._origin, self._given)

    def feed(self, loudness: Loudness) -> pd.DataFrame:
        """Hear some more.

        Parameters
        ----------
        loudness : Loudness
            Of what follows, from a `LoudnessMeter`.

        Returns
        -------
        pd.DataFrame
            The segments that nothing can change from now on, as of `find_segments`.
        """
        self._hear(loudness)
        return self._settled()

    def pending(self) -> pd.DataFrame:
        """Cut what is not settled as if the recording ended here.

        Returns
        -------
        pd.DataFrame
            As of `find_segments`; what follows may change it.
        """
        spans = _spans(self._active, self._segmentation)
        segments = cut_spans(spans, self._levels, shortest=self._shortest, longest=self._longest)
        return _table(self._not_given(segments))

    def finish(self, loudness: Loudness) -> pd.DataFrame:
        """Cut the rest, after which nothing may be fed.

        Parameters
        ----------
        loudness : Loudness
            Of the end, from a `LoudnessMeter`.

        Returns
        -------
        pd.DataFrame
            As of `find_segments`.
        """
        self._hear(loudness)
        return self.pending()

    def _hear(self, loudness: Loudness) -> None:
        self._levels = np.concatenate([self._levels, loudness.levels])
        self._active = np.concatenate([self._active, _active(loudness, self._segmentation.threshold)])

    def _settled(self) -> pd.DataFrame:
        """Take out the segments that no later frame can widen, join or cut anew, and forget their levels."""
        least, most = _frames(self._shortest), _frames(self._longest)
        spans, untouchable = self._certain_spans(least)
        settled, origin = [_NO_SPANS], untouchable
        for start, end in _widened(spans, least, len(self._levels) + least):
            segments = _cut(start, end, self._levels, least, most)
            if end < untouchable:
                settled.append(segments)
            else:
                known = min(end, len(self._levels))
                settled.append(segments[segments[:, 0] + most + least <= known])
                origin = min(origin, start - 1)
        segments = self._not_given(np.concatenate(settled))
        if len(segments):
            self._given = int(segments[-1, 1])
        self._forget(max(origin, 0))
        return _table(segments)

    def _certain_spans(self, least: int) -> tuple[np.ndarray, int]:
        """Give the spans that will not shrink, and the frame before which nothing can touch them."""
        settings = self._segmentation
        now, pad = len(self._active), _frames(settings.speech_pad)
        spoken = _joined(_runs(self._active), gap=_frames(settings.min_silence))
        if not len(spoken) or now - spoken[-1, 1] >= _frames(settings.min_silence):
            return _padded(spoken, now, settings), now - pad - least
        closed = _padded(spoken[:-1], now, settings)
        start, end = spoken[-1]
        if end - start < max(least, _frames(settings.min_speech)):
            return closed, int(start) - pad - least
        growing = np.array([[max(start - pad, 0), end]])
        return _joined(np.concatenate([closed, growing]), gap=1), int(growing[0, 0])

    def _not_given(self, segments: np.ndarray) -> np.ndarray:
        segments = segments + self._origin
        return segments[segments[:, 0] >= self._given]

    def _forget(self, count: int) -> None:
        self._levels, self._active = self._levels[count:], self._active[count:]
        self._origin += count


class _LevelMeter:
    """Measures `frame_levels` of samples as they come."""

    def __init__(self) -> None:
        self._samples = np.empty(0, np.int16)  # of a frame that is not whole
        self._powers = np.empty(0, np.float32)  # the frames that the next level still needs

    def feed(self, samples: np.ndarray) -> np.ndarray:
        samples = np.concatenate([self._samples, samples]) if len(self._samples) else samples
        count = len(samples) // _HOP
        self._samples = samples[count * _HOP :]
        powers = _powers(samples[: count * _HOP].reshape(-1, _HOP))
        if not len(self._powers):
            powers = np.concatenate([powers[:1].repeat(_SMOOTHING // 2), powers])
        return self._smoothed(np.concatenate([self._powers, powers]))

    def finish(self) -> np.ndarray:
        return self._smoothed(np.concatenate([self._powers, self._powers[-1:].repeat(_SMOOTHING // 2)]))

    def _smoothed(self, powers: np.ndarray) -> np.ndarray:
        """Average over 50 ms, each mean by itself, so that it does not matter where samples are parted."""
        count = max(len(powers) - _SMOOTHING + 1, 0)
        self._powers = powers[-_SMOOTHING + 1 :]
        power = np.zeros(count, np.float32)
        for shift in range(_SMOOTHING):
            power += powers[shift : shift + count]
        power /= np.float32(_SMOOTHING * 32768**2)
        return 10 * np.log10(np.maximum(power, np.float32(10 ** (SILENCE / 10))))


def _table(segments: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(segments * FRAME, columns=["start", "end"]).round(2)


def _frames(seconds: float) -> int:
    return round(seconds / FRAME)


class _Surroundings:
    """Measures what the threshold between noise and speech rests on, as of `Loudness.by_step`."""

    def __init__(self) -> None:
        self._heard = np.zeros(len(_LEVELS))  # what is left of it at the next step
        self._quietest = np.full(2 * _MOMENT, np.inf)  # of each half step
        self._loudest = np.full(_MOMENT, SILENCE)  # of each step

    def feed(self, levels: np.ndarray) -> np.ndarray:
        """Measure the steps that follow [shape=(steps, 4), dtype=float32]; all but the last are whole."""
        blocks = (levels[start : start + _BLOCK] for start in range(0, len(levels), _BLOCK))
        return np.concatenate([np.empty((0, 4), np.float32), *map(self._measured, blocks)])

    def _measured(self, levels: np.ndarray) -> np.ndarray:
        heard = self._histograms(levels)
        self._quietest = np.concatenate([self._quietest, _by(levels, _SMOOTHING, np.inf).min(axis=1)])
        self._loudest = np.concatenate([self._loudest, _by(levels, _STEP, SILENCE).max(axis=1)])
        if len(self._quietest) % 2:
            self._quietest = np.append(self._quietest, np.inf)
        floors = sliding_window_view(self._floors(), _MOMENT)[-len(heard) :].min(axis=1)
        peaks = sliding_window_view(self._loudest, _MOMENT)[-len(heard) :].max(axis=1)
        self._quietest, self._loudest = self._quietest[-2 * _MOMENT :], self._loudest[-_MOMENT:]
        loud = np.maximum(peaks, _percentile(heard, _LOUD_PERCENTILE))
        return np.stack([*self._of_all_heard(heard), floors, loud], axis=1).astype(np.float32)

    def _histograms(self, levels: np.ndarray) -> np.ndarray:
        """Count what was heard until the end of each step by level, fading [shape=(steps, bins)]."""
        steps = -(-len(levels) // _STEP)
        bins = np.clip((levels - SILENCE) / _BIN, 0, len(_LEVELS) - 1).astype(int)
        cells = np.arange(len(levels)) // _STEP * len(_LEVELS) + bins
        heard = np.bincount(cells, minlength=steps * len(_LEVELS)).reshape(steps, -1).astype(float)
        for step in range(steps):
            heard[step] += self._heard
            self._heard = heard[step] * _FADE
        return heard

    def _floors(self) -> np.ndarray:
        """Give the quietest level of each step, shifted by half a step, away from digital silence."""
        halves = self._quietest
        near = np.minimum(halves[:-1:2], halves[1::2])
        around = np.minimum(near, np.append(np.inf, near[:-1]))
        shifted = np.minimum(halves[::2], np.append(np.inf, halves[1:-1:2]))
        return np.where(around > _DIGITAL_SILENCE, shifted, np.inf)

    def _of_all_heard(self, heard: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Tell the noise and the speech of histograms apart [dBFS]; infinite speech where there is none.

        Where there is digital silence, the quietest sounding frames may already be speech, so that the floor
        counts only as far as it lies well below the speech.
        """
        sounding = np.where(_LEVELS > _DIGITAL_SILENCE, heard, 0)
        floor = _percentile(sounding, _FLOOR_PERCENTILE)
        muted = sounding.sum(axis=1) < heard.sum(axis=1) * (1 - _FLOOR_PERCENTILE / 100)
        below = _percentile(sounding, _SPEECH_PERCENTILE) - _DYNAMIC_RANGE
        floor = np.where(muted, np.minimum(floor, below), floor)
        active = np.where(floor[:, None] + _LEAST_CONTRAST < _LEVELS, sounding, 0)
        speech = _percentile(active, _SPEECH_PERCENTILE)
        return floor, np.where(active.any(axis=1), speech, np.inf)


def _thresholds(by_step: np.ndarray, above_floor: float) -> np.ndarray:
    """Place the threshold between noise and speech, one per step [dBFS], infinite before any speech.

    The floor of what was heard, fading, decides, raised where the noise of the moment is louder. The noise of
    the moment is the minimum of the level over 2.5 s, which speech reaches between its sounds (Martin 2001,
    "Noise power spectral density estimation based on optimal smoothing and minimum statistics"). It raises
    the threshold only as far as speech stays above it: that of the moment, or the loudest where all is noise.
    """
    floor, speech, of_moment, loud = by_step.T.astype(float)
    above = np.minimum(above_floor, (speech - floor) / 2)
    of_all = np.maximum(np.maximum(speech - _DYNAMIC_RANGE, floor + above), _QUIETEST_SPEECH)
    raised = np.minimum(of_moment + above_floor, loud - _LEAST_RANGE)
    return np.maximum(of_all, raised)


def _active(loudness: Loudness, above_floor: float) -> np.ndarray:
    """Tell which frames are louder than the noise [shape=(frames,), dtype=bool]."""
    thresholds = _thresholds(loudness.by_step, above_floor)
    return loudness.levels > thresholds.repeat(_STEP)[: len(loudness.levels)]


def _by(values: np.ndarray, size: int, filling: float) -> np.ndarray:
    """Arrange values in rows [shape=(rows, size)], the last row filled up."""
    missing = -len(values) % size
    return np.append(values, np.full(missing, filling)).reshape(-1, size)


def _percentile(histograms: np.ndarray, percentile: float) -> np.ndarray:
    """Find the level [dBFS] below which a share of each histogram lies; the lowest for an empty one."""
    cumulated = np.cumsum(histograms, axis=1)
    return _LEVELS[np.argmax(cumulated >= cumulated[:, -1:] * percentile / 100, axis=1)]


def _powers(frames: np.ndarray) -> np.ndarray:
    """Compute the variance of each frame [shape=(frames,), dtype=float32]."""
    powers = np.empty(len(frames), np.float32)
    for start in range(0, len(frames), _BLOCK):
        powers[start : start + _BLOCK] = frames[start : start + _BLOCK].astype(np.float32).var(axis=1)
    return powers


def _spans(active: np.ndarray, segmentation: Segmentation) -> np.ndarray:
    """Join what is active to spans of speech."""
    joined = _joined(_runs(active), gap=_frames(segmentation.min_silence))
    return _padded(joined, len(active), segmentation)


def _padded(spans: np.ndarray, count: int, segmentation: Segmentation) -> np.ndarray:
    """Leave out what is too short, and pad the rest."""
    spans = spans[np.diff(spans, axis=1)[:, 0] >= _frames(segmentation.min_speech)]
    pad = _frames(segmentation.speech_pad)
    return _joined(np.clip(spans + np.array([-pad, pad]), 0, count), gap=1)


def _widened(spans: np.ndarray, least: int, count: int) -> np.ndarray:
    """Widen short spans into the silence around them, and join those that touch then."""
    lengths = np.diff(spans, axis=1)[:, 0]
    missing = np.maximum(least - lengths, 0)
    starts = np.clip(spans[:, 0] - missing // 2, 0, count - np.maximum(lengths, least))
    return _joined(np.stack([starts, starts + np.maximum(lengths, least)], axis=1), gap=1)


def _runs(active: np.ndarray) -> np.ndarray:
    edges = np.flatnonzero(np.diff(active.astype(np.int8), prepend=0, append=0))
    return edges.reshape(-1, 2)


def _joined(spans: np.ndarray, *, gap: int) -> np.ndarray:
    """Join spans that lie less than `gap` frames apart or overlap."""
    if not len(spans):
        return spans
    ends = np.maximum.accumulate(spans[:, 1])
    apart = np.flatnonzero(spans[1:, 0] - ends[:-1] >= gap)
    return np.stack([spans[np.r_[0, apart + 1], 0], ends[np.r_[apart, len(ends) - 1]]], axis=1)


def _cut(start: int, end: int, levels: np.ndarray, least: int, most: int) -> np.ndarray:
    bounds = [start]
    while end - bounds[-1] > most:
        first = bounds[-1] + most // 2
        last = min(bounds[-1] + most, end - least)
        bounds.append(first + int(np.argmin(levels[first : last + 1])))
    bounds.append(end)
    return np.stack([bounds[:-1], bounds[1:]], axis=1)
