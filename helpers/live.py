"""Analysis while somebody speaks: samples go in, segments with their emotions come out.

The segments are those that ``speech.find_segments`` would find in all the samples, and their emotions those
of ``analysis.analyze_recording``: the same code, run piece by piece. What the next samples may still change
is pending; what nothing can change is settled, and described once. Emotions are judged anew with each segment
that comes in, because the more is heard of a voice, the better is known how it usually sounds.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.analysis import SEGMENT_COLUMNS, with_emotions
from helpers.classifier import Model
from helpers.lanes import MONO, SPEAKER
from helpers.media import SAMPLE_RATE, Recording
from helpers.speech import LoudnessMeter, Segmentation, Segmenter, frame_levels

KEPT = 30 * 60.0  # seconds
SHOWN = 60.0  # seconds

_METERED = 0.2


@dataclass(frozen=True, eq=False)
class LiveView:
    """What is known at one time.

    Attributes
    ----------
    duration : float
        Heard until then [seconds].
    level : float
        Of the last 0.2 s [dBFS].
    segments : pd.DataFrame
        See ``analysis``: those of the last minute, the pending ones too.
    """

    duration: float
    level: float
    segments: pd.DataFrame


class LiveCall:
    """One channel that is analysed while it is heard.

    Parameters
    ----------
    model : Model
        From ``classifier.load_model``.
    segmentation : Segmentation, optional
        How speech is told from silence.
    kept : float
        How much of the sound is kept: its last seconds, at least a minute.
    """

    def __init__(self, model: Model, segmentation: Segmentation | None = None, *, kept: float = KEPT) -> None:
        card = model.card
        settings = segmentation or Segmentation()
        self._model = model
        self._meter = LoudnessMeter()
        self._segmenter = Segmenter(settings, shortest=card.shortest, longest=card.longest)
        self._kept = kept
        self._sound = _LastSamples(round(kept * SAMPLE_RATE))
        self._settled: deque[_Described] = deque()
        self._pending: list[_Described] = []
        self._known: list[_Described] | None = None
        self._judged = pd.DataFrame()

    def hear(self, samples: np.ndarray) -> None:
        """Hear some more.

        Parameters
        ----------
        samples : np.ndarray [shape=(n,), dtype=int16]
            Those that follow the last ones, any number of them.
        """
        self._sound.append(samples)
        self._settle(self._segmenter.feed(self._meter.feed(samples)))
        self._pending = self._described(self._segmenter.pending())

    def finish(self) -> None:
        """Settle the rest, after which nothing may be heard."""
        self._settle(self._segmenter.finish(self._meter.finish()))
        self._pending = []

    def segments(self) -> pd.DataFrame:
        """Judge all segments by what is known of the speaker's voice until now.

        Returns
        -------
        pd.DataFrame
            See ``analysis``: those of the sound that is kept, the pending ones too. Not to be written to.
        """
        known = [*self._settled, *self._pending]
        if known == self._known:
            return self._judged
        times = pd.DataFrame(
            [(each.start, each.end) for each in known], columns=["start", "end"], dtype=float
        )
        table = times.assign(channel=MONO, role=SPEAKER)[SEGMENT_COLUMNS[:4]]
        self._known = known
        probabilities = self._model.predict(np.array([each.vector for each in known]))
        self._judged = with_emotions(table, probabilities, self._model)
        return self._judged

    def view(self) -> LiveView:
        """Give what is known now.

        Returns
        -------
        LiveView
        """
        end = self._sound.end
        segments = self.segments()
        levels = frame_levels(self._sound.between(end - round(_METERED * SAMPLE_RATE), end))
        return LiveView(
            duration=end / SAMPLE_RATE,
            level=float(levels.max()) if len(levels) else -np.inf,
            segments=segments[segments["end"] > end / SAMPLE_RATE - SHOWN].reset_index(drop=True),
        )

    def recording(self, name: str) -> Recording:
        """Give the sound that is kept.

        Parameters
        ----------
        name : str
            To show.

        Returns
        -------
        Recording
            Of one channel.
        """
        return Recording(name, self._sound.between(0, self._sound.end)[np.newaxis])

    def _described(self, segments: pd.DataFrame) -> list[_Described]:
        """Describe segments; what is known of those that were pending until now is not computed again."""
        known = {(each.start, each.end): each for each in self._pending}
        times = segments.itertuples(index=False, name=None)
        return [known.get((start, end)) or self._describe(start, end) for start, end in times]

    def _describe(self, start: float, end: float) -> _Described:
        samples = self._sound.between(*(round(time * SAMPLE_RATE) for time in (start, end)))
        return _Described(start, end, self._model.features.describe(samples))

    def _settle(self, segments: pd.DataFrame) -> None:
        self._settled.extend(self._described(segments))
        oldest = self._sound.end / SAMPLE_RATE - self._kept
        while self._settled and self._settled[0].end < oldest:
            self._settled.popleft()


@dataclass(frozen=True, eq=False)
class _Described:
    start: float
    end: float
    vector: np.ndarray


class _LastSamples:
    """The last samples of a stream, under the numbers that they have in it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._blocks: deque[np.ndarray] = deque()
        self._start = 0
        self.end = 0

    def append(self, samples: np.ndarray) -> None:
        self._blocks.append(samples.copy())
        self.end += len(samples)
        while self.end - self._start - len(self._blocks[0]) >= self._most:
            self._start += len(self._blocks.popleft())

    def between(self, start: int, end: int) -> np.ndarray:
        """Give the samples from number `start` to `end`, as far as they are kept."""
        start = max(start, self._start, self.end - self._most)
        needed: list[np.ndarray] = []
        reached = self.end
        for block in reversed(self._blocks):
            if reached <= start:
                break
            needed.insert(0, block)
            reached -= len(block)
        samples = np.concatenate(needed) if needed else np.empty(0, np.int16)
        return samples[start - reached : end - reached]
