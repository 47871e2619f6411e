"""What a session has, and what is closed when it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import streamlit as st

if TYPE_CHECKING:
    from collections.abc import Callable

    import altair as alt

    from helpers.microphone import Microphone
    from helpers.workspace import Workspace

_PAGE = "page"

Made = TypeVar("Made")


@st.cache_resource(scope="session", on_release=lambda workspace: workspace.close(), show_spinner=False)
def workspace() -> Workspace:
    """Give this session its workspace; it is closed when the session ends."""
    from helpers.workspace import Workspace

    return Workspace()


@st.cache_resource(scope="session", on_release=lambda microphone: microphone.close(), show_spinner=False)
def microphone() -> Microphone:
    """Give this session its microphone; what it hears is forgotten when the session ends."""
    from helpers.classifier import load_model
    from helpers.live import LiveCall
    from helpers.microphone import Microphone

    return Microphone(lambda: LiveCall(load_model()))


def arrive(page: str) -> bool:
    """Take note of the page that a run shows, before anything can interrupt the run.

    Returns
    -------
    bool
        Whether the session comes from another page.
    """
    before = st.session_state.get(_PAGE)
    st.session_state[_PAGE] = page
    return before != page


def show_chart(chart: alt.TopLevelMixin, **options: Any) -> None:
    """Show an Altair chart, without Streamlit's own way to do that: ``chart_style.specification`` says why.

    Parameters
    ----------
    chart : Altair chart
    **options
        Of ``st.vega_lite_chart``.
    """
    from helpers.chart_style import specification

    st.vega_lite_chart(specification(chart), **options)


def remembered(name: str, make: Callable[..., Made], *inputs: object) -> Made:
    """Give what was made of the same inputs in the last run, or make it.

    Parameters
    ----------
    name : str
        Of what is made; the session holds one of each name.
    make : callable
        Gets the inputs.
    *inputs : object
        All that it depends on.
    """
    last, made = st.session_state.get(name, (None, None))
    if last != inputs:
        made = make(*inputs)
        st.session_state[name] = inputs, made
    return made
