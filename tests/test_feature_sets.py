"""A feature set describes each segment as if it was alone, and a card gets the very one that it asks for."""

import subprocess
import sys

import numpy as np
import pytest

from helpers.errors import ModelError
from helpers.feature_sets import ACOUSTIC, FEATURE_SETS, FeatureSet, served_features
from helpers.features import HOP_LENGTH
from helpers.speech import FRAME, Segmentation, find_segments
from tests.conftest import bursts

EVERY_SET = pytest.mark.parametrize("feature_set", FEATURE_SETS.values(), ids=FEATURE_SETS)


@EVERY_SET
def test_a_segment_is_described_alike_in_its_recording_and_alone(feature_set: FeatureSet) -> None:
    samples = bursts((0.5, 2.3), (3.1, 4.4), (5.0, 9.7), duration=11, noise=-60)
    segments = find_segments(samples, Segmentation(), shortest=1.0, longest=3.0)
    assert len(segments) > 3
    of_all = feature_set.frames(samples)
    bounds = (segments.to_numpy() / FRAME).round().astype(int)
    together = feature_set.summaries(of_all[start : end - feature_set.beyond] for start, end in bounds)
    assert together.dtype == np.float32
    for row, (start, end) in zip(together, bounds * HOP_LENGTH, strict=True):
        np.testing.assert_allclose(feature_set.describe(samples[start:end]), row, rtol=1e-3, atol=1e-3)


@EVERY_SET
def test_no_segments_give_no_rows(feature_set: FeatureSet) -> None:
    assert feature_set.summaries([]).shape == (0, len(feature_set.names()))


@EVERY_SET
def test_a_card_gets_the_set_that_it_asks_for(feature_set: FeatureSet) -> None:
    assert served_features(feature_set.as_entry()) is feature_set


@pytest.mark.parametrize(
    "entry", [{}, {"name": "other", "version": 1}, {**ACOUSTIC.as_entry(), "version": 99}]
)
def test_what_is_not_computed_here_is_refused(entry: dict[str, str | int]) -> None:
    with pytest.raises(ModelError, match="needs the features"):
        served_features(entry)


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc is told what to keep")
def test_memory_of_one_piece_is_used_again_for_the_next() -> None:
    """Else the system clears it in between, which takes half of the time: 1,600 page faults a piece."""
    code = """
import resource, numpy
from helpers.feature_sets import ACOUSTIC, keep_freed_memory
keep_freed_memory()
samples = numpy.random.default_rng(0).integers(-9000, 9000, 64_000).astype(numpy.int16)
for _ in range(2):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(40):
        ACOUSTIC.frames(samples)
print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / 40)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert float(done.stdout) < 400
