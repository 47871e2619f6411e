"""Take the screenshots of README and docs: ``make screenshots``."""

import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from playwright.sync_api import BrowserContext, Page, Playwright, expect, sync_playwright

from helpers.samples import local_path, synthetic_calls
from tests.browser.conftest import FLAGS, ROOT, Server, choose_sample, upload

DOCS = ROOT / "docs"
WELCOME = "Where did this customer"
SETTLED = 2_500  # milliseconds
STATES: dict[str, tuple[int, int, Literal["light", "dark"]]] = {
    "page": (1440, 1150, "light"),
    "page-dark": (1440, 1150, "dark"),
    "page-phone": (390, 844, "dark"),
    "welcome": (1440, 900, "light"),
    "several": (1440, 900, "light"),
}


def main() -> int:
    with TemporaryDirectory() as folder, sync_playwright() as playwright, Server().running() as server:
        for name, (width, height, theme) in STATES.items():
            browser = _browser(playwright, Path(folder) / name, width, height, theme)
            page = browser.new_page()
            page.goto(server.address)
            expect(page.get_by_role("heading", name="Where did this customer")).to_be_visible()
            _arrange(page, name)
            page.wait_for_timeout(SETTLED)
            page.mouse.move(5, 5)
            page.screenshot(path=DOCS / f"{name}.png")
            browser.close()
    return 0


def _browser(
    playwright: Playwright, profile: Path, width: int, height: int, theme: Literal["light", "dark"]
) -> BrowserContext:
    return playwright.chromium.launch_persistent_context(
        profile,
        executable_path=shutil.which("chromium"),
        args=FLAGS,
        viewport={"width": width, "height": height},
        color_scheme=theme,
    )


def _arrange(page: Page, name: str) -> None:
    """Bring a page into the state of a screenshot."""
    if name == "several":
        upload(page, *map(local_path, synthetic_calls()))
        expect(page.get_by_text("Tick a recording")).to_be_visible()
    elif name == "page-phone":
        page.get_by_role("button", name="Analyse", exact=True).first.click()
    elif name != "welcome":
        choose_sample(page, 0)
    if name != "welcome":
        expect(page.get_by_text("Share of speech time")).to_be_visible()
    if name == "page-phone":  # where the timeline is
        page.get_by_text("Click a segment to hear it").evaluate("element => element.scrollIntoView()")


if __name__ == "__main__":
    sys.exit(main())
