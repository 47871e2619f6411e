"""A real server and a real browser, and what the tests do with them."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import BrowserContext, Page, Playwright, expect, sync_playwright

from helpers.exports import clock
from helpers.links import SWITCH
from helpers.samples import FOLDER_VARIABLE, list_samples, local_path
from tests.conftest import missing

ROOT = Path(__file__).parents[2]
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--mute-audio"),
]
MICROPHONE = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
PATIENCE = 60_000  # milliseconds, for two busy cores

expect.set_options(timeout=PATIENCE)


class Server:
    """The app as `make run` starts it, on a free port, which it keeps when it is started again."""

    def __init__(
        self, script: Path = ROOT / "streamlit_app.py", *, python: str = sys.executable, **environment: str
    ) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        inherited = {key: value for key, value in os.environ.items() if key not in (FOLDER_VARIABLE, SWITCH)}
        self._environment = inherited | {"PYTHONPATH": str(ROOT)} | environment
        self._script = script
        self._python = python

    def start(self) -> None:
        self._process = subprocess.Popen(
            [
                *(self._python, "-m", "streamlit", "run", str(self._script)),
                *("--server.headless=true", f"--server.port={self.port}", "--server.address=127.0.0.1"),
            ],
            cwd=ROOT,
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _wait_for(f"{self.address}/_stcore/health")

    def peak(self) -> float:
        """Read the peak of the memory that the server held until now [MiB]."""
        return self._status("VmHWM")

    def memory(self) -> float:
        """Read the memory that the server holds [MiB]."""
        return self._status("VmRSS")

    def _status(self, field: str) -> float:
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(status.split(f"{field}:")[1].split()[0]) / 1024

    @contextmanager
    def running(self) -> Iterator[Server]:
        """Run it for a while; however that ends, it is stopped."""
        self.start()
        try:
            yield self
        finally:
            self.stop()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        self._process.send_signal(how)
        self._process.wait(timeout=20)


def _wait_for(url: str) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(url).close()
            return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    raise AssertionError(f"{url} did not answer in 30 s")


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    with Server().running() as server:
        yield server.address


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


Launch = Callable[..., BrowserContext]


@pytest.fixture(scope="session")
def launch(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Launch:
    """Give what starts a browser with further flags."""
    chromium = shutil.which("chromium")
    if not chromium:
        missing("Debian's chromium")

    def start(*flags: str) -> BrowserContext:
        context = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"),
            executable_path=chromium,
            args=[*FLAGS, *flags],
            viewport={"width": 1440, "height": 1300},
            accept_downloads=True,
            reduced_motion="reduce",  # a seventh of the browser's work is drawing what moves
        )
        context.set_default_timeout(PATIENCE)
        return context

    return start


@pytest.fixture(scope="session")
def browser(launch: Launch) -> Iterator[BrowserContext]:
    context = launch()
    yield context
    context.close()


@pytest.fixture
def page(browser: BrowserContext, address: str) -> Iterator[Page]:
    """A new tab on the app, that must neither log an error nor ask anybody else for anything."""
    with watched_page(browser, address) as page:
        yield page


@contextmanager
def watched_page(browser: BrowserContext, address: str) -> Iterator[Page]:
    page = browser.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: _note_foreign(request.url, address, complaints))
    page.goto(address)
    expect(page.get_by_role("heading", name="Where did this customer")).to_be_visible()
    settled(page)
    yield page
    page.close()
    assert complaints == []


def settled(page: Page) -> None:
    """Wait until the server has said all it had to say."""
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


def _note_foreign(url: str, address: str, complaints: list[str]) -> None:
    if not url.startswith((address, address.replace("http", "ws"), "data:", "blob:")):
        complaints.append(f"asked {url}")


def choose_sample(page: Page, number: int) -> Path:
    sample = list_samples()[number]
    box = page.get_by_test_id("stSidebar").get_by_role("combobox", name="Or a sample")
    box.fill(sample.title)
    box.press("Enter")
    path = local_path(sample)
    expect(page.get_by_role("heading", name=path.name)).to_be_visible()
    return path


def play_segment(page: Page, segments: pd.DataFrame, number: int) -> None:
    """Step to a segment by the key, each step once the one before has been shown."""
    for start, end in segments[["start", "end"]].to_numpy()[: number + 1]:
        page.keyboard.press("n")
        expect(page.get_by_text(f"{clock(start)} to {clock(end)}", exact=False).first).to_be_visible()


def upload(page: Page, *files: Path) -> None:
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(files)


def download(page: Page, button: str) -> bytes:
    settled(page)
    with page.expect_download() as waiting:
        page.get_by_role("button", name=button).click()
    return Path(waiting.value.path()).read_bytes()


def command_line(path: Path) -> bytes:
    """Analyse a file by the command line, as CSV."""
    return subprocess.run(
        [sys.executable, "-m", "helpers", "analyze", str(path), "--format", "csv"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout
