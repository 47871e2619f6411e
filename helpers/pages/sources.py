"""Where recordings come from, as widgets of the side panel: uploads, samples, the recorder, a link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from helpers.errors import HelpersError
from helpers.links import links_enabled
from helpers.samples import list_samples

if TYPE_CHECKING:
    from helpers.workspace import RecordingFile

CLIP_NAME = "Recorded clip.wav"

_UPLOADS, _SAMPLE, _CLIP, _LINK = "uploads", "sample", "clip", "link"
_KEPT = "kept "


@dataclass(frozen=True)
class Chosen:
    """What the analyst chose.

    Attributes
    ----------
    files : list of RecordingFile
        Of the source that was touched last.
    listed : list of RecordingFile
        Of all sources.
    failures : list of str
        A sentence for each source that could not give its recording.
    """

    files: list[RecordingFile]
    listed: list[RecordingFile]
    failures: list[str]


def choose_recordings(place: DeltaGenerator) -> Chosen:
    """Let the analyst choose recordings; `place` shows the progress of what is fetched."""
    failures: list[str] = []
    sources = {_UPLOADS: uploads(), _CLIP: clip()}
    if links_enabled():
        sources[_LINK] = link(place, failures)
    sources[_SAMPLE] = sample(place, failures)
    touched = sources.get(st.session_state.get("chosen", ""))
    files = touched or next((files for files in sources.values() if files), [])
    return Chosen(files, [file for each in sources.values() for file in each], failures)


def uploads() -> list[RecordingFile]:
    """Let the analyst upload recordings."""
    files = st.file_uploader(
        "Your calls, audio or video",
        accept_multiple_files=True,
        key=_UPLOADS,
        on_change=_choose,
        args=[_UPLOADS],
        help="Any format that FFmpeg reads: WAV, MP3, M4A, OGG, FLAC, WMA, AMR, MP4, MOV, MKV, WEBM, AVI …",
    )
    return _kept(_UPLOADS, [_held(file.name, file.getvalue()) for file in files])


def clip() -> list[RecordingFile]:
    """Let the analyst record a clip."""
    recorded = st.audio_input(
        "Or record a clip",
        key=_CLIP,
        on_change=_choose,
        args=[_CLIP],
        help="It is analysed when you stop, and forgotten when you leave.",
    )
    return _kept(_CLIP, [_held(CLIP_NAME, recorded.getvalue())] if recorded else [])


def link(place: DeltaGenerator, failures: list[str]) -> list[RecordingFile]:
    """Let the analyst fetch a recording by its address."""
    with st.form("link form", border=False):
        url = st.text_input(
            "Or a link",
            key="url",
            placeholder="https://…",
            help="To an audio or video file, or to a page that yt-dlp knows. The server fetches it.",
        )
        fetch = st.form_submit_button("Fetch", icon=":material/link:")
    if fetch and url:
        try:
            fetched = _fetched(url.strip(), place)
            _choose(_LINK)
            return _kept(_LINK, [fetched])
        except HelpersError as error:
            failures.append(str(error))
    return _kept(_LINK, [])


def sample(place: DeltaGenerator, failures: list[str]) -> list[RecordingFile]:
    """Let the analyst pick one of the preloaded recordings."""
    from helpers.samples import local_path

    listed = {sample.title: sample for sample in list_samples()}
    kept = st.session_state.get(_KEPT + _SAMPLE)
    if kept:
        st.session_state.setdefault(_SAMPLE, kept)
    title = st.selectbox(
        "Or a sample",
        list(listed),
        index=None,
        placeholder="Choose one",
        key=_SAMPLE,
        bind="query-params",
        on_change=_choose,
        args=[_SAMPLE],
        help="The calls are synthetic speech: nobody spoke them. The acted clips are fetched when chosen.",
    )
    st.session_state[_KEPT + _SAMPLE] = title
    if not title:
        return []
    from helpers.workspace import RecordingFile

    try:
        with place, st.spinner("Fetching the sample …", show_time=True):
            path = local_path(listed[title])
    except HelpersError as error:
        failures.append(str(error))
        return []
    if listed[title].credit:
        st.caption(listed[title].credit)
    return [RecordingFile.from_path(path)]


def choose_sample(title: str) -> None:
    """Choose a sample as if it was picked from the list."""
    st.session_state[_SAMPLE] = title
    _choose(_SAMPLE)


def _held(name: str, content: bytes) -> RecordingFile:
    from helpers.workspace import RecordingFile

    return RecordingFile.from_bytes(name, content)


def _fetched(url: str, place: DeltaGenerator) -> RecordingFile:
    """Fetch a recording; a click on Cancel reruns the page, which ends this at the next progress."""
    from helpers.links import fetch

    with place.container():
        bar = st.progress(0.0, "Connecting …")
        st.button("Cancel", icon=":material/close:", key="cancel link")
    try:
        fetched = fetch(url, progress=bar.progress)
    finally:
        place.empty()
    return _held(fetched.name, fetched.content)


def _choose(source: str) -> None:
    """Remember which source was touched last, and forget what it had."""
    st.session_state["chosen"] = source
    st.session_state.pop(_KEPT + source, None)


def _kept(source: str, files: list[RecordingFile]) -> list[RecordingFile]:
    """Keep what a widget holds, which it forgets while another page is shown."""
    if files:
        st.session_state[_KEPT + source] = files
    return st.session_state.get(_KEPT + source, [])
