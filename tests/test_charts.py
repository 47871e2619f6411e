"""Charts show what the analysis says, and only that."""

import json
import re
from dataclasses import replace

import altair as alt
import pandas as pd
import pytest

from helpers.analysis import CallAnalysis, analyze_recording
from helpers.chart_style import specification
from helpers.charts import (
    FROM,
    SELECTION,
    TO,
    WINDOW,
    emotion_shares,
    explorable_timeline,
    lane_name,
    live_rows,
    live_timeline,
    overview,
    overview_rows,
    picture,
    timeline,
)
from helpers.classifier import load_model
from helpers.emotions import EMOTIONS, UNCERTAIN
from helpers.lanes import Settings
from helpers.live import LiveView
from tests.test_analysis import two_channels
from tests.test_corrections import first_set


def analysed(settings: Settings) -> CallAnalysis:
    return analyze_recording(two_channels(), load_model(), settings)


@pytest.fixture(scope="module")
def analysis() -> CallAnalysis:
    return analysed(Settings(customer="right"))


def whole(analysis: CallAnalysis) -> alt.LayerChart:
    return timeline(analysis, 0.0, analysis.duration)


def shown_window(chart: alt.LayerChart) -> tuple[float, float]:
    """Give the window that the scale of time reads from the data."""
    written = chart.to_dict()
    scale, (first, *_) = written["layer"][0]["encoding"]["x"]["scale"], written["datasets"]["grounds"]
    assert "domain" not in scale
    for edge, field in (("domainMin", "start"), ("domainMax", "end")):
        assert re.fullmatch(rf"\(data\('grounds'\)\[0\] .+\)\.{field}", scale[edge]["expr"])
    return first["start"], first["end"]


def layer(chart: alt.LayerChart, field: str) -> pd.DataFrame:
    """Give the data of the first layer that has a field."""
    tables = [part.data for part in chart.layer if isinstance(part.data, pd.DataFrame)]
    return next(table for table in tables if field in table.columns)


def test_probabilities_of_each_segment_are_stacked_from_the_floor_of_its_lane_to_its_top(
    analysis: CallAnalysis,
) -> None:
    bars, ribbon = (layer(whole(analysis), field) for field in ("probability", "ribbon_top"))
    customer = analysis.segments[analysis.segments["role"] == "customer"]
    assert len(bars) == len(customer) * len(analysis.model.labels)
    for _, segment in customer.iterrows():
        own = bars[bars["start"] == segment["start"]].sort_values("lower")
        band = ribbon[ribbon["start"] == segment["start"]].iloc[0]
        assert own["lower"].iloc[0] == pytest.approx(band["floor"])
        assert own["upper"].iloc[-1] == pytest.approx(band["top"]) == pytest.approx(band["floor"] + 1)
        assert own["lower"].iloc[1:].tolist() == pytest.approx(own["upper"].iloc[:-1].tolist())
        assert dict(zip(own["emotion"], own["probability"], strict=True)) == pytest.approx(
            segment[list(analysis.model.labels)].to_dict()
        )


def test_the_agent_has_a_ribbon_and_no_emotion_unless_analysed(analysis: CallAnalysis) -> None:
    ribbon = layer(whole(analysis), "ribbon_top")
    assert set(ribbon.loc[ribbon["role"] == "agent", "emotion"]) == {"not analysed"}
    everybody = whole(analysed(Settings(customer="right", include_agent=True)))
    assert "not analysed" not in set(layer(everybody, "ribbon_top")["emotion"])
    assert everybody.height > whole(analysis).height


def test_lanes_do_not_overlap() -> None:
    ribbon = layer(whole(analysed(Settings())), "ribbon_top")
    left, right = (ribbon[ribbon["channel"] == side].iloc[0] for side in ("left", "right"))
    assert left["top"] > left["ribbon_bottom"] > right["top"] > right["ribbon_bottom"]


def test_silence_stays_empty_and_the_axis_is_the_whole_call(analysis: CallAnalysis) -> None:
    chart = whole(analysis)
    ribbon = layer(chart, "ribbon_top")
    assert ribbon[["start", "end"]].equals(analysis.segments[["start", "end"]])
    assert shown_window(chart) == (0, analysis.duration)


def test_a_letter_stands_with_every_colour(analysis: CallAnalysis) -> None:
    letters = layer(whole(analysis), "letter")
    named = letters[letters["emotion"] != "not analysed"]
    assert named["letter"].tolist() == [EMOTIONS[emotion].letter for emotion in named["emotion"]]
    assert len({emotion.letter for emotion in EMOTIONS.values()}) == len(EMOTIONS)
    assert len({emotion.colour for emotion in EMOTIONS.values()}) == len(EMOTIONS)


def test_a_click_gives_the_row_of_the_segment(analysis: CallAnalysis) -> None:
    spec = whole(analysis).to_dict()
    click = next(param for param in spec["params"] if param["name"] == SELECTION)
    assert click["select"]["fields"] == [SELECTION]
    assert layer(whole(analysis), SELECTION)[SELECTION].tolist() == analysis.segments.index.tolist()


def test_shares_are_bars_of_every_emotion(analysis: CallAnalysis) -> None:
    customer = analysis.summary[0]
    table = emotion_shares(customer).data
    assert dict(zip(table["emotion"], table["share"], strict=True)) == customer.shares
    assert table["emotion"].iloc[-1] == UNCERTAIN


def test_lanes_are_named_for_people(analysis: CallAnalysis) -> None:
    customer = analysis.summary[0]
    assert lane_name(customer) == "Customer"
    assert lane_name(replace(customer, role="speaker")) == "Right"
    assert lane_name(replace(customer, role="speaker", channel="mono")) == "Speaker"
    assert lane_name(replace(customer, role="speaker", channel="mono A")) == "Speaker A"


def test_a_window_shows_what_lies_in_it(analysis: CallAnalysis) -> None:
    chart = timeline(analysis, 4.0, 6.5)
    shown = layer(chart, "ribbon_top")
    inside = (analysis.segments["end"] > 4) & (analysis.segments["start"] < 6.5)
    assert 0 < len(shown) < len(analysis.segments)
    assert shown[SELECTION].tolist() == analysis.segments.index[inside].tolist()
    assert shown_window(chart) == (4, 6.5)


def test_another_window_is_other_data_for_the_same_chart(analysis: CallAnalysis) -> None:
    """So a browser need not draw it anew."""
    one, other = (specification(timeline(analysis, start, 6.5)) for start in (4.0, 5.0))
    tables = one.pop("datasets"), other.pop("datasets")
    assert one == other
    assert tables[0].keys() == tables[1].keys()


def test_loudness_lies_over_each_lane_and_is_high_where_somebody_speaks(analysis: CallAnalysis) -> None:
    loudness = layer(whole(analysis), "height")
    customer = loudness[loudness["lane"] == "Customer"]
    speech = analysis.segments[analysis.segments["role"] == "customer"].iloc[0]
    spoken = customer["time"].between(speech["start"] + 0.2, speech["end"] - 0.2)
    silent = customer["time"] < 2.5
    heights = customer["height"] - customer["bottom"]
    assert heights[spoken].min() > heights[silent].max()
    assert heights.between(0, 0.3).all()


def shifted(segments: pd.DataFrame, seconds: float) -> pd.DataFrame:
    return segments.assign(start=segments["start"] + seconds, end=segments["end"] + seconds)


def test_a_long_call_is_drawn_in_stretches(analysis: CallAnalysis) -> None:
    """What a pixel cannot show is joined: few marks, all of the time, the click goes to the first segment."""
    length = analysis.duration
    rows = pd.concat([shifted(analysis.segments, count * length) for count in range(2500)], ignore_index=True)
    long = replace(analysis, segments=rows, duration=2500 * length)
    ribbon = layer(whole(long), "ribbon_top")
    assert len(rows) == ribbon["count"].sum() >= 10_000
    assert len(ribbon) <= 600
    assert (rows.loc[ribbon[SELECTION], "start"].to_numpy() == ribbon["start"].to_numpy()).all()
    assert ribbon["told"].str.startswith("mostly").all()
    assert len(json.dumps(whole(long).to_dict())) < 2_000_000
    close = layer(timeline(long, 0.0, length), "ribbon_top")
    assert (close["count"] == 1).all()


def test_in_a_long_call_a_letter_stands_for_all_neighbours_of_one_emotion(analysis: CallAnalysis) -> None:
    """Where no stretch is wide enough for its letter, what lasts has one all the same; a silence parts it."""
    times = pd.Series(range(3000)) * 4.0 + 100
    rows = pd.DataFrame({"channel": "right", "role": "customer", "start": times, "end": times + 3.5})
    rows = rows.assign(emotion=["angry"] * 1000 + ["sad"] * 2000, confidence=0.9, baseline=True)
    rows[list(analysis.model.labels)] = 0.25
    rows.loc[2000:, ["start", "end"]] += 1000
    long = replace(analysis, segments=rows, duration=13_100.0)
    letters = next(part.data for part in whole(long).layer if part.name == "letters")
    assert isinstance(letters, pd.DataFrame)
    assert letters["letter"].tolist() == ["A", "S", "S"]
    assert ((letters["end"] - letters["start"]) > 3900).all()
    assert letters["middle"].between(letters["start"], letters["end"]).all()


def test_the_overview_has_every_lane_and_the_window_that_is_shown(analysis: CallAnalysis) -> None:
    rows = overview_rows(analysis, 2.0, 5.0)
    frame = rows[rows["frame"]]
    assert frame[["start", "end"]].to_numpy().tolist() == [[2, 5]]
    assert set(rows.loc[~rows["frame"], "lane"]) == {"Customer", "Agent"}
    assert len(rows) == len(analysis.segments) + 1
    spec = overview(analysis.duration, ("Customer", "Agent"), analysis.model.labels)
    assert spec is overview(analysis.duration, ("Customer", "Agent"), analysis.model.labels)
    assert WINDOW in {param["name"] for param in spec["params"]}


def test_the_live_timeline_has_the_last_minute_relative_to_now() -> None:
    segments = pd.DataFrame(
        {
            **{"channel": "mono", "role": "speaker", "start": [1.0, 70.0, 99.0], "end": [3.0, 72.0, 100.0]},
            **{"emotion": ["angry", UNCERTAIN, "sad"], "confidence": 0.5, "baseline": False},
            **{"angry": 0.5, "sad": 0.5},
        }
    )
    rows = live_rows(LiveView(duration=100.0, level=-20.0, segments=segments))
    assert rows["start"].tolist() == [-30, -1]
    assert rows["end"].tolist() == [-28, 0]
    assert rows["letter"].tolist() == ["?", "S"]


def test_the_live_timeline_is_the_same_whatever_was_heard() -> None:
    """Its data comes apart from it, so that the browser need not draw it anew."""
    first, second = (live_timeline(("angry", "happy", "neutral", "sad")) for _ in range(2))
    assert first == second
    (colours,) = {
        json.dumps(layer["encoding"]["color"]["scale"])
        for layer in first["layer"]
        if "color" in layer["encoding"]
    }
    assert all(EMOTIONS[name].colour in colours for name in ("angry", "happy", "neutral", "sad", UNCERTAIN))


def test_the_trend_is_drawn_when_it_is_asked_for(analysis: CallAnalysis) -> None:
    without, with_it = (timeline(analysis, 0, 12, trend=trend).to_dict() for trend in (False, True))
    assert len(with_it["layer"]) == len(without["layer"]) + 2
    rows = layer(timeline(analysis, 0, 12, trend=True), "valence")
    assert rows["valence"].between(-1, 1).all()
    floor = layer(whole(analysis), "ribbon_top").query("role == 'customer'")["floor"].iloc[0]
    assert rows["height"].between(floor, floor + 1).all()


def test_emotions_that_are_not_chosen_lose_their_colour(analysis: CallAnalysis) -> None:
    spec = json.dumps(timeline(analysis, 0, 12, ["sad"]).to_dict())
    assert EMOTIONS["sad"].colour in spec
    assert EMOTIONS["angry"].colour not in spec


def test_the_explorable_timeline_has_each_row_once_for_all_of_its_layers(analysis: CallAnalysis) -> None:
    spec = explorable_timeline(analysis)
    rows = spec["datasets"]["segments"]
    assert [row["segment"] for row in rows] == analysis.segments.index.tolist()
    assert [part["data"]["name"] for part in spec["layer"]].count("segments") == 3
    assert {param["name"]: param.get("value") for param in spec["params"]} | {FROM: 0, TO: 12} == {
        param["name"]: param.get("value") for param in spec["params"]
    }
    assert {row["emotion"] for row in spec["datasets"]["probabilities"]} == set(analysis.model.labels)


def test_a_picture_has_a_title_and_everybody_who_was_analysed(analysis: CallAnalysis) -> None:
    spec = picture(analysis).to_dict()
    assert spec["title"]["text"] == analysis.name
    assert "speaker-independent" in " ".join(spec["title"]["subtitle"])
    shares = spec["vconcat"][1]["concat"]
    assert [chart["title"]["text"].split(":")[0] for chart in shares] == ["Customer"]
    assert "params" not in spec  # nobody clicks on it


def hand_marks(chart: alt.LayerChart) -> list[dict[str, object]]:
    spec = json.loads(chart.to_json(), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    (marks,) = [part for part in spec["layer"] if part.get("name") == "by_hand"]
    assert [each["filter"] for each in marks["transform"]] == ["datum.by_hand"]
    return [row for row in spec["datasets"][marks["data"]["name"]] if row["by_hand"]]


def test_what_was_set_by_hand_is_pointed_at_told_and_coloured(analysis: CallAnalysis) -> None:
    told, correction = first_set(analysis, "bored")
    (mark,) = hand_marks(whole(told))
    assert (mark["start"], mark["end"]) == (correction.start, correction.end)
    assert mark["told"] == f"bored, set by hand; the model said {correction.model_emotion}"
    assert mark["sure"] == "–"
    assert EMOTIONS["bored"].colour in whole(told).to_json()
    assert EMOTIONS["bored"].colour not in whole(analysis).to_json()
    assert set(layer(whole(told), "probability")["emotion"]) == set(analysis.model.labels)
    assert not [part for part in whole(analysis).to_dict()["layer"] if part.get("name") == "by_hand"]
