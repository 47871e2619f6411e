"""The figures of a conversation are those that can be counted by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from helpers.analysis import CallAnalysis, analyze_recording
from helpers.classifier import load_model
from helpers.conversation import EXPLAINED, SpeakerFigures, conversation, non_talk_time
from helpers.exports import figure_rows
from helpers.lanes import Settings
from helpers.media import Recording
from helpers.moments import ANGER, Moment
from helpers.speech import speaking_rate
from tests.conftest import bursts
from tests.test_analysis import two_channels

# channel, start, end, emotion
CALL = [
    ("left", 0.0, 4.0, None),
    ("right", 5.0, 8.0, "neutral"),
    ("right", 8.5, 10.0, "angry"),
    ("left", 11.0, 15.0, None),
    ("right", 14.0, 20.0, "angry"),  # while the agent goes on
    ("left", 21.5, 24.0, None),
    ("right", 25.0, 55.0, "neutral"),
    ("right", 57.5, 59.0, "sad"),
]


@pytest.fixture(scope="module")
def base() -> CallAnalysis:
    return analyze_recording(two_channels("customer-right.wav"), load_model(), Settings())


def call(base: CallAnalysis, rows: list[tuple[str, float, float, str | None]] = CALL) -> CallAnalysis:
    table = pd.DataFrame(rows, columns=["channel", "start", "end", "emotion"])
    table = table.assign(role="speaker", confidence=0.8, baseline=True)
    levels = {"left": np.full(600, -70, np.float32), "right": np.full(600, -70, np.float32)}
    for channel, start, end, _ in rows:
        levels[channel][round(start * 10) : round(end * 10)] = -20 if channel == "left" else -35
    angry = Moment("right", "customer", ANGER, 8.5, 20.0, "Angry.")
    return replace(base, duration=60.0, segments=table, levels=levels, moments=(angry,))


@pytest.fixture
def customer(base: CallAnalysis) -> SpeakerFigures:
    return conversation(call(base))[0]


@pytest.fixture
def agent(base: CallAnalysis) -> SpeakerFigures:
    return conversation(call(base))[1]


def test_talk_time_and_share(customer: SpeakerFigures, agent: SpeakerFigures) -> None:
    assert (customer.channel, agent.channel) == ("right", "left")
    assert customer.talk_time == pytest.approx(3 + 1.5 + 6 + 30 + 1.5)
    assert agent.talk_time == pytest.approx(4 + 4 + 2.5)
    assert customer.talk_share + agent.talk_share == pytest.approx(1)


def test_a_monologue_ends_with_a_pause_or_another_speaker(
    customer: SpeakerFigures, agent: SpeakerFigures, base: CallAnalysis
) -> None:
    assert customer.longest_monologue == pytest.approx(30)  # 2.5 s of silence follow
    assert agent.longest_monologue == pytest.approx(4)
    joined = [("right", 0.0, 4.0, "sad"), ("right", 5.0, 9.0, "sad"), ("left", 20.0, 21.0, None)]
    assert conversation(call(base, joined))[0].longest_monologue == pytest.approx(9)
    parted = [("right", 0.0, 4.0, "sad"), ("left", 4.2, 5.2, None), ("right", 5.5, 9.0, "sad")]
    assert conversation(call(base, parted))[0].longest_monologue == pytest.approx(4)


def test_who_begins_while_another_goes_on_interrupts(customer: SpeakerFigures, agent: SpeakerFigures) -> None:
    assert (customer.interruptions, agent.interruptions) == (1, 0)
    assert customer.talk_over == pytest.approx(1 / 42)
    assert agent.talk_over == pytest.approx(1 / 10.5)


def test_the_response_time_is_the_median_of_the_gaps_before_an_answer(
    customer: SpeakerFigures, agent: SpeakerFigures
) -> None:
    assert customer.response_time == pytest.approx(1)  # 4 to 5 and 24 to 25
    assert agent.response_time == pytest.approx(np.median([1, 1.5]))


def test_emotions_at_the_end_and_in_the_thirds(customer: SpeakerFigures, agent: SpeakerFigures) -> None:
    assert customer.end_emotion == "neutral"
    assert customer.escalations == 1
    assert customer.first_third == pytest.approx({"neutral": 3 / 10.5, "angry": 7.5 / 10.5})
    assert customer.last_third == pytest.approx({"neutral": 30 / 31.5, "sad": 1.5 / 31.5})
    assert agent.end_emotion is None
    assert agent.escalations is None
    assert agent.first_third == {}


def test_loudness_is_that_of_the_speech(customer: SpeakerFigures, agent: SpeakerFigures) -> None:
    assert customer.loudness == pytest.approx(-35)
    assert agent.loudness == pytest.approx(-20)


def test_silence_is_what_nobody_fills(base: CallAnalysis) -> None:
    assert non_talk_time(call(base)) == pytest.approx(60 - (42 + 10.5 - 1))


def test_one_speaker_alone_neither_interrupts_nor_answers() -> None:
    alone = analyze_recording(Recording("a", bursts((1, 4), duration=6)[None]), load_model(), Settings())
    (figures,) = conversation(alone)
    assert figures.talk_share == 1
    assert figures.interruptions == 0
    assert figures.response_time is None
    assert figures.end_emotion is not None


@pytest.mark.parametrize("rate", [3.0, 5.0])
def test_syllables_are_counted_by_their_peaks(rate: float) -> None:
    time = np.arange(0, 10, 0.01)
    levels = -30 + 8 * np.sin(2 * np.pi * rate * time) + np.random.default_rng(0).normal(0, 0.3, len(time))
    segments = pd.DataFrame({"start": [1.0, 6.0], "end": [4.0, 9.0]})
    assert speaking_rate(levels, segments) == pytest.approx(rate, rel=0.15)
    assert speaking_rate(levels, segments[:0]) is None


def test_every_figure_that_is_shown_is_explained(base: CallAnalysis) -> None:
    rows = figure_rows(conversation(call(base)), ["Customer", "Agent"])
    assert rows.index.tolist() == list(EXPLAINED)
    assert rows.loc["Talk time"].tolist() == ["0:42.0", "0:10.5"]
    assert rows.loc["Escalations"].tolist() == ["1", "–"]
    assert rows.loc["First third", "Customer"] == "angry 71%"
