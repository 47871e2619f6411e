"""Two voices are told apart, one is left as one, and what cannot be told is not."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import lfilter

from helpers.errors import ModelError
from helpers.feature_sets import ACOUSTIC
from helpers.media import SAMPLE_RATE
from helpers.speakers import (
    LEAST_SEGMENTS,
    PROJECTION,
    SCORES,
    measured_error,
    read_projection,
    read_scores,
    tell_apart,
)

DEEP = 110.0, (500.0, 1500.0, 2500.0)
HIGH = 210.0, (620.0, 1850.0, 3100.0)


def voice(pitch: float, formants: tuple[float, ...], generator: np.random.Generator) -> np.ndarray:
    """Make 2 s of vowels of a glottis and a vocal tract, no two alike."""
    steps = np.cumsum(generator.normal(0, 0.02, 200))
    phase = np.cumsum(pitch * 2 ** np.repeat(steps - steps.mean(), 160)) / SAMPLE_RATE
    source = np.diff(np.floor(phase), prepend=0) + generator.normal(0, 0.005, len(phase))
    radius = np.exp(-np.pi * 90 / SAMPLE_RATE)
    vowels = []
    for vowel in np.split(source, 8):
        for formant in formants:
            angle = 2 * np.pi * formant * generator.uniform(0.85, 1.15) / SAMPLE_RATE
            vowel[:] = lfilter([1], [1, -2 * radius * np.cos(angle), radius**2], vowel)
        vowels.append(vowel / np.abs(vowel).max())
    return (np.concatenate(vowels) * 9_000).astype(np.int16)


def described(*voices: tuple[float, tuple[float, ...]]) -> np.ndarray:
    """Describe a segment of each voice."""
    generator = np.random.default_rng(0)
    return np.stack([ACOUSTIC.describe(voice(*each, generator)) for each in voices])


def test_two_voices_are_told_apart_and_who_speaks_first_is_the_first() -> None:
    turns = [0, 0, 1, 0, 1, 1, 0, 1] * 2
    for first, other in ((DEEP, HIGH), (HIGH, DEEP)):
        told = tell_apart(described(*((first, other)[turn] for turn in turns)))
        assert told is not None
        assert told.tolist() == turns


def test_one_voice_is_left_as_one_however_much_it_varies() -> None:
    """Moods lie around one voice in all directions, a second speaker in one."""
    projection = replace(read_projection(), features=ACOUSTIC.names()[:24], weights=np.eye(24).tolist())
    generator = np.random.default_rng(0)
    moods = np.zeros((60, len(ACOUSTIC.names())))
    moods[:, :24] = generator.normal(0, 5, (60, 24))
    assert tell_apart(moods, projection) is None
    moods[::3, :24] += generator.normal(0, 10, 24)
    told = tell_apart(moods, projection)
    assert told is not None
    assert told.tolist() == [0, 1, 1] * 20


def test_too_few_segments_are_left_as_one() -> None:
    vectors = described(*[DEEP, HIGH] * (LEAST_SEGMENTS // 2))
    assert tell_apart(vectors) is not None
    assert tell_apart(vectors[1:]) is None
    assert tell_apart(vectors[:0]) is None


def test_a_segment_that_is_repeated_has_one_voice() -> None:
    assert tell_apart(np.repeat(described(DEEP), 20, axis=0)) is None


def test_what_is_missing_damaged_or_of_other_features_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="restore it"):
        read_projection(tmp_path / "none.json")
    damaged = tmp_path / "damaged.json"
    damaged.write_text('{"created": 1}')
    with pytest.raises(ModelError, match="damaged"):
        read_projection(damaged)
    other = tmp_path / "other.json"
    content = json.loads(PROJECTION.read_text())
    other.write_text(json.dumps(content | {"feature_set": {"name": "acoustic", "version": 0}}))
    with pytest.raises(ModelError, match="other features"):
        read_projection(other)
    with pytest.raises(ModelError, match="damaged"):
        read_scores(other)


def test_the_error_that_is_told_is_the_one_that_was_measured() -> None:
    rows = {(row["line"], row["pair"]): row for row in json.loads(SCORES.read_text())}
    phone = rows["phone", "any two speakers"]
    assert f"{phone['confusion']:.0%} of the speech" in measured_error()
    assert f"{phone['told_apart']:.0%} were told apart" in measured_error()
    assert f"{rows['phone', 'one speaker alone']['told_apart']:.0%} were taken for two" in measured_error()
