"""A figure as all pages of the lab show it: a heading, a chart, where its figures come from, its data."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from helpers.pages.session import show_chart

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

    from helpers.lab.charts import Layers


def show_figure(
    title: str, chart: Layers | alt.Chart, table: pd.DataFrame, source: str, text: str = ""
) -> None:
    """Show a chart, which is saved as PNG by Streamlit's own button over it, as SVG and CSV by those below.

    Parameters
    ----------
    title : str
        Names the files, too.
    chart : Altair chart
    table : pd.DataFrame
        What it shows.
    source : str
        File in ``models/`` that it comes from, or how it was made.
    text : str
        What to look for.
    """
    name = title.lower().replace(" ", "-").replace(",", "")
    with st.container(border=True):
        st.markdown(f"**{title}**")
        if text:
            st.caption(text)
        show_chart(chart, width="stretch", key=f"chart {title}", alt=title)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            save = partial(st.download_button, icon=":material/download:", type="tertiary", on_click="ignore")
            save("SVG", partial(_svg, chart), f"{name}.svg", "image/svg+xml", key=f"svg {title}")
            save("CSV", table.to_csv(index=False), f"{name}.csv", "text/csv", key=f"csv {title}")
            st.caption(f"From {source}.")


def in_rows(count: int, width: int) -> list[DeltaGenerator]:
    """Make so many places side by side, which keep their order where the page is narrow."""
    rows = [st.columns(width) for _ in range(-(-count // width))]
    return [place for row in rows for place in row][:count]


def _svg(chart: Layers | alt.Chart) -> bytes:
    from helpers.drawing import to_svg

    return to_svg(chart)
