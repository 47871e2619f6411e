"""CSV, JSON and text say the same as the analysis."""

import io
import json
from dataclasses import asdict, replace

import pandas as pd
import pytest

from helpers.analysis import CallAnalysis, analyze_recording
from helpers.classifier import load_model, read_card
from helpers.corrections import Correction
from helpers.exports import (
    call_rows,
    clock,
    headline_scores,
    reliability,
    to_audacity,
    to_corrections,
    to_csv,
    to_json,
    to_text,
    to_webvtt,
)
from helpers.lanes import Settings
from helpers.moments import Moment
from tests.test_analysis import two_channels
from tests.test_corrections import first_set


@pytest.fixture(scope="module")
def analysis() -> CallAnalysis:
    return analyze_recording(two_channels("agent-left.wav"), load_model(), Settings())


def test_csv_has_a_line_per_segment(analysis: CallAnalysis) -> None:
    table = pd.read_csv(io.StringIO(to_csv([analysis])))
    assert list(table.columns) == ["recording", *analysis.segments.columns]
    assert len(table) == len(analysis.segments)
    assert set(table["recording"]) == {"agent-left.wav"}
    assert table["start"].tolist() == analysis.segments["start"].tolist()
    assert table.loc[table["role"] == "agent", "emotion"].isna().all()


def test_csv_of_several_recordings_names_each(analysis: CallAnalysis) -> None:
    table = pd.read_csv(io.StringIO(to_csv([analysis, replace(analysis, name="b.wav")])))
    assert table["recording"].value_counts().to_dict() == {"agent-left.wav": 4, "b.wav": 4}


@pytest.mark.parametrize("name", ["=HYPERLINK(1).wav", "+1.wav", "-1.wav", "@x.wav"])
def test_a_name_is_no_formula_in_csv(analysis: CallAnalysis, name: str) -> None:
    table = pd.read_csv(io.StringIO(to_csv([replace(analysis, name=name)])))
    assert set(table["recording"]) == {f"'{name}"}


def test_json_has_the_agreed_form(analysis: CallAnalysis) -> None:
    content = json.loads(to_json(analysis))
    assert content["recording"] == {
        "name": "agent-left.wav",
        "duration": 12.0,
        "channels": 2,
        "sample_rate": 16_000,
    }
    assert content["model"]["name"] == "calls"
    customer = next(segment for segment in content["segments"] if segment["role"] == "customer")
    keys = {"channel", "role", "start", "end", "emotion", "confidence", "probabilities", "baseline"}
    assert set(customer) == keys
    assert sum(customer["probabilities"].values()) == pytest.approx(1, abs=1e-3)
    assert customer["confidence"] == pytest.approx(max(customer["probabilities"].values()))
    agent = next(segment for segment in content["segments"] if segment["role"] == "agent")
    assert agent["emotion"] is agent["confidence"] is agent["probabilities"] is None
    assert set(content["summary"]) == {"left", "right"}
    assert content["moments"] == []


def test_json_of_several_recordings_is_a_list_and_strict(analysis: CallAnalysis) -> None:
    text = to_json([analysis, analysis])
    assert len(json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))) == 2


def test_text_names_every_segment(analysis: CallAnalysis) -> None:
    lines = to_text([analysis]).splitlines()
    assert lines[0].startswith("agent-left.wav: 0:12.0")
    assert sum("not analysed" in line and " to " in line for line in lines) == 2


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00.0"), (65.26, "1:05.3"), (59.96, "1:00.0"), (3665.3, "1:01:05.3")]
)
def test_times_are_written_as_people_read_them(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_subtitles_have_a_cue_per_analysed_segment(analysis: CallAnalysis) -> None:
    lines = to_webvtt(analysis).splitlines()
    told = analysis.segments[analysis.segments["emotion"].notna()]
    assert lines[0] == "WEBVTT"
    cues = [line for line in lines if "-->" in line]
    assert len(cues) == len(told) < len(analysis.segments)
    first = told.iloc[0]
    assert cues[0].startswith(f"00:00:{first['start']:06.3f} --> 00:00:{first['end']:06.3f}")
    assert f"<v customer>{first['emotion']} {first['confidence']:.0%}" in lines
    late = replace(analysis, segments=told.assign(start=told["start"] + 3661, end=told["end"] + 3661))
    assert f"01:01:{first['start'] + 1:06.3f} -->" in to_webvtt(late)


def test_labels_are_segments_and_moments_in_order(analysis: CallAnalysis) -> None:
    moment = Moment("all", "all", "talk-over", 0.5, 2.0, "Both speak.")
    rows = [line.split("\t") for line in to_audacity(replace(analysis, moments=(moment,))).splitlines()]
    assert rows[0] == ["0.50", "2.00", "all: talk-over"]
    assert len(rows) == analysis.segments["emotion"].notna().sum() + 1
    assert [float(row[0]) for row in rows] == sorted(float(row[0]) for row in rows)


def test_calls_stand_side_by_side_by_who_is_analysed(analysis: CallAnalysis) -> None:
    silent = replace(analysis.summary[0], shares={}, dominant_emotion=None)
    nobody = replace(analysis, name="b.wav", summary=(silent, *analysis.summary[1:]))
    rows = call_rows([analysis, nobody])
    customer = analysis.summary[0]
    assert rows["Recording"].tolist() == ["agent-left.wav", "b.wav"]
    assert rows["Main emotion"].tolist()[0] == customer.dominant_emotion
    assert rows["Anger"][0] == customer.shares["angry"]
    assert rows.loc[1, ["Main emotion", "Anger", "Escalations", "At the end"]].isna().all()
    assert rows["Moments"].tolist() == [len(analysis.moments)] * 2


@pytest.mark.parametrize("evaluated", [True, False])
def test_how_far_a_model_is_to_be_trusted_names_figures_chance_and_protocol(evaluated: bool) -> None:
    card = read_card("calls")
    card = card if evaluated else replace(card, call_scores=())
    told = reliability(card)
    where = "in simulated calls" if evaluated else "in clips"
    assert where in told
    assert "speaker-independent, unweighted average recall" in told
    assert f"guessing gets {1 / len(card.labels):.0%}" in told
    for words, share in headline_scores(card).items():
        assert f"{share:.0%} ({words})" in told


@pytest.fixture(scope="module")
def set_by_hand(analysis: CallAnalysis) -> tuple[CallAnalysis, Correction]:
    return first_set(replace(analysis, name="=call.wav"), "disgust")


def test_csv_and_json_have_what_was_set_and_what_the_model_said(
    analysis: CallAnalysis, set_by_hand: tuple[CallAnalysis, Correction]
) -> None:
    told, correction = set_by_hand
    table = pd.read_csv(io.StringIO(to_csv([told])))
    (row,) = table[table["model_emotion"].notna()].to_dict("records")
    assert (row["emotion"], row["model_emotion"]) == ("disgust", correction.model_emotion)
    assert pd.isna(row["confidence"])
    content = json.loads(to_json(told), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    (segment,) = [each for each in content["segments"] if each["model_emotion"]]
    assert (segment["emotion"], segment["confidence"]) == ("disgust", None)
    assert segment["probabilities"][correction.model_emotion] == pytest.approx(
        correction.confidence, abs=1e-4
    )
    assert content["summary"][correction.channel]["shares"]["disgust"] > 0
    assert "model_emotion" not in to_csv([analysis]) + to_json(analysis)


def test_subtitles_labels_and_text_have_what_was_set(set_by_hand: tuple[CallAnalysis, Correction]) -> None:
    told, correction = set_by_hand
    assert "<v customer>disgust, set by hand\n" in to_webvtt(told)
    label = f"{correction.start:.2f}\t{correction.end:.2f}\t{correction.channel}: disgust, set by hand\n"
    assert label in to_audacity(told)
    assert "disgust, set by hand\n" in to_text([told])
    assert "nan" not in to_webvtt(told) + to_audacity(told) + to_text([told])


def test_corrections_are_a_table_of_all_that_training_needs(
    set_by_hand: tuple[CallAnalysis, Correction],
) -> None:
    _, correction = set_by_hand
    (row,) = pd.read_csv(io.StringIO(to_corrections([correction]))).to_dict("records")
    expected = asdict(correction) | {"recording": "'=call.wav"}
    assert row == {**expected, "confidence": pytest.approx(correction.confidence, abs=1e-4)}
    assert to_corrections([]).startswith("recording,channel,start,end,emotion,model_emotion,")
