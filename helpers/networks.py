"""Segments described by functionals and contours, and at the same time by networks that hear them.

A network's answer is kept among the features of the segment, so that it is asked once per segment, whatever
is made of the answer later. The networks are a part of these features: others make another version of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import islice

import numpy as np

from helpers import contours
from helpers.features import SegmentFrames
from helpers.threads import BESIDE, beside

_HEARD_AT_ONCE = 4  # segments
SORTED = 32  # segments, of which those of like length are heard at once: the shorter are heard on in silence


@dataclass(frozen=True)
class Hearing:
    """What a network makes of segments.

    Attributes
    ----------
    names : callable
        Gives the names of its values.
    values : callable
        From the frames of some segments, which are heard at once, to their values [shape=(segments, values)].
    """

    names: Callable[[], list[str]]
    values: Callable[[Sequence[np.ndarray]], np.ndarray]


def names(hearings: Sequence[Hearing]) -> list[str]:
    """Name the values of `describe_and_hear`: those of ``contours.names``, and those of the networks."""
    return [*contours.names(), *(name for hearing in hearings for name in hearing.names())]


def describe_and_hear(
    hearings: Sequence[Hearing], segments: Iterable[np.ndarray]
) -> Callable[[], np.ndarray]:
    """Describe segments by functionals and contours, and have networks begin to hear them meanwhile.

    Parameters
    ----------
    hearings : sequence of Hearing
    segments : iterable of np.ndarray [shape=(frames, …)]
        As of ``features.kept_frames``; iterated once.

    Returns
    -------
    callable
        Waits for the networks, and gives all values [shape=(segments, features), dtype=float32] in the order
        of `names`. It raises a ModelError where a network is missing or is another one.
    """
    remaining = iter(segments)
    described: list[np.ndarray] = []
    heard: list[tuple[np.ndarray, Future[np.ndarray]]] = []
    while some := list(islice(remaining, SORTED)):
        if heard:
            heard[-BESIDE][1].result()  # so that no frames pile up
        by_length = np.argsort([len(frames) for frames in some], kind="stable")
        for rows in np.split(by_length, range(_HEARD_AT_ONCE, len(some), _HEARD_AT_ONCE)):
            batch = [some[row] for row in rows]
            heard.append((len(described) + rows, beside().submit(_heard, hearings, batch)))
        described += [contours.functionals_and_contours(SegmentFrames.of(frames)) for frames in some]

    def values() -> np.ndarray:
        own = len(contours.names())
        joined = np.empty((len(described), len(names(hearings))), np.float32)
        joined[:, :own] = np.reshape(described, (len(described), own))
        for rows, answers in heard:
            joined[rows, own:] = answers.result()
        return joined

    return values


def _heard(hearings: Sequence[Hearing], batch: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([hearing.values(batch) for hearing in hearings], axis=1)
