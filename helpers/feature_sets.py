"""The feature sets that a model can be trained on and served with, by name and version."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from helpers import features, images
from helpers.errors import ModelError
from helpers.media import SAMPLE_RATE

_MOST_THREADS = 4  # of a host whose cores a container may share


@dataclass(frozen=True)
class FeatureSet:
    """What a segment is described by.

    Attributes
    ----------
    name : str
    version : int
        Counted up when the same segment gets other values.
    names : callable
        Gives the names of the values.
    describe : callable
        From samples [shape=(n,), dtype=int16] of one channel at `SAMPLE_RATE` to values
        [shape=(features,), dtype=float32].
    """

    name: str
    version: int
    names: Callable[[], list[str]]
    describe: Callable[[np.ndarray], np.ndarray]

    def of_segments(self, samples: np.ndarray, segments: pd.DataFrame) -> np.ndarray:
        """Describe each segment.

        Parameters
        ----------
        samples : np.ndarray [shape=(n,), dtype=int16]
            One channel at `SAMPLE_RATE`.
        segments : pd.DataFrame
            With `start` and `end` [seconds], each at least 80 ms long.

        Returns
        -------
        np.ndarray [shape=(segments, features), dtype=float32]
            In the order of `names`; always finite.
        """
        described = np.empty((len(segments), len(self.names())), np.float32)
        bounds = (segments[["start", "end"]].to_numpy(float) * SAMPLE_RATE).round().astype(int)

        def describe(row: int) -> None:
            start, end = bounds[row]
            described[row] = self.describe(samples[start:end])

        for _ in _threads().map(describe, range(len(bounds))):
            pass
        return described

    def as_entry(self) -> dict[str, str | int]:
        """Give name and version, as a model's card has them."""
        return {"name": self.name, "version": self.version}


@cache
def _threads() -> ThreadPoolExecutor:
    """Give the threads that all analyses share; NumPy and SciPy let go of the interpreter's lock."""
    return ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1), thread_name_prefix="features")


ACOUSTIC = FeatureSet(features.NAME, features.VERSION, features.feature_names, features.describe)
IMAGE = FeatureSet(images.NAME, images.VERSION, images.image_names, images.mfcc_image)
FEATURE_SETS = {each.name: each for each in (ACOUSTIC, IMAGE)}


def served_features(entry: dict[str, str | int]) -> FeatureSet:
    """Find the feature set that a card asks for.

    Parameters
    ----------
    entry : dict
        As of `FeatureSet.as_entry`.

    Returns
    -------
    FeatureSet

    Raises
    ------
    ModelError
        This program does not compute it, or in another version.
    """
    served = FEATURE_SETS.get(str(entry.get("name")))
    if served is None or served.as_entry() != entry:
        here = ", ".join(f"{each.name} {each.version}" for each in FEATURE_SETS.values())
        raise ModelError(
            f"The model needs the features {entry.get('name')} {entry.get('version')} and this program "
            f"computes {here}: train the model anew, or install the version that made it."
        )
    return served
