"""Corrections on the page: the emotion of a segment is set by hand, and taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from collections.abc import Hashable

    from helpers.analysis import CallAnalysis
    from helpers.corrections import Correction
    from helpers.workspace import RecordingFile

    History = list[tuple[Correction, ...]]  # of one recording: all its corrections, after every step

_HISTORIES = "corrections"
_KEYS = 9  # that have a digit


def corrected(file: RecordingFile, analysis: CallAnalysis) -> CallAnalysis:
    """Let what was set by hand in this recording count."""
    from helpers.analysis import with_corrections

    return with_corrections(analysis, _corrections(file))


def show_corrections(file: RecordingFile, analysis: CallAnalysis, segment: int | None, key: str) -> None:
    """Offer to set the emotion of a segment, to undo that, and to save what was set."""
    with st.container(border=True):
        if segment is None:
            st.caption("Click a segment, or press N, to set its emotion by hand.")
        else:
            _choose_emotion(file, analysis, segment, key)
        if _histories().get(file.identity):
            _show_account(file, analysis, key)


def _choose_emotion(file: RecordingFile, analysis: CallAnalysis, segment: int, key: str) -> None:
    """Show what is said of a segment, and let the analyst say something else; digits do too."""
    from helpers.charts import lane_name
    from helpers.corrections import MODEL_EMOTION, Correction, by_hand
    from helpers.emotions import UNCERTAIN
    from helpers.exports import clock, verdict

    row = analysis.segments.loc[segment]
    who = {summary.channel: lane_name(summary) for summary in analysis.summary}[row["channel"]]
    title = f"**{who}, {clock(row['start'])} to {clock(row['end'])}**"
    if not row["emotion"]:
        st.markdown(f"{title}: not analysed.")
        return
    is_set = bool(by_hand(analysis.segments)[segment])
    said = row[MODEL_EMOTION] if is_set else row["emotion"]
    sure = float(row[list(analysis.model.labels)].max())
    st.markdown(
        f"{title}: {verdict(row['emotion'], row['confidence'])}."
        f"{f' The model said {verdict(said, sure)}.' if is_set else ''}"
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for number, emotion in enumerate((*analysis.emotions, UNCERTAIN), 1):
            stretch = (file.name, row["channel"], float(row["start"]), float(row["end"]))
            st.button(
                emotion,
                key=f"set {emotion} {key}",
                type="primary" if is_set and emotion == row["emotion"] else "secondary",
                shortcut=str(number) if number <= _KEYS else None,
                on_click=_correct,
                args=[file, Correction(*stretch, emotion, said, sure, analysis.model.name)],
            )
        st.button(
            "As the model said",
            key=f"set back {key}",
            type="tertiary",
            shortcut="0",
            disabled=not is_set,
            on_click=_take_back,
            args=[file, *stretch[1:]],
        )


def _show_account(file: RecordingFile, analysis: CallAnalysis, key: str) -> None:
    """Say how much was set by hand, and offer to undo the last step and to save all."""
    from helpers.corrections import by_hand, unplaced
    from helpers.exports import to_corrections

    told = analysis.segments[analysis.segments["emotion"].notna()]
    count, waiting = int(by_hand(told).sum()), unplaced(told, _corrections(file))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Undo",
            key=f"undo {key}",
            icon=":material/undo:",
            type="tertiary",
            shortcut="U",
            on_click=_undo,
            args=[file],
        )
        st.download_button(
            "Download corrections",
            to_corrections([each for history in _histories().values() for each in history[-1]]),
            "corrections.csv",
            "text/csv",
            key=f"download corrections {key}",
            icon=":material/download:",
            type="tertiary",
            help="Of all recordings that were corrected since you came. Training reads the file.",
            on_click="ignore",
        )
        kept = f" Kept, though no segment fits with these settings: {waiting}." if waiting else ""
        st.caption(f"{count} set by hand.{kept}")


def _correct(file: RecordingFile, correction: Correction) -> None:
    from helpers.corrections import with_correction

    _remember(file, with_correction(_corrections(file), correction))


def _take_back(file: RecordingFile, channel: str, start: float, end: float) -> None:
    from helpers.corrections import without_corrections

    _remember(file, without_corrections(_corrections(file), channel, start, end))


def _remember(file: RecordingFile, corrections: tuple[Correction, ...]) -> None:
    _histories().setdefault(file.identity, []).append(corrections)
    st.rerun()  # the table of several calls, too


def _undo(file: RecordingFile) -> None:
    history = _histories()[file.identity]
    history.pop()
    if not history:
        del _histories()[file.identity]
    st.rerun()


def _corrections(file: RecordingFile) -> tuple[Correction, ...]:
    history = _histories().get(file.identity)
    return history[-1] if history else ()


def _histories() -> dict[Hashable, History]:
    """Give the histories of all recordings, by their content, so that settings do not matter."""
    histories: dict[Hashable, History] = st.session_state.setdefault(_HISTORIES, {})
    return histories
