"""The emotions: their names, the letters that stand for them in charts, and the one palette.

In the order in which they are stacked, so that anger, which one looks for, has the straight baseline. The
colours are told apart by colour-blind readers (after Okabe and Ito 2008, "Color universal design") and stand
out on light and dark pages; a letter or the name always stands beside them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Emotion:
    """How an emotion is shown."""

    name: str
    letter: str
    colour: str


UNCERTAIN = "uncertain"
NEUTRAL = "neutral"
NEGATIVE = frozenset({"angry", "disgust", "fearful", "sad"})

EMOTIONS = {
    emotion.name: emotion
    for emotion in (
        Emotion("angry", "A", "#d9541e"),
        Emotion("disgust", "D", "#2e9e6b"),
        Emotion("fearful", "F", "#a05eb5"),
        Emotion("sad", "S", "#2f7fd6"),
        Emotion("surprised", "!", "#3fb6d3"),
        Emotion("bored", "B", "#8c6d46"),
        Emotion(NEUTRAL, "N", "#8a9799"),
        Emotion("calm", "C", "#9ccb8a"),
        Emotion("happy", "H", "#e5a823"),
        Emotion(UNCERTAIN, "?", "#b9b2a8"),
    )
}
