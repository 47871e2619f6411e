"""What each protocol keeps apart, and that a protocol that does not is caught."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from helpers.errors import CorpusError
from helpers.training.protocols import (
    LeakyFolds,
    LeakyRandom,
    LeaveOneOut,
    Protocol,
    SpeakerFolds,
    Split,
    checked_splits,
    is_leaky,
)

PROTOCOLS = [
    LeakyRandom(0.25, 3),
    LeakyFolds(4, 2),
    SpeakerFolds(3),
    LeaveOneOut("speaker"),
    LeaveOneOut("corpus"),
]


def clips(speakers: int = 6, each: int = 8) -> pd.DataFrame:
    """Make a table of clips, two emotions, three corpora."""
    rows = [
        (f"corpus {speaker % 3}", f"corpus {speaker % 3}/{speaker}", ("angry", "sad")[clip % 2])
        for speaker in range(speakers)
        for clip in range(each)
    ]
    return pd.DataFrame(rows, columns=["corpus", "speaker", "emotion"])


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.name)
def test_the_name_says_whether_speakers_are_on_both_sides(protocol: Protocol) -> None:
    table = clips()
    shared = [
        bool(np.intersect1d(table["speaker"][training], table["speaker"][test]).size)
        for training, test in checked_splits(protocol, table)
    ]
    assert any(shared) == is_leaky(protocol)
    assert protocol.name.startswith(("leaky", "speaker-independent"))


@pytest.mark.parametrize(("protocol", "splits"), list(zip(PROTOCOLS, (3, 8, 3, 6, 3), strict=True)), ids=str)
def test_there_are_as_many_splits_as_the_name_says_and_they_repeat_themselves(
    protocol: Protocol, splits: int
) -> None:
    first, again = (list(checked_splits(protocol, clips())) for _ in range(2))
    assert len(first) == splits
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one[1], other[1])


@pytest.mark.parametrize("protocol", PROTOCOLS[1:], ids=lambda protocol: protocol.name)
def test_every_clip_is_tested_equally_often(protocol: Protocol) -> None:
    tested = np.concatenate([test for _, test in checked_splits(protocol, clips())])
    assert set(np.bincount(tested)) == {2 if protocol == PROTOCOLS[1] else 1}


@dataclass(frozen=True)
class Planted:
    """A protocol that does not do what its name says."""

    name: str
    training: tuple[int, ...]
    test: tuple[int, ...]

    def splits(self, clips: pd.DataFrame) -> Iterator[Split]:
        yield np.array(self.training), np.array(self.test)


def test_a_planted_leak_of_speakers_is_caught() -> None:
    with pytest.raises(CorpusError, match="has speakers on both sides"):
        list(checked_splits(Planted("speaker-independent by mistake", (0, 1, 2), (3, 4)), clips()))
    assert list(checked_splits(Planted("leaky on purpose", (0, 1, 2), (3, 4)), clips()))


def test_a_clip_on_both_sides_is_caught_whatever_the_name() -> None:
    with pytest.raises(CorpusError, match="tests on clips that it trains on"):
        list(checked_splits(Planted("leaky too much", (0, 1, 2), (2, 3)), clips()))


def test_too_few_speakers_or_corpora_are_an_error() -> None:
    with pytest.raises(CorpusError, match="fewer than 3 of speaker"):
        list(checked_splits(SpeakerFolds(3), clips(speakers=2)))
    with pytest.raises(CorpusError, match="fewer than 2 of corpus"):
        list(checked_splits(LeaveOneOut("corpus"), clips(speakers=1)))
