"""Protocols: how clips are parted into training and test, and whether speakers are on both sides.

A score means nothing without its protocol, so a protocol has a name that goes wherever its scores go. Where a
speaker is in training and in test, the name begins with "leaky".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol as Interface

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold, StratifiedKFold, StratifiedShuffleSplit

from helpers.errors import CorpusError

Split = tuple[np.ndarray, np.ndarray]


class Protocol(Interface):
    """How clips are parted.

    Attributes
    ----------
    name : str
        As it stands beside every score.
    """

    @property
    def name(self) -> str:
        """Give the name as it stands beside every score."""
        ...

    def splits(self, clips: pd.DataFrame) -> Iterator[Split]:
        """Yield the row numbers of training and test.

        Parameters
        ----------
        clips : pd.DataFrame
            With the columns corpus, speaker and emotion.

        Yields
        ------
        tuple of np.ndarray
        """
        ...


@dataclass(frozen=True)
class LeakyRandom:
    """Clips are drawn at random, the same speakers on both sides.

    Attributes
    ----------
    test_share : float
        Of the clips.
    repetitions : int
        Each with a seed of its own.
    """

    test_share: float
    repetitions: int = 10

    @property
    def name(self) -> str:
        """As of `Protocol`."""
        return f"leaky random {1 - self.test_share:.0%}:{self.test_share:.0%}, {self.repetitions} times"

    def splits(self, clips: pd.DataFrame) -> Iterator[Split]:
        """As of `Protocol`."""
        splitter = StratifiedShuffleSplit(self.repetitions, test_size=self.test_share, random_state=0)
        yield from splitter.split(clips, clips["emotion"])


@dataclass(frozen=True)
class LeakyFolds:
    """Stratified folds, the same speakers on both sides.

    Attributes
    ----------
    folds : int
    repetitions : int
        Each with a seed of its own.
    """

    folds: int
    repetitions: int = 1

    @property
    def name(self) -> str:
        """As of `Protocol`."""
        repeated = f", {self.repetitions} times" if self.repetitions > 1 else ""
        return f"leaky stratified {self.folds}-fold{repeated}"

    def splits(self, clips: pd.DataFrame) -> Iterator[Split]:
        """As of `Protocol`."""
        for seed in range(self.repetitions):
            splitter = StratifiedKFold(self.folds, shuffle=True, random_state=seed)
            yield from splitter.split(clips, clips["emotion"])


@dataclass(frozen=True)
class SpeakerFolds:
    """Folds of speakers: nobody is on both sides.

    Attributes
    ----------
    folds : int
    """

    folds: int

    @property
    def name(self) -> str:
        """As of `Protocol`."""
        return f"speaker-independent {self.folds}-fold"

    def splits(self, clips: pd.DataFrame) -> Iterator[Split]:
        """As of `Protocol`."""
        yield from _by_group(clips, "speaker", self.folds)


@dataclass(frozen=True)
class LeaveOneOut:
    """One speaker, or one corpus, after the other is tested on by what learned from all others.

    Attributes
    ----------
    what : {'speaker', 'corpus'}
    """

    what: str

    @property
    def name(self) -> str:
        """As of `Protocol`."""
        return f"speaker-independent leave one {self.what} out"

    def splits(self, clips: pd.DataFrame) -> Iterator[Split]:
        """As of `Protocol`."""
        yield from _by_group(clips, self.what, clips[self.what].nunique())


def is_leaky(protocol: Protocol) -> bool:
    """Tell whether speakers are on both sides, by the name.

    Parameters
    ----------
    protocol : Protocol

    Returns
    -------
    bool
    """
    return protocol.name.startswith("leaky")


def checked_splits(protocol: Protocol, clips: pd.DataFrame) -> Iterator[Split]:
    """Yield the splits of a protocol, holding it to what its name says.

    Parameters
    ----------
    protocol : Protocol
    clips : pd.DataFrame
        With the columns corpus, speaker and emotion.

    Yields
    ------
    tuple of np.ndarray
        Row numbers of training and test.

    Raises
    ------
    CorpusError
        A clip, or a speaker of a protocol that is not leaky, would be on both sides.
    """
    speakers = clips["speaker"].to_numpy()
    for training, test in protocol.splits(clips):
        if np.intersect1d(training, test).size:
            raise CorpusError(f"Protocol {protocol.name!r} tests on clips that it trains on: correct it.")
        if not is_leaky(protocol) and np.intersect1d(speakers[training], speakers[test]).size:
            raise CorpusError(f"Protocol {protocol.name!r} has speakers on both sides: correct it.")
        yield training, test


def _by_group(clips: pd.DataFrame, column: str, folds: int) -> Iterator[Split]:
    groups = clips[column].to_numpy()
    if len(np.unique(groups)) < max(folds, 2):
        raise CorpusError(f"There are fewer than {max(folds, 2)} of {column} to part: add clips of others.")
    yield from GroupKFold(folds).split(clips, groups=groups)
