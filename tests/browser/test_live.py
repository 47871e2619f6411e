"""The microphone in a real browser, which plays a file into it: recorded clips, live analysis, failures."""

import signal
import statistics
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import BrowserContext, FrameLocator, Locator, Page, TimeoutError, expect

from helpers.analysis import analyze
from helpers.classifier import load_model
from helpers.media import SAMPLE_RATE, Recording, decode, to_wav
from helpers.samples import SAMPLES
from tests.browser.conftest import MICROPHONE, PATIENCE, Launch, Server, download, watched_page

BEFORE, SPOKEN = 4.0, 14.0  # seconds; the second ends between two utterances
COUNT_SENT = """
window.sent = 0;
const Original = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Original {
  constructor(...settings) {
    super(...settings);
    window.sent = 0;
    const watch = setInterval(async () => {
      if (this.connectionState === "closed") return clearInterval(watch);
      for (const report of (await this.getStats()).values())
        if (report.type === "outbound-rtp") window.sent = report.packetsSent;
    }, 50);
  }
};
"""
SEEN = """() => {
  const heard = document.body.innerText.match(/([0-9]+):([0-9.]+) heard/);
  return [document.querySelector("iframe").contentWindow.sent, heard ? 60 * heard[1] + 1 * heard[2] : null];
}"""


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Speech of a sample call: after a silence, in which the connection is made, and before a long one."""
    agent = decode(next(SAMPLES.glob("neutral*"))).samples[0]
    before, after = (np.zeros(round(seconds * SAMPLE_RATE), np.int16) for seconds in (BEFORE, 60))
    padded = np.concatenate([before, agent[: round(SPOKEN * SAMPLE_RATE)], after])
    path = tmp_path_factory.mktemp("microphone") / "spoken.wav"
    path.write_bytes(to_wav(Recording("spoken.wav", padded[np.newaxis])))
    return path


@pytest.fixture(scope="module")
def speaker(launch: Launch, spoken: Path) -> Iterator[BrowserContext]:
    """A browser whose microphone plays the file."""
    context = launch(*MICROPHONE, f"--use-file-for-fake-audio-capture={spoken}")
    context.add_init_script(COUNT_SENT)
    yield context
    context.close()


@pytest.fixture
def live(speaker: BrowserContext, address: str) -> Iterator[Page]:
    with watched_page(speaker, address) as page:
        open_live(page)
        yield page


def open_live(page: Page) -> None:
    page.get_by_role("link", name="Live").click()
    expect(page.get_by_role("heading", name="How does it sound")).to_be_visible()
    expect(buttons(page).get_by_role("button", name="Start")).to_be_enabled()


def buttons(page: Page) -> FrameLocator:
    return page.frame_locator("iframe")


def press_start(page: Page, awaited: Locator) -> None:
    """Press Start until something comes of it: one click in twenty does nothing."""
    for _ in range(5):
        buttons(page).get_by_role("button", name="Start").click()
        try:
            return awaited.first.wait_for(timeout=5_000)
        except TimeoutError:
            pass
    raise AssertionError("Start does nothing")


def start(page: Page) -> None:
    press_start(page, buttons(page).get_by_role("button", name="Stop"))
    expect(page.get_by_text("frames of sound received")).to_be_visible()


def stop(page: Page) -> None:
    buttons(page).get_by_role("button", name="Stop").click()
    expect(page.get_by_text("That was all")).to_be_visible()


def account(page: Page) -> list[float]:
    """Read the frames received, analysed, waiting and refused, and the seconds missing."""
    words = page.get_by_text("frames of sound received").inner_text().split()
    return [float(word) for word in words if word.replace(".", "").isdecimal()]


def segments_of(csv: bytes, path: Path) -> pd.DataFrame:
    path.write_bytes(csv)
    return pd.read_csv(path)


def assert_like_the_file(heard: pd.DataFrame, spoken: Path) -> None:
    """Compare with the file's own segments: they lie as far apart, and most are most probably the same.

    The way through the browser moves a cut by a tenth of a second, and a confidence beyond the threshold.
    """
    expected = analyze(spoken).segments
    assert len(heard) == len(expected) >= 3
    shift = heard["start"][0] - expected["start"][0]
    np.testing.assert_allclose(heard["start"] - shift, expected["start"], atol=0.15)
    np.testing.assert_allclose(heard["end"] - shift, expected["end"], atol=0.15)
    emotions = list(load_model().card.labels)
    told, wanted = (table[emotions].to_numpy().argmax(axis=1) for table in (heard, expected))
    assert (told == wanted).mean() > 0.6


def test_what_was_said_live_is_analysed_like_its_file(live: Page, spoken: Path, tmp_path: Path) -> None:
    start(live)
    live.wait_for_timeout((BEFORE + SPOKEN) * 1_000)
    stop(live)
    assert_like_the_file(segments_of(download(live, "Segments (CSV)"), tmp_path / "live.csv"), spoken)
    assert b'"emotion"' in download(live, "Everything (JSON)")
    assert decode(download(live, "Recording (WAV)")).duration > SPOKEN


def test_timeline_level_and_emotion_move_while_speaking(live: Page) -> None:
    start(live)
    chart = live.get_by_test_id("stVegaLiteChart")
    chart.locator("svg .mark-text text").first.wait_for(state="attached")
    seen = set()
    for _ in range(20):
        level = live.get_by_text("dBFS").inner_text()
        letters = tuple(chart.locator("svg .mark-text text").all_text_contents())
        seen.add((level, letters))
        live.wait_for_timeout(300)
    assert len({level for level, _ in seen}) > 5
    assert len({letters for _, letters in seen}) > 1
    assert live.get_by_test_id("stMetricValue").first.inner_text() in {
        *("angry", "happy", "neutral", "sad", "uncertain", "silence")
    }


def test_the_page_is_less_than_a_second_behind_the_voice(live: Page) -> None:
    """A packet is 20 ms of sound: what the browser has sent, against what the page shows as heard."""
    start(live)
    live.wait_for_timeout(2_000)
    behind = []
    for _ in range(40):
        sent, heard = live.evaluate(SEEN)
        behind.append(sent * 0.02 - heard)
        live.wait_for_timeout(100)
    assert statistics.median(behind) < 1.0


def test_every_frame_that_was_sent_is_accounted_for_while_the_page_reruns(live: Page) -> None:
    start(live)
    for _ in range(6):
        live.wait_for_timeout(700)
        live.keyboard.press("r")
    live.wait_for_timeout(1_500)
    received, analysed, waiting, refused, missing = account(live)
    assert received == analysed + waiting + refused
    stop(live)
    sent = live.evaluate(SEEN)[0]
    received, analysed, waiting, refused, missing = account(live)
    assert analysed == received > 250
    assert (waiting, refused, missing) == (0, 0, 0)
    assert sent - 15 <= received <= sent + 15  # on their way when it stopped


def test_stop_and_start_again_two_tabs_and_a_tab_that_is_lost(live: Page, speaker: BrowserContext) -> None:
    start(live)
    live.wait_for_timeout(2_000)
    with_other = speaker.new_page()
    with_other.goto(live.url.rsplit("/", 1)[0])
    open_live(with_other)
    start(with_other)
    with_other.wait_for_timeout(2_000)
    before = account(live)[0]
    with_other.close()
    live.bring_to_front()
    for _ in range(60):  # browsers slow down what stands in the background
        if account(live)[0] > before + 30:
            break
        live.wait_for_timeout(500)
    assert account(live)[0] > before + 30
    stop(live)
    first = account(live)[0]
    start(live)
    live.wait_for_timeout(2_500)
    assert account(live)[0] < first
    stop(live)
    assert 50 < account(live)[0] < first


def test_another_page_ends_the_take_which_is_there_on_return(live: Page) -> None:
    start(live)
    live.wait_for_timeout(3_000)
    live.get_by_role("link", name="Call").click()
    expect(live.get_by_role("heading", name="Where did this customer")).to_be_visible()
    live.wait_for_timeout(1_500)
    open_live(live)
    expect(live.get_by_text("That was all")).to_be_visible()
    assert 100 < account(live)[0] < 600


def test_a_server_that_is_started_again_finds_the_page_ready(speaker: BrowserContext) -> None:
    server = Server()
    with server.running():
        page = speaker.new_page()
        page.goto(server.address)
        open_live(page)
        start(page)
        server.stop(signal.SIGKILL)
        server.start()
        expect(buttons(page).get_by_role("button", name="Start")).to_be_visible(timeout=2 * PATIENCE)
        start(page)
        page.wait_for_timeout(1_500)
        assert account(page)[0] > 30
        page.close()


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (
            ["--use-fake-ui-for-media-stream=deny", "--use-fake-device-for-media-stream"],
            "This browser refuses the microphone to this page.",
        ),
        (["--use-fake-device-for-media-stream"], "This browser refuses the microphone to this page."),
        (["--use-fake-ui-for-media-stream"], "No microphone was found."),
    ],
    ids=["refused", "refused when asked", "no device"],
)
def test_without_a_microphone_it_says_why_and_what_to_do(
    launch: Launch, address: str, flags: list[str], words: str
) -> None:
    context = launch(*flags)
    page = context.new_page()
    page.goto(address)
    open_live(page)
    press_start(page, page.get_by_test_id("stAlert"))
    expect(page.get_by_test_id("stAlert")).to_contain_text(words)
    expect(page.get_by_test_id("stAlert")).to_contain_text("You can still record a clip or upload a file")
    context.close()


def test_a_connection_that_does_not_come_about_is_said_and_the_recorder_offered(
    launch: Launch, address: str
) -> None:
    blocked = "webrtc-ip-handling-policy=disable_non_proxied_udp"
    context = launch(*MICROPHONE, f"--{blocked}", f"--force-{blocked}")
    page = context.new_page()
    page.goto(address)
    open_live(page)
    press_start(page, page.get_by_test_id("stAlert"))
    expect(page.get_by_test_id("stAlert")).to_contain_text("Connecting")
    sentence = "The sound does not get from your browser to this server."
    expect(page.get_by_test_id("stAlert")).to_contain_text(sentence)
    expect(page.get_by_test_id("stAlert")).to_contain_text("You can still record a clip or upload a file")
    buttons(page).get_by_role("button", name="Stop").click()
    expect(buttons(page).get_by_role("button", name="Start")).to_be_visible()
    expect(page.get_by_test_id("stAlert")).to_contain_text(sentence)
    context.close()


def test_a_recorded_clip_is_analysed_like_its_file(
    speaker: BrowserContext, address: str, spoken: Path, tmp_path: Path
) -> None:
    with watched_page(speaker, address) as page:
        recorder = page.get_by_test_id("stAudioInput")
        recorder.get_by_role("button", name="Record", exact=True).click()
        page.wait_for_timeout((BEFORE + SPOKEN) * 1_000)
        recorder.get_by_role("button", name="Stop recording").click()
        expect(page.get_by_role("heading", name="Recorded clip.wav")).to_be_visible()
        assert_like_the_file(segments_of(download(page, "Segments (CSV)"), tmp_path / "clip.csv"), spoken)
        page.wait_for_function(
            "() => { const a = document.querySelector('audio'); return a && a.duration > 9; }"
        )
        assert decode(download(page, "Recording (WAV)")).duration > SPOKEN


@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_sticks_out_of_the_live_page(live: Page, width: int) -> None:
    live.set_viewport_size({"width": width, "height": 900})
    start(live)
    live.get_by_test_id("stVegaLiteChart").locator("svg").first.wait_for()
    main = live.get_by_test_id("stMain")
    assert main.evaluate("element => element.scrollWidth <= element.clientWidth")
