"""Analysis while somebody speaks: samples go in, segments with their emotions come out.

The segments are those that ``speech.find_segments`` would find in all the samples, and their emotions those
of ``analysis.analyze_recording``: the same code, run piece by piece. What the next samples may still change
is pending; what nothing can change is settled, and computed once.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.analysis import SEGMENT_COLUMNS, SPEAKER, with_emotions
from helpers.classifier import Model
from helpers.media import SAMPLE_RATE, Recording
from helpers.speech import Segmentation, Segmenter, frame_levels

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
        self._segmenter = Segmenter(settings, shortest=card.shortest, longest=card.longest)
        self._sound = _LastSamples(round(kept * SAMPLE_RATE))
        self._vectors: dict[tuple[float, float], np.ndarray] = {}
        self._pending = self._judged(self._segmenter.pending())
        self._settled = self._pending

    def hear(self, samples: np.ndarray) -> pd.DataFrame:
        """Hear some more.

        Parameters
        ----------
        samples : np.ndarray [shape=(n,), dtype=int16]
            Those that follow the last ones, any number of them.

        Returns
        -------
        pd.DataFrame
            The segments that are settled by now and were not before; see ``analysis`` for the columns.
        """
        self._sound.append(samples)
        settled = self._judged(self._segmenter.feed(samples))
        self._pending = self._judged(self._segmenter.pending())
        self._show(settled)
        return settled

    def finish(self) -> pd.DataFrame:
        """Settle the rest, after which nothing may be heard.

        Returns
        -------
        pd.DataFrame
            As of `hear`.
        """
        rest = self._judged(self._segmenter.finish())
        self._pending = rest[:0]
        self._show(rest)
        return rest

    def view(self) -> LiveView:
        """Give what is known now.

        Returns
        -------
        LiveView
        """
        end = self._sound.end
        levels = frame_levels(self._sound.between(end - round(_METERED * SAMPLE_RATE), end))
        return LiveView(
            duration=end / SAMPLE_RATE,
            level=float(levels.max()) if len(levels) else -np.inf,
            segments=pd.concat([self._settled, self._pending], ignore_index=True),
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

    def _judged(self, segments: pd.DataFrame) -> pd.DataFrame:
        """Predict emotions; what is known of segments that were pending until now is not computed again."""
        vectors = {}
        for start, end in segments.itertuples(index=False):
            known = self._vectors.get((start, end))
            vectors[start, end] = self._described(start, end) if known is None else known
        self._vectors |= vectors
        table = segments.assign(channel="mono", role=SPEAKER)[SEGMENT_COLUMNS[:4]]
        return with_emotions(table, np.array(list(vectors.values())), self._model)

    def _described(self, start: float, end: float) -> np.ndarray:
        bounds = (round(time * SAMPLE_RATE) for time in (start, end))
        return self._model.features.describe(self._sound.between(*bounds))

    def _show(self, settled: pd.DataFrame) -> None:
        """Keep what is shown, and forget the vectors of what is not pending any more."""
        shown = pd.concat([self._settled, settled], ignore_index=True)
        self._settled = shown[shown["end"] > self._sound.end / SAMPLE_RATE - SHOWN]
        pending = set(self._pending[["start", "end"]].itertuples(index=False, name=None))
        self._vectors = {times: vector for times, vector in self._vectors.items() if times in pending}


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
