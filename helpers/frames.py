"""A recording heard once, piece by piece: what is kept of it are frames, not samples.

Of each lane its levels are kept, and the frame features wherever somebody may speak. An hour of speech is
60 MB then, half of its samples at `SAMPLE_RATE`, and other settings of the segmentation find everything that
they need, as far as they are covered by those that the recording was heard with. The segments of the present
settings are described as soon as they are settled, so that networks hear them while the rest is read.

Conventions: frames are those of ``speech.FRAME`` seconds, which begin as the frames of a feature set do.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

import numpy as np
import pandas as pd

from helpers.feature_sets import FeatureSet, keep_freed_memory
from helpers.features import HOP_LENGTH
from helpers.lanes import Lane, Settings, lanes_of
from helpers.media import SAMPLE_RATE, Recording, Sound
from helpers.networks import SORTED
from helpers.speech import FRAME, SILENCE, Loudness, LoudnessMeter, Segmentation, Segmenter, cut_segments

Progress = Callable[[str, float], None]

_CHUNK = 30 * SAMPLE_RATE  # samples that a lane listens to at once
_DECIDED_AFTER = 600 * SAMPLE_RATE  # samples of all channels that tell who is heard where, if they sound
_DECIDED_BY = 3600 * SAMPLE_RATE
_PIECE = 400  # frames that are computed together
_BEGUN = 2  # that many descriptions of some segments each are under way before the first is awaited

_Span = tuple[int, int]  # frames


@dataclass(frozen=True, eq=False)
class LaneFrames:
    """What is kept of one lane.

    Attributes
    ----------
    lane : Lane
    loudness : Loudness
    starts : tuple of int
        The frame with which each piece begins, in order.
    pieces : tuple of np.ndarray [shape=(n, …)]
        Frame features; none where the lane is not analysed.
    beyond : int
        As of the feature set that computed them.
    """

    lane: Lane
    loudness: Loudness
    starts: tuple[int, ...]
    pieces: tuple[np.ndarray, ...]
    beyond: int
    _described: dict[str, dict[_Span, np.ndarray]] = field(default_factory=dict, repr=False)

    @property
    def nbytes(self) -> int:
        """Memory that it takes [bytes], but for the descriptions of segments, a tenth of it."""
        arrays = (self.loudness.levels, self.loudness.by_step, *self.pieces)
        return sum(array.nbytes for array in arrays)

    @property
    def sounds(self) -> bool:
        """Whether there is anything but silence."""
        return bool(len(self.loudness.levels) and self.loudness.levels.max() > SILENCE)

    def segments(self, segmentation: Segmentation, *, shortest: float, longest: float) -> pd.DataFrame:
        """Cut the lane into segments of speech, as ``speech.find_segments``.

        Parameters
        ----------
        segmentation : Segmentation
            How speech is told from silence.
        shortest, longest : float
            Length of a segment [seconds].

        Returns
        -------
        pd.DataFrame
            Columns `start` and `end` [seconds].
        """
        return cut_segments(self.loudness, segmentation, shortest=shortest, longest=longest)

    def describe(self, segments: pd.DataFrame, feature_set: FeatureSet) -> np.ndarray:
        """Describe segments; those that the settings before had, too, are known.

        Parameters
        ----------
        segments : pd.DataFrame
            From `segments`.
        feature_set : FeatureSet
            That computed the frames, or another one with the same.

        Returns
        -------
        np.ndarray [shape=(segments, features), dtype=float32]

        Raises
        ------
        NotKeptError
            Frames of some were not kept.
        """
        spans = _spans(segments)
        known = self._described.get(feature_set.name, {})
        new = list(dict.fromkeys(span for span in spans if span not in known))
        values = feature_set.summaries(self._of(span) for span in new)
        known = {**known, **dict(zip(new, values, strict=True))}
        self._described[feature_set.name] = {span: known[span] for span in spans}
        return np.array([known[span] for span in spans], np.float32).reshape(len(spans), values.shape[1])

    def between(self, start: float, end: float) -> np.ndarray:
        """Give the frames that lie wholly inside a segment.

        Parameters
        ----------
        start, end : float
            Of the segment [seconds].

        Returns
        -------
        np.ndarray [shape=(frames, …)]

        Raises
        ------
        NotKeptError
            Some of them were not kept.
        """
        return self._of((round(start / FRAME), round(end / FRAME)))

    def _of(self, span: _Span) -> np.ndarray:
        return _between(self.starts, self.pieces, span[0], span[1] - self.beyond)


class NotKeptError(LookupError):
    """Frames are asked for where nobody was thought to speak."""


@dataclass(frozen=True, eq=False)
class CallFrames:
    """What is kept of a recording.

    Attributes
    ----------
    name, browser_type, warnings, has_pictures
        As of ``media.Recording``.
    duration : float
        Of the recording [seconds].
    channels : int
        Of the recording; equal channels count once.
    lanes : tuple of LaneFrames
        The agent's last.
    """

    name: str
    duration: float
    channels: int
    lanes: tuple[LaneFrames, ...]
    browser_type: str | None
    warnings: tuple[str, ...]
    has_pictures: bool

    @property
    def nbytes(self) -> int:
        """Memory that the frames take [bytes]."""
        return sum(lane.nbytes for lane in self.lanes)


def hear(
    sound: Sound,
    settings: Settings,
    feature_set: FeatureSet,
    *,
    shortest: float,
    longest: float,
    described: Segmentation | None = None,
    progress: Progress | None = None,
) -> CallFrames:
    """Hear a recording once, and describe its segments meanwhile.

    Parameters
    ----------
    sound : Sound
    settings : Settings
        What to analyse; frames are kept where its segmentation, or a stricter one, finds speech.
    feature_set : FeatureSet
        That describes segments.
    shortest, longest : float
        Length of a segment [seconds].
    described : Segmentation, optional
        Whose segments are described, where that is not the one of `settings`, which covers it.
    progress : callable, optional
        Called with "Reading the recording" and the share heard so far, as far as it is known.

    Returns
    -------
    CallFrames

    Raises
    ------
    MediaError
        The recording cannot be read.
    ModelError
        A network that hears the segments is missing or is another one.
    """
    keep_freed_memory()
    blocks = sound.blocks()
    first = _beginning(blocks)
    beginning = Recording(sound.name, np.concatenate(first).T)
    lanes = lanes_of(beginning, settings)
    channels = len(beginning.channels) if len(lanes) > 1 or lanes[0].number is None else 1
    del beginning
    segmenter = partial(Segmenter, shortest=shortest, longest=longest)
    kept = settings.segmentation
    described = described or kept
    least = round(shortest / FRAME)
    listeners = [_Listener(lane, feature_set, least, segmenter(kept), segmenter(described)) for lane in lanes]
    count = 0
    for block in chain(_taken(first), blocks):
        for listener in listeners:
            listener.feed(listener.lane.take(block))
        count += len(block)
        if progress:
            progress("Reading the recording", min(1.0, count / SAMPLE_RATE / max(sound.duration, 1.0)))
    return CallFrames(
        name=sound.name,
        duration=count / SAMPLE_RATE,
        channels=channels,
        lanes=tuple(listener.finish() for listener in listeners),
        browser_type=sound.browser_type,
        warnings=sound.warnings,
        has_pictures=sound.has_pictures,
    )


def _beginning(blocks: Iterator[np.ndarray]) -> list[np.ndarray]:
    """Take as many blocks as it needs to tell who is heard where."""
    taken: list[np.ndarray] = []
    count, sounding = 0, False
    for block in blocks:
        taken.append(block)
        count += block.size
        sounding = sounding or bool(block.any())
        if block.shape[1] == 1 or count >= (_DECIDED_AFTER if sounding else _DECIDED_BY):
            break
    return taken


def _taken(blocks: list[np.ndarray]) -> Iterator[np.ndarray]:
    """Give blocks one after the other, and forget them."""
    while blocks:
        yield blocks.pop(0)


def _spans(segments: pd.DataFrame) -> list[_Span]:
    """Give the frames with which segments begin, and before which they end."""
    bounds = (segments[["start", "end"]].to_numpy(float) / FRAME).round().astype(int)
    return [(first, last) for first, last in bounds.tolist()]


def _between(starts: Sequence[int], pieces: Sequence[np.ndarray], first: int, beyond: int) -> np.ndarray:
    """Take the frames from `first` to `beyond` out of pieces; a NotKeptError tells that some are missing."""
    number = bisect_right(starts, first) - 1
    parts = []
    reached = first
    while reached < beyond:
        if not 0 <= number < len(starts):
            raise NotKeptError
        begin, piece = starts[number], pieces[number]
        if not begin <= reached < begin + len(piece):
            raise NotKeptError
        parts.append(piece[reached - begin : beyond - begin])
        reached = begin + len(piece)
        number += 1
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


class _Describer:
    """Describes segments while what follows is read, as networks hear them on other threads."""

    def __init__(self, feature_set: FeatureSet) -> None:
        self._feature_set = feature_set
        self._begun: deque[tuple[list[_Span], Callable[[], np.ndarray]]] = deque()
        self._described: dict[_Span, np.ndarray] = {}

    def begin(self, segments: dict[_Span, np.ndarray]) -> None:
        """Begin with some more, by their frames."""
        while len(self._begun) >= _BEGUN:
            self._await_first()
        self._begun.append((list(segments), self._feature_set.begin(segments.values())))

    def finish(self) -> dict[_Span, np.ndarray]:
        """Give the values of all."""
        while self._begun:
            self._await_first()
        return self._described

    def _await_first(self) -> None:
        spans, values = self._begun.popleft()
        self._described.update(zip(spans, values(), strict=True))


class _Listener:
    """Hears one lane.

    Frames are computed wherever the first segmenter finds a segment, and so far around it as a stricter one
    may widen a short sound inside of it. The segments of the second, which is as strict or stricter, are
    described as soon as there are enough of them.
    """

    def __init__(
        self, lane: Lane, feature_set: FeatureSet, least: int, kept: Segmenter, described: Segmenter
    ) -> None:
        self.lane = lane
        self._feature_set = feature_set
        self._least = least  # frames of a segment
        self._meter = LoudnessMeter()
        self._kept, self._described = kept, described
        self._waiting: list[np.ndarray] = []  # samples that nobody listened to yet
        self._waiting_count = 0
        self._loudness: list[Loudness] = []
        self._samples = np.empty(0, np.int16)  # those that frames may still be computed of
        self._origin = 0  # the frame with which they begin
        self._wanted: list[tuple[int, int]] = []  # frames around segments, not computed yet
        self._reached = 0  # the frame up to which they were computed
        self._starts: list[int] = []
        self._pieces: list[np.ndarray] = []
        self._settled: list[_Span] = []  # segments that are not described yet
        self._describer = _Describer(feature_set)

    def feed(self, samples: np.ndarray) -> None:
        """Hear some more [shape=(n,), dtype=int16]."""
        self._waiting.append(samples)
        self._waiting_count += len(samples)
        if self._waiting_count >= _CHUNK:
            self._listen()

    def finish(self) -> LaneFrames:
        """Hear the rest, and give what is kept."""
        self._listen()
        end = self._meter.finish()
        loudness = Loudness.joined([*self._loudness, end])
        if self.lane.analysed:
            self._want(self._kept.finish(end), len(loudness.levels))
            self._settled += _spans(self._described.finish(end))
            self._compute(len(loudness.levels))
            self._describe(1)
        starts, pieces = tuple(self._starts), tuple(self._pieces)
        described = {self._feature_set.name: self._describer.finish()}
        return LaneFrames(self.lane, loudness, starts, pieces, self._feature_set.beyond, described)

    def _listen(self) -> None:
        if not self._waiting:
            return
        samples = np.concatenate(self._waiting)
        self._waiting, self._waiting_count = [], 0
        loudness = self._meter.feed(samples)
        self._loudness.append(loudness)
        if not self.lane.analysed:
            return
        self._samples = np.concatenate([self._samples, samples])
        self._want(self._kept.feed(loudness), None)
        self._settled += _spans(self._described.feed(loudness))
        self._compute(self._heard() - self._feature_set.beyond)
        self._describe(SORTED)
        self._forget()

    def _want(self, segments: pd.DataFrame, total: int | None) -> None:
        """Note the frames of segments and around them; `total` is known at the end."""
        half = self._least // 2
        for start, end in _spans(segments):
            first, beyond = start - half, end + half
            if first < 0:  # a short sound there is widened to the right alone
                first, beyond = 0, max(beyond, self._least)
            if total is not None and beyond > total:
                first, beyond = min(first, total - self._least), total
            self._wanted.append((max(first, 0), beyond))

    def _compute(self, known: int) -> None:
        """Compute the wanted frames, as far as what they need is known up to a frame."""
        while self._wanted and self._wanted[0][0] < known:
            first, beyond = self._wanted.pop(0)
            if beyond > known:
                self._wanted.insert(0, (known, beyond))
            for start in range(max(first, self._reached), min(beyond, known), _PIECE):
                self._compute_piece(start, min(start + _PIECE, beyond, known))
            self._reached = max(self._reached, min(beyond, known))

    def _compute_piece(self, start: int, end: int) -> None:
        """Compute the frames from `start` to `end`, as far as samples for them are there."""
        first = (start - self._origin) * HOP_LENGTH
        beyond = (end - self._origin + self._feature_set.beyond) * HOP_LENGTH
        samples = self._samples[first:beyond]
        if len(samples) >= (self._feature_set.beyond + 1) * HOP_LENGTH:
            self._starts.append(start)
            self._pieces.append(self._feature_set.frames(samples))

    def _describe(self, least: int) -> None:
        """Begin to describe the segments whose frames are all computed, if there are enough of them."""
        beyond = self._feature_set.beyond
        known = bisect_right(self._settled, self._reached + beyond, key=lambda span: span[1])
        while known >= least:
            count = min(known, SORTED)
            some, self._settled = self._settled[:count], self._settled[count:]
            known -= count
            self._describer.begin(
                {span: _between(self._starts, self._pieces, span[0], span[1] - beyond) for span in some}
            )

    def _forget(self) -> None:
        """Let go of the samples that no segment to come has, nor the silence around it."""
        needed = [self._kept.untouched - self._least, self._heard() - 2 * self._least]
        needed += [first for first, _ in self._wanted[:1]]
        count = max(min(needed) - self._origin, 0)
        self._samples = self._samples[count * HOP_LENGTH :]
        self._origin += count

    def _heard(self) -> int:
        return self._origin + len(self._samples) // HOP_LENGTH
