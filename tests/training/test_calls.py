"""Simulated calls say what is true of them, and scores over calls count time."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers.classifier import Model, between_temperatures, calibrated, load_model, read_card
from helpers.errors import CorpusError
from helpers.media import SAMPLE_RATE
from helpers.speech import frame_levels
from helpers.training.calibration import calibrate, in_simulated_calls
from helpers.training.call_scores import Condition, Heard, anger_episodes, judge, score_calls, summarise
from helpers.training.calls import (
    LINES,
    MIXTURES,
    ClipShelf,
    Line,
    Mixture,
    SimulatedCall,
    Surroundings,
    on_one_channel,
    plan_emotions,
    simulate_call,
)
from helpers.training.results import call_table
from tests.conftest import bursts, encode

EMOTIONS = ("angry", "happy", "neutral", "sad")
SPEAKERS = ("x/1", "x/2", "x/3")
SURROUNDINGS = Surroundings(
    (np.random.default_rng(0).normal(0, 0.1, SAMPLE_RATE),), (np.array([1.0, 0.0, 0.3]),)
)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    folder = tmp_path_factory.mktemp("clips")
    rows = []
    for speaker in SPEAKERS:
        for number, emotion in enumerate(EMOTIONS):
            for take in (1, 2):
                path = folder / f"{speaker[2:]}-{emotion}-{take}.wav"
                voice = bursts((0.4, 2.0 + take / 4), duration=3, level=-30 + 3 * number)
                rows.append((encode(path, voice, codec="pcm_s16le"), speaker, emotion))
    return pd.DataFrame(rows, columns=["path", "speaker", "emotion"])


def simulated(clips: pd.DataFrame, mixture: str, count: int, line: Line, *, seed: int) -> SimulatedCall:
    """Let the first speaker call the second."""
    return simulate_call(
        ClipShelf(clips),
        ("x/1", "x/2"),
        MIXTURES[mixture],
        clips=count,
        line=line,
        surroundings=SURROUNDINGS,
        seed=seed,
    )


@pytest.mark.parametrize("mixture", MIXTURES.values(), ids=MIXTURES)
@pytest.mark.parametrize("clips", [1, 3, 8, 40])
def test_a_plan_has_its_mixture_and_always_an_episode(mixture: Mixture, clips: int) -> None:
    for seed in range(20):
        plan = plan_emotions(mixture, clips, ["angry", "happy", "sad"], np.random.default_rng(seed))
        assert len(plan) == clips
        assert clips - plan.count("neutral") == max(1, round(clips * (1 - mixture.neutral)))
        if mixture.opening:
            assert plan[0] == mixture.opening


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_speech_is_where_the_truth_says_and_of_the_speaker_named(line: Line, clips: pd.DataFrame) -> None:
    call = simulated(clips, "70 % neutral", 8, line, seed=3)
    assert (call.truth["channel"] == "left").sum() == 8
    assert set(call.truth.loc[call.truth["channel"] == "left", "speaker"]) == {"x/1"}
    agent = call.truth[call.truth["channel"] == "right"]
    assert set(agent["speaker"]) == {"x/2"} and set(agent["emotion"]) == {"neutral"}
    for side, samples in zip(("left", "right"), call.recording.samples, strict=True):
        levels = frame_levels(samples)
        spoken = np.zeros(len(levels), bool)
        for start, end in call.truth.loc[call.truth["channel"] == side, ["start", "end"]].to_numpy():
            spoken[round((start + 0.3) * 100) : round((end - 0.3) * 100)] = True
        near = np.convolve(spoken, np.ones(91), "same") > 0
        assert np.median(levels[spoken]) > np.median(levels[~near]) + 3


def test_the_same_seed_gives_the_same_words_on_every_line(clips: pd.DataFrame) -> None:
    calls = [simulated(clips, "evenly mixed", 5, line, seed=1) for line in [*LINES.values(), LINES["clean"]]]
    for call in calls:
        pd.testing.assert_frame_equal(call.truth, calls[0].truth)
    np.testing.assert_array_equal(calls[-1].recording.samples, calls[0].recording.samples)
    assert len({call.recording.samples.tobytes() for call in calls}) == len(LINES)


def test_a_customer_goes_through_no_emotion_that_they_have_no_clip_of(clips: pd.DataFrame) -> None:
    fewer = clips[(clips["speaker"] != "x/1") | clips["emotion"].isin(["neutral", "sad"])]
    call = simulated(fewer, "evenly mixed", 20, LINES["clean"], seed=1)
    assert set(call.truth["emotion"]) == {"neutral", "sad"}


def test_no_clip_comes_again_before_all_others_came(clips: pd.DataFrame) -> None:
    drawn = ClipShelf(clips).draw("x/1", "sad", np.random.default_rng(0))
    lengths = [len(next(drawn)) for _ in range(6)]
    assert [len(set(lengths[start : start + 2])) for start in (0, 2, 4)] == [2, 2, 2]


def truth(*rows: tuple[str, float, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["emotion", "start", "end"]).assign(channel="left")


def test_sustained_anger_is_five_seconds_of_angry_clips_in_a_row() -> None:
    assert anger_episodes(truth(("angry", 0, 3), ("angry", 4, 6.5), ("sad", 7, 9), ("angry", 10, 14))) == [
        (0.0, 6.5)
    ]
    assert anger_episodes(truth(("sad", 0, 30))) == []


def heard(*rows: tuple[str, float, list[float]], speaker: str = "x/1", **counts: int) -> Heard:
    table = pd.DataFrame(
        [(speaker, true, seconds, *told) for true, seconds, told in rows],
        columns=["speaker", "emotion", "seconds", "angry", "sad"],
    )
    given = {"episodes": 0, "moments": 0, "found": 0, "right": 0} | counts
    return Heard(table, np.ones(len(rows), bool), neutral=0.0, **given)


def test_scores_count_seconds_and_not_segments() -> None:
    calls = [
        heard(("angry", 3.0, [0.9, 0.1]), ("angry", 1.0, [0.2, 0.8]), ("sad", 2.0, [0.1, 0.9])),
        heard(("sad", 2.0, [0.8, 0.2]), speaker="x/2", episodes=2, moments=4, found=1, right=2),
    ]
    row = summarise(Condition("clean", "80 % neutral", 3), calls, ["angry", "sad"])
    assert row["uar"] == pytest.approx((3 / 4 + 2 / 4) / 2)
    assert row["anger_precision"] == 0.5
    assert row["anger_recall"] == 0.5
    assert (row["calls"], row["coverage"]) == (2, 1.0)
    assert row["uar_interval"][0] <= row["uar"] <= row["uar_interval"][1]


def test_what_the_app_says_is_laid_beside_what_is_true(clips: pd.DataFrame) -> None:
    """A model that always says the same is right for the share of its emotion, and nothing of the agent."""

    class Always:
        def predict_proba(self, values: np.ndarray) -> np.ndarray:
            return np.tile([0.97, 0.01, 0.01, 0.01], (len(values), 1))

    model = Model(replace(load_model().card, temperatures=(1.0, 1.0)), Always())
    assert model.card.labels[0] == "angry"
    call = simulated(clips, "angry from the first word", 12, LINES["clean"], seed=2)
    (told,) = judge(call, [model])
    spoken = call.truth[call.truth["channel"] == "left"]
    assert (spoken["end"] - spoken["start"]).sum() == pytest.approx(told.overlaps["seconds"].sum(), rel=0.1)
    assert set(told.overlaps["speaker"]) == {"x/1"}
    assert told.certain.all()
    assert told.neutral == pytest.approx(0.01)
    assert (told.moments, told.episodes, told.found, told.right) == (1, 1, 1, 1)
    (both,) = judge(on_one_channel(call), [model])
    assert set(both.overlaps["speaker"]) == {"x/1", "x/2"}
    assert both.episodes == 1
    conditions = [Condition("phone", "evenly mixed", 6)]
    rows = score_calls(model, clips, SURROUNDINGS, conditions=conditions, least_calls=4, jobs=1)
    assert rows[0]["calls"] == 6  # each of three is the customer as often as the others
    assert rows[0]["uar"] == pytest.approx(0.25, abs=0.09)


def test_what_is_too_sure_in_simulated_calls_is_calibrated_to_how_often_it_is_right(
    clips: pd.DataFrame,
) -> None:
    """A model that tells no emotions apart, and says so too surely, is right for the share of its emotion."""

    class Guessing:
        def predict_proba(self, values: np.ndarray) -> np.ndarray:
            return np.tile([0.9, 0.04, 0.03, 0.03], (len(values), 1))

    model = Model(replace(load_model().card, temperatures=(1.0, 1.0), uncertain_below=0.0), Guessing())
    conditions = [Condition("clean", "angry from the first word", 8), Condition("phone", "evenly mixed", 8)]
    judged = in_simulated_calls(model, clips, SURROUNDINGS, conditions=conditions, least_calls=3)
    assert judged.weights.sum() == pytest.approx(6)  # calls
    right = np.average(judged.emotions == "angry", weights=judged.weights)
    temperatures, uncertain_below = calibrate([judged], EMOTIONS)
    confidence = calibrated(
        judged.probabilities, between_temperatures(temperatures, judged.neutral[:, None])
    ).max(axis=1)
    assert 0.25 < right < 0.8
    assert np.average(confidence, weights=judged.weights) == pytest.approx(right, abs=0.1)
    assert uncertain_below == pytest.approx(confidence.min(), abs=0.01)


def test_real_surroundings_are_loaded(corpora: Path) -> None:
    found = Surroundings.load(corpora)
    assert len(found.noises) >= 4 and len(found.rooms) >= 4
    assert all(len(sound) > 1_000 for sound in (*found.noises, *found.rooms))


def test_missing_noise_is_said(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no WAV files in noise"):
        Surroundings.load(tmp_path)


def test_the_table_has_every_condition_and_what_was_not_there_is_a_dash() -> None:
    row = summarise(
        Condition("phone", "80 % neutral", 3), [heard(("angry", 3.0, [0.9, 0.1]))], ["angry", "sad"]
    )
    table = call_table(replace(read_card(), call_scores=(row,)))
    assert table.splitlines()[-1].startswith(
        "| phone | 80 % neutral | 3 | 100.0% | 100.0% to 100.0% | – | – |"
    )
    assert table.splitlines()[-1].endswith("| – | – |")
