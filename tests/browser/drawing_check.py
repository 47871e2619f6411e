"""Draw ten hours in a real browser: ``make drawing-check``.

Prints the seconds from a click until the timeline stands there: the server's part, the way and the drawing.
Fails where ten hours take longer to draw than an analyst is to wait.
"""

import shutil
import statistics
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Locator, Page, sync_playwright

from tests.browser.conftest import FLAGS, PATIENCE, Server, settled

LONGEST = 2.0  # seconds
TIMES = 5
TIMELINE = "[data-testid=stVegaLiteChart] svg.marks"
DRAWN = """([timeline, before]) => {
    const chart = document.querySelector(timeline);
    return chart && chart.innerHTML !== before && chart.querySelectorAll("path").length > 100;
}"""


def main() -> int:
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch_persistent_context(
            Path(folder) / "profile", executable_path=shutil.which("chromium"), args=FLAGS
        )
        browser.set_default_timeout(PATIENCE)
        with Server(Path(__file__).with_name("long_app.py")).running() as server:
            whole, closer = zip(*(_measure(browser.new_page(), server) for _ in range(TIMES)), strict=True)
        browser.close()
    print(f"Ten hours, 12,000 segments: {statistics.median(whole):.2f} s until they are drawn,")
    print(f"{statistics.median(closer):.2f} s until half of them are (medians of {TIMES}).")
    return int(statistics.median(whole) > LONGEST)


def _measure(page: Page, server: Server) -> tuple[float, float]:
    page.goto(server.address)
    settled(page)
    whole = _seconds(page, page.get_by_text("Show", exact=True))
    settled(page)
    closer = _seconds(page, page.get_by_role("button", name="Closer"))
    page.close()
    return whole, closer


def _seconds(page: Page, button: Locator) -> float:
    before = page.evaluate("timeline => document.querySelector(timeline)?.innerHTML", TIMELINE)
    begin = time.monotonic()
    button.click()
    page.wait_for_function(DRAWN, arg=[TIMELINE, before])
    return time.monotonic() - begin


if __name__ == "__main__":
    sys.exit(main())
