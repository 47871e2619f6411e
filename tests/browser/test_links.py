"""Links in a real browser: fetched, refused, and cancelled."""

import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from helpers.links import SWITCH
from tests.browser.conftest import Server, watched_page
from tests.conftest import bursts, encode
from tests.test_links import Handler


@pytest.fixture(scope="module")
def linked_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start the app with links switched on, and a server behind them."""
    path = encode(tmp_path_factory.mktemp("media") / "a.wav", bursts((1, 3), duration=4), codec="pcm_s16le")
    Handler.recording = path.read_bytes()
    Handler.asked = []
    behind = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=behind.serve_forever, daemon=True).start()
    script = Path(__file__).with_name("linked_app.py")
    with Server(script, **{SWITCH: "1", "TEST_SERVER_PORT": str(behind.server_port)}).running() as server:
        yield server.address
    behind.shutdown()
    behind.server_close()


@pytest.fixture
def linked(browser: BrowserContext, linked_server: str) -> Iterator[Page]:
    with watched_page(browser, linked_server) as page:
        yield page


def fetch(page: Page, url: str) -> None:
    page.get_by_role("textbox", name="Or a link").fill(url)
    page.get_by_role("button", name="Fetch", exact=True).click()


def test_a_link_is_fetched_and_analysed(linked: Page) -> None:
    fetch(linked, "http://good.example/good.wav")
    expect(linked.get_by_role("heading", name="good.wav")).to_be_visible()


def test_a_link_to_the_inside_is_refused_in_one_sentence_and_the_last_result_stays(linked: Page) -> None:
    fetch(linked, "http://good.example/good.wav")
    expect(linked.get_by_role("heading", name="good.wav")).to_be_visible()
    for url in ("http://127.0.0.1/", "http://169.254.169.254/latest/meta-data", "http://good.example/inside"):
        fetch(linked, url)
        alert = linked.get_by_test_id("stAlert")
        expect(alert).to_contain_text("is not on the public internet: only public links are fetched.")
        expect(linked.get_by_role("heading", name="good.wav")).to_be_visible()
        fetch(linked, "http://good.example/good.wav")
        expect(alert).to_have_count(0)


def test_fetching_shows_progress_and_can_be_cancelled(linked: Page) -> None:
    Handler.asked.clear()
    fetch(linked, "http://good.example/slow")
    expect(linked.get_by_text("Fetching: 0.0 MB")).to_be_visible()
    linked.get_by_role("button", name="Cancel").click()
    expect(linked.get_by_text("Fetching:")).to_have_count(0)
    expect(linked.get_by_role("heading", name="Where did this customer")).to_be_visible()
    for _ in range(100):
        if "hung up" in Handler.asked:
            break
        linked.wait_for_timeout(100)
    assert "hung up" in Handler.asked
    expect(linked.get_by_test_id("stAlert")).to_have_count(0)
