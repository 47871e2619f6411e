"""The live page: speak, see the emotions while speaking, and get the full analysis when it stops."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import streamlit as st

from helpers.errors import HelpersError, SpeechError
from helpers.pages.result import plain, show_result
from helpers.pages.session import arrive, microphone, workspace
from helpers.pages.sources import clip

if TYPE_CHECKING:
    from helpers.live import LiveView
    from helpers.microphone import FrameCount, Take
    from helpers.workspace import RecordingFile

NAME = "Live recording.wav"
REFRESH = 0.3
PATIENCE = 10.0

_PAGE, _STREAMER, _FINISHED, _SINCE = "live", "live", "live finished", "live since"
_QUIETEST, _LOUDEST = -60.0, 0.0  # dBFS, of the level meter
_RECENT = 2.0  # seconds
_INSTEAD = "You can still record a clip or upload a file on the page “Call”."
_REFUSALS = {
    "denied": "This browser refuses the microphone to this page. Allow it in the site settings, beside the "
    f"address, and press Start again. {_INSTEAD}",
    "missing": f"No microphone was found. Connect one, or choose it in the system's settings. {_INSTEAD}",
    "insecure": "Browsers give the microphone only to pages that were opened with https, or on localhost. "
    f"Open this page that way. {_INSTEAD}",
}
_NO_CONNECTION = (
    "The sound does not get from your browser to this server. A firewall may be in the way, or the server "
    f"has no TURN relay for such networks. {_INSTEAD}"
)
_NO_RELAY = (
    "This server has no TURN relay, so live sound may not get through from your network. If Start does not "
    "connect, press Stop and record a clip here."
)
_NOTHING_HEARD = "No speech was heard: speak closer to the microphone, or choose another one."
_ACCESS_JS = """
const told = new WeakMap();
export default function ({ parentElement, setStateValue }) {
  const tell = (access) => {
    if (told.get(parentElement) === access) return;
    told.set(parentElement, access);
    setStateValue("access", access);
  };
  const look = async () => {
    const media = navigator.mediaDevices;
    if (!media || !media.getUserMedia) return tell("insecure");
    try {
      const permission = await navigator.permissions.query({ name: "microphone" });
      permission.onchange = look;
      if (permission.state === "denied") return tell("denied");
    } catch {}
    const devices = await media.enumerateDevices();
    tell(devices.some((device) => device.kind === "audioinput") ? "possible" : "missing");
  };
  look();
  navigator.mediaDevices?.addEventListener("devicechange", look);
  return () => navigator.mediaDevices?.removeEventListener("devicechange", look);
}
"""


@dataclass(frozen=True)
class Finished:
    """What is left of a take that has stopped.

    Attributes
    ----------
    file : RecordingFile or None
        None where there was no sound.
    heard : float
        How long it lasted; the file has the end of it [seconds].
    count : FrameCount
    failure : HelpersError or None
        Why there is no analysis.
    """

    file: RecordingFile | None
    heard: float
    count: FrameCount
    failure: HelpersError | None


def page() -> None:
    """Lay out the page."""
    from helpers.live import KEPT

    if not arrive(_PAGE):
        _excuse_interrupted_runs()
    st.title("How does it sound right now?", anchor=False)
    st.markdown(
        "Press **Start** (again, if nothing happens) and speak: each stretch of speech gets its emotion "
        f"while you go on. **Stop** gives the full analysis. The last {KEPT / 60:g} minutes of sound are "
        "kept, and forgotten after you leave."
    )
    refusal = _REFUSALS.get(microphone_access())
    if refusal:
        st.error(refusal, icon=":material/mic_off:")
    state = streamer()
    if state.playing or state.signalling:
        st.session_state.setdefault(_SINCE, time.monotonic())
        show_live()
        return
    st.session_state.pop(_SINCE, None)
    take = microphone().stop()
    if take:
        st.session_state[_FINISHED] = _finished(take)
        microphone().close()
    finished = st.session_state.get(_FINISHED)
    if finished:
        show_finished(finished)
    elif not refusal:
        show_advice()


def microphone_access() -> str:
    """Ask the browser whether it would give a microphone: possible, denied, missing, insecure or unknown."""
    look = st.components.v2.component("microphone_access", js=_ACCESS_JS)
    answer = look(key="microphone access", default={"access": "unknown"}, on_access_change=lambda: None)
    return str(answer.get("access"))


def streamer() -> Any:
    """Show the buttons of the microphone, and give the state of its connection."""
    from streamlit_webrtc import WebRtcMode, create_audio_sink_track, webrtc_streamer

    from helpers.relay import rtc_configuration

    raw = {"echoCancellation": False, "noiseSuppression": False, "autoGainControl": False}
    return webrtc_streamer(
        _STREAMER,
        mode=WebRtcMode.SENDONLY,
        rtc_configuration=rtc_configuration(_host()),
        media_stream_constraints={"audio": raw, "video": False},
        sink_audio_track=create_audio_sink_track(
            microphone().receive, key="live sink", on_ended=microphone().end
        ),
        on_change=_switched,
        translations={
            "start": "Start",
            "stop": "Stop",
            "select_device": "Choose microphone",
            "device_ask_permission": "Allow the microphone in your browser.",
            "device_not_available": "No microphone was found.",
            "device_access_denied": "The browser refuses the microphone: allow it in the site settings.",
        },
    ).state


@st.fragment(run_every=REFRESH)
def show_live() -> None:
    """Show what is heard; reruns several times a second."""
    take = microphone().take()
    if take and take.failure:
        st.error(plain(str(take.failure)), icon=":material/error:")
    elif take and take.view and take.count.received:
        show_view(take.view, take.count)
    elif time.monotonic() - st.session_state.get(_SINCE, time.monotonic()) < PATIENCE:
        st.info("Connecting …", icon=":material/sync:")
    else:
        st.warning(_NO_CONNECTION, icon=":material/wifi_off:")


def show_view(view: LiveView, count: FrameCount) -> None:
    """Show level, present emotion, timeline and the account of the frames."""
    from helpers.analysis import SEGMENT_COLUMNS
    from helpers.charts import live_rows, live_timeline
    from helpers.exports import clock

    now, level = st.columns([1, 2], vertical_alignment="center")
    name, confidence = _present_emotion(view)
    now.metric("Now", name, confidence, delta_color="off", delta_arrow="off", border=True)
    heard = max(view.level, _QUIETEST)
    level.progress(
        min(1.0, (heard - _QUIETEST) / (_LOUDEST - _QUIETEST)),
        f"Level: {heard:.0f} dBFS, {clock(view.duration)} heard",
    )
    labels = tuple(view.segments.columns[len(SEGMENT_COLUMNS) :])
    st.vega_lite_chart(live_rows(view), live_timeline(labels), key="live timeline")
    st.caption(_account(count))


def show_finished(finished: Finished) -> None:
    """Show the full analysis of what was said."""
    from helpers.live import KEPT

    if finished.failure:
        st.error(plain(str(finished.failure)), icon=":material/error:")
    elif not finished.file:
        st.error(_NO_CONNECTION, icon=":material/wifi_off:")
        offer_recorder()
    else:
        kept = f" Of {finished.heard / 60:.0f} minutes, the last {KEPT / 60:g} are analysed."
        st.caption(f"That was all: {_account(finished.count)}{kept if finished.heard > KEPT else ''}")
        show_analysis(finished.file)


def show_analysis(file: RecordingFile) -> None:
    """Analyse what was recorded, and show it."""
    from helpers.lanes import Settings

    place = st.empty()

    def progress(stage: str, done: float) -> None:
        place.progress(min(done, 1.0), f"{stage} …")

    try:
        analysis = workspace().analysis(file, Settings(), progress)
    except SpeechError:
        st.error(_NOTHING_HEARD, icon=":material/error:")
        st.audio(file.content)
    except HelpersError as error:
        st.error(plain(str(error)), icon=":material/error:")
    else:
        show_result(file, analysis)
    finally:
        place.empty()


def offer_recorder() -> None:
    """Offer the recorder of clips, which needs no connection of its own."""
    for file in clip():
        show_analysis(file)


def show_advice() -> None:
    """Say what helps, before the first start."""
    from helpers.relay import has_relay, is_near

    st.caption(
        "The emotions of everybody who is heard are analysed. At work that is restricted by law (EU AI Act, "
        "Art. 5): have a lawful ground, and tell those who speak."
    )
    if not has_relay() and not is_near(_host()):
        st.info(_NO_RELAY, icon=":material/info:")
        offer_recorder()


def _excuse_interrupted_runs() -> None:
    """Have the connection kept where runs of this page ended before they came to the buttons.

    streamlit-webrtc 0.79 counts the runs that did not show its buttons, takes them for a visit to another
    page and closes the connection. While it connects, its reruns interrupt one another: one start in ten
    failed.
    """
    from streamlit_webrtc.session_info import get_script_run_count, get_this_session_info

    context, session = st.session_state.get(_STREAMER), get_this_session_info()
    if context and session:
        context._last_rendered_run_count = get_script_run_count(session) - 1


def _switched() -> None:
    """Begin a take when the connection begins."""
    state = st.session_state[_STREAMER].state
    if (state.playing or state.signalling) and not microphone().is_listening:
        st.session_state.pop(_FINISHED, None)
        microphone().start(NAME)


def _finished(take: Take) -> Finished:
    from helpers.media import to_wav
    from helpers.workspace import RecordingFile

    sound = take.recording if take.count.received else None
    file = RecordingFile.from_bytes(sound.name, to_wav(sound)) if sound else None
    return Finished(file, take.view.duration if take.view else 0.0, take.count, take.failure)


def _host() -> str:
    return urlsplit(st.context.url or "").hostname or "localhost"


def _present_emotion(view: LiveView) -> tuple[str, str | None]:
    """Name the emotion of who speaks now, or has just spoken."""
    recent = view.segments[view.segments["end"] > view.duration - _RECENT]
    if recent.empty:
        return "silence", None
    last = recent.iloc[-1]
    return str(last["emotion"]), f"{last['confidence']:.0%}"


def _account(count: FrameCount) -> str:
    """Account for the frames."""
    waiting = count.received - count.heard - count.refused
    return (
        f"{count.received} frames of sound received, {count.heard} analysed, {waiting} waiting, "
        f"{count.refused} refused; {count.missing:.1f} s missing, filled with silence."
    )
