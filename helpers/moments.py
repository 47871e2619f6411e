"""Moments: stretches of a call that deserve a listen, and why.

All are found in the segments alone; see ``analysis`` for their columns. Speech shorter than the shortest
segment of the model is not there, so that a short “yes” is neither a turn nor talk-over.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from helpers.corrections import by_hand
from helpers.emotions import EMOTIONS, NEGATIVE, UNCERTAIN

ANGER, RECOVERY, TALK_OVER, SILENCE = "sustained anger", "recovery", "talk-over", "longest silence"
WORSE, BETTER = "turn for the worse", "turn for the better"
AROUND = 10.0  # seconds of speech before and after a turn

_LONGEST_BREAK = 10.0
_EVERYBODY = "all"


@dataclass(frozen=True)
class Thresholds:
    """From when on something is a moment.

    Attributes
    ----------
    sustained : float
        Anger, or what somebody recovers from [seconds of speech].
    calm_again : float
        Speech without negative emotion that makes a recovery [seconds].
    turn : float
        Difference of the mean valence before and after; see ``emotions.Emotion``.
    talk_over, silence : float
        [seconds]
    """

    sustained: float = 5.0
    calm_again: float = 10.0
    turn: float = 0.4
    talk_over: float = 2.0
    silence: float = 8.0


def explained(thresholds: Thresholds) -> dict[str, str]:
    """Say what each kind of moment is, in the order in which people look for them.

    Parameters
    ----------
    thresholds : Thresholds

    Returns
    -------
    dict of str to str
    """
    sustained, calm = f"{thresholds.sustained:g} s", f"{thresholds.calm_again:g} s"
    return {
        ANGER: f"A speaker stays angry over {sustained} of speech or more.",
        RECOVERY: f"{sustained} of negative emotion end, and {calm} of speech or more have none.",
        WORSE: f"The mean valence of {AROUND:g} s of speech lies {thresholds.turn:g} or more under that of "
        f"the {AROUND:g} s before, on a scale from -1 to 1 (Russell and Mehrabian 1977).",
        BETTER: "The same, but higher.",
        TALK_OVER: f"Two speakers talk at once for {thresholds.talk_over:g} s or more.",
        SILENCE: f"The longest time that nobody speaks, if it is {thresholds.silence:g} s or more.",
    }


@dataclass(frozen=True)
class Moment:
    """A stretch that deserves a listen.

    Attributes
    ----------
    channel, role : str
        Where, and who speaks; "all" where it is not about one speaker.
    kind : str
        What happens: a key of `explained`.
    start, end : float
        From when to when [seconds].
    description : str
        A sentence with the figures behind it.
    """

    channel: str
    role: str
    kind: str
    start: float
    end: float
    description: str


def find_moments(segments: pd.DataFrame, thresholds: Thresholds | None = None) -> tuple[Moment, ...]:
    """Find the moments of a call.

    Parameters
    ----------
    segments : pd.DataFrame
        See ``analysis``.
    thresholds : Thresholds, optional

    Returns
    -------
    tuple of Moment
        In order of time; of the kinds of `explained`. A series of one emotion is not broken by segments whose
        emotion is uncertain, which do not prolong it either, but by 10 s of silence.
    """
    named = segments[segments["emotion"].notna() & (segments["emotion"] != UNCERTAIN)]
    lanes = [lane for _, lane in named.groupby("channel", sort=False)]
    limits = thresholds or Thresholds()
    moments = [moment for lane in lanes for moment in (*_anger(lane, limits), *_recoveries(lane, limits))]
    told = segments[segments["emotion"].notna()]
    moments += [moment for _, lane in told.groupby("channel", sort=False) for moment in _turns(lane, limits)]
    moments += [*_talk_over(segments, limits), *_longest_silence(segments, limits)]
    return tuple(sorted(moments, key=lambda moment: moment.start))


def valence(segments: pd.DataFrame) -> pd.Series:
    """Say how pleasant each segment sounds.

    Parameters
    ----------
    segments : pd.DataFrame
        With a column per emotion of the model.

    Returns
    -------
    pd.Series
        Expected valence under the probabilities, from -1 to 1; see ``emotions.Emotion``. Where an emotion was
        set by hand, its own.
    """
    names = [name for name in EMOTIONS if name in segments.columns]
    expected = segments[names] @ np.array([EMOTIONS[name].valence for name in names])
    own = segments["emotion"].map({name: emotion.valence for name, emotion in EMOTIONS.items()})
    return expected.mask(by_hand(segments), own.astype(float))


def speech_time(segments: pd.DataFrame) -> float:
    """Add up the lengths of segments [seconds]."""
    return float((segments["end"] - segments["start"]).sum())


def _anger(lane: pd.DataFrame, limits: Thresholds) -> Iterator[Moment]:
    angry = (lane["emotion"] == "angry").to_numpy(bool)
    starts, ends = lane["start"].to_numpy(float), lane["end"].to_numpy(float)
    pauses = starts[1:] - ends[:-1]
    for run in _runs((angry[1:] != angry[:-1]) | (pauses > _LONGEST_BREAK), ends - starts):
        if angry[run.start] and run.seconds >= limits.sustained:
            series = lane.iloc[run.start : run.end]
            told = series["confidence"].dropna()
            sure = f"with a mean confidence of {told.mean():.0%}" if len(told) else "as set by hand"
            yield _moment(
                ANGER,
                series,
                f"Angry in {len(series)} segments in a row, {run.seconds:.0f} s of speech, {sure}.",
            )


def _recoveries(lane: pd.DataFrame, limits: Thresholds) -> Iterator[Moment]:
    """Find where negative speech ends for good, or for long enough."""
    negative = lane["emotion"].isin(NEGATIVE).to_numpy(bool)
    lengths = (lane["end"] - lane["start"]).to_numpy(float)
    for worse, calm in pairwise(_runs(negative[1:] != negative[:-1], lengths)):
        if negative[calm.start] or worse.seconds < limits.sustained or calm.seconds < limits.calm_again:
            continue
        told = sorted(set(lane["emotion"].iloc[worse.start : worse.end]))
        yield _moment(
            RECOVERY,
            lane.iloc[calm.start : calm.end],
            f"No negative emotion in {calm.seconds:.0f} s of speech, after {worse.seconds:.0f} s of "
            f"{' and '.join(told)} speech.",
        )


def _turns(lane: pd.DataFrame, limits: Thresholds) -> Iterator[Moment]:
    """Find where the valence jumps most, each turn apart from larger ones."""
    lengths = (lane["end"] - lane["start"]).to_numpy(float)
    reached = np.concatenate([[0.0], np.cumsum(lengths)])
    weighted = np.concatenate([[0.0], np.cumsum(lengths * valence(lane).to_numpy(float))])
    bounds = np.arange(1, len(lane))
    first = np.searchsorted(reached, reached[bounds] - AROUND, side="left").clip(0, bounds - 1)
    last = np.searchsorted(reached, reached[bounds] + AROUND, side="right") - 1
    last = last.clip(bounds + 1, len(lane))
    before = (weighted[bounds] - weighted[first]) / (reached[bounds] - reached[first])
    after = (weighted[last] - weighted[bounds]) / (reached[last] - reached[bounds])
    enough = np.minimum(reached[bounds] - reached[first], reached[last] - reached[bounds]) >= limits.sustained
    turn = np.where(enough, after - before, 0.0)
    while len(turn) and np.max(np.abs(turn)) >= limits.turn:
        place = int(np.argmax(np.abs(turn)))
        part = lane.iloc[[bounds[place] - 1, last[place] - 1]]
        words = f"from {before[place]:+.2f} to {after[place]:+.2f}"
        kind = WORSE if turn[place] < 0 else BETTER
        yield _moment(kind, part, f"The valence of the voice goes {words} within {2 * AROUND:g} s of speech.")
        turn[np.abs(reached[bounds] - reached[bounds[place]]) < 2 * AROUND] = 0.0


def _talk_over(segments: pd.DataFrame, limits: Thresholds) -> Iterator[Moment]:
    lanes = [lane for _, lane in segments.groupby("channel", sort=False)]
    if len(lanes) != 2:
        return
    first, second = (deque(joined(lane)) for lane in lanes)
    while first and second:
        start, end = max(first[0][0], second[0][0]), min(first[0][1], second[0][1])
        if end - start >= limits.talk_over:
            seconds = f"Both speak for {end - start:.1f} s."
            yield Moment(_EVERYBODY, _EVERYBODY, TALK_OVER, start, end, seconds)
        (first if first[0][1] <= second[0][1] else second).popleft()


def _longest_silence(segments: pd.DataFrame, limits: Thresholds) -> Iterator[Moment]:
    spoken = [*joined(segments)]
    gaps = [(start - end, end, start) for (_, end), (start, _) in pairwise(spoken)]
    length, start, end = max(gaps, key=lambda gap: gap[0], default=(0.0, 0.0, 0.0))
    if length >= limits.silence:
        yield Moment(_EVERYBODY, _EVERYBODY, SILENCE, start, end, f"Nobody speaks for {length:.1f} s.")


def joined(segments: pd.DataFrame) -> Iterator[tuple[float, float]]:
    """Join segments that touch or overlap.

    Parameters
    ----------
    segments : pd.DataFrame
        With `start` and `end` [seconds].

    Yields
    ------
    tuple of float
        Start and end of each stretch [seconds], in order.
    """
    times = segments[["start", "end"]].sort_values("start").to_numpy(float)
    if not len(times):
        return
    reached = np.maximum.accumulate(times[:, 1])
    begins = np.concatenate([[True], times[1:, 0] > reached[:-1] + 1e-6])
    starts = np.flatnonzero(begins)
    for first, last in zip(starts, [*starts[1:] - 1, len(times) - 1], strict=True):
        yield float(times[first, 0]), float(reached[last])


@dataclass(frozen=True)
class _Run:
    """Segments from `start` to before `end`, by position, and the seconds of speech in them."""

    start: int
    end: int
    seconds: float


def _runs(broken: np.ndarray, lengths: np.ndarray) -> Iterator[_Run]:
    """Part segments where the run is broken between one and the next [shape=(segments - 1,)]."""
    bounds = [0, *(np.flatnonzero(broken) + 1).tolist(), len(lengths)]
    for start, end in pairwise(bounds):
        if end > start:
            yield _Run(start, end, float(lengths[start:end].sum()))


def _moment(kind: str, series: pd.DataFrame, description: str) -> Moment:
    first = series.iloc[0]
    start, end = float(first["start"]), float(series["end"].iloc[-1])
    return Moment(first["channel"], first["role"], kind, start, end, description)
