"""Where somebody speaks, and how speech is cut into the segments that a model gets.

Conventions: levels are per frame of `FRAME` seconds, in dBFS; spans and segments are frame indices
``[n, 2]`` (start, end) while they are made, and a DataFrame with `start` and `end` in seconds after.
The parameters have the names of silero-vad's ``get_speech_timestamps``; the decision itself is an energy
threshold above the recording's own noise floor.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.ndimage import maximum_filter1d, minimum_filter1d, uniform_filter1d

from helpers.media import SAMPLE_RATE

FRAME = 0.01

_HOP = round(FRAME * SAMPLE_RATE)
_BLOCK = 1 << 12
_SILENCE = -100.0  # dBFS, the least level that is told apart
_DIGITAL_SILENCE = -90.0  # dBFS, below which nothing but zeros is there
_SMOOTHING = 5  # frames
_FLOOR_PERCENTILE = 10
_SPEECH_PERCENTILE = 75
_LOUD_PERCENTILE = 95
_DYNAMIC_RANGE = 35.0  # dB, from loud speech down to the quietest that counts
_LEAST_RANGE = 15.0  # dB, the same where noise is close
_MOMENT = 500  # frames
_LEAST_CONTRAST = 6.0  # dB, between noise and any speech
_QUIETEST_SPEECH = -70.0  # dBFS
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
    frames = samples[: len(samples) // _HOP * _HOP].reshape(-1, _HOP)
    power = np.empty(len(frames), np.float32)
    for start in range(0, len(frames), _BLOCK):
        block = frames[start : start + _BLOCK].astype(np.float32)
        power[start : start + _BLOCK] = block.var(axis=1)
    power = uniform_filter1d(power, _SMOOTHING, mode="nearest") if len(power) else power
    return 10 * np.log10(np.maximum(power / 32768**2, 10 ** (_SILENCE / 10)))


def speech_spans(levels: np.ndarray, segmentation: Segmentation) -> np.ndarray:
    """Find the stretches of speech between silences.

    Parameters
    ----------
    levels : np.ndarray [shape=(frames,)]
        From `frame_levels` [dBFS].
    segmentation : Segmentation
        How speech is told from silence.

    Returns
    -------
    np.ndarray [shape=(spans, 2), dtype=int]
        Start and end of each span [frames], in order, apart from each other.
    """
    spans = _runs(levels > _thresholds(levels, segmentation.threshold)) if len(levels) else _NO_SPANS
    spans = _joined(spans, gap=_frames(segmentation.min_silence))
    spans = spans[np.diff(spans, axis=1)[:, 0] >= _frames(segmentation.min_speech)]
    pad = _frames(segmentation.speech_pad)
    spans = np.clip(spans + np.array([-pad, pad]), 0, len(levels))
    return _joined(spans, gap=1)


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
    lengths = np.diff(spans, axis=1)[:, 0]
    missing = np.maximum(least - lengths, 0)
    starts = np.clip(spans[:, 0] - missing // 2, 0, len(levels) - np.maximum(lengths, least))
    widened = np.stack([starts, starts + np.maximum(lengths, least)], axis=1)
    cut = [_cut(start, end, levels, least, most) for start, end in _joined(widened, gap=1)]
    return np.concatenate(cut) if cut else _NO_SPANS


def find_segments(
    samples: np.ndarray, segmentation: Segmentation, *, shortest: float, longest: float
) -> pd.DataFrame:
    """Cut one channel into segments of speech: `frame_levels`, `speech_spans` and `cut_spans` in one go.

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
    levels = frame_levels(samples)
    segments = cut_spans(speech_spans(levels, segmentation), levels, shortest=shortest, longest=longest)
    return pd.DataFrame(segments * FRAME, columns=["start", "end"]).round(2)


def _frames(seconds: float) -> int:
    return round(seconds / FRAME)


def _thresholds(levels: np.ndarray, above_floor: float) -> np.ndarray:
    """Place the threshold of each frame between noise and speech [dBFS]; infinite without speech.

    The floor of the whole recording decides, raised where the noise of the moment is louder. The noise of
    the moment is the minimum of the level over 5 s, which speech reaches between its sounds (Martin 2001,
    "Noise power spectral density estimation based on optimal smoothing and minimum statistics"). It raises
    the threshold only as far as speech stays above it: that of the moment, or the loudest where all is noise.
    """
    threshold = _threshold(levels, above_floor)
    amid_sound = minimum_filter1d(levels, 2 * _SMOOTHING) > _DIGITAL_SILENCE
    floors = minimum_filter1d(np.where(amid_sound, levels, np.inf), _MOMENT)
    peaks = np.maximum(maximum_filter1d(levels, _MOMENT), np.percentile(levels, _LOUD_PERCENTILE))
    return np.maximum(threshold, np.minimum(floors + above_floor, peaks - _LEAST_RANGE))


def _threshold(levels: np.ndarray, above_floor: float) -> float:
    """Place the threshold of a whole recording [dBFS]; infinite without speech.

    Where the recording has digital silence, its quietest sounding frames may already be speech, so that the
    floor counts only as far as it lies well below the speech.
    """
    sounding = levels[levels > _DIGITAL_SILENCE]
    if not len(sounding):
        return np.inf
    floor = float(np.percentile(sounding, _FLOOR_PERCENTILE))
    if len(sounding) < len(levels) * (1 - _FLOOR_PERCENTILE / 100):
        floor = min(floor, float(np.percentile(sounding, _SPEECH_PERCENTILE)) - _DYNAMIC_RANGE)
    active = sounding[sounding > floor + _LEAST_CONTRAST]
    if not len(active):
        return np.inf
    speech = float(np.percentile(active, _SPEECH_PERCENTILE))
    return max(speech - _DYNAMIC_RANGE, floor + min(above_floor, (speech - floor) / 2), _QUIETEST_SPEECH)


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
