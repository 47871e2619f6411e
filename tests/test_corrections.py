"""What is set by hand holds for a stretch of a channel, however it is cut into segments."""

import pandas as pd
import pytest

from helpers.analysis import CallAnalysis, with_corrections
from helpers.corrections import (
    MODEL_EMOTION,
    Correction,
    by_hand,
    corrected,
    unplaced,
    with_correction,
    without_corrections,
)

Spoken = tuple[float, float, str | None]


def first_set(analysis: CallAnalysis, emotion: str) -> tuple[CallAnalysis, Correction]:
    """Set the first segment that was analysed."""
    row = analysis.segments[analysis.segments["emotion"].notna()].iloc[0]
    correction = Correction(
        recording=analysis.name,
        channel=row["channel"],
        start=float(row["start"]),
        end=float(row["end"]),
        emotion=emotion,
        model_emotion=row["emotion"],
        confidence=float(row["confidence"]),
        model=analysis.model.name,
    )
    return with_corrections(analysis, [correction]), correction


def segments(*spoken: Spoken, channel: str = "right") -> pd.DataFrame:
    table = pd.DataFrame(spoken, columns=["start", "end", "emotion"])
    confidence = table["emotion"].notna().map({True: 0.8, False: float("nan")})
    return table.assign(channel=channel, confidence=confidence, baseline=True)


def correction(start: float, end: float, emotion: str, channel: str = "right") -> Correction:
    return Correction("call.wav", channel, start, end, emotion, "neutral", 0.8, "calls")


def emotions(table: pd.DataFrame, *corrections: Correction) -> list[str | None]:
    return corrected(table, corrections)["emotion"].tolist()


TWO = segments((0, 4, "neutral"), (5, 8, "sad"))


def test_the_emotion_set_counts_and_the_model_s_stands_beside_it_without_its_confidence() -> None:
    table = corrected(TWO, [correction(0, 4, "angry")])
    assert table["emotion"].tolist() == ["angry", "sad"]
    assert table[MODEL_EMOTION].tolist() == ["neutral", None]
    assert by_hand(table).tolist() == [True, False]
    assert table["confidence"].isna().tolist() == [True, False]
    assert TWO["emotion"].tolist() == ["neutral", "sad"]


def test_without_a_correction_that_fits_nothing_changes() -> None:
    assert corrected(TWO, []) is TWO
    assert corrected(TWO, [correction(20, 24, "angry")]) is TWO
    assert corrected(TWO, [correction(0, 4, "angry", channel="left")]) is TWO
    assert not by_hand(TWO).any()


def test_the_model_s_own_answer_can_be_confirmed() -> None:
    table = corrected(TWO, [correction(5, 8, "sad")])
    assert table["emotion"].tolist() == ["neutral", "sad"]
    assert by_hand(table).tolist() == [False, True]


@pytest.mark.parametrize(
    ("spoken", "expected"),
    [
        ([(0.2, 3.8, "sad")], ["angry"]),
        ([(0, 5.5, "sad")], ["angry"]),
        ([(0, 2, "sad"), (2, 4, "neutral")], ["angry", "angry"]),
        ([(0, 9, "sad")], ["sad"]),
        ([(3, 6, "sad")], ["sad"]),
        ([(0, 4, None)], [None]),
    ],
)
def test_segments_that_moved_have_what_was_set_over_most_of_them(
    spoken: list[Spoken], expected: list[str | None]
) -> None:
    assert emotions(segments(*spoken), correction(0, 4, "angry")) == expected


def test_the_last_correction_counts_also_where_it_covers_a_part_of_an_older_one() -> None:
    whole, part = correction(0, 6, "angry"), correction(2, 4, "happy")
    both = with_correction([whole], part)
    assert both == (whole, part)
    cut = segments((0, 2, "sad"), (2, 4, "sad"), (4, 6, "sad"))
    assert emotions(cut, *both) == ["angry", "happy", "angry"]


def test_a_correction_replaces_what_it_mostly_covers_on_its_channel_alone() -> None:
    older, beside = correction(0, 4, "angry"), correction(4, 6, "sad")
    other = correction(0, 4, "sad", channel="left")
    newer = correction(0, 4.2, "happy")
    assert with_correction([older, beside, other], newer) == (beside, other, newer)


def test_what_was_said_of_a_segment_is_taken_back() -> None:
    first, second = correction(0, 4, "angry"), correction(5, 8, "happy")
    assert without_corrections([first, second], "right", 0.1, 4) == (second,)
    assert without_corrections([first, second], "left", 0, 4) == (first, second)


def test_corrections_that_fit_no_segment_are_counted() -> None:
    fitting, moved, elsewhere = (
        correction(0, 4, "angry"),
        correction(7, 9, "angry"),
        correction(0, 4, "angry", channel="left"),
    )
    assert unplaced(TWO, [fitting, moved, elsewhere]) == 2


def test_what_was_set_on_one_channel_stays_when_its_voices_are_told_apart_and_back() -> None:
    together = segments((0, 2, "sad"), (2, 4, "happy"), channel="mono")
    apart = together.assign(channel=["mono A", "mono B"])
    for before, after in ((together, apart), (apart, together)):
        set_by_hand = correction(2, 4, "angry", channel=before["channel"].iloc[1])
        assert corrected(after, [set_by_hand])["emotion"].tolist() == ["sad", "angry"]
        assert without_corrections([set_by_hand], after["channel"].iloc[1], 2, 4) == ()
