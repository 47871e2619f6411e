"""What a network that tells speakers apart hears in a segment."""

import numpy as np

from helpers.embeddings import embedding_names, embeddings
from helpers.features import kept_frames
from helpers.media import SAMPLE_RATE
from tests.conftest import bursts


def frames_of(duration: float) -> np.ndarray:
    return kept_frames(bursts((0, duration), duration=duration))


def test_every_value_has_a_name() -> None:
    assert embeddings([frames_of(1.0), frames_of(2.5)]).shape == (2, len(embedding_names()))


def test_the_gain_of_a_recording_makes_no_difference() -> None:
    samples = bursts((0, 2), duration=2)
    loud, quiet = embeddings([kept_frames(samples // divisor) for divisor in (1, 4)])
    np.testing.assert_allclose(loud, quiet, atol=0.02)


def test_the_shortest_segment_is_heard_too() -> None:
    assert np.isfinite(embeddings([frames_of(0.08)])).all()


def test_digital_silence_is_heard_without_a_division_by_zero() -> None:
    assert np.isfinite(embeddings([kept_frames(np.zeros(SAMPLE_RATE, np.int16))])).all()
