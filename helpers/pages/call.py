"""The first page: recordings go in, their emotion timelines come out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from helpers.errors import HelpersError, ModelError
from helpers.pages.corrections import corrected
from helpers.pages.result import VIEW, plain, show_comparison, show_result
from helpers.pages.session import arrive, workspace
from helpers.pages.sources import Chosen, choose_recordings, choose_sample
from helpers.samples import Sample, acted_clips, synthetic_calls

if TYPE_CHECKING:
    import pandas as pd

    from helpers.analysis import CallAnalysis
    from helpers.lanes import Place, Settings
    from helpers.moments import Thresholds
    from helpers.workspace import RecordingFile

BY_NAME = "By file name"
MOST_IN_QUEUE = 5  # bars that are shown at once
QUEUE_HEIGHT = 320  # pixels
SIDES: dict[str, Place | None] = {BY_NAME: None, "Left": "left", "Right": "right"}
FIRST_HEARD: dict[str, Place | None] = {"First voice": "first", "Second voice": "second"}


def page() -> None:
    """Lay out the page."""
    arrive("call")
    place = st.empty()
    with st.sidebar:
        st.markdown("### Call Emotions")
        chosen = choose_recordings(place)
        wanted = None
        if chosen.listed or chosen.failures:
            st.divider()
            try:
                wanted = choose_model(), choose_settings()
            except ModelError as error:
                st.error(plain(str(error)), icon=":material/error:")
                st.stop()
            st.button("Start over", icon=":material/restart_alt:", on_click=start_over)
    finished = analyse(chosen, *wanted, place) if wanted else []
    if finished:
        file, analysis = choose_result(finished)
        show_result(file, analysis)
        others = [corrected(*other) for other in finished if other[1] is not analysis]
        choose_comparison(corrected(file, analysis), others)
    else:
        welcome()


def start_over() -> None:
    """Forget everything; the address forgets a setting when it is back where it began."""
    from helpers.classifier import DEFAULT_MODEL
    from helpers.lanes import CHANNEL_MODES, SMOOTHINGS
    from helpers.moments import Thresholds
    from helpers.speech import Segmentation

    chosen = {
        "sample": None,
        "customer": BY_NAME,
        "channels": CHANNEL_MODES[0],
        "model": DEFAULT_MODEL,
        "smoothing": SMOOTHINGS[0],
    }
    levels = {name: getattr(Segmentation(), name) for name in ("threshold", "min_silence", "min_speech")}
    defaults = {**chosen, **levels, **asdict(Thresholds())}
    for key in set(st.session_state) - {*defaults}:
        del st.session_state[key]
    st.session_state.update(defaults)
    st.query_params.pop(VIEW, None)


def choose_settings() -> Settings:
    """Let the analyst say who is who, and how speech is told from silence."""
    from helpers.lanes import CHANNEL_MODES, LAW, SMOOTHINGS, Settings
    from helpers.speakers import measured_error
    from helpers.speech import NARROWEST, WIDEST, Segmentation

    defaults = Segmentation()
    channels = st.selectbox(
        "Channels",
        CHANNEL_MODES,
        key="channels",
        bind="query-params",
        help="Split: each channel is a speaker. Mix: all together. Auto: split two channels that differ. "
        "Voices (experimental): as auto, and where all are on one channel, two are told apart by voice.",
    )
    places = SIDES
    if channels == "voices":
        st.caption(measured_error())
        places = SIDES | FIRST_HEARD
    customer = st.segmented_control(
        "Customer",
        list(places),
        default=BY_NAME,
        required=True,
        key="customer",
        bind="query-params",
        help="Of a two-channel call, the channel; a file name such as complaint_agent-left.mp3 says it by "
        "itself. Of voices told apart, which of them, in the order in which they are first heard.",
    )
    agent = st.toggle("Analyse the agent's emotion too", key="include_agent")
    st.caption(f"{LAW}, so the agent is left out unless you have a lawful ground to switch this on.")
    with st.expander("Advanced"):
        threshold = st.slider(
            "Speech threshold (dB above the noise)",
            *(WIDEST.threshold, NARROWEST.threshold, defaults.threshold, 1.0),
            key="threshold",
            bind="query-params",
            help="Raise it where noise is taken for speech, lower it where quiet speech is missed.",
        )
        min_silence = st.slider(
            "Shortest silence (s)",
            *(NARROWEST.min_silence, WIDEST.min_silence, defaults.min_silence, 0.1),
            key="min_silence",
            bind="query-params",
            help="Shorter pauses do not end a stretch of speech.",
        )
        min_speech = st.slider(
            "Shortest speech (s)",
            *(WIDEST.min_speech, NARROWEST.min_speech, defaults.min_speech, 0.1),
            key="min_speech",
            bind="query-params",
            help="Shorter sounds, such as clicks, are left out.",
        )
        smoothing = st.selectbox(
            "Smoothing",
            SMOOTHINGS,
            key="smoothing",
            bind="query-params",
            help="Neighbours: each segment is told together with the ones before and after it.",
        )
        thresholds = choose_thresholds()
    segmentation = Segmentation(threshold, min_speech, min_silence, defaults.speech_pad)
    return Settings(channels, places[customer], agent, segmentation, smoothing, thresholds)


def choose_thresholds() -> Thresholds:
    """Let the analyst say from when on something is a moment."""
    from helpers.moments import Thresholds

    defaults = Thresholds()
    sliders = {
        "sustained": ("Sustained anger from (s of speech)", 2.0, 30.0, 1.0),
        "calm_again": ("Recovery from (s of calm speech)", 5.0, 60.0, 1.0),
        "turn": ("Turn from (of valence)", 0.2, 1.2, 0.1),
        "talk_over": ("Talk-over from (s)", 0.5, 10.0, 0.5),
        "silence": ("Silence from (s)", 2.0, 60.0, 1.0),
    }
    return Thresholds(
        **{
            name: st.slider(label, least, most, getattr(defaults, name), step, key=name, bind="query-params")
            for name, (label, least, most, step) in sliders.items()
        }
    )


def choose_model() -> str:
    """Let the analyst choose the model."""
    from helpers.classifier import DEFAULT_MODEL

    cards = workspace().cards()
    name = st.selectbox(
        "Model",
        list(cards),
        format_func=lambda name: cards[name].title,
        key="model",
        bind="query-params",
        help="They know different emotions, and learned from different speech.",
    )
    card = cards[name or DEFAULT_MODEL]
    st.caption(f"Tells apart {', '.join(card.labels)}.")
    return card.name


def welcome() -> None:
    """Say what the page does, and offer the samples."""
    st.title("Where did this customer get angry?")
    st.markdown(
        "Upload a call, audio or video, and see the emotion of each stretch of speech on a timeline. "
        "Click a segment to hear it. Recordings are forgotten after you leave."
    )
    st.markdown("**Try a sample call**, or upload your own in the side panel.")
    show_cards(synthetic_calls())
    st.caption("The sample calls are synthetic speech: nobody spoke them.")
    st.markdown("**Or a few seconds of an actor**, fetched from CREMA-D when you choose one.")
    show_cards(acted_clips())


def show_cards(samples: Sequence[Sample]) -> None:
    """Show a card for each sample, whose button chooses it."""
    for column, sample in zip(st.columns(len(samples)), samples, strict=True):
        with column.container(border=True, height="stretch"):
            st.markdown(f"**{plain(sample.title)}**")
            st.caption(plain(sample.description))
            st.button(
                "Analyse",
                key=f"try {sample.title}",
                on_click=choose_sample,
                args=[sample.title],
                width="stretch",
            )


def analyse(
    chosen: Chosen, model: str, settings: Settings, place: DeltaGenerator
) -> list[tuple[RecordingFile, CallAnalysis]]:
    """Analyse each file, naming those that cannot be; without any result, keep the last one still there."""
    finished = []
    failures = [*chosen.failures]
    queue = Queue(chosen.files, place)
    for number, file in enumerate(chosen.files):
        try:
            progress = partial(queue.report, number)
            finished.append((file, workspace().analysis(file, settings, progress, model)))
            queue.close(number, "done")
        except HelpersError as error:
            failures.append(str(error))
            queue.close(number, "failed")
    place.empty()
    if failures:
        st.error("\n\n".join(map(plain, failures)), icon=":material/error:")
    if finished:
        st.session_state["last"] = finished
        return finished
    last = [
        (file, analysis)
        for file, analysis in st.session_state.get("last", [])
        if file in chosen.listed or isinstance(file.content, Path)
    ]
    if last:
        st.caption("The last result is still here:")
    return last


class Queue:
    """A bar of progress for each file, drawn when there is one to wait for.

    Parameters
    ----------
    files : sequence of RecordingFile
        In the order in which they are analysed.
    place : DeltaGenerator
        Where to draw.
    """

    def __init__(self, files: Sequence[RecordingFile], place: DeltaGenerator) -> None:
        self._names = [plain(file.name) for file in files]
        self._place = place
        self._bars: list[DeltaGenerator] = []

    def report(self, number: int, stage: str, done: float) -> None:
        """Show how far a file is; those before it are finished."""
        if not self._bars:
            box = self._place.container(
                height=QUEUE_HEIGHT if len(self._names) > MOST_IN_QUEUE else "content"
            )
            self._bars = [box.progress(0.0, f"{name}: waiting") for name in self._names]
            for before in range(number):
                self.close(before, "done")
        self._bars[number].progress(min(done, 1.0), f"{self._names[number]}: {stage} …")

    def close(self, number: int, outcome: str) -> None:
        """Say how a file ended."""
        if self._bars:
            self._bars[number].progress(1.0, f"{self._names[number]}: {outcome}")


def choose_comparison(analysis: CallAnalysis, others: Sequence[CallAnalysis]) -> None:
    """Let the analyst lay another recording beside the one that is shown."""
    if not others:
        return
    index = st.selectbox(
        "Compare with",
        range(len(others)),
        index=None,
        format_func=lambda number: others[number].name,
        placeholder="Another recording",
        key="compared",
    )
    if index is not None and index < len(others):
        show_comparison(analysis, others[index])


def choose_result(
    finished: Sequence[tuple[RecordingFile, CallAnalysis]],
) -> tuple[RecordingFile, CallAnalysis]:
    """Let the analyst compare several recordings in a table, and choose the one that is shown."""
    from helpers.exports import call_rows
    from helpers.miniature import WIDTH, miniature

    if len(finished) == 1:
        return finished[0]
    analyses = [corrected(*each) for each in finished]
    calls = call_rows(analyses)
    shares = ["Anger", "Uncertain"]
    calls[shares] *= 100
    calls.insert(1, "Timeline", [miniature(analysis) for analysis in analyses])
    calls = choose_rows(calls)
    percent = st.column_config.ProgressColumn(
        width="small", format="%.0f %%", min_value=0, max_value=100, help="Share of the speech time."
    )
    st.caption("Tick a recording to open it; click a heading to sort.")
    table = st.dataframe(
        calls,
        key=f"calls {hash(tuple(calls.index))}",
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row-required",
        column_config={
            "Timeline": st.column_config.ImageColumn(
                width=WIDTH + 8, help="The emotion that prevails, from start to end."
            ),
            "Length": st.column_config.NumberColumn(format="%.0f s"),
            **dict.fromkeys(shares, percent),
        },
    )
    chosen = table["selection"]["rows"]
    return finished[calls.index[chosen[0] if chosen and chosen[0] < len(calls) else 0]]


def choose_rows(calls: pd.DataFrame) -> pd.DataFrame:
    """Let the analyst narrow a table of calls; all of them where none would be left."""
    with st.container(horizontal=True, vertical_alignment="center"):
        emotions = st.pills(
            "Main emotion",
            calls["Main emotion"].dropna().unique().tolist(),
            selection_mode="multi",
            key="emotions listed",
        )
        anger = st.slider("Anger at least (%)", 0, 100, 0, 5, key="anger listed")
    listed = calls[
        (calls["Main emotion"].isin(emotions) if emotions else True) & (calls["Anger"].fillna(0) >= anger)
    ]
    if listed.empty:
        st.caption("No call is like that, so all are listed.")
        return calls
    return listed
