"""Every page of the lab in a real browser: no exception, no empty chart, nothing on the console."""

from pathlib import Path

from playwright.sync_api import Page, expect

from helpers.lab.steps import AS_RECORDED, CHANGED
from tests.browser.conftest import settled

EMPTY = """charts => charts.filter(chart => !chart.querySelector(
    'svg .role-mark path[d], svg .role-mark line, canvas')).map(chart => chart.ariaLabel)"""


def open_page(page: Page, name: str, *, charts: int) -> None:
    """Follow the link, and look at all that is there."""
    page.get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
    looked_at(page, charts=charts)


def looked_at(page: Page, *, charts: int) -> None:
    """Wait until all charts are drawn, of which there are at least so many, and hold none to be empty."""
    settled(page)
    drawn = page.get_by_test_id("stVegaLiteChart").filter(has=page.locator("svg.marks, canvas.marks"))
    if charts:
        expect(drawn.nth(charts - 1)).to_be_attached()
    expect(drawn).to_have_count(page.get_by_test_id("stVegaLiteChart").count())
    assert page.get_by_test_id("stException").count() == 0
    assert drawn.evaluate_all(EMPTY) == []


def saved(page: Page, button: str) -> bytes:
    """Save what the first figure offers."""
    with page.expect_download() as waiting:
        page.get_by_test_id("stDownloadButton").filter(has_text=button).first.click()
    return Path(waiting.value.path()).read_bytes()


def lines(table: bytes, sound: str) -> list[str]:
    """Take what was told of one sound."""
    return [line.removesuffix(sound) for line in table.decode().splitlines() if line.endswith(sound)]


def test_every_page_of_the_lab(page: Page) -> None:
    page.set_viewport_size({"width": 1440, "height": 9000})  # what is never scrolled to is never drawn
    open_page(page, "Models", charts=13)
    page.get_by_role("combobox", name="Compare with").fill("German")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Two models by line")).to_be_visible()
    looked_at(page, charts=14)
    assert saved(page, "CSV").startswith(b"model,corpus,condition,uar")
    assert b"<svg" in saved(page, "SVG")
    open_page(page, "Experiments", charts=7)
    open_page(page, "Corpora", charts=14)
    page.get_by_text("emotion", exact=True).click()
    looked_at(page, charts=14)
    open_page(page, "Try it", charts=9)
    before = saved(page, "CSV")
    page.get_by_text("Over a telephone").click()
    looked_at(page, charts=9)
    after = before
    for _ in range(100):  # until the run that the click began has told its end
        if lines(after, CHANGED) != lines(before, CHANGED):
            break
        page.wait_for_timeout(300)
        after = saved(page, "CSV")
    assert lines(before, AS_RECORDED) == lines(before, CHANGED) == lines(after, AS_RECORDED)
    assert lines(after, CHANGED) != lines(after, AS_RECORDED)
    open_page(page, "Train your own", charts=0)
    expect(page.get_by_text("Training is switched off on this server")).to_be_visible()
