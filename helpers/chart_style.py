"""What all charts share: the colours of emotions and of series, readable on light and dark pages."""

from __future__ import annotations

from collections.abc import Collection

import altair as alt

from helpers.emotions import EMOTIONS

FRAME = "#0f6b6b"
SILENT = "#8a9799"
DARK, LIGHT = "#10191c", "#ffffff"
PALE = "#dcefed"
FONT = "Liberation Sans"  # which vl-convert brings
SERIES = ("#2a9d94", "#d97a2b", "#7d74d6", "#c2527a", "#7d9a2c", "#4b8fd0", "#a07850")

_NOT_SHOWN = "#8a979933"


def palette(emotions: list[str], shown: Collection[str] = tuple(EMOTIONS)) -> alt.Scale:
    """Give each emotion its colour; those that are not shown are grey.

    Parameters
    ----------
    emotions : list of str
        In the order of the legend.
    shown : collection of str

    Returns
    -------
    alt.Scale
    """
    colours = [EMOTIONS[name].colour if name in shown else _NOT_SHOWN for name in emotions]
    return alt.Scale(domain=emotions, range=colours)
