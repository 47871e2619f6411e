import numpy as np
import pytest

from helpers.classifier import between_temperatures, calibrated
from helpers.training.evaluate import (
    accuracy_by_coverage,
    calibration_error_by_chance,
    expected_calibration_error,
    fit_temperatures,
    gain_interval,
    score,
    speaker_interval,
    unweighted_average_recall,
)

CLASSES = ("sad", "angry", "neutral")  # on purpose not in the order of the alphabet


def draw(probabilities: np.ndarray, seed: int = 1) -> np.ndarray:
    """Draw true labels by the probabilities, so that these are perfectly calibrated."""
    drawn = np.random.default_rng(seed).random((len(probabilities), 1))
    return np.array(CLASSES)[(probabilities.cumsum(axis=1) > drawn).argmax(axis=1)]


def some_probabilities(count: int = 20_000) -> np.ndarray:
    logits = np.random.default_rng(0).normal(0, 1.5, (count, len(CLASSES)))
    powers = np.exp(logits)
    return powers / powers.sum(axis=1, keepdims=True)


def confident(confidence: float, count: int) -> np.ndarray:
    """Predict the first class with a confidence."""
    rest = (1 - confidence) / 2
    return np.tile([confidence, rest, rest], (count, 1))


# Unweighted average recall


def test_a_frequent_emotion_counts_no_more_than_a_rare_one() -> None:
    labels = np.array(["angry"] * 8 + ["sad"] * 2)
    assert unweighted_average_recall(labels, labels) == 1
    assert unweighted_average_recall(labels, np.full(10, "angry")) == 0.5
    predicted = np.array(["angry"] * 6 + ["sad"] * 2 + ["sad", "angry"])
    assert unweighted_average_recall(labels, predicted) == pytest.approx((6 / 8 + 1 / 2) / 2)


def test_an_emotion_that_was_only_predicted_does_not_count_as_one_never_found() -> None:
    labels, predicted = np.array(["angry", "angry", "sad", "sad"]), np.array(["angry", "happy", "sad", "sad"])
    assert unweighted_average_recall(labels, predicted) == pytest.approx((1 / 2 + 1) / 2)


# Calibration


def test_confidence_that_is_accuracy_has_no_calibration_error() -> None:
    probabilities = some_probabilities()
    assert expected_calibration_error(draw(probabilities), probabilities, CLASSES) < 0.015


def test_the_calibration_error_is_the_gap_of_overconfidence() -> None:
    labels = np.array(["sad"] * 60 + ["angry"] * 40)
    assert expected_calibration_error(labels, confident(0.9, 100), CLASSES) == pytest.approx(0.3)
    assert expected_calibration_error(labels, confident(0.6, 100), CLASSES) == pytest.approx(0)
    assert expected_calibration_error(labels, confident(1.0, 100), CLASSES) == pytest.approx(0.4)


def test_gaps_of_different_confidences_do_not_cancel_out() -> None:
    """Too sure in one bin and too unsure in another: on average right, and still not calibrated."""
    probabilities = np.concatenate([confident(0.9, 100), confident(0.5, 100)])
    labels = np.array(["sad"] * 70 + ["angry"] * 30 + ["sad"] * 70 + ["angry"] * 30)
    assert expected_calibration_error(labels, probabilities, CLASSES) == pytest.approx(0.2)


@pytest.mark.parametrize("count", [60, 600])
def test_by_chance_is_the_error_of_what_is_perfectly_calibrated(count: int) -> None:
    probabilities = some_probabilities(count)
    weights = np.random.default_rng(0).uniform(1, 4, count)
    found = [
        expected_calibration_error(draw(probabilities, seed), probabilities, CLASSES, weights)
        for seed in range(200)
    ]
    by_chance = calibration_error_by_chance(probabilities, weights)
    assert by_chance == pytest.approx(np.mean(found), rel=0.1)
    assert by_chance > 0.01


def test_ten_times_as_many_answers_leave_a_third_to_chance() -> None:
    few, many = (calibration_error_by_chance(some_probabilities(n), np.ones(n)) for n in (300, 3000))
    assert many == pytest.approx(few / np.sqrt(10), rel=0.25)


def temperature_of(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Fit the temperatures to calls that all seem half neutral, and give the one between them."""
    count = len(labels)
    found = fit_temperatures(labels, probabilities, CLASSES, np.full(count, 0.5), np.ones(count))
    return float(between_temperatures(found, 0.5))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.7, 4.0])
def test_a_known_temperature_is_found(temperature: float) -> None:
    """Probabilities too sharp by a factor need just that factor."""
    right = some_probabilities()
    given = calibrated(right, 1 / temperature)
    labels = draw(right)
    found = temperature_of(labels, given)
    assert found == pytest.approx(temperature, rel=0.05)
    assert expected_calibration_error(labels, calibrated(given, found), CLASSES) < 0.015


def test_calls_that_are_neutral_and_others_have_temperatures_of_their_own() -> None:
    right = some_probabilities(20_000)
    neutral = np.tile([0.1, 0.9], 10_000)
    sharpened = np.where(neutral[:, None] > 0.5, calibrated(right, 2.0), calibrated(right, 0.5))
    first, last = fit_temperatures(draw(right), sharpened, CLASSES, neutral, np.ones(20_000))
    between = between_temperatures((first, last), np.array([0.1, 0.9]))
    np.testing.assert_allclose(between, [2.0, 0.5], rtol=0.08)


def test_what_occurs_often_counts_more_for_the_temperature() -> None:
    right = some_probabilities(10_000)
    is_sharp = np.arange(10_000) < 5_000
    given = np.where(is_sharp[:, None], calibrated(right, 0.5), right)
    weights = np.where(is_sharp, 1e-3, 1.0)
    first, last = fit_temperatures(draw(right), given, CLASSES, np.full(10_000, 0.5), weights)
    assert between_temperatures((first, last), 0.5) == pytest.approx(1.0, rel=0.05)


def test_a_temperature_stays_in_its_bounds_where_every_answer_is_right_or_wrong() -> None:
    probabilities = some_probabilities(500)
    right = np.array(CLASSES)[probabilities.argmax(axis=1)]
    wrong = np.array(CLASSES)[probabilities.argmin(axis=1)]
    assert temperature_of(right, probabilities) == pytest.approx(np.sqrt(0.25 * 0.1), abs=0.01)
    assert temperature_of(wrong, probabilities) == pytest.approx(8, abs=0.1)


def test_certain_zeros_do_not_make_the_temperature_infinite_or_nan() -> None:
    probabilities = np.eye(3)[np.arange(300) % 3]
    labels = np.array(CLASSES)[np.arange(300) % 3]
    labels[:30] = "sad"
    assert 0.15 <= temperature_of(labels, probabilities) <= 8.001


# The interval


def predictions(per_speaker: int = 30) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Make speakers who differ in how well they are recognised."""
    generator = np.random.default_rng(0)
    speakers = np.repeat([f"speaker {number}" for number in range(12)], per_speaker)
    labels = generator.choice(CLASSES, len(speakers))
    skill = np.repeat(generator.uniform(0.3, 0.9, 12), per_speaker)
    guesses = generator.choice(CLASSES, len(speakers))
    return labels, np.where(generator.random(len(speakers)) < skill, labels, guesses), speakers


def test_the_interval_contains_the_estimate_and_is_the_same_twice() -> None:
    labels, predicted, speakers = predictions()
    low, high = speaker_interval(labels, predicted, speakers)
    assert 0 <= low < unweighted_average_recall(labels, predicted) < high <= 1
    assert speaker_interval(labels, predicted, speakers) == (low, high)
    assert speaker_interval(labels, predicted, speakers, seed=1) != (low, high)


def test_the_interval_counts_speakers_and_not_segments() -> None:
    """Thirty times the same segments say nothing new of other speakers; as many speakers would."""
    labels, predicted, speakers = predictions()
    low, high = speaker_interval(labels, predicted, speakers)
    repeated = speaker_interval(np.tile(labels, 30), np.tile(predicted, 30), np.tile(speakers, 30))
    assert repeated == pytest.approx((low, high))
    each_alone = speaker_interval(labels, predicted, np.arange(len(labels)))
    assert each_alone[1] - each_alone[0] < 0.8 * (high - low)


def test_the_interval_is_that_of_95_percent() -> None:
    """With many speakers it must agree with the normal distribution of their mean."""
    generator = np.random.default_rng(0)
    speakers = np.repeat(np.arange(300), 10)
    right = generator.random(3_000) < np.repeat(generator.uniform(0, 1, 300), 10)
    low, high = speaker_interval(np.full(3_000, "sad"), np.where(right, "sad", "angry"), speakers)
    of_speakers = right.reshape(300, 10).mean(axis=1)
    expected = 2 * 1.96 * of_speakers.std() / np.sqrt(300)
    assert high - low == pytest.approx(expected, rel=0.1)
    assert (low + high) / 2 == pytest.approx(of_speakers.mean(), abs=0.01)


def test_the_interval_of_one_speaker_is_the_estimate() -> None:
    labels, predicted, _ = predictions()
    estimate = unweighted_average_recall(labels, predicted)
    interval = speaker_interval(labels, predicted, np.full(len(labels), "a"))
    assert interval == pytest.approx((estimate, estimate))


def test_a_gain_of_the_same_segments_is_known_better_than_either_figure() -> None:
    """Speakers differ more than models do, and who is hard for one is hard for the other."""
    labels, predicted, speakers = predictions()
    generator = np.random.default_rng(1)
    better = np.where(generator.random(len(labels)) < 0.15, labels, predicted)
    low, high = gain_interval(labels, better, predicted, speakers)
    gain = unweighted_average_recall(labels, better) - unweighted_average_recall(labels, predicted)
    assert 0 < low < gain < high
    one, other = (speaker_interval(labels, told, speakers) for told in (better, predicted))
    assert high - low < 0.7 * min(one[1] - one[0], other[1] - other[0])
    assert gain_interval(labels, predicted, better, speakers) == pytest.approx((-high, -low))
    assert gain_interval(labels, predicted, predicted, speakers) == (0.0, 0.0)


# The scores of a card


def test_a_score_has_every_figure_of_a_card_and_each_is_right() -> None:
    labels = np.array(["sad", "sad", "angry", "neutral"])
    probabilities = np.array([[0.8, 0.1, 0.1], [0.3, 0.4, 0.3], [0.1, 0.9, 0.0], [0.5, 0.1, 0.4]])
    speakers = np.array(["a", "b", "a", "b"])
    figures = score(labels, probabilities, CLASSES, speakers=speakers, uncertain_below=0.45)
    assert list(figures["uar_interval"]) == sorted(figures.pop("uar_interval"))  # type: ignore[call-overload]
    assert figures == {
        "segments": 4,
        "speakers": 2,
        "uar": 0.5,
        "accuracy": 0.5,
        "macro_f1": round((0.5 + 2 / 3 + 0) / 3, 4),
        "ece": pytest.approx((0.2 + 0.4 + 0.1 + 0.5) / 4, abs=1e-4),
        "coverage": 0.75,
        "accuracy_of_certain": round(2 / 3, 4),
        "confusion": [[1, 1, 0], [0, 1, 0], [1, 0, 0]],
    }


def test_predictions_that_are_all_uncertain_can_be_scored() -> None:
    labels, _, speakers = predictions()
    figures = score(labels, confident(0.4, len(labels)), CLASSES, speakers=speakers, uncertain_below=0.5)
    assert figures["coverage"] == 0
    assert "accuracy_of_certain" not in figures


def test_fewer_and_surer_answers_are_more_accurate_where_confidence_means_something() -> None:
    confidence = np.linspace(0.5, 0.99, 100)
    probabilities = np.column_stack([confidence, 1 - confidence])
    labels = np.where(np.arange(100) >= 50, "a", "b")
    curve = accuracy_by_coverage(labels, probabilities, ["a", "b"], np.ones(100))
    assert curve == {
        "0.25": 1.0,
        "0.50": 1.0,
        "0.75": pytest.approx(2 / 3, abs=1e-4),
        "0.85": 0.5882,
        "1.00": 0.5,
    }
    heavy = accuracy_by_coverage(labels, probabilities, ["a", "b"], np.where(labels == "b", 3.0, 1.0))
    assert heavy["1.00"] == 0.25
