"""Moments are found where they are, and nothing less is one."""

import pandas as pd
import pytest

from helpers.emotions import EMOTIONS, UNCERTAIN
from helpers.moments import (
    ANGER,
    BETTER,
    RECOVERY,
    SILENCE,
    TALK_OVER,
    WORSE,
    Moment,
    Thresholds,
    explained,
    find_moments,
    valence,
)

Spoken = tuple[float, float, str | None]


def lane(*segments: Spoken, channel: str = "right") -> pd.DataFrame:
    table = pd.DataFrame(segments, columns=["start", "end", "emotion"])
    return table.assign(channel=channel, role="customer", confidence=0.8)


def found(kind: str, *lanes: pd.DataFrame) -> list[Moment]:
    return [moment for moment in find_moments(pd.concat(lanes, ignore_index=True)) if moment.kind == kind]


def test_anger_of_five_seconds_is_a_moment() -> None:
    spoken = lane((0, 3, "neutral"), (3, 6, "angry"), (7, 10, "angry"), (10, 12, "sad"))
    (moment,) = find_moments(spoken)
    assert (moment.start, moment.end, moment.kind) == (3, 10, ANGER)
    assert "2 segments" in moment.description


@pytest.mark.parametrize(
    "segments",
    [
        [(0, 4, "angry")],
        [(0, 4, "angry"), (4, 6, "neutral"), (6, 9, "angry")],
        [(0, 4, "angry"), (15, 18, "angry")],
        [(0, 4, "angry"), (4, 8, UNCERTAIN)],
        [(0, 9, None)],
        [],
    ],
)
def test_short_or_broken_anger_is_no_moment(segments: list[Spoken]) -> None:
    assert found(ANGER, lane(*segments)) == []


def test_uncertain_segments_do_not_break_anger() -> None:
    (moment,) = find_moments(lane((0, 4, "angry"), (4, 6, UNCERTAIN), (6, 9, "angry")))
    assert (moment.start, moment.end) == (0, 9)


def test_anger_of_two_speakers_is_not_added_up() -> None:
    assert found(ANGER, lane((0, 3, "angry")), lane((3, 6, "angry"), channel="left")) == []


def test_a_speaker_who_calms_down_and_stays_calm_has_recovered() -> None:
    spoken = lane((0, 4, "angry"), (4, 7, "sad"), (8, 14, "neutral"), (14, 19, "happy"))
    (moment,) = found(RECOVERY, spoken)
    assert (moment.start, moment.end) == (8, 19)
    assert moment.description == ("No negative emotion in 11 s of speech, after 7 s of angry and sad speech.")


@pytest.mark.parametrize(
    "segments",
    [
        [(0, 12, "neutral")],
        [(0, 4, "angry"), (4, 18, "neutral")],
        [(0, 7, "angry"), (7, 12, "neutral"), (12, 13, "sad"), (13, 19, "neutral")],
        [(0, 7, "angry")],
    ],
)
def test_calm_that_nothing_preceded_or_that_does_not_last_is_no_recovery(segments: list[Spoken]) -> None:
    assert found(RECOVERY, lane(*segments)) == []


def test_both_speaking_at_once_is_a_moment_also_where_one_is_not_analysed() -> None:
    agent = lane((3, 6, None), (6, 9, None), (20, 21, None), channel="left")
    spoken = lane((0, 5, "neutral"), (8.5, 12, "neutral"), (19.5, 22, "angry"))
    (moment,) = found(TALK_OVER, spoken, agent)
    assert (moment.start, moment.end, moment.channel) == (3, 5, "all")
    assert moment.description == "Both speak for 2.0 s."


def test_one_channel_has_no_talk_over() -> None:
    assert found(TALK_OVER, lane((0, 5, "neutral"), (1, 4, "neutral"))) == []


def test_the_longest_silence_is_that_of_everybody() -> None:
    agent = lane((11, 13, None), (30, 31, None), channel="left")
    (moment,) = found(SILENCE, lane((0, 2, "sad"), (14, 15, "sad"), (24, 25, "sad")), agent)
    assert (moment.start, moment.end) == (2, 11)
    assert moment.description == "Nobody speaks for 9.0 s."
    assert found(SILENCE, lane((0, 2, "sad"), (9, 12, "sad"))) == []


def test_moments_are_in_order_of_time_and_their_kinds_are_explained() -> None:
    spoken = lane((0, 6, "angry"), (6, 17, "neutral"), (30, 36, "angry"))
    moments = find_moments(spoken)
    assert [moment.kind for moment in moments] == [ANGER, RECOVERY, SILENCE, ANGER]
    assert {moment.kind for moment in moments} <= set(explained(Thresholds()))


def test_hours_of_talk_are_searched_in_no_time() -> None:
    many = 12_000
    spoken = lane(*((3.0 * number, 3.0 * number + 2.5, "neutral") for number in range(many)))
    agent = lane(*((3.0 * number + 2, 3.0 * number + 3, None) for number in range(many)), channel="left")
    assert found(TALK_OVER, spoken, agent) == []


def voice(*happiness: float) -> pd.DataFrame:
    """Make segments of 3 s, each happy by this probability and sad for the rest."""
    starts = [3.0 * number for number in range(len(happiness))]
    table = lane(
        *(
            (start, start + 3, "happy" if share > 0.5 else "sad")
            for start, share in zip(starts, happiness, strict=True)
        )
    )
    return table.assign(happy=happiness, sad=[1 - share for share in happiness])


def test_the_valence_is_that_of_the_words_by_their_probabilities() -> None:
    assert valence(voice(1.0, 0.0, 0.5)).tolist() == pytest.approx([0.81, -0.63, 0.09])
    assert valence(lane((0, 3, "sad"))).tolist() == [0]  # without probabilities nothing is known


@pytest.mark.parametrize(
    ("happiness", "kind"), [([0.9] * 4 + [0.1] * 4, WORSE), ([0.1] * 4 + [0.9] * 4, BETTER)]
)
def test_a_sharp_turn_is_found_where_it_is(happiness: list[float], kind: str) -> None:
    (moment,) = found(kind, voice(*happiness))
    assert not found(BETTER if kind == WORSE else WORSE, voice(*happiness))
    assert (moment.start, moment.end) == (9, 21)  # the segment before it, and 10 s of speech after it
    assert ("from +0.67 to -0.49" if kind == WORSE else "from -0.49 to +0.67") in moment.description


def test_two_turns_that_lie_apart_are_two_moments() -> None:
    there_and_back = voice(*[0.9] * 8, *[0.1] * 8, *[0.9] * 8)
    assert (len(found(WORSE, there_and_back)), len(found(BETTER, there_and_back))) == (1, 1)


@pytest.mark.parametrize(
    "happiness", [[0.9], [0.9, 0.1], [0.5, 0.6, 0.4, 0.5, 0.6], [0.9, 0.9, 0.1, 0.9, 0.9, 0.9], []]
)
def test_little_speech_small_changes_and_a_single_segment_are_no_turn(happiness: list[float]) -> None:
    assert found(WORSE, voice(*happiness)) == found(BETTER, voice(*happiness)) == []


@pytest.mark.parametrize(
    ("kind", "lax", "strict"),
    [
        (ANGER, Thresholds(sustained=3), Thresholds(sustained=20)),
        (RECOVERY, Thresholds(calm_again=5), Thresholds(calm_again=60)),
        (SILENCE, Thresholds(silence=3), Thresholds(silence=30)),
        (TALK_OVER, Thresholds(talk_over=1), Thresholds(talk_over=5)),
    ],
)
def test_thresholds_decide_and_are_explained(kind: str, lax: Thresholds, strict: Thresholds) -> None:
    customer = lane((0, 4, "angry"), (4, 8, "angry"), (12, 18, "neutral"), (18, 26, "neutral"))
    both = pd.concat([customer, lane((16, 19, None), channel="left")], ignore_index=True)
    kinds = [{moment.kind for moment in find_moments(both, limits)} for limits in (lax, strict)]
    assert kind in kinds[0]
    assert kind not in kinds[1]
    assert explained(lax)[kind] != explained(strict)[kind]


def test_a_moment_of_what_was_set_by_hand_claims_no_confidence() -> None:
    (moment,) = find_moments(lane((0, 3, "angry"), (3, 6, "angry")).assign(confidence=float("nan")))
    assert moment.description == "Angry in 2 segments in a row, 6 s of speech, as set by hand."


def test_what_was_set_by_hand_is_as_pleasant_as_that() -> None:
    told = lane((0, 3, "happy"), (3, 6, "neutral")).assign(angry=1.0, happy=0.0)
    angry, happy = EMOTIONS["angry"].valence, EMOTIONS["happy"].valence
    assert valence(told).tolist() == pytest.approx([angry, angry])
    assert valence(told.assign(model_emotion=["angry", None])).tolist() == pytest.approx([happy, angry])
