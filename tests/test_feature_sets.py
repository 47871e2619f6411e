"""A feature set describes each segment as if it was alone, and a card gets the very one that it asks for."""

import numpy as np
import pandas as pd
import pytest

from helpers.errors import ModelError
from helpers.feature_sets import ACOUSTIC, FEATURE_SETS, FeatureSet, served_features
from helpers.media import SAMPLE_RATE
from helpers.speech import Segmentation, find_segments
from tests.conftest import bursts

EVERY_SET = pytest.mark.parametrize("feature_set", FEATURE_SETS.values(), ids=FEATURE_SETS)


@EVERY_SET
def test_a_segment_is_described_alike_in_its_recording_and_alone(feature_set: FeatureSet) -> None:
    samples = bursts((0.5, 2.3), (3.1, 4.4), (5.0, 9.7), duration=11, noise=-60)
    segments = find_segments(samples, Segmentation(), shortest=1.0, longest=3.0)
    assert len(segments) > 3
    together = feature_set.of_segments(samples, segments)
    assert together.dtype == np.float32
    for row, (start, end) in zip(together, segments.to_numpy(), strict=True):
        alone = samples[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]
        np.testing.assert_array_equal(feature_set.describe(alone), row)
    backwards = feature_set.of_segments(samples, segments[::-1])
    np.testing.assert_array_equal(backwards[::-1], together)


@EVERY_SET
def test_no_segments_give_no_rows(feature_set: FeatureSet) -> None:
    nothing = pd.DataFrame({"start": [], "end": []})
    samples = np.zeros(SAMPLE_RATE, np.int16)
    assert feature_set.of_segments(samples, nothing).shape == (0, len(feature_set.names()))


@EVERY_SET
def test_a_card_gets_the_set_that_it_asks_for(feature_set: FeatureSet) -> None:
    assert served_features(feature_set.as_entry()) is feature_set


@pytest.mark.parametrize(
    "entry", [{}, {"name": "other", "version": 1}, {**ACOUSTIC.as_entry(), "version": 99}]
)
def test_what_is_not_computed_here_is_refused(entry: dict[str, str | int]) -> None:
    with pytest.raises(ModelError, match="needs the features"):
        served_features(entry)
