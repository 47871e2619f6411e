"""Charts are written for Streamlit with their data, and without sizes that nobody chose."""

import altair as alt
import pandas as pd

from helpers.chart_style import specification

TABLE = pd.DataFrame({"time": [0.0, 0.5, None], "emotion": ["angry", "sad", "neutral"], "count": [1, 2, 3]})


def drawn(rows: int = 0) -> alt.Chart:
    table = pd.DataFrame({"time": range(rows)}) if rows else TABLE
    return alt.Chart(table).mark_bar().encode(x="time:Q")


def test_the_data_stand_beside_the_chart_as_tables() -> None:
    written = specification(drawn())
    (name,) = written["datasets"]
    assert written["data"] == {"name": name}
    pd.testing.assert_frame_equal(written["datasets"][name], TABLE, check_dtype=False)


def test_long_tables_are_not_refused() -> None:
    (table,) = specification(drawn(rows=20_000))["datasets"].values()
    assert len(table) == 20_000


def test_a_chart_of_which_nobody_said_the_size_has_none_of_altairs_either() -> None:
    assert specification(drawn())["config"]["view"] == {}
    configured = specification(drawn().configure_view(stroke=None).configure(font="Liberation Sans"))
    assert configured["config"] == {"font": "Liberation Sans", "view": {}}
    assert specification(drawn().configure_view(stroke=None))["config"]["view"] == {"stroke": None}
