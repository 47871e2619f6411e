"""The result of one analysis, as every page shows it: headline, player, timeline, tables, downloads."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from helpers.errors import HelpersError
from helpers.pages.acoustics import show_acoustics
from helpers.pages.corrections import corrected, show_corrections
from helpers.pages.playhead import show_playhead
from helpers.pages.session import remembered, show_chart, workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from helpers.analysis import CallAnalysis, ChannelSummary
    from helpers.clips import Layout
    from helpers.moments import Moment
    from helpers.workspace import RecordingFile

MOMENTS_AT_ONCE = 4
MOST_MOMENTS = 30
TREND_MEANS = (
    "How pleasant the voice sounds, from -1 at the floor of the band to 1 at its top: the mean, over half a "
    "minute, of the emotions' valence (Russell and Mehrabian 1977) by their probabilities."
)
VIEW = "view"  # of the address
SHORTEST_WINDOW = 5.0  # seconds


@st.fragment
def show_result(file: RecordingFile, analysis: CallAnalysis) -> None:
    """Show one analysis; a click reruns this part of the page alone."""
    from helpers.exports import reliability

    st.subheader(plain(analysis.name), anchor=False)
    for warning in analysis.warnings:
        st.warning(warning, icon=":material/warning:")
    key = f"{abs(hash((file.name, file.identity))):x}"
    if st.session_state.get("showing") != key:
        if "showing" in st.session_state:
            st.query_params.pop(VIEW, None)
        st.session_state["showing"] = key
        st.session_state.pop("play", None)
    analysis = corrected(file, analysis)
    show_headline(analysis)
    show_player(file, analysis)
    show_steps(analysis, key)
    show_timeline(analysis, key)
    show_corrections(file, analysis, _selected(analysis), key)
    st.caption(reliability(analysis.model))
    show_moments(file, analysis, key)
    show_summary(analysis)
    show_conversation(analysis)
    try:
        show_acoustics(file, analysis, _selected(analysis), key, _play)
    except HelpersError as error:
        st.error(plain(str(error)), icon=":material/error:")
    show_segments(analysis, key)
    show_downloads(file, analysis)


def show_headline(analysis: CallAnalysis) -> None:
    """Show length, speech, the emotion that prevails and the number of moments."""
    from helpers.lanes import CUSTOMER
    from helpers.report import headline

    with st.container(horizontal=True):
        for label, value, meaning in headline(analysis):
            st.metric(label, value, border=True, help=meaning)
    roles = {summary.role for summary in analysis.summary}
    if len(analysis.summary) > 1 and CUSTOMER not in roles:
        st.info(
            "Nothing says who is the customer, so both speakers are analysed. Choose it in the side panel "
            "to leave the agent's emotion out.",
            icon=":material/info:",
        )
    elif CUSTOMER not in roles:
        st.caption(
            "All speakers are on one channel and are analysed together, an agent too. Choose “voices” under "
            "Channels to tell two of them apart."
        )


def show_player(file: RecordingFile, analysis: CallAnalysis) -> None:
    """Play the recording, from where the analyst clicked last."""
    play = st.session_state.get("play", Play(0.0, 0))
    playable = analysis.browser_type
    st.audio(
        file.content if playable else workspace().wav(file),
        format=playable or "audio/wav",
        start_time=play.seconds,
        # After the end of the recording, and another one each time: a player that differs starts again, also
        # from where it started the last time.
        end_time=analysis.duration + 1 + play.count,
        autoplay=play.count > 0,
        alt="The recording",
    )


def show_steps(analysis: CallAnalysis, key: str) -> None:
    """Offer to play the next or the previous segment or moment, also by a key."""
    segments = analysis.segments["start"].tolist()
    moments = [moment.start for moment in analysis.moments]
    steps = {
        "Previous segment": (":material/skip_previous:", segments, -1, "B"),
        "Next segment": (":material/skip_next:", segments, 1, "N"),
        "Previous moment": (":material/first_page:", moments, -1, "Shift+M"),
        "Next moment": (":material/last_page:", moments, 1, "M"),
    }
    with st.container(horizontal=True):
        for name, (icon, starts, direction, shortcut) in steps.items():
            st.button(
                name,
                key=f"{name} {key}",
                icon=icon,
                type="tertiary",
                shortcut=shortcut,
                disabled=not starts,
                on_click=_step,
                args=[starts, direction],
            )


def show_timeline(analysis: CallAnalysis, key: str) -> None:
    """Show the chart of a window, whose segments play when they are clicked, and the whole call under it."""
    from helpers.chart_style import specification
    from helpers.charts import SELECTION, lane_name, overview, overview_rows, timeline
    from helpers.charts import WINDOW as CHOSEN
    from helpers.exports import signs

    chart_key = f"timeline {key}"
    window = _window(analysis, key)
    with st.container(horizontal=True, vertical_alignment="center"):
        shown = choose_emotions(analysis)
        trend = st.toggle("Trend", key="trend", help=TREND_MEANS)

    def specified_timeline(*inputs: Any) -> dict[str, Any]:
        return specification(timeline(*inputs))

    def play_clicked() -> None:
        clicked = st.session_state[chart_key]["selection"].get(SELECTION)
        if clicked and SELECTION in clicked[0]:
            segment = analysis.segments.loc[clicked[0][SELECTION]]
            _play(segment["start"], segment["channel"])

    st.caption(f"Click a segment to hear it, drag over the small chart to look closer. {signs(analysis)}")
    st.vega_lite_chart(
        remembered("timeline", specified_timeline, analysis, window.start, window.end, shown, trend),
        key=chart_key,
        on_select=play_clicked,
        selection_mode=SELECTION,
        alt="Emotion timeline: probabilities and winning emotion per segment; the table below has the same",
    )
    show_playhead(window.start, window.end)
    overview_key = f"overview {key} {window.moves}"

    def choose_window() -> None:
        chosen = st.session_state[overview_key]["selection"].get(CHOSEN) or {}
        if "start" in chosen:
            _look(analysis, key, *chosen["start"], moves=window.moves)

    st.vega_lite_chart(
        overview_rows(analysis, window.start, window.end),
        overview(analysis.duration, tuple(map(lane_name, analysis.summary)), analysis.emotions),
        key=overview_key,
        on_select=choose_window,
        selection_mode=CHOSEN,
        alt="The whole call, small; the window that is shown large is framed",
    )
    show_window_buttons(analysis, window, key)


def choose_emotions(analysis: CallAnalysis) -> tuple[str, ...]:
    """Let the analyst choose the emotions that have their colour."""
    emotions = analysis.emotions
    chosen = st.pills(
        "Emotions shown",
        emotions,
        selection_mode="multi",
        default=emotions,
        key=f"shown {analysis.model.name}",
        label_visibility="collapsed",
        help="The others are drawn in grey.",
    )
    return tuple(chosen) or emotions


def show_window_buttons(analysis: CallAnalysis, window: Window, key: str) -> None:
    """Offer to move the window without a mouse."""
    from helpers.exports import clock

    length = window.end - window.start
    steps = {
        "Earlier": (":material/chevron_left:", window.start - length / 2, window.end - length / 2),
        "Later": (":material/chevron_right:", window.start + length / 2, window.end + length / 2),
        "Closer": (":material/zoom_in:", window.start + length / 4, window.end - length / 4),
        "Further": (":material/zoom_out:", window.start - length / 2, window.end + length / 2),
        "Whole call": (":material/fit_width:", 0.0, analysis.duration),
    }
    with st.container(horizontal=True, vertical_alignment="center"):
        for name, (icon, start, end) in steps.items():
            st.button(
                name,
                key=f"{name} {key}",
                icon=icon,
                type="tertiary",
                on_click=_look,
                args=[analysis, key, start, end],
                kwargs={"moves": window.moves + 1},
            )
        st.caption(f"{clock(window.start)} to {clock(window.end)} of {clock(analysis.duration)}")


def show_moments(file: RecordingFile, analysis: CallAnalysis, key: str) -> None:
    """List the moments, each with a button that plays it, and its clip to save."""
    from helpers.charts import lane_name
    from helpers.exports import clock
    from helpers.moments import explained

    names = {summary.channel: lane_name(summary) for summary in analysis.summary}
    meanings = explained(analysis.thresholds)
    st.subheader("Moments worth a listen", anchor=False, help=_definitions(meanings))
    if not analysis.moments:
        st.caption(f"There is none: no {', no '.join(meanings)}.")
    most = st.session_state.get(f"moments {key}", MOST_MOMENTS)
    with st.container(height=320 if len(analysis.moments) > MOMENTS_AT_ONCE else "content"):
        for number, moment in enumerate(analysis.moments[:most]):
            with st.container(border=True, horizontal=True, vertical_alignment="center"):
                st.button(
                    clock(moment.start),
                    key=f"moment {key} {number}",
                    icon=":material/play_arrow:",
                    on_click=_play,
                    args=[moment.start, moment.channel],
                )
                name = f"{analysis.name} {moment.kind} {moment.start:.0f} s"
                with st.popover("Save", icon=":material/content_cut:"):
                    offer_clips(file, [moment], name, key=f"{key} {number}")
                    if analysis.has_pictures:
                        offer_video(file, moment, name, key=f"{key} {number}")
                who = f", {names[moment.channel]}" if len(names) > 1 and moment.channel in names else ""
                st.markdown(
                    f"**{moment.kind.capitalize()}**{who}, to {clock(moment.end)}. {moment.description}",
                    width="stretch",
                )
        if len(analysis.moments) > most:
            st.button(
                f"{len(analysis.moments) - most} more",
                key=f"more moments {key}",
                type="tertiary",
                on_click=st.session_state.update,
                args=[{f"moments {key}": most + MOST_MOMENTS}],
            )
    if len(analysis.moments) > 1:
        with st.popover("Save all in one file", icon=":material/movie:"):
            st.caption("A highlight reel: one moment after the other, with short pauses between them.")
            offer_clips(file, analysis.moments, f"{analysis.name} highlights", key=f"{key} all")


def offer_clips(file: RecordingFile, moments: Sequence[Moment], name: str, key: str) -> None:
    """Offer the sound of moments as a file, which is made when it is asked for."""
    desk = workspace()  # the callables below run outside of the session
    spans = tuple((moment.start, moment.end) for moment in moments)
    kinds: dict[Layout, str] = {"wav": "audio/wav", "mp3": "audio/mpeg"}
    for layout, kind in kinds.items():
        _offer(
            f"Sound ({layout.upper()})",
            partial(desk.clip, file, spans, layout),
            f"{name}.{layout}",
            kind,
            key,
        )


def offer_video(file: RecordingFile, moment: Moment, name: str, key: str) -> None:
    """Offer the pictures and the sound of a moment as a file."""
    content = partial(workspace().video_clip, file, moment.start, moment.end)
    _offer("Video (MP4)", content, f"{name}.mp4", "video/mp4", key)


def show_summary(analysis: CallAnalysis) -> None:
    """Show how much of each speaker's time has which emotion."""
    from helpers.charts import lane_name

    st.subheader("Share of speech time", anchor=False)
    for column, summary in zip(st.columns(len(analysis.summary)), analysis.summary, strict=True):
        with column.container(border=True, height="stretch"):
            st.markdown(f"**{lane_name(summary)}**, {summary.speech_time:.0f} s of speech")
            if summary.shares:
                _show_shares(summary)
                _show_baseline(summary)
            else:
                st.caption(
                    "Emotion not analysed." if summary.speech_time else "Nobody speaks on this channel."
                )


def show_conversation(analysis: CallAnalysis) -> None:
    """Show how the call went as a conversation, a column per speaker."""
    from helpers.charts import lane_name
    from helpers.conversation import EXPLAINED, conversation
    from helpers.exports import figure_rows
    from helpers.report import silence

    st.subheader("Conversation", anchor=False, help=_definitions(EXPLAINED))
    names = [lane_name(summary) for summary in analysis.summary]
    st.table(figure_rows(remembered("conversation", conversation, analysis), names))
    st.caption(silence(analysis))


def show_comparison(first: CallAnalysis, second: CallAnalysis) -> None:
    """Show two calls under each other on one scale of time, and their figures side by side."""
    from helpers.charts import lane_name, timeline
    from helpers.conversation import conversation
    from helpers.exports import figure_rows

    longest = max(first.duration, second.duration)
    for analysis in (first, second):
        st.markdown(f"**{plain(analysis.name)}**")
        show_chart(timeline(analysis, 0.0, longest), alt=f"Emotion timeline of {analysis.name}")
    figures = [each for analysis in (first, second) for each in conversation(analysis)]
    names = [
        f"{lane_name(summary)} ({number})"
        for number, analysis in enumerate((first, second), 1)
        for summary in analysis.summary
    ]
    st.table(figure_rows(figures, names))


def show_segments(analysis: CallAnalysis, key: str) -> None:
    """Show the table of segments; ticking a row plays it."""
    from helpers.charts import NOT_ANALYSED
    from helpers.corrections import MODEL_EMOTION

    table_key = f"table {key}"

    def play_ticked() -> None:
        rows = st.session_state[table_key]["selection"]["rows"]
        if rows:
            segment = analysis.segments.iloc[rows[0]]
            _play(segment["start"], segment["channel"])

    shares = ["confidence", *analysis.model.labels]
    table = analysis.segments.fillna({"emotion": NOT_ANALYSED, MODEL_EMOTION: ""})
    hand = [MODEL_EMOTION] if MODEL_EMOTION in table else []
    table[shares] *= 100
    percent = st.column_config.ProgressColumn(format="%.0f %%", min_value=0, max_value=100)
    seconds = st.column_config.NumberColumn(format="%.1f s")
    with st.expander(f"All {len(analysis.segments)} segments", icon=":material/table_rows:"):
        st.caption("Tick a row to hear it.")
        st.dataframe(
            table,
            key=table_key,
            hide_index=True,
            on_select=play_ticked,
            selection_mode="single-row",
            column_order=["start", "end", "channel", "role", "emotion", *hand, *shares],
            column_config={
                "start": seconds,
                "end": seconds,
                MODEL_EMOTION: st.column_config.TextColumn("by hand; the model said"),
                **dict.fromkeys(shares, percent),
            },
        )


def show_downloads(file: RecordingFile, analysis: CallAnalysis) -> None:
    """Offer the result and the recording as files."""
    from helpers.drawing import to_pdf, to_png
    from helpers.exports import to_audacity, to_csv, to_json, to_webvtt
    from helpers.report import to_html

    desk = workspace()  # the callables below run outside of the session
    files: list[tuple[str, Callable[[], str | bytes], str, str]] = [
        ("Report (HTML)", lambda: desk.draw(to_html, analysis), "html", "text/html"),
        ("Charts (PNG)", lambda: desk.draw(to_png, analysis), "png", "image/png"),
        ("Charts (PDF)", lambda: desk.draw(to_pdf, analysis), "pdf", "application/pdf"),
        ("Segments (CSV)", lambda: to_csv([analysis]), "csv", "text/csv"),
        ("Everything (JSON)", lambda: to_json(analysis), "json", "application/json"),
        ("Subtitles (WebVTT)", lambda: to_webvtt(analysis), "vtt", "text/vtt"),
        ("Labels (Audacity)", lambda: to_audacity(analysis), "txt", "text/plain"),
        ("Recording (WAV)", lambda: desk.wav(file), "wav", "audio/wav"),
    ]
    with st.container(horizontal=True):
        for label, content, extension, kind in files:
            _offer(label, content, f"{analysis.name}.{extension}", kind, "result")


def plain(text: str) -> str:
    """Escape a text, such as a file name, so that no part of it is taken for Markdown."""
    return re.sub(r"([\\`*_{}\[\]()<>#+.!|~$:-])", r"\\\1", text)


def _offer(label: str, content: Callable[[], str | bytes], name: str, kind: str, key: str) -> None:
    """Offer a file, which is made when it is asked for; where that failed, say why."""
    button = f"{label} {key}"
    failures: dict[str, str] = st.session_state.setdefault("failures", {})

    def make() -> str | bytes:
        failures.pop(button, None)
        try:
            return content()
        except HelpersError as error:
            failures[button] = str(error)
            raise RuntimeError("A file could not be made; the page says why.") from None  # goes to the log

    st.download_button(label, make, name, kind, key=button, icon=":material/download:", on_click="ignore")
    if button in failures:
        st.error(plain(failures[button]), icon=":material/error:")


def _definitions(meanings: Mapping[str, str]) -> str:
    return "\n".join(f"- **{name.capitalize()}**: {meaning}" for name, meaning in meanings.items())


@dataclass(frozen=True)
class Play:
    """Where to play from, how many times something was asked to be played, and of which channel."""

    seconds: float
    count: int
    channel: str = ""


@dataclass(frozen=True)
class Window:
    """What is shown large, and how often that was chosen other than by dragging."""

    start: float
    end: float
    moves: int = 0


def _window(analysis: CallAnalysis, key: str) -> Window:
    return st.session_state.get(f"window {key}") or _linked_window(analysis)


def _linked_window(analysis: CallAnalysis) -> Window:
    """Read from the address which window to show; the whole call where it does not say."""
    try:
        start, rounded = map(float, st.query_params.get(VIEW, "").split("-"))
    except ValueError:
        return Window(0.0, analysis.duration)
    end = min(rounded, analysis.duration)
    return Window(start, end) if 0 <= start < end else Window(0.0, analysis.duration)


def _look(analysis: CallAnalysis, key: str, start: float, end: float, *, moves: int) -> None:
    """Show a window large, as far as the call has it."""
    length = min(max(end - start, SHORTEST_WINDOW), analysis.duration)
    start = min(max(start, 0.0), analysis.duration - length)
    st.session_state[f"window {key}"] = Window(start, start + length, moves)
    st.query_params[VIEW] = f"{start:.1f}-{start + length:.1f}"


def _step(starts: list[float], direction: int) -> None:
    """Play what starts next before or after what was played last; at the end, stay there."""
    now = st.session_state.get("play", Play(-1.0, 0)).seconds
    others = [start for start in starts if (start - now) * direction > 0]
    if others:
        _play(min(others, key=lambda start: abs(start - now)))


def _play(seconds: float, channel: str = "") -> None:
    count = st.session_state.get("play", Play(0.0, 0)).count
    st.session_state["play"] = Play(float(seconds), count + 1, channel)


def _selected(analysis: CallAnalysis) -> int | None:
    """Find the segment that was played last: where nothing says whose, the one that begins last."""
    play, segments = st.session_state.get("play", Play(-1.0, 0)), analysis.segments
    played = segments[(segments["start"] <= play.seconds) & (segments["end"] > play.seconds)]
    own = played["channel"] == play.channel
    rows = (played[own] if own.any() else played).sort_values("start", kind="stable")
    return int(rows.index[-1]) if len(rows) else None


def _show_shares(summary: ChannelSummary) -> None:
    from helpers.charts import emotion_shares

    show_chart(emotion_shares(summary), alt="Share of speech time per emotion")


def _show_baseline(summary: ChannelSummary) -> None:
    """Say what the speaker's emotions are judged against."""
    from helpers.report import judged_against

    against = judged_against(summary)
    if against is None:
        return
    st.caption(
        against,
        help="A voice, a microphone and a line shift the measurements more than emotions do, so what stays "
        "the same through the call is taken out. The more neutral speech there is, the surer this is.",
    )
