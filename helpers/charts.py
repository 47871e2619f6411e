"""Altair charts, made from the analysis alone.

Conventions: the x axis is time in seconds. In the timeline every lane has a band of height 1 for the stacked
probabilities and a ribbon of the winning emotion under it; lanes follow each other downwards from 0.
Emotions have the one palette, and a letter wherever there is room, so that colour alone carries no meaning.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import altair as alt
import pandas as pd

from helpers.analysis import LEVEL_STEP, CallAnalysis, ChannelSummary
from helpers.chart_style import DARK, FONT, FRAME, LIGHT, SILENT, palette
from helpers.corrections import MODEL_EMOTION
from helpers.emotions import EMOTIONS, UNCERTAIN
from helpers.exports import clock, reliability, signs
from helpers.lanes import MONO, SPEAKER
from helpers.live import SHOWN, LiveView
from helpers.zoom import every_detail, every_loudness, loudest, trend_rows, visible

SELECTION = "segment"
WINDOW = "window"
FROM, TO = "from", "to"
NOT_ANALYSED = "not analysed"

_GROUNDS = "grounds"
_LOUDNESS = 0.3
_QUIETEST = -60.0  # dBFS
_GAP = 0.08
_RIBBON = 0.26
_GAP_IN_RUN = 0.005  # of a window, over which a letter stands for stretches on both sides
_LANE_PIXELS = 120
_MARGIN_PIXELS = 70
_OVERVIEW_MARGIN_PIXELS = 48
_OVERVIEW_LANE_PIXELS = 22
_PICTURE_PIXELS = 1100
_PICTURE_LETTERS = 165  # in a line of its title
_SHARE_PIXELS = 260
_SHARES_IN_ROW = 3
_NOT_DRAWN = ["channel", "role", "confidence", "baseline", "count", "floor"]
_DIGITS = 3
_SLACK = 1.001  # rounding apart, a window has one detail
_LANE_AXIS: dict[str, Any] = {
    **{"grid": False, "ticks": False, "domain": False, "labelPadding": 8, "labelFontWeight": "bold"}
}
_CLOCK = (
    "datum.value < 0 ? '' : (datum.value >= 3600 ? floor(datum.value / 3600) + ':' : '')"
    " + format(floor(datum.value / 60) % 60, datum.value >= 3600 ? '02' : '')"
    " + ':' + format(floor(datum.value % 60), '02')"
)
_PIXELS = "(scale('x', datum.end) - scale('x', datum.start))"


def lane_name(summary: ChannelSummary) -> str:
    """Name a lane for people: "Customer", "Agent", "Left", "Speaker A", or "Speaker" where there is only one.

    Parameters
    ----------
    summary : ChannelSummary

    Returns
    -------
    str
    """
    if summary.role != SPEAKER:
        return summary.role.capitalize()
    name = summary.channel.replace(MONO, "speaker")
    return name[0].upper() + name[1:]


def timeline(
    analysis: CallAnalysis,
    start: float,
    end: float,
    shown: Collection[str] = tuple(EMOTIONS),
    trend: bool = False,
) -> alt.LayerChart:
    """Draw the emotion timeline of a window of the call.

    Parameters
    ----------
    analysis : CallAnalysis
    start, end : float
        Of the window [seconds].
    shown : collection of str
        Emotions that have their colour; the others are grey.
    trend : bool
        Whether a line shows how pleasant the voice sounds, from the floor of its band (-1) to its top (1).

    Returns
    -------
    alt.LayerChart
        With the point selection `SELECTION`, whose field of the same name is the row of a segment.
    """
    places = _places(analysis)
    segments = _placed(visible(analysis.segments, start, end), places)
    levels = _levels(analysis, start, end)
    grounds = _lane_grounds(places, start, end)
    rows = {_GROUNDS: grounds.data.to_dict("records")}
    grounds.data = alt.NamedData(_GROUNDS)
    # The window is data, so that another one makes no other chart, and a browser need not draw it anew.
    first = f"(data('{_GROUNDS}')[0] || {{start: 0, end: 1}})"
    grounds.encoding.x.scale = _window_scale(f"{first}.start", f"{first}.end")
    layers = [
        grounds,
        *_lanes(segments, levels, places, analysis.emotions, shown),
        _letters(_runs(segments, end - start)),
        *(_trend(analysis, places, start, end) if trend else ()),
        _click_targets(segments),
    ]
    return _timeline(layers, places).properties(datasets=rows).configure_view(stroke=None)


def explorable_timeline(analysis: CallAnalysis) -> dict[str, Any]:
    """Draw the emotion timeline with all that any window of the call shows, for a page that stands alone.

    Parameters
    ----------
    analysis : CallAnalysis

    Returns
    -------
    dict
        Specification of a Vega-Lite chart as of `timeline`, as wide as its place. Its window lies between the
        parameters `FROM` and `TO` [seconds]: at first the whole call.
    """
    places = _places(analysis)
    segments = _placed(every_detail(analysis.segments, analysis.duration), places)
    levels = {
        name: every_loudness(each, LEVEL_STEP, len(analysis.segments), analysis.duration)
        for name, each in analysis.levels.items()
    }
    grounds = _lane_grounds(places, 0.0, analysis.duration)
    grounds.encoding.x.scale = _window_scale(FROM, TO)
    loudness, bars, *marks = _lanes(segments, levels, places, analysis.emotions)
    length = f"({TO} - {FROM})"
    detail = f"{length} > datum.over * {_SLACK} && {length} <= datum.upto * {_SLACK}"
    within = f"{detail} && datum.end > {FROM} && datum.start < {TO}"
    around = f"{detail} && datum.time > {FROM} - {length} / 50 && datum.time < {TO} + {length} / 50"
    tables = {
        "loudness": loudness.data.drop(columns="level"),
        "probabilities": bars.data.drop(columns="probability"),
        "segments": segments.drop(columns=[*_NOT_DRAWN, *analysis.model.labels]),
    }
    layers = [
        grounds.add_params(alt.param(FROM, value=0.0), alt.param(TO, value=analysis.duration)),
        loudness.properties(data=alt.NamedData("loudness")).transform_filter(around),
        bars.properties(data=alt.NamedData("probabilities")).transform_filter(within),
        *(
            mark.properties(data=alt.NamedData("segments")).transform_filter(within)
            for mark in (*marks, _letters(segments), _click_targets(segments))
        ),
    ]
    chart = _timeline(layers, places).configure_view(stroke=None)
    fit = alt.AutoSizeParams(type="fit", contains="padding")
    specification = chart.properties(width="container", autosize=fit).to_dict()
    specification["datasets"] |= {name: _rounded_rows(table) for name, table in tables.items()}
    return specification


def explorable_overview(analysis: CallAnalysis) -> dict[str, Any]:
    """Draw the whole call small, for a page that stands alone.

    Parameters
    ----------
    analysis : CallAnalysis

    Returns
    -------
    dict
        Specification as of `overview`, with its data and as wide as its place; the brush alone is the window.
    """
    table = overview_rows(analysis, 0.0, analysis.duration)
    rows = _rounded_rows(table[~table["frame"]])
    chart = overview(analysis.duration, tuple(map(lane_name, analysis.summary)), analysis.emotions)
    ribbon, _frame = chart["layer"]
    datasets = dict.fromkeys(chart["datasets"], rows)
    return {**chart, "layer": [ribbon], "datasets": datasets, "width": "container"}


def _rounded_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(table.to_json(orient="records", double_precision=_DIGITS))
    return rows


def picture(analysis: CallAnalysis) -> alt.VConcatChart:
    """Draw the timeline of the whole call and the shares, with a title, for a file that says what it shows.

    Parameters
    ----------
    analysis : CallAnalysis

    Returns
    -------
    alt.VConcatChart
        On white, of a fixed width.
    """
    card = analysis.model
    told = [
        f"{clock(analysis.duration)} long, told by model “{card.name}”. {signs(analysis)}",
        *textwrap.wrap(reliability(card), _PICTURE_LETTERS),
    ]
    title = alt.TitleParams(
        analysis.name, subtitle=told, anchor="start", limit=_PICTURE_PIXELS, offset=18, fontSize=18
    )
    shares = [
        _shares(summary).properties(
            width=_SHARE_PIXELS,
            title=alt.TitleParams(
                f"{lane_name(summary)}: share of {clock(summary.speech_time)} of speech", anchor="start"
            ),
        )
        for summary in analysis.summary
        if summary.shares
    ]
    places = _places(analysis)
    segments = _placed(visible(analysis.segments, 0.0, analysis.duration), places)
    levels = _levels(analysis, 0.0, analysis.duration)
    layers = [
        _lane_grounds(places, 0.0, analysis.duration),
        *_lanes(segments, levels, places, analysis.emotions),
        _letters(
            _runs(segments, analysis.duration),
            f"((datum.end - datum.start) * {_PICTURE_PIXELS / analysis.duration})",
        ),
    ]
    whole = _timeline(layers, places).properties(width=_PICTURE_PIXELS)
    below = [alt.concat(*shares, columns=_SHARES_IN_ROW, spacing=40)] if shares else []
    return (
        alt.vconcat(whole, *below, spacing=30, title=title, padding=24)
        .resolve_scale(color="independent")
        .configure(background="#ffffff", font=FONT)
        .configure_view(stroke=None)
    )


@cache
def overview(duration: float, lanes: tuple[str, ...], labels: tuple[str, ...]) -> dict[str, Any]:
    """Draw the whole call small; the data comes apart from it, so that it is not drawn anew.

    Parameters
    ----------
    duration : float
        Of the call [seconds].
    lanes : tuple of str
        Names of the speakers.
    labels : tuple of str
        Emotions that the segments may have.

    Returns
    -------
    dict
        Specification of a Vega-Lite chart of the rows of `overview_rows`, with the interval selection
        `WINDOW`, whose field `start` is the first and the last time chosen [seconds]; not to be changed.
    """
    emotions = _emotions_of(labels)
    x = alt.X("start:Q", title=None, axis=time_axis(), scale=alt.Scale(domain=[0, duration], nice=False))
    lane = alt.Y("lane:N", title=None, sort=list(lanes), axis=alt.Axis(**_LANE_AXIS))
    brush = alt.selection_interval(
        name=WINDOW, encodings=["x"], mark=alt.BrushConfig(fill=FRAME, fillOpacity=0.12, stroke=FRAME)
    )
    known = alt.datum.emotion != NOT_ANALYSED
    colour = alt.Color("emotion:N", scale=palette(emotions), legend=None)
    ribbon = (
        alt.Chart(name="whole")
        .transform_filter(alt.datum.frame == False)  # noqa: E712
        .mark_rect(clip=True)
        .encode(
            x=x,
            x2="end:Q",
            y=lane,
            color=alt.condition(known, colour, alt.value(SILENT)),
            opacity=alt.condition(known, alt.value(1), alt.value(0.35)),
        )
        .add_params(brush)
    )
    frame = (
        alt.Chart()
        .transform_filter(alt.datum.frame == True)  # noqa: E712
        .mark_rect(fillOpacity=0, stroke=FRAME, strokeWidth=2.5, clip=True)
        .encode(x=x, x2="end:Q")
    )
    chart = (
        alt.layer(ribbon, frame)
        .properties(height=_OVERVIEW_MARGIN_PIXELS + _OVERVIEW_LANE_PIXELS * len(lanes))
        .configure_view(stroke=None)
    )
    return chart.to_dict()


def overview_rows(analysis: CallAnalysis, start: float, end: float) -> pd.DataFrame:
    """Arrange a call for `overview`.

    Parameters
    ----------
    analysis : CallAnalysis
    start, end : float
        Of the window that is shown large [seconds].

    Returns
    -------
    pd.DataFrame
        A row per segment, or per stretch of many, and one for the window.
    """
    rows = visible(analysis.segments, 0.0, analysis.duration)
    names = {summary.channel: lane_name(summary) for summary in analysis.summary}
    rows = rows.assign(lane=rows["channel"].map(names), emotion=rows["emotion"].fillna(NOT_ANALYSED))
    frame = pd.DataFrame({"start": [start], "end": [end], "frame": [True]})
    return pd.concat(
        [rows[["start", "end", "lane", "emotion"]].assign(frame=False), frame], ignore_index=True
    )


@cache
def live_timeline(labels: tuple[str, ...]) -> dict[str, Any]:
    """Draw the last minute of a microphone; the data comes apart from it, so that it is not drawn anew.

    Parameters
    ----------
    labels : tuple of str
        Emotions of the model.

    Returns
    -------
    dict
        Specification of a Vega-Lite chart of the rows of `live_rows`; not to be changed.
    """
    emotions = _emotions_of(labels)
    named: list[str | alt.FieldName] = [name for name in emotions if name != UNCERTAIN]
    order = f"indexof({json.dumps(named)}, datum.emotion)"
    x = alt.X(
        "start:Q",
        title="seconds ago",
        scale=alt.Scale(domain=[-SHOWN, 0], nice=False),
        axis=alt.Axis(labelExpr="-datum.value", grid=False, tickCount=6),
    )
    depth = alt.Scale(domain=[-_GAP - _RIBBON, 1], nice=False)
    bars = (
        alt.Chart()
        .transform_fold(named, as_=["emotion", "probability"])
        .transform_calculate(order=order)
        .transform_stack(
            stack="probability",
            as_=["lower", "upper"],
            groupby=["start"],
            sort=[alt.SortField("order", "ascending")],
        )
        .mark_rect(clip=True)
        .encode(
            x=x,
            x2="end:Q",
            y=alt.Y("lower:Q", title=None, axis=None, scale=depth),
            y2="upper:Q",
            color=_colour(emotions),
        )
    )
    ground = (
        alt.Chart(alt.Data(values=[{"start": -SHOWN, "end": 0, "lower": -_GAP - _RIBBON, "upper": 1}]))
        .mark_rect(color=SILENT, opacity=0.1, cornerRadius=3)
        .encode(x=x, x2="end:Q", y=alt.Y("lower:Q", title=None, axis=None, scale=depth), y2="upper:Q")
    )
    ribbon = (
        alt.Chart()
        .mark_rect(clip=True, cornerRadius=2)
        .encode(x=x, x2="end:Q", y=alt.datum(-_GAP - _RIBBON), y2=alt.datum(-_GAP), color=_colour(emotions))
    )
    letters = (
        alt.Chart()
        .mark_text(color=DARK, fontWeight="bold", clip=True)
        .encode(x=alt.X("middle:Q"), y=alt.datum(-_GAP - _RIBBON / 2), text="letter:N")
    )
    chart = alt.layer(ground, bars, ribbon, letters).properties(height=260).configure_view(stroke=None)
    return chart.to_dict()


def live_rows(view: LiveView) -> pd.DataFrame:
    """Arrange what a microphone heard for `live_timeline`.

    Parameters
    ----------
    view : LiveView

    Returns
    -------
    pd.DataFrame
        A row per segment, with times relative to now.
    """
    rows = view.segments.assign(
        start=view.segments["start"] - view.duration, end=view.segments["end"] - view.duration
    )
    rows["middle"] = (rows["start"] + rows["end"]) / 2
    rows["letter"] = [EMOTIONS[emotion].letter for emotion in rows["emotion"]]
    return rows[rows["end"] > -SHOWN]


def emotion_shares(summary: ChannelSummary) -> alt.Chart:
    """Draw the share of a speaker's time in each emotion as bars.

    Parameters
    ----------
    summary : ChannelSummary
        Of a speaker who was analysed.

    Returns
    -------
    alt.Chart
    """
    return _shares(summary).configure_view(stroke=None)


def _shares(summary: ChannelSummary) -> alt.Chart:
    return emotion_bars(summary.shares, "Share of speech time")


def emotion_bars(shares: Mapping[str, float], meaning: str) -> alt.Chart:
    """Draw a bar per emotion.

    Parameters
    ----------
    shares : mapping of str to float
        By emotion, in [0, 1].
    meaning : str
        What they are shares of.

    Returns
    -------
    alt.Chart
    """
    names = [name for name in EMOTIONS if name in shares]
    values = [shares[name] for name in names]
    labels = json.dumps({name: f"{name}  {value:.0%}" for name, value in zip(names, values, strict=True)})
    axis = alt.Axis(ticks=False, domain=False, labelPadding=8, labelExpr=f"({labels})[datum.label]")
    return (
        alt.Chart(pd.DataFrame({"emotion": names, "share": values}))
        .mark_bar(cornerRadiusEnd=3)
        .encode(
            x=alt.X("share:Q", title=None, axis=None, scale=alt.Scale(domain=[0, 1])),
            y=alt.Y("emotion:N", title=None, sort=names, axis=axis),
            color=alt.Color("emotion:N", scale=palette(names), legend=None),
            tooltip=[
                alt.Tooltip("emotion:N", title="Emotion"),
                alt.Tooltip("share:Q", title=meaning, format=".1%"),
            ],
        )
        .properties(height=28 * len(names))
    )


@dataclass(frozen=True)
class _Place:
    """Where a lane lies on the y axis: its loudness, its band, if its emotion is analysed, and its ribbon."""

    name: str
    loudness_top: float
    top: float
    floor: float
    ribbon_top: float
    ribbon_bottom: float


def _places(analysis: CallAnalysis) -> dict[str, _Place]:
    """Lay the lanes out from 0 downwards; one that is not analysed needs its ribbon only."""
    places = {}
    top = 0.0
    for summary in analysis.summary:
        loudness_top, top = top, top - _LOUDNESS - _GAP
        floor = top - (1.0 if summary.shares else 0.0)
        ribbon_top = floor - _GAP
        ribbon_bottom = ribbon_top - _RIBBON
        places[summary.channel] = _Place(
            lane_name(summary), loudness_top, top, floor, ribbon_top, ribbon_bottom
        )
        top = ribbon_bottom - 2 * _GAP
    return places


def _timeline(layers: Sequence[alt.Chart], places: dict[str, _Place]) -> alt.LayerChart:
    height = _MARGIN_PIXELS - _LANE_PIXELS * _depth(places)
    return alt.LayerChart(layer=layers).properties(height=height)


def _levels(analysis: CallAnalysis, start: float, end: float) -> dict[str, pd.DataFrame]:
    return {name: loudest(each, LEVEL_STEP, start, end) for name, each in analysis.levels.items()}


def _lanes(
    segments: pd.DataFrame,
    levels: dict[str, pd.DataFrame],
    places: dict[str, _Place],
    labels: tuple[str, ...],
    shown: Collection[str] = tuple(EMOTIONS),
) -> list[alt.Chart]:
    """Draw the loudness of each lane, and what its segments are told to be."""
    emotions = _emotions_of(labels)
    colour = _colour(emotions, {*shown, UNCERTAIN})
    return [
        _loudness(levels, places),
        _probability_bars(segments, emotions, colour),
        _ribbon(segments, colour),
        *([_hand_marks(segments)] if segments["by_hand"].any() else ()),
    ]


def _placed(segments: pd.DataFrame, places: dict[str, _Place]) -> pd.DataFrame:
    """Add to the rows of a window what the timeline shows of them, and where."""
    segments = segments.copy()
    for edge in ("top", "floor", "ribbon_top", "ribbon_bottom"):
        segments[edge] = segments["channel"].map(
            {name: getattr(place, edge) for name, place in places.items()}
        )
    segments["middle"] = (segments["start"] + segments["end"]) / 2
    segments["ribbon_middle"] = (segments["ribbon_top"] + segments["ribbon_bottom"]) / 2
    segments["who"] = segments["channel"].map({name: place.name for name, place in places.items()})
    segments["time"] = segments["start"].map(clock) + " to " + segments["end"].map(clock)
    segments["sure"] = segments["confidence"].map("{:.0%}".format, na_action="ignore").fillna("–")
    several = segments["count"] > 1
    of_many = "mostly " + segments["emotion"].fillna(NOT_ANALYSED) + ", " + segments["count"].astype(str)
    told = segments["emotion"].fillna(NOT_ANALYSED).mask(several, of_many + " segments")
    segments["told"] = told.mask(segments["by_hand"], told + _by_hand_words(segments))
    segments["letter"] = [
        EMOTIONS[emotion].letter if emotion in EMOTIONS else "" for emotion in segments["emotion"]
    ]
    segments["emotion"] = segments["emotion"].fillna(NOT_ANALYSED)
    return segments.drop(columns=MODEL_EMOTION, errors="ignore")


def _by_hand_words(segments: pd.DataFrame) -> pd.Series:
    """Say what the model said where one segment was set by hand, or that some of several were."""
    said = segments.get(MODEL_EMOTION, pd.Series(None, segments.index, object))
    return (", set by hand; the model said " + said).fillna(", some set by hand")


def _emotions_of(labels: tuple[str, ...]) -> list[str]:
    """Put what a model may answer in the order of the palette."""
    return [name for name in EMOTIONS if name in (*labels, UNCERTAIN)]


def _lane_grounds(places: dict[str, _Place], start: float, end: float) -> alt.Chart:
    """Shade each lane over the whole window, so that silence is seen as silence."""
    grounds = pd.DataFrame(
        [
            {"top": place.loudness_top, "bottom": place.ribbon_bottom, "name": place.name}
            for place in places.values()
        ]
    ).assign(start=start, end=end)
    grounds["middle"] = (grounds["top"] + grounds["bottom"]) / 2
    label = "''"
    for name, middle in zip(grounds["name"], grounds["middle"], strict=True):
        label = f"abs(datum.value - {middle}) < 0.01 ? {json.dumps(name)} : {label}"
    axis = alt.Axis(
        values=grounds["middle"].tolist(),
        labelExpr=label,
        **_LANE_AXIS,
    )
    return (
        alt.Chart(grounds, name=_GROUNDS)
        .mark_rect(color=SILENT, opacity=0.1, clip=True, cornerRadius=3)
        .encode(
            x=alt.X(
                "start:Q",
                title=None,
                scale=alt.Scale(domain=[start, end], nice=False),
                axis=time_axis(),
            ),
            x2="end:Q",
            y=alt.Y(
                "bottom:Q", title=None, axis=axis, scale=alt.Scale(domain=[_depth(places), 0], nice=False)
            ),
            y2="top:Q",
        )
    )


def _window_scale(start: str, end: str) -> alt.Scale:
    """Have expressions say what is shown."""
    return alt.Scale(domainMin=alt.ExprRef(start), domainMax=alt.ExprRef(end), nice=False, zero=False)


def time_axis() -> alt.Axis:
    """Give the axis of times in seconds, shown as on a clock."""
    return alt.Axis(labelExpr=_CLOCK, grid=False, tickMinStep=1, labelFlush=True, labelSeparation=10)


def _loudness(levels: dict[str, pd.DataFrame], places: dict[str, _Place]) -> alt.Chart:
    """Draw how loud each lane is, over its band."""
    tables = []
    for channel, place in places.items():
        table = levels[channel]
        share = 1 - (table["level"].clip(_QUIETEST, 0) / _QUIETEST)
        bottom = place.loudness_top - _LOUDNESS
        tables.append(table.assign(bottom=bottom, height=bottom + _LOUDNESS * share, lane=place.name))
    return (
        alt.Chart(pd.concat(tables, ignore_index=True))
        .mark_area(color=SILENT, opacity=0.75, clip=True)
        .encode(x="time:Q", y="bottom:Q", y2="height:Q", detail="lane:N")
    )


def _depth(places: dict[str, _Place]) -> float:
    return min(place.ribbon_bottom for place in places.values())


def _probability_bars(segments: pd.DataFrame, emotions: list[str], colour: alt.Color) -> alt.Chart:
    named = [emotion for emotion in emotions if emotion in segments.columns]
    analysed = segments[segments["emotion"] != NOT_ANALYSED]
    upper = analysed[named].cumsum(axis=1).add(analysed["floor"], axis=0)
    stacks = [
        analysed.filter(["start", "end", "over", "upto"]).assign(
            emotion=name, probability=analysed[name], upper=upper[name]
        )
        for name in named
    ]
    table = pd.concat(stacks, ignore_index=True)
    table["lower"] = table["upper"] - table["probability"]
    return (
        alt.Chart(table)
        .mark_rect(clip=True)
        .encode(
            **{"x": "start:Q", "x2": "end:Q", "y": "lower:Q", "y2": "upper:Q"},
            color=colour,
        )
    )


def _ribbon(segments: pd.DataFrame, colour: alt.Color) -> alt.Chart:
    known = alt.datum.emotion != NOT_ANALYSED
    return (
        alt.Chart(segments)
        .mark_rect(clip=True, cornerRadius=2)
        .encode(
            **{"x": "start:Q", "x2": "end:Q", "y": "ribbon_bottom:Q", "y2": "ribbon_top:Q"},
            color=alt.condition(known, colour, alt.value(SILENT)),
            opacity=alt.condition(known, alt.value(1), alt.value(0.35)),
        )
    )


def _letters(segments: pd.DataFrame, pixels: str = _PIXELS) -> alt.Chart:
    """Write the letter of each segment where it has the room; `pixels` is the expression for its width."""
    mark = alt.MarkDef(
        type="text",
        color=DARK,
        fontWeight="bold",
        clip=True,
        fontSize=alt.ExprRef(f"clamp({pixels} - 1, 6, 12)"),
        opacity=alt.ExprRef(f"{pixels} < 6 ? 0 : 1"),
    )
    return alt.Chart(segments, mark=mark, name="letters").encode(
        x="middle:Q", y="ribbon_middle:Q", text="letter:N"
    )


def _runs(segments: pd.DataFrame, length: float) -> pd.DataFrame:
    """Join neighbours of one emotion where rows stand for many segments, so that a long call has letters."""
    if (segments["count"] == 1).all():
        return segments
    rows = segments.sort_values(["channel", "start"])
    before = rows.shift()
    apart = rows["start"] - before["end"] > _GAP_IN_RUN * length
    first = (rows["channel"] != before["channel"]) | (rows["emotion"] != before["emotion"]) | apart
    runs = rows.groupby(first.cumsum(), sort=False).agg(
        {"start": "first", "end": "max", "ribbon_middle": "first", "letter": "first", "emotion": "first"}
    )
    return runs.assign(middle=(runs["start"] + runs["end"]) / 2)


def _hand_marks(segments: pd.DataFrame) -> alt.Chart:
    """Point at the segments whose emotion was set by hand, dark on a light edge."""
    return (
        alt.Chart(segments, name="by_hand")
        .transform_filter(alt.datum.by_hand)
        .mark_point(
            shape="triangle-down", size=90, fill=DARK, stroke=LIGHT, strokeWidth=1, opacity=1, clip=True
        )
        .encode(x="middle:Q", y="top:Q")
    )


def _trend(
    analysis: CallAnalysis, places: dict[str, _Place], start: float, end: float
) -> Iterator[alt.Chart]:
    """Draw the mean valence of the speech around each segment, dark on a light edge."""
    table = trend_rows(analysis.segments, start, end)
    lanes = table["channel"].map(lambda channel: places[channel])
    table["height"] = [place.floor for place in lanes] + (table["valence"] + 1) / 2
    line = alt.Chart(table).encode(
        x="time:Q", y="height:Q", detail="channel:N", tooltip=alt.Tooltip("valence:Q", format="+.2f")
    )
    yield line.mark_line(color=LIGHT, strokeWidth=5, opacity=0.8, clip=True, interpolate="monotone")
    yield line.mark_line(color=DARK, strokeWidth=2, clip=True, interpolate="monotone")


def _click_targets(segments: pd.DataFrame) -> alt.Chart:
    """Cover each segment by a field that shows its tooltip, can be clicked, and is framed when it was."""
    click = alt.selection_point(
        name=SELECTION, fields=[SELECTION], toggle=False, clear="mouseout", empty=False
    )
    return (
        alt.Chart(segments, name="targets")
        .mark_rect(fillOpacity=0, stroke=FRAME, cursor="pointer", clip=True)
        .encode(
            **{"x": "start:Q", "x2": "end:Q", "y": "ribbon_bottom:Q", "y2": "top:Q"},
            strokeWidth=alt.condition(click, alt.value(3), alt.value(0)),
            tooltip=[
                alt.Tooltip("who:N", title="Speaker"),
                alt.Tooltip("time:N", title="Time"),
                alt.Tooltip("told:N", title="Emotion"),
                alt.Tooltip("sure:N", title="Confidence"),
            ],
        )
        .add_params(click)
    )


def _colour(emotions: list[str], shown: Collection[str] = tuple(EMOTIONS)) -> alt.Color:
    """Colour by emotion; the legend gives each its letter."""
    labels = json.dumps({name: f"{EMOTIONS[name].letter}  {name}" for name in emotions})
    legend = alt.Legend(
        title=None, orient="top", columns=3, symbolType="square", labelExpr=f"({labels})[datum.label]"
    )
    return alt.Color("emotion:N", scale=palette(emotions, shown), legend=legend)
