"""The timeline of a call as a picture of the size of a table's cell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from urllib.parse import quote

import numpy as np
import pandas as pd

from helpers.analysis import CallAnalysis
from helpers.emotions import EMOTIONS

WIDTH = 96  # pixels

_HEIGHT = 24  # pixels, as a row of a table has them


def miniature(analysis: CallAnalysis) -> str:
    """Draw which emotion prevails when.

    Parameters
    ----------
    analysis : CallAnalysis

    Returns
    -------
    str
        Address of an SVG picture that it holds itself: a ribbon per speaker who was analysed.
    """
    channels = [summary.channel for summary in analysis.summary if summary.shares]
    return drawn(analysis.segments, analysis.duration, channels)


def drawn(segments: pd.DataFrame, duration: float, channels: Sequence[str]) -> str:
    """Draw the ribbons of these channels.

    Parameters
    ----------
    segments : pd.DataFrame
        As of ``analysis.CallAnalysis``.
    duration : float
        Of the call [seconds].
    channels : sequence of str
        From above to below.

    Returns
    -------
    str
        As of `miniature`.
    """
    height = _HEIGHT / max(1, len(channels))
    ribbons = "".join(
        f'<rect x="{start}" y="{number * height:g}" width="{end - start}" height="{height - 1:g}" '
        f'fill="{EMOTIONS[emotion].colour}"/>'
        for number, channel in enumerate(channels)
        for start, end, emotion in _ribbon(segments[segments["channel"] == channel], duration)
    )
    picture = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{_HEIGHT}">{ribbons}</svg>'
    return f"data:image/svg+xml,{quote(picture)}"


def _ribbon(own: pd.DataFrame, duration: float) -> Iterator[tuple[int, int, str]]:
    """Give the stretches of one emotion [pixels]; of several in a pixel, that of most of its time counts."""
    emotions, answers = np.unique(own["emotion"].to_numpy(str), return_inverse=True)
    edges = np.linspace(0, duration, WIDTH + 1)
    starts, ends = own["start"].to_numpy()[:, None], own["end"].to_numpy()[:, None]
    inside = np.maximum(0, np.minimum(ends, edges[1:]) - np.maximum(starts, edges[:-1]))
    times = (answers == np.arange(len(emotions))[:, None]) @ inside
    prevailing = np.where(times.any(axis=0), emotions[times.argmax(axis=0)], "")
    start = 0
    for emotion, run in groupby(prevailing):
        end = start + len(list(run))
        if emotion:
            yield start, end, str(emotion)
        start = end
