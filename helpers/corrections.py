"""Corrections: what the analyst says of segments, over what the model said.

A correction belongs to a stretch of a channel and not to a row of a table, for segments move when speech is
told from silence in another way, or by another model. It holds for all voices on its channel, so that it
stays when they are told apart. A segment has the emotion of the correction that covers most of it. In
`segments`, `emotion` is the one that counts; where it was set by hand, `model_emotion` is what the model
said, and there is no confidence, for it is no prediction.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from helpers.media import sound_channel

MODEL_EMOTION = "model_emotion"


@dataclass(frozen=True)
class Correction:
    """An emotion that was set by hand.

    Attributes
    ----------
    recording : str
        Name of the file.
    channel : str
    start, end : float
        Of the segment as it was then [seconds].
    emotion : str
        What the analyst said.
    model_emotion : str
        What the model said.
    confidence : float
        Of the model.
    model : str
        Its name.
    """

    recording: str
    channel: str
    start: float
    end: float
    emotion: str
    model_emotion: str
    confidence: float
    model: str


def with_correction(corrections: Sequence[Correction], correction: Correction) -> tuple[Correction, ...]:
    """Add a correction; those that it mostly covers are replaced.

    Parameters
    ----------
    corrections : sequence of Correction
        Of one recording.
    correction : Correction

    Returns
    -------
    tuple of Correction
    """
    others = (
        each
        for each in corrections
        if not _covers(correction, sound_channel(each.channel), each.start, each.end)
    )
    return (*others, correction)


def without_corrections(
    corrections: Sequence[Correction], channel: str, start: float, end: float
) -> tuple[Correction, ...]:
    """Take back what was said of a segment.

    Parameters
    ----------
    corrections : sequence of Correction
        Of one recording.
    channel : str
    start, end : float
        Of the segment [seconds].

    Returns
    -------
    tuple of Correction
    """
    channel = sound_channel(channel)
    return tuple(each for each in corrections if not _covers(each, channel, start, end))


def corrected(segments: pd.DataFrame, corrections: Sequence[Correction]) -> pd.DataFrame:
    """Set the emotions of segments by hand.

    Parameters
    ----------
    segments : pd.DataFrame
        As a model told them; see ``analysis``. Those of somebody who is not analysed stay so.
    corrections : sequence of Correction
        Of the same recording; the last one counts.

    Returns
    -------
    pd.DataFrame
        With the column `MODEL_EMOTION` after the confidence; the same object where nothing changes.
    """
    said = segments["emotion"].astype(object)
    emotions, changed = said.copy(), np.zeros(len(segments), bool)
    analysed = said.notna().to_numpy()
    for correction, covered in zip(corrections, _covered(segments, corrections), strict=True):
        emotions[covered & analysed] = correction.emotion
        changed |= covered & analysed
    if not changed.any():
        return segments
    table = segments.assign(emotion=emotions, confidence=segments["confidence"].mask(changed))
    table.insert(table.columns.get_loc("confidence") + 1, MODEL_EMOTION, said.where(changed, None))
    return table


def by_hand(segments: pd.DataFrame) -> pd.Series:
    """Tell which segments have an emotion that was set by hand.

    Parameters
    ----------
    segments : pd.DataFrame
        See ``analysis``.

    Returns
    -------
    pd.Series [dtype=bool]
    """
    return segments.get(MODEL_EMOTION, pd.Series(None, segments.index, object)).notna()


def unplaced(segments: pd.DataFrame, corrections: Sequence[Correction]) -> int:
    """Count the corrections that cover most of no segment.

    Parameters
    ----------
    segments : pd.DataFrame
        See ``analysis``.
    corrections : sequence of Correction
        Of the same recording.

    Returns
    -------
    int
    """
    return sum(not covered.any() for covered in _covered(segments, corrections))


def _covered(segments: pd.DataFrame, corrections: Sequence[Correction]) -> Iterator[np.ndarray]:
    """Tell for each correction which segments it covers most of [each shape=(segments,), dtype=bool]."""
    spans = [
        segments["channel"].map(sound_channel).to_numpy(object),
        *segments[["start", "end"]].to_numpy(float).T,
    ]
    return (_covers(correction, *spans) for correction in corrections)


def _covers(correction: Correction, channel: Any, start: Any, end: Any) -> Any:
    """Tell whether a correction covers most of a stretch of a channel of sound, or of which of many."""
    shared = np.minimum(end, correction.end) - np.maximum(start, correction.start)
    return (channel == sound_channel(correction.channel)) & (shared > (end - start) / 2)
