"""The emotions: their names, the letters that stand for them in charts, the one palette, and their valence.

In the order in which they are stacked, so that anger, which one looks for, has the straight baseline. The
colours are told apart by colour-blind readers (after Okabe and Ito 2008, "Color universal design") and stand
out on light and dark pages; a letter or the name always stands beside them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Emotion:
    """How an emotion is shown, and how pleasant it is.

    Attributes
    ----------
    name, letter, colour : str
    valence : float
        From -1, unpleasant, to 1: the pleasure that Russell and Mehrabian (1977), "Evidence for a
        three-factor theory of emotions", found in the word for it; 0 where it says nothing.
    """

    name: str
    letter: str
    colour: str
    valence: float


UNCERTAIN = "uncertain"
NEUTRAL = "neutral"
NEGATIVE = frozenset({"angry", "disgust", "fearful", "sad"})

EMOTIONS = {
    emotion.name: emotion
    for emotion in (
        Emotion("angry", "A", "#d9541e", -0.51),
        Emotion("disgust", "D", "#2e9e6b", -0.60),
        Emotion("fearful", "F", "#a05eb5", -0.64),
        Emotion("sad", "S", "#2f7fd6", -0.63),
        Emotion("surprised", "!", "#3fb6d3", 0.40),
        Emotion("bored", "B", "#8c6d46", -0.65),
        Emotion(NEUTRAL, "N", "#8a9799", 0.00),
        Emotion("calm", "C", "#9ccb8a", 0.68),
        Emotion("happy", "H", "#e5a823", 0.81),
        Emotion(UNCERTAIN, "?", "#b9b2a8", 0.00),
    )
}
