"""Perceptrons learn against the baselines that calls offer."""

import numpy as np
import pandas as pd
import pytest

from helpers.baseline import estimate_baseline
from helpers.training.fitting import SHRINKAGE, CallDraws, TrainingSet, _locations, fit_baselined

EMOTIONS = ("angry", "neutral", "sad")


def shifted_speakers(count: int, seed: int = 0) -> TrainingSet:
    """Make speakers whose voices differ by more than their emotions do."""
    generator = np.random.default_rng(seed)
    rows, values = [], []
    for speaker in range(count):
        voice = generator.normal(0, 3, size=4)
        for line in ("clean", "phone"):
            for emotion, place in zip(EMOTIONS, (1.5, 0.0, -1.5), strict=True):
                for _ in range(6):
                    rows.append(("x", f"x/{speaker}", emotion, line, line))
                    felt = np.array([place, -place, 0, 0])
                    values.append(voice + felt + generator.normal(0, 0.3, 4))
    columns = ["corpus", "speaker", "emotion", "condition", "line"]
    return TrainingSet(pd.DataFrame(rows, columns=columns), np.array(values, np.float32))


def test_a_draw_is_of_the_same_speaker_on_the_same_line_and_begins_with_its_segment() -> None:
    data = shifted_speakers(3)
    call = (data.segments["speaker"] + data.segments["line"]).to_numpy()
    sizes, shares = [], []
    for row, drawn in enumerate(CallDraws(data.segments).draw(np.random.default_rng(0))):
        assert drawn[0] == row
        assert set(call[drawn]) == {call[row]}
        sizes.append(len(drawn))
        shares.append(np.mean(data.emotions()[drawn[1:]] == "neutral") if len(drawn) > 20 else np.nan)
    assert min(sizes) == 1
    assert max(sizes) > 40
    assert np.nanmin(shares) < 0.4
    assert np.nanmax(shares) > 0.9


def test_who_has_no_neutral_segment_is_drawn_alone() -> None:
    data = shifted_speakers(2)
    angry = data.where(data.emotions() == "angry")
    assert all(len(drawn) == 1 for drawn in CallDraws(angry.segments).draw(np.random.default_rng(0)))


@pytest.fixture(scope="module")
def accuracies() -> dict[int, float]:
    """Accuracy for unheard speakers by the number of segments of the call, mostly neutral."""
    classifier = fit_baselined(shifted_speakers(40))
    unheard = shifted_speakers(10, seed=1)
    calls = unheard.segments.groupby(["speaker", "line"]).indices.values()
    generator = np.random.default_rng(0)
    found: dict[int, list[bool]] = {1: [], 12: []}
    for rows in calls:
        neutral = rows[unheard.emotions()[rows] == "neutral"]
        for row in rows:
            for count, right in found.items():
                call = np.concatenate([[row], generator.choice(neutral, count - 1)])
                told = classifier.predict_proba(unheard.features[call])[0].argmax()
                right.append(EMOTIONS[told] == unheard.emotions()[row])
    return {count: float(np.mean(right)) for count, right in found.items()}


def test_more_of_a_call_tells_emotion_from_voice(accuracies: dict[int, float]) -> None:
    assert accuracies[12] > accuracies[1] + 0.1
    assert accuracies[12] > 0.75


def test_many_baselines_at_once_are_those_one_by_one() -> None:
    data = shifted_speakers(2)
    neutral = np.random.default_rng(0).uniform(size=len(data.features))
    calls = list(CallDraws(data.segments).draw(np.random.default_rng(1)))
    expected = [estimate_baseline(data.features[call], neutral[call], SHRINKAGE) for call in calls]
    np.testing.assert_allclose(_locations(data.features, neutral, iter(calls)), expected, atol=1e-4)
