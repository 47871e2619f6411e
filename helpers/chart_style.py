"""What all charts share: the colours of emotions and of series, readable on light and dark pages."""

from __future__ import annotations

from collections.abc import Collection
from contextvars import ContextVar
from typing import Any

import altair as alt
import pandas as pd

from helpers.emotions import EMOTIONS

FRAME = "#0f6b6b"
SILENT = "#8a9799"
DARK, LIGHT = "#10191c", "#ffffff"
PALE = "#dcefed"
FONT = "Liberation Sans"  # which vl-convert brings
SERIES = ("#2a9d94", "#d97a2b", "#7d74d6", "#c2527a", "#7d9a2c", "#4b8fd0", "#a07850")

_NOT_SHOWN = "#8a979933"
_BESIDE: ContextVar[dict[str, pd.DataFrame] | None] = ContextVar("beside", default=None)
_ALTAIRS_SIZE = ("continuousWidth", "continuousHeight")  # of charts that name none


def palette(emotions: list[str], shown: Collection[str] = tuple(EMOTIONS)) -> alt.Scale:
    """Give each emotion its colour; those that are not shown are grey.

    Parameters
    ----------
    emotions : list of str
        In the order of the legend.
    shown : collection of str

    Returns
    -------
    alt.Scale
    """
    colours = [EMOTIONS[name].colour if name in shown else _NOT_SHOWN for name in emotions]
    return alt.Scale(domain=emotions, range=colours)


def specification(chart: alt.TopLevelMixin) -> dict[str, Any]:
    """Write a chart in Vega-Lite, for Streamlit.

    Given the chart itself, Streamlit changes settings of Altair while it writes it, which all threads share:
    what another session saves at that moment would lose its data.

    Parameters
    ----------
    chart : Altair chart

    Returns
    -------
    dict
        With the data beside it, as tables.
    """
    tables: dict[str, pd.DataFrame] = {}
    token = _BESIDE.set(tables)
    try:
        written = chart.to_dict()
    finally:
        _BESIDE.reset(token)
    view = written["config"].get("view", {})
    written["config"]["view"] = {name: value for name, value in view.items() if name not in _ALTAIRS_SIZE}
    return written | {"datasets": written.get("datasets", {}) | tables}


def _inside_or_beside(table: pd.DataFrame) -> dict[str, Any]:
    """Have a chart hold its data, however many rows, or name it where `specification` takes them."""
    tables = _BESIDE.get()
    if tables is None:
        return alt.to_values(table)
    name = next((name for name, known in tables.items() if known is table), f"table {len(tables)}")
    tables[name] = table
    return {"name": name}


alt.data_transformers.register("inside or beside", _inside_or_beside)
alt.data_transformers.enable("inside or beside")
