"""What networks hear in segments stands beside functionals and contours."""

from collections.abc import Iterable
from functools import partial

import numpy as np

from helpers import contours, embeddings, spectrograms
from helpers.features import kept_frames
from helpers.networks import Hearing, describe_and_hear, names
from helpers.spectrograms import FOUR
from tests.conftest import bursts

HEARINGS = (
    Hearing(embeddings.embedding_names, embeddings.embeddings),
    Hearing(partial(spectrograms.told_names, FOUR), partial(spectrograms.told, FOUR)),
)


def described_and_heard(segments: Iterable[np.ndarray]) -> np.ndarray:
    return describe_and_hear(HEARINGS, segments)()


def segments_of(count: int) -> list[np.ndarray]:
    lengths = [1.0 + number / 7 for number in range(count)]
    return [kept_frames(bursts((0, length), duration=length)) for length in lengths]


def test_segments_are_described_together_as_alone() -> None:
    segments = segments_of(43)
    alone = [described_and_heard([segment])[0] for segment in segments]
    np.testing.assert_allclose(described_and_heard(iter(segments)), alone, rtol=1e-5, atol=1e-5)


def test_every_value_has_a_name_and_stands_in_the_order_of_the_names() -> None:
    segments = segments_of(3)
    values = described_and_heard(segments)
    assert values.shape == (3, len(names(HEARINGS)))
    own, embedded = len(contours.names()), len(embeddings.embedding_names())
    np.testing.assert_array_equal(values[:, own : own + embedded], embeddings.embeddings(segments))
    np.testing.assert_array_equal(values[:, own + embedded :], spectrograms.told(FOUR, segments))


def test_of_no_segments_nothing_is_described() -> None:
    assert described_and_heard([]).shape == (0, len(names(HEARINGS)))
