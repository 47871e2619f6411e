"""How a call and a segment of it sound, and what moved the model; nothing is computed before it is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from helpers.pages.session import show_chart, workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

    from helpers.analysis import CallAnalysis
    from helpers.attribution import Push
    from helpers.workspace import RecordingFile

    PlayFrom = Callable[[float, str], None]

_PUSHES = 3  # that are told
_SEGMENT, _CALL = "Segment", "Whole call"


def show_acoustics(
    file: RecordingFile, analysis: CallAnalysis, segment: int | None, key: str, play: PlayFrom
) -> None:
    """Show how a segment and the whole call sound, once that is asked for; raises MediaError."""
    section = st.expander(
        "Acoustics", icon=":material/graphic_eq:", key=f"acoustics {key}", on_change="rerun"
    )
    if not section.open:
        return
    with section:
        part = st.segmented_control(
            "Acoustics of",
            [_SEGMENT, _CALL],
            default=_SEGMENT,
            required=True,
            key="acoustics of",
            label_visibility="collapsed",
        )
        if part == _CALL:
            show_call(file, analysis)
        elif segment is None:
            st.caption("Click a segment, or press N, to see how it sounds.")
        else:
            show_segment(file, analysis, segment, key, play)


def show_call(file: RecordingFile, analysis: CallAnalysis) -> None:
    """Show waveform and spectrogram of each channel of sound."""
    from helpers.acoustic_charts import spectrogram, waveform
    from helpers.charts import lane_name

    place = st.empty()
    report = place.progress(0.0, "Listening to the whole call …").progress
    pictures = workspace().pictures(file, analysis, report)
    place.empty()
    names = {summary.channel: lane_name(summary) for summary in analysis.summary}
    for channel, picture in pictures.items():
        name = names.get(channel, "Both speakers")
        st.markdown(f"**{name}**")
        show_chart(waveform(picture), alt=f"Waveform of the whole call: {name}")
        show_chart(spectrogram(picture), alt=f"Mel spectrogram of the whole call: {name}")


def show_segment(file: RecordingFile, analysis: CallAnalysis, segment: int, key: str, play: PlayFrom) -> None:
    """Show one segment: how it sounds, and of those who are analysed what moved the model."""
    from helpers.acoustics import channel_of
    from helpers.charts import lane_name
    from helpers.exports import clock

    row = analysis.segments.loc[segment]
    samples = channel_of(workspace().stretch(file, float(row["start"]), float(row["end"])), row["channel"])
    who = {summary.channel: lane_name(summary) for summary in analysis.summary}[row["channel"]]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Play the segment",
            key=f"play segment {key}",
            icon=":material/play_arrow:",
            on_click=play,
            args=[row["start"], row["channel"]],
        )
        st.markdown(f"**{who}, {clock(row['start'])} to {clock(row['end'])}**")
    sound, decision = st.columns([3, 2])
    with sound:
        show_sound(samples, row["start"])
    with decision:
        if row["emotion"]:
            show_decision(analysis, segment, samples)
        else:
            st.caption("Emotion not analysed.")


def show_sound(samples: np.ndarray, start: float) -> None:
    """Show waveform, spectrogram, pitch and energy of a segment."""
    from helpers.acoustic_charts import energy, pitch, spectrogram, waveform
    from helpers.acoustics import picture_of_stretch

    picture, contours = picture_of_stretch(samples, start)
    show_chart(waveform(picture), alt="Waveform of the segment")
    show_chart(spectrogram(picture, labels=False), alt="Mel spectrogram of the segment")
    show_chart(pitch(picture, contours), alt="Pitch of the segment")
    show_chart(energy(picture, contours), alt="Energy of the segment")


def show_decision(analysis: CallAnalysis, segment: int, samples: np.ndarray) -> None:
    """Show the probabilities of a segment, and what pushed them."""
    from helpers.attribution import EXPLAINED, NOTEWORTHY, explain, loudness, most_probable
    from helpers.charts import emotion_bars
    from helpers.report import judged_against

    row = analysis.segments.loc[segment]
    st.markdown("**What the model says**")
    shares = {label: float(row[label]) for label in analysis.model.labels}
    show_chart(emotion_bars(shares, "Probability"), alt="Probability of each emotion")
    told = explain(analysis, workspace().model(analysis.model.name), segment, samples)
    st.markdown(f"**What pushed it to “{most_probable(analysis, segment)}”**", help=EXPLAINED)
    strong = [push for push in told if push.share >= NOTEWORTHY][:_PUSHES]
    _list(strong)
    against = [push for push in reversed(told) if push.share <= -NOTEWORTHY][:_PUSHES]
    if against:
        st.markdown("**What spoke against it**")
        _list(against)
    if not told:
        st.caption("This model has no baseline that single features could be held against.")
    elif not strong:
        st.caption("No single respect moved it by much.")
    summary = next(each for each in analysis.summary if each.channel == row["channel"])
    st.caption(
        f"{loudness(analysis, segment)}; the model does not count that, for it depends on the line. "
        f"{judged_against(summary) or ''}"
    )


def _list(pushes: Sequence[Push]) -> None:
    st.markdown("\n".join(f"- **{100 * push.share:+.0f} points**: {push.words}" for push in pushes))
