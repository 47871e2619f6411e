"""What a window of a call shows: its segments, or stretches of many where a pixel would hold several."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.corrections import by_hand
from helpers.moments import valence

MOST = 400  # segments that are shown one by one

TREND = 30.0  # seconds

_NO_TREND: dict[str, list[float]] = {"channel": [], "time": [], "valence": []}
_STRETCHES = 300  # of a lane, where there are more
_STEP = 4  # from one detail to the next, in length of the window


def visible(segments: pd.DataFrame, start: float, end: float) -> pd.DataFrame:
    """Choose what a window shows.

    Parameters
    ----------
    segments : pd.DataFrame
        See ``analysis``.
    start, end : float
        Of the window [seconds].

    Returns
    -------
    pd.DataFrame
        The columns of the segments, `by_hand`, whether an emotion was set by hand, `segment`, the row of
        the first that a row stands for, and `count`, how many it stands for. Where several are joined, the
        emotion is the one that takes most of their time, and probabilities and confidence are means by time.
    """
    rows = _counted(segments[(segments["end"] > start) & (segments["start"] < end)])
    return rows if len(rows) <= MOST else _joined(rows, (end - start) / _STRETCHES)


def every_detail(segments: pd.DataFrame, duration: float) -> pd.DataFrame:
    """Prepare what windows of every length show, for a page that cannot ask for it later.

    Parameters
    ----------
    segments : pd.DataFrame
        See ``analysis``.
    duration : float
        Of the call [seconds].

    Returns
    -------
    pd.DataFrame
        The columns of `visible`, `over` and `upto`: a row is shown by windows that are longer than `over` and
        at most `upto` long [seconds]. Every segment is there for each length, by itself or joined.
    """
    rows = _counted(segments)
    return pd.concat(
        [
            (rows if not over else _joined(rows, upto / _STRETCHES)).assign(over=over, upto=upto)
            for over, upto in _details(len(rows), duration)
        ],
        ignore_index=True,
    )


def every_loudness(levels: np.ndarray, step: float, count: int, duration: float) -> pd.DataFrame:
    """Reduce levels to what windows of every length show of them.

    Parameters
    ----------
    levels : np.ndarray [shape=(n,)]
        As of `loudest`.
    step : float
        Between two of them [seconds].
    count : int
        Segments of the call, which decide on the lengths.
    duration : float
        Of the call [seconds].

    Returns
    -------
    pd.DataFrame
        The columns of `loudest`, and `over` and `upto` as of `every_detail`.
    """
    return pd.concat(
        [
            loudest(levels, step, start, min(start + upto, duration)).assign(over=over, upto=upto)
            for over, upto in _details(count, duration)
            for start in np.arange(0, duration, upto)
        ],
        ignore_index=True,
    )


def trend_rows(segments: pd.DataFrame, start: float, end: float) -> pd.DataFrame:
    """Compute how pleasant each speaker sounds, as a slow line.

    Parameters
    ----------
    segments : pd.DataFrame
        See ``analysis``.
    start, end : float
        Of the window [seconds].

    Returns
    -------
    pd.DataFrame
        Columns `channel`, `time` [seconds] and `valence` in [-1, 1]: a row per segment or stretch whose
        emotion was analysed, with the mean of the speech of `TREND` s around it.
    """
    rows = visible(segments[segments["emotion"].notna()], start, end)
    lanes = [_trend(lane) for _, lane in rows.groupby("channel")]
    return pd.concat(lanes, ignore_index=True) if lanes else pd.DataFrame(_NO_TREND)


def _trend(lane: pd.DataFrame) -> pd.DataFrame:
    times = ((lane["start"] + lane["end"]) / 2).to_numpy(float)
    lengths = (lane["end"] - lane["start"]).to_numpy(float)
    near = np.abs(times[:, None] - times) <= TREND / 2
    mean = (near * lengths) @ valence(lane).to_numpy(float) / (near @ lengths)
    return pd.DataFrame({"channel": lane["channel"].to_numpy(), "time": times, "valence": mean})


def loudest(levels: np.ndarray, step: float, start: float, end: float) -> pd.DataFrame:
    """Reduce levels to what a window shows of them.

    Parameters
    ----------
    levels : np.ndarray [shape=(n,)]
        From the start of the call on [dBFS].
    step : float
        Between two of them [seconds].
    start, end : float
        Of the window [seconds].

    Returns
    -------
    pd.DataFrame
        Columns `time` [seconds] and `level`, the maximum around it [dBFS].
    """
    first, last = int(start / step), min(int(np.ceil(end / step)), len(levels))
    shown = levels[first:last]
    size = max(1, -(-len(shown) // (2 * _STRETCHES)))
    if not len(shown):
        return pd.DataFrame({"time": [], "level": []}, dtype=float)
    starts = np.arange(0, len(shown), size)
    level = np.maximum.reduceat(shown, starts)
    return pd.DataFrame({"time": (first + starts + size / 2) * step, "level": level.astype(float)})


def _details(count: int, duration: float) -> list[tuple[float, float]]:
    """Part the lengths of windows, so that each part shows about `MOST` segments or joins them [seconds]."""
    parts = []
    upto = duration
    while count * upto / duration > MOST:
        parts.append((upto / _STEP, upto))
        upto /= _STEP
    return [*parts, (0.0, upto)]


def _counted(segments: pd.DataFrame) -> pd.DataFrame:
    """Let each row stand for itself."""
    return segments.assign(by_hand=by_hand(segments), segment=segments.index, count=1)


def _joined(rows: pd.DataFrame, width: float) -> pd.DataFrame:
    """Join the segments of a lane whose middles lie within the same `width` seconds."""
    rows = rows.assign(length=rows["end"] - rows["start"])
    stretch = ((rows["start"] + rows["end"]) / 2 // width).rename("stretch")
    keys = [rows["channel"], stretch]
    groups = rows.groupby(keys, sort=False)
    joined = groups.agg(
        role=("role", "first"),
        start=("start", "min"),
        end=("end", "max"),
        baseline=("baseline", "first"),
        by_hand=("by_hand", "any"),
        segment=("segment", "first"),
        count=("count", "sum"),
    )
    figures = ["confidence", *rows.columns[rows.columns.get_loc("baseline") + 1 : -4]]
    weights = rows[figures].notna().mul(rows["length"], axis=0)  # what was set by hand has no confidence
    weighted = (rows[figures] * weights).groupby(keys, sort=False).sum(min_count=1)
    joined[figures] = weighted / weights.groupby(keys, sort=False).sum()
    times = rows.groupby([*keys, rows["emotion"].fillna("")], sort=False)["length"].sum()
    longest = times[times.groupby(level=[0, 1], sort=False).idxmax()]
    joined["emotion"] = [emotion or None for emotion in longest.index.get_level_values(2)]
    return joined.reset_index("channel").sort_values(["start", "channel"], ignore_index=True)
