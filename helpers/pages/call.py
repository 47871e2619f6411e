"""The first page: recordings go in, their emotion timelines come out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import streamlit as st

from helpers.errors import HelpersError
from helpers.samples import Sample, list_samples

if TYPE_CHECKING:
    from helpers.analysis import CallAnalysis, ChannelSummary, Settings
    from helpers.workspace import RecordingFile, Workspace

SAMPLES, UPLOAD = "Sample calls", "Upload"
BY_NAME = "By file name"
SIDES: dict[str, Literal["left", "right"] | None] = {BY_NAME: None, "Left": "left", "Right": "right"}


def page() -> None:
    """Lay out the page."""
    with st.sidebar:
        st.markdown("### :material/graphic_eq: Call Emotions")
        files = choose_files()
        if files:
            st.divider()
            settings = choose_settings()
            st.button("Start over", icon=":material/restart_alt:", on_click=st.session_state.clear)
    if not files:
        welcome()
        return
    finished = analyse(files, settings)
    if finished:
        file, analysis = choose_result(finished)
        show_result(file, analysis)


@st.cache_resource(scope="session", on_release=lambda workspace: workspace.close(), show_spinner=False)
def workspace() -> Workspace:
    """Give this session its workspace; it is closed when the session ends."""
    from helpers.workspace import Workspace

    return Workspace()


def choose_files() -> list[RecordingFile]:
    """Let the analyst pick a sample or upload recordings."""
    st.session_state.setdefault("source", SAMPLES)
    source = st.segmented_control(
        "Where the recording comes from",
        [SAMPLES, UPLOAD],
        key="source",
        required=True,
        label_visibility="collapsed",
        width="stretch",
    )
    if source == UPLOAD:
        return _uploaded_files()
    samples = {sample.title: sample for sample in list_samples()}
    title = st.radio(
        "Sample call",
        list(samples),
        index=None,
        key="sample",
        captions=[sample.description for sample in samples.values()],
        help="The shipped calls are synthetic speech: nobody spoke them.",
    )
    return [_file_of(samples[title])] if title else []


def choose_settings() -> Settings:
    """Let the analyst say who is who, and how speech is told from silence."""
    from helpers.analysis import CHANNEL_MODES, LAW, Settings
    from helpers.speech import Segmentation

    defaults = Segmentation()
    side = st.segmented_control(
        "Customer's channel",
        list(SIDES),
        default=BY_NAME,
        required=True,
        key="customer",
        help="Of a two-channel call. A file name such as complaint_agent-left.mp3 says it by itself.",
    )
    agent = st.toggle("Analyse the agent's emotion too", key="include_agent")
    st.caption(LAW)
    with st.expander("Advanced"):
        channels = st.selectbox(
            "Channels",
            CHANNEL_MODES,
            key="channels",
            help="Split: each channel is a speaker. Mix: all together. Auto: split two channels that differ.",
        )
        threshold = st.slider(
            "Speech threshold (dB above the noise)",
            *(3.0, 24.0, defaults.threshold, 1.0),
            key="threshold",
            help="Raise it where noise is taken for speech, lower it where quiet speech is missed.",
        )
        min_silence = st.slider(
            "Shortest silence (s)",
            *(0.1, 2.0, defaults.min_silence, 0.1),
            key="min_silence",
            help="Shorter pauses do not end a stretch of speech.",
        )
        min_speech = st.slider(
            "Shortest speech (s)",
            *(0.1, 1.0, defaults.min_speech, 0.1),
            key="min_speech",
            help="Shorter sounds, such as clicks, are left out.",
        )
    segmentation = Segmentation(threshold, min_speech, min_silence, defaults.speech_pad)
    return Settings(channels, SIDES[side], agent, segmentation)


def welcome() -> None:
    """Say what the page does, and offer the samples."""
    st.title("Where did this customer get angry?")
    st.markdown(
        "Upload a call, audio or video, and see the emotion of each stretch of speech on a timeline. "
        "Click a segment to hear it. Recordings stay in memory and are forgotten when you leave."
    )
    st.markdown("**Try a sample call**, or upload your own in the side panel.")
    samples = list_samples()[:4]
    for column, sample in zip(st.columns(len(samples)), samples, strict=True):
        with column.container(border=True, height="stretch"):
            st.markdown(f"**{plain(sample.title)}**")
            st.caption(plain(sample.description))
            st.button(
                "Analyse",
                key=f"try {sample.title}",
                on_click=_choose_sample,
                args=[sample.title],
                width="stretch",
            )
    st.caption("The sample calls are synthetic speech: nobody spoke them.")


def analyse(files: Sequence[RecordingFile], settings: Settings) -> list[tuple[RecordingFile, CallAnalysis]]:
    """Analyse each file, naming those that cannot be; without any result, keep the last one."""
    finished = []
    place = st.empty()
    for number, file in enumerate(files):
        counted = f"{number + 1} of {len(files)}, " if len(files) > 1 else ""
        title = f"{counted}{plain(file.name)}"

        def progress(stage: str, done: float, title: str = title) -> None:
            place.progress(min(done, 1.0), f"{title}: {stage} …")

        try:
            finished.append((file, workspace().analysis(file, settings, progress)))
        except HelpersError as error:
            st.error(plain(str(error)), icon=":material/error:")
    place.empty()
    if finished:
        st.session_state["last"] = finished
    elif "last" in st.session_state:
        finished = st.session_state["last"]
        st.caption("The last result is still here:")
    return finished


def choose_result(
    finished: Sequence[tuple[RecordingFile, CallAnalysis]],
) -> tuple[RecordingFile, CallAnalysis]:
    """Let the analyst choose between several recordings."""
    if len(finished) == 1:
        return finished[0]
    index = st.selectbox(
        "Recording", range(len(finished)), format_func=lambda number: finished[number][1].name, key="shown"
    )
    return finished[index or 0]


@st.fragment
def show_result(file: RecordingFile, analysis: CallAnalysis) -> None:
    """Show one analysis; a click reruns this part of the page alone."""
    st.subheader(plain(analysis.name), anchor=False)
    for warning in analysis.warnings:
        st.warning(warning, icon=":material/warning:")
    show_headline(analysis)
    key = f"{abs(hash((file.name, file.identity))):x}"
    show_player(file, analysis, key)
    show_timeline(analysis, key)
    show_moments(analysis, key)
    show_summary(analysis)
    show_segments(analysis, key)
    show_downloads(file, analysis)


def show_headline(analysis: CallAnalysis) -> None:
    """Show length, speech, the emotion that prevails and the number of moments."""
    from helpers.charts import lane_name
    from helpers.exports import clock

    figures = [("Length", clock(analysis.duration), "Of the whole recording.")]
    for summary in analysis.summary:
        if summary.dominant_emotion:
            share = summary.shares[summary.dominant_emotion]
            value = f"{summary.dominant_emotion} {share:.0%}"
            figures.append((f"{lane_name(summary)} mostly", value, "Share of this speaker's speech time."))
    figures.append(
        (
            "Sustained anger",
            str(len(analysis.moments)),
            "Times a speaker stays angry over 5 s of speech or more.",
        )
    )
    speech = sum(summary.speech_time for summary in analysis.summary)
    figures.insert(1, ("Speech", clock(speech), "Of all speakers together."))
    with st.container(horizontal=True):
        for label, value, meaning in figures:
            st.metric(label, value, border=True, help=meaning)
    if len(analysis.summary) > 1 and all(summary.role == "speaker" for summary in analysis.summary):
        st.info(
            "Nothing says which channel is the customer's, so both are analysed. Choose it in the side panel "
            "to leave the agent's emotion out.",
            icon=":material/info:",
        )


def show_player(file: RecordingFile, analysis: CallAnalysis, key: str) -> None:
    """Play the recording, from where the analyst clicked."""
    start = st.session_state.get(f"start {key}")
    playable = analysis.browser_type
    content = (
        (file.content if isinstance(file.content, bytes) else str(file.content))
        if playable
        else workspace().wav(file)
    )
    st.audio(
        content,
        format=playable or "audio/wav",
        start_time=start or 0,
        autoplay=start is not None,
        alt="The recording",
    )


def show_timeline(analysis: CallAnalysis, key: str) -> None:
    """Show the chart, whose segments play when they are clicked."""
    from helpers.charts import SELECTION, timeline

    chart_key = f"timeline {key}"

    def play_clicked() -> None:
        clicked = st.session_state[chart_key]["selection"].get(SELECTION)
        if clicked:
            _play(analysis, key, clicked[0][SELECTION])

    st.altair_chart(
        timeline(analysis),
        key=chart_key,
        on_select=play_clicked,
        selection_mode=SELECTION,
        alt="Emotion timeline: probabilities and winning emotion per segment; the table below has the same",
    )
    st.caption(
        "Click a segment to hear it. Drag to move, Shift and wheel to zoom, double-click for the whole call. "
        f"“?” is uncertain: the model is less than {analysis.model.uncertain_below:.0%} sure. "
        f"{_scores(analysis)}"
    )


def show_moments(analysis: CallAnalysis, key: str) -> None:
    """List the moments, each with a button that plays it."""
    from helpers.analysis import SUSTAINED
    from helpers.exports import clock

    st.subheader("Moments worth a listen", anchor=False)
    if not analysis.moments:
        st.caption(f"Nobody stays angry for {SUSTAINED:g} s of speech or longer.")
    for number, moment in enumerate(analysis.moments):
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.button(
                clock(moment.start),
                key=f"moment {key} {number}",
                icon=":material/play_arrow:",
                on_click=_play_from,
                args=[key, moment.start],
            )
            who = moment.role if moment.role != "speaker" else moment.channel
            st.markdown(
                f"**{moment.kind.capitalize()}**, {who}, to {clock(moment.end)}. {moment.description}"
            )


def show_summary(analysis: CallAnalysis) -> None:
    """Show how much of each speaker's time has which emotion."""
    from helpers.charts import lane_name

    st.subheader("Share of speech time", anchor=False)
    for column, summary in zip(st.columns(len(analysis.summary)), analysis.summary, strict=True):
        with column.container(border=True, height="stretch"):
            st.markdown(f"**{lane_name(summary)}**, {summary.speech_time:.0f} s of speech")
            if summary.shares:
                _show_shares(summary)
            else:
                st.caption(
                    "Emotion not analysed." if summary.speech_time else "Nobody speaks on this channel."
                )


def show_segments(analysis: CallAnalysis, key: str) -> None:
    """Show the table of segments; choosing a row plays it."""
    from helpers.charts import NOT_ANALYSED

    table_key = f"table {key}"

    def play_chosen() -> None:
        rows = st.session_state[table_key]["selection"]["rows"]
        if rows:
            _play(analysis, key, rows[0])

    percent = st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1)
    seconds = st.column_config.NumberColumn(format="%.2f s")
    with st.expander(f"All {len(analysis.segments)} segments", icon=":material/table_rows:"):
        st.dataframe(
            analysis.segments.drop(columns="baseline").fillna({"emotion": NOT_ANALYSED}),
            key=table_key,
            hide_index=True,
            on_select=play_chosen,
            selection_mode="single-row",
            column_config={
                "start": seconds,
                "end": seconds,
                **dict.fromkeys(("confidence", *analysis.model.labels), percent),
            },
        )
        st.caption("Choose a row to hear it.")


def show_downloads(file: RecordingFile, analysis: CallAnalysis) -> None:
    """Offer the result and the recording as files."""
    from helpers.exports import to_csv, to_json

    icon = ":material/download:"
    with st.container(horizontal=True):
        st.download_button(
            "Segments (CSV)",
            to_csv([analysis]),
            f"{analysis.name}.csv",
            "text/csv",
            icon=icon,
            on_click="ignore",
        )
        st.download_button(
            "Everything (JSON)",
            to_json([analysis]),
            f"{analysis.name}.json",
            "application/json",
            icon=icon,
            on_click="ignore",
        )
        st.download_button(
            "Recording (WAV)",
            lambda: workspace().wav(file),
            f"{analysis.name}.wav",
            "audio/wav",
            icon=icon,
            on_click="ignore",
        )


def plain(text: str) -> str:
    """Escape a text, such as a file name, so that no part of it is taken for Markdown."""
    return re.sub(r"([\\`*_{}\[\]()<>#+.!|~$:-])", r"\\\1", text)


def _uploaded_files() -> list[RecordingFile]:
    from helpers.workspace import RecordingFile

    uploads = st.file_uploader(
        "Audio or video files",
        accept_multiple_files=True,
        key="uploads",
        help="Any format that FFmpeg reads: WAV, MP3, M4A, OGG, FLAC, WMA, AMR, MP4, MOV, MKV, WEBM, AVI …",
    )
    return [RecordingFile.from_bytes(upload.name, upload.getvalue()) for upload in uploads]


def _file_of(sample: Sample) -> RecordingFile:
    from helpers.workspace import RecordingFile

    return RecordingFile.from_path(sample.path)


def _choose_sample(title: str) -> None:
    st.session_state["source"] = SAMPLES
    st.session_state["sample"] = title


def _play(analysis: CallAnalysis, key: str, row: int) -> None:
    _play_from(key, float(analysis.segments.at[row, "start"]))


def _play_from(key: str, seconds: float) -> None:
    st.session_state[f"start {key}"] = seconds


def _show_shares(summary: ChannelSummary) -> None:
    from helpers.charts import emotion_shares

    st.altair_chart(emotion_shares(summary), alt="Share of speech time per emotion")


def _scores(analysis: CallAnalysis) -> str:
    """Say how good the model is, with the protocol that the figures come from."""
    card = analysis.model
    corpus = card.scores[0]["corpus"]
    figures = [
        f"{score['uar']:.0%} {score['condition']}" for score in card.scores if score["corpus"] == corpus
    ]
    return (
        f"On actors it never heard ({corpus}, speaker-independent), model “{card.name}” has an unweighted "
        f"average recall of {' and '.join(figures)}; it knows how emotions are performed, not what "
        "somebody feels."
    )
