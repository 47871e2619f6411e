"""Charts of the lab, made from the tidy tables of `scores` and `reports` alone.

Conventions: every chart is as wide as its place; ``interval`` tables have the columns low and high, which may
be missing. Colours and the order of emotions are those of all charts.
"""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from helpers.chart_style import DARK, FRAME, LIGHT, PALE, SERIES, SILENT, palette
from helpers.emotions import EMOTIONS
from helpers.lab.scores import AVERAGE

UAR = "unweighted average recall"
Layers = alt.LayerChart | alt.FacetChart

_UNIT = alt.Scale(domain=[0, 1])
_DASH = [4, 4]
_ROW, _AXIS, _LEGEND = 28, 90, 140  # pixels, of what stands around the rows, too
_MANY = 8
_BAND = alt.Axis(labelLimit=220, ticks=False, domain=False)


def in_order(emotions: Any) -> list[str]:
    """Put emotions in the order of the palette."""
    there = set(emotions)
    return [name for name in EMOTIONS if name in there]


def confusion_chart(table: pd.DataFrame, value: str) -> Layers:
    """Draw a confusion matrix.

    Parameters
    ----------
    table : pd.DataFrame
        From ``scores.confusion``.
    value : {'count', 'rate'}
        That is written into the fields; their colour is the rate.

    Returns
    -------
    Layers
    """
    order = in_order(table["true"])
    base = alt.Chart(table).encode(
        x=alt.X("told:N", title="told as", sort=order, axis=alt.Axis(orient="top", labelAngle=-45)),
        y=alt.Y("true:N", title="performed", sort=order),
        tooltip=["true", "told", "count", alt.Tooltip("rate", format=".1%")],
    )
    return alt.layer(*_tiles(base, "rate", [0, 1], value, ".0%" if value == "rate" else "d")).properties(
        height=40 * len(order) + _AXIS
    )


def class_chart(table: pd.DataFrame) -> Layers:
    """Draw precision, recall and F1 of each emotion; from ``scores.class_scores``."""
    order = in_order(table["emotion"])
    base = alt.Chart(table).encode(
        x=alt.X("value:Q", title=None, scale=_UNIT, axis=alt.Axis(format="%", tickCount=5)),
        y=alt.Y("emotion:N", title=None, sort=order, axis=_BAND),
    )
    marks = base.mark_point(size=90, filled=True, opacity=1).encode(
        color=_series("measure", ["precision", "recall", "F1"]),
        shape=alt.Shape("measure:N", sort=["precision", "recall", "F1"], legend=_legend(columns=2)),
        tooltip=["emotion", "measure", alt.Tooltip("value", format=".1%"), "segments"],
    )
    lines = base.mark_line(color=SILENT, strokeWidth=1).encode(detail="emotion:N")
    return alt.layer(lines, marks).properties(height=_ROW * len(order) + _LEGEND)


def curves_chart(table: pd.DataFrame, x: str, y: str) -> Layers:
    """Draw a curve per emotion and their average, in the legend with the area under it.

    Parameters
    ----------
    table : pd.DataFrame
        From ``scores.roc`` or ``scores.precision_recall``.
    x, y : str
        Titles of the axes.

    Returns
    -------
    Layers
    """
    areas = table.drop_duplicates("emotion").set_index("emotion")["area"]
    order = in_order(areas.index)
    names = {name: f"{name} {areas[name]:.2f}" for name in (*order, AVERAGE)}
    colours = [*palette(order).range, SILENT]
    colour = alt.Color(
        "named:N", scale=alt.Scale(domain=[*names.values()], range=colours), legend=_legend(columns=2)
    )
    base = alt.Chart(table.assign(named=table["emotion"].map(names))).encode(
        x=alt.X("x:Q", title=x, scale=_UNIT), y=alt.Y("y:Q", title=y, scale=_UNIT), color=colour
    )
    single = base.transform_filter(alt.datum.emotion != AVERAGE).mark_line(strokeWidth=1.8)
    average = base.transform_filter(alt.datum.emotion == AVERAGE).mark_line(strokeWidth=3, strokeDash=_DASH)
    return alt.layer(single, average).properties(height=380)


def reliability_chart(table: pd.DataFrame) -> Layers:
    """Draw accuracy over confidence, bin by bin, beside the diagonal of honest confidence."""
    diagonal = pd.DataFrame({"confidence": [0.0, 1.0], "accuracy": [0.0, 1.0]})
    x = alt.X("confidence:Q", scale=_UNIT, axis=alt.Axis(format="%"), title="confidence")
    y = alt.Y("accuracy:Q", scale=_UNIT, axis=alt.Axis(format="%"), title="share that was right")
    honest = alt.Chart(diagonal).mark_line(color=SILENT, strokeDash=_DASH).encode(x=x, y=y)
    base = alt.Chart(table).encode(x=x, y=y)
    points = base.mark_circle(color=SERIES[0], opacity=1).encode(
        size=alt.Size("segments:Q", scale=alt.Scale(range=[30, 500]), legend=None),
        tooltip=[*(alt.Tooltip(name, format=".1%") for name in ("confidence", "accuracy")), "segments"],
    )
    return alt.layer(honest, base.mark_line(color=SERIES[0]), points).properties(height=300)


def coverage_chart(table: pd.DataFrame, threshold: float) -> Layers:
    """Draw accuracy over coverage, and where the card's threshold of "uncertain" lies.

    Parameters
    ----------
    table : pd.DataFrame
        From ``scores.coverage``.
    threshold : float
        Confidence under which the answer is "uncertain".

    Returns
    -------
    Layers
    """
    x = alt.X("coverage:Q", scale=_UNIT, axis=alt.Axis(format="%"), title="share that is answered")
    y = alt.Y("accuracy:Q", axis=alt.Axis(format="%"), title="right among them", scale=alt.Scale(zero=False))
    tips = [alt.Tooltip(name, format=".1%") for name in table.columns]
    line = alt.Chart(table).mark_line(color=SERIES[0], strokeWidth=2.5).encode(x=x, y=y, tooltip=tips)
    kept = table[table["confidence"] >= threshold].tail(1)
    mark = alt.Chart(kept).mark_point(filled=True, size=140, color=SERIES[1], opacity=1)
    return alt.layer(line, mark.encode(x=x, y=y, tooltip=tips)).properties(height=300)


def interval_chart(
    table: pd.DataFrame, *, value: str = "uar", title: str = UAR, colour: str | None = None
) -> Layers:
    """Draw a value per group with its interval.

    Parameters
    ----------
    table : pd.DataFrame
        With the columns group, `value`, low and high.
    value, title : str
        Name of the column, and of the axis.
    colour : str, optional
        Column of what is laid beside each other within a group.

    Returns
    -------
    Layers
    """
    groups = [*dict.fromkeys(table["group"])]
    base = alt.Chart(table).encode(y=alt.Y("group:N", title=None, sort=groups, axis=_BAND))
    tint: alt.Color | alt.Value = alt.value(SERIES[0])
    series = [*dict.fromkeys(table[colour])] if colour else [""]
    if colour:
        tint = _series(colour, series)
        base = base.encode(yOffset=alt.YOffset(f"{colour}:N", sort=series))
    axis = alt.Axis(format="%", tickCount=5)
    x = alt.X(f"{value}:Q", title=title, scale=alt.Scale(zero=True), axis=axis)
    tips = [
        *("group", *([colour] if colour else [])),
        *(alt.Tooltip(name, format=".1%") for name in (value, "low", "high")),
        *(name for name in ("segments", "speakers", "clips") if name in table),
    ]
    spans = base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q"), x2="high:Q", color=tint)
    points = base.mark_point(size=80, filled=True, opacity=1).encode(x=x, color=tint, tooltip=tips)
    height = max(_ROW, 16 * len(series)) * len(groups) + (_LEGEND if colour else _AXIS)
    return alt.layer(spans, points).properties(height=height)


def bar_chart(table: pd.DataFrame, value: str, title: str, colour: str | None = None) -> alt.Chart:
    """Draw bars of the rows of `group`, the largest first.

    Parameters
    ----------
    table : pd.DataFrame
        With the columns group and `value`.
    value, title : str
    colour : str, optional
        Column of what is stacked.

    Returns
    -------
    alt.Chart
    """
    emotional = colour == "emotion"
    tint: Any = alt.value(SERIES[0])
    if colour:
        tint = (
            emotion_colour(table["emotion"])
            if emotional
            else _series(colour, [*dict.fromkeys(table[colour])])
        )
    return (
        alt.Chart(table)
        .mark_bar(cornerRadiusEnd=2)
        .encode(
            x=alt.X(f"{value}:Q", title=title),
            y=alt.Y("group:N", title=None, sort=[*dict.fromkeys(table["group"])], axis=_BAND),
            color=tint,
            tooltip=[*table.columns],
        )
        .properties(height=_ROW * table["group"].nunique() + (_LEGEND + 30 if colour else _AXIS))
    )


def grouped_bar_chart(table: pd.DataFrame, value: str, title: str, colour: str) -> alt.Chart:
    """Draw bars beside each other per row of `group`, as of `bar_chart`."""
    names = [*dict.fromkeys(table[colour])]
    chart = bar_chart(table, value, title, colour)
    beside = chart.encode(yOffset=alt.YOffset(f"{colour}:N", sort=names), color=_series(colour, names))
    return beside.properties(height=_ROW * table["group"].nunique() + _LEGEND)


def lines_chart(table: pd.DataFrame, x: str, y: str, colour: str, layout: str = ".0%") -> alt.Chart:
    """Draw one quantity over another, a line per `colour`; the columns have the titles of the axes."""
    names = sorted(set(table[colour]))
    return (
        alt.Chart(table)
        .mark_line(strokeWidth=2, interpolate="monotone")
        .encode(
            x=alt.X(f"{x}:Q"),
            y=alt.Y(f"{y}:Q", axis=alt.Axis(format=layout)),
            color=_series(colour, names),
            tooltip=[colour, x, alt.Tooltip(y, format=layout)],
        )
        .properties(height=310)
    )


def heat_chart(table: pd.DataFrame, value: str, layout: str = ".2f") -> alt.Chart:
    """Draw a value per pair of `column` and `row` in [-1, 1], such as a correlation."""
    order = [*dict.fromkeys(table["row"])]
    axis = alt.Axis(labelAngle=-60, labelLimit=190, labelOverlap=False)
    base = alt.Chart(table).encode(
        x=alt.X("column:N", title=None, sort=[*dict.fromkeys(table["column"])], axis=axis),
        y=alt.Y("row:N", title=None, sort=order, axis=alt.Axis(labelLimit=190)),
        tooltip=["row", "column", alt.Tooltip(value, format=layout)],
    )
    scale = alt.Scale(domain=[-1, 0, 1], range=[SERIES[1], "#f4f4f1", FRAME])
    fields = base.mark_rect().encode(color=alt.Color(f"{value}:Q", scale=scale, legend=_legend()))
    return fields.properties(height=_ROW * len(order) + 190)


def grid_chart(table: pd.DataFrame, row: str, column: str) -> Layers:
    """Draw the scores of two searched parameters as fields."""
    base = alt.Chart(table).encode(
        x=alt.X(f"{column}:N", axis=alt.Axis(labelAngle=0, orient="top")),
        y=alt.Y(f"{row}:N"),
        tooltip=[*table.columns],
    )
    extent = [float(table["score"].min()), float(table["score"].max())]
    tiles = _tiles(base, "score", extent, "score", ".1%")
    return alt.layer(*tiles).properties(height=44 * table[row].nunique() + 70)


def parallel_chart(table: pd.DataFrame) -> Layers:
    """Draw each setting that was tried as a line through its parameters to its score.

    Parameters
    ----------
    table : pd.DataFrame
        A row per setting and axis: setting, axis, place in [0, 1], what is written there, and the score.

    Returns
    -------
    Layers
    """
    axes = [*dict.fromkeys(table["axis"])]
    base = alt.Chart(table).encode(
        x=alt.X("axis:N", title=None, sort=axes, axis=alt.Axis(labelAngle=0, orient="top", grid=True)),
        y=alt.Y("place:Q", axis=None, scale=alt.Scale(domain=[-0.08, 1.08])),
    )
    tint = alt.Color(
        "score:Q", scale=alt.Scale(range=[SERIES[1], SERIES[0]]), legend=_legend(format=".0%", title="score")
    )
    lines = base.mark_line(strokeWidth=2.5, opacity=0.8).encode(detail="setting:N", color=tint)
    points = base.mark_circle(size=60, opacity=1).encode(color=tint, tooltip=["axis", "written", "score"])
    marks = table.drop_duplicates(["axis", "written"])
    words = (
        alt.Chart(marks)
        .mark_text(align="left", dx=7, dy=-7, fontSize=11, color=SILENT)
        .encode(x=alt.X("axis:N", sort=axes), y="place:Q", text="written:N")
    )
    return alt.layer(lines, points, words).properties(height=320)


def learning_chart(table: pd.DataFrame) -> Layers:
    """Draw the recall over the number of speakers learned from; every draw is a dot."""
    base = alt.Chart(table).encode(
        x=alt.X("speakers:Q", title="speakers learned from", scale=alt.Scale(type="log", base=2)),
        color=_series("corpus", [*dict.fromkeys(table["corpus"])]),
    )
    y = alt.Y("uar:Q", title=UAR, axis=alt.Axis(format="%"), scale=alt.Scale(zero=False))
    dots = base.mark_circle(size=40, opacity=0.5).encode(
        y=y, tooltip=["corpus", "speakers", "clips", alt.Tooltip("uar", format=".1%")]
    )
    return alt.layer(base.mark_line(strokeWidth=2.5).encode(y="mean(uar):Q"), dots).properties(height=330)


def spread_chart(table: pd.DataFrame, title: str) -> Layers:
    """Draw how a feature is spread per emotion, for women and men: 5 to 95 %, quartiles, median.

    Parameters
    ----------
    table : pd.DataFrame
        emotion, sex, and the columns p5, p25, p50, p75, p95.
    title : str

    Returns
    -------
    Layers
    """
    order = in_order(table["emotion"])
    base = alt.Chart(table).encode(
        y=alt.Y("emotion:N", title=None, sort=order, axis=_BAND),
        yOffset="sex:N",
        color=_series("sex", [*dict.fromkeys(table["sex"])]),
        tooltip=[
            "emotion",
            "sex",
            *(alt.Tooltip(f"p{share}", format=".3~f") for share in (5, 25, 50, 75, 95)),
        ],
    )
    x = alt.X("p5:Q", title=title, scale=alt.Scale(zero=False))
    whiskers = base.mark_rule().encode(x=x, x2="p95:Q")
    boxes = base.mark_bar(size=11, opacity=0.75).encode(x=alt.X("p25:Q"), x2="p75:Q")
    medians = base.mark_tick(thickness=3, size=15, color=LIGHT).encode(x="p50:Q", color=alt.value(LIGHT))
    return alt.layer(whiskers, boxes, medians).properties(height=40 * len(order) + _LEGEND)


def scatter_chart(table: pd.DataFrame, colour: str) -> alt.Chart:
    """Draw clips on a plane, with the columns x and y.

    Parameters
    ----------
    table : pd.DataFrame
    colour : {'emotion', 'corpus', 'sex', 'speaker'}
        What they are coloured by; speakers are too many for a legend.

    Returns
    -------
    alt.Chart
    """
    names = [*dict.fromkeys(table[colour])]
    tint = emotion_colour(names) if colour == "emotion" else _series(colour, names)
    if len(names) > _MANY and colour != "emotion":
        tint = alt.Color(f"{colour}:N", scale=alt.Scale(scheme="category20"), legend=None)
    blank = alt.Axis(labels=False, ticks=False, grid=False, title=None, domain=False)
    return (
        alt.Chart(table)
        .mark_circle(size=22, opacity=0.65)
        .encode(
            x=alt.X("x:Q", axis=blank),
            y=alt.Y("y:Q", axis=blank),
            color=tint,
            tooltip=["corpus", "speaker", "sex", "emotion"],
        )
        .properties(height=430)
    )


def spectrogram_chart(
    table: pd.DataFrame,
    steps: str = "share of the way from start to end",
    bands: str = "mel band",
    levels: str = "dB",
) -> alt.Chart:
    """Draw a picture: a row per band and step, with its level.

    Parameters
    ----------
    table : pd.DataFrame
    steps, bands, levels : str
        Titles.

    Returns
    -------
    alt.Chart
    """
    none = alt.Axis(labels=False, ticks=False, grid=False, domain=False)
    level: dict[str, Any] = {"scale": alt.Scale(scheme="viridis")}
    level["legend"] = alt.Legend(title=levels, gradientLength=120)
    return (
        alt.Chart(table)
        .mark_rect(tooltip=None)
        .encode(
            x=alt.X("step:O", title=steps, axis=none),
            y=alt.Y("band:O", title=bands, sort="descending", axis=none),
            color=alt.Color("level:Q", **level),
            stroke=alt.Stroke("level:Q", scale=level["scale"], legend=None),  # closes the seams
        )
        .properties(height=230)
    )


def line_chart(table: pd.DataFrame, x: str, y: str, detail: str) -> alt.Chart:
    """Draw one quantity over another, a line per `detail`; the columns have the titles of the axes."""
    return (
        alt.Chart(table)
        .mark_line(color=SERIES[0], strokeWidth=1.2)
        .encode(x=alt.X(f"{x}:Q", scale=alt.Scale(nice=False)), y=f"{y}:Q", detail=f"{detail}:N")
        .properties(height=230)
    )


def extent_chart(table: pd.DataFrame) -> alt.Chart:
    """Draw a waveform from the columns seconds, low and high."""
    return (
        alt.Chart(table)
        .mark_area(color=SERIES[0])
        .encode(
            x=alt.X("seconds:Q", scale=alt.Scale(nice=False)),
            y=alt.Y("low:Q", title="amplitude"),
            y2="high:Q",
        )
        .properties(height=230)
    )


def emotion_colour(emotions: Any) -> alt.Color:
    """Colour by emotion."""
    return alt.Color("emotion:N", scale=palette(in_order(emotions)), legend=_legend())


def _legend(columns: int = 4, **more: Any) -> alt.Legend:
    return alt.Legend(**{"title": None, "orient": "top", "columns": columns, **more})


def _series(column: str, names: list[str]) -> alt.Color:
    return alt.Color(f"{column}:N", scale=alt.Scale(domain=names, range=[*SERIES]), legend=_legend(columns=2))


def _tiles(base: alt.Chart, value: str, domain: list[float], written: str, layout: str) -> list[alt.Chart]:
    """Draw fields by `value`, with `written` in them, readable on each."""
    middle = (domain[0] + domain[1]) / 2
    scale = alt.Scale(domain=domain, range=[PALE, FRAME])
    ink = alt.condition(f"datum['{value}'] > {middle}", alt.value(LIGHT), alt.value(DARK))
    return [
        base.mark_rect().encode(color=alt.Color(f"{value}:Q", scale=scale, legend=None)),
        base.mark_text(fontSize=11).encode(text=alt.Text(f"{written}:Q", format=layout), color=ink),
    ]
