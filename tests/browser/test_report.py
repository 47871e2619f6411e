"""The report in a real browser: offline, from a file, and as a download of the page."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from helpers.analysis import CallAnalysis, analyze
from helpers.exports import clock
from helpers.report import to_html
from helpers.samples import local_path, synthetic_calls
from tests.browser.conftest import ROOT, Server, choose_sample, download
from tests.browser.test_accessibility import serious_findings

NAME = "<script>document.title = 'run'</script>.wav"
MARKS = "#timeline svg .targets_marks path"


@pytest.fixture(scope="module")
def analysis() -> CallAnalysis:
    return replace(analyze(local_path(synthetic_calls()[0])), name=NAME)


@pytest.fixture
def report(browser: BrowserContext, analysis: CallAnalysis, tmp_path: Path) -> Iterator[Page]:
    """Open the report without a network; it must ask for nothing and complain about nothing."""
    file = tmp_path / "report.html"
    file.write_text(to_html(analysis), encoding="utf-8")
    page = browser.new_page()
    complaints: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    browser.set_offline(True)
    try:
        page.goto(file.as_uri())
        page.locator("#overview svg .whole_marks path").first.wait_for(state="attached")
        yield page
    finally:
        browser.set_offline(False)
        page.close()
    assert complaints == []
    assert asked == [file.as_uri()]


def window(page: Page, before: str) -> list[float]:
    """Read which part of the call is shown, once it is another one."""
    expect(page.locator("#view")).not_to_have_text(before)
    times = page.locator("#view").inner_text().split(" of ")[0].split(" to ")
    return [60 * int(time[:-5]) + float(time[-4:]) for time in times]


def test_every_segment_is_drawn_and_has_its_tooltip(report: Page, analysis: CallAnalysis) -> None:
    expect(report.locator(MARKS)).to_have_count(len(analysis.segments))
    expect(report.get_by_role("heading", name=NAME)).to_be_visible()
    assert report.title() == f"{NAME}: emotions"
    number = int(analysis.segments["confidence"].idxmax())
    segment = analysis.segments.loc[number]
    report.locator(MARKS).nth(number).hover()
    tooltip = report.locator("#vg-tooltip-element.visible")
    for words in (clock(segment["start"]), segment["emotion"], f"{segment['confidence']:.0%}", "Customer"):
        expect(tooltip).to_contain_text(words)


def test_a_drag_and_the_buttons_look_closer_and_a_moment_is_found(
    report: Page, analysis: CallAnalysis
) -> None:
    whole = report.locator("#view").inner_text()
    box = report.locator("#overview svg .whole_marks").bounding_box()
    assert box
    report.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 10)
    report.mouse.down()
    report.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 10, steps=5)
    report.mouse.up()
    start, end = window(report, whole)
    assert [start, end] == pytest.approx([0.3 * analysis.duration, 0.5 * analysis.duration], abs=2)
    surely, perhaps = (
        ((analysis.segments["end"] > start + slack) & (analysis.segments["start"] < end - slack)).sum()
        for slack in (0.1, -0.1)  # the page shows tenths
    )
    expect(report.locator(MARKS)).not_to_have_count(len(analysis.segments))
    assert surely <= report.locator(MARKS).count() <= perhaps
    shown = report.locator("#view").inner_text()
    report.get_by_role("button", name="Later").focus()
    report.keyboard.press("Enter")
    assert window(report, shown) == pytest.approx([(start + end) / 2, end + (end - start) / 2], abs=0.2)
    shown = report.locator("#view").inner_text()
    moment = analysis.moments[0]
    report.locator("#moments button").first.click()
    first, last = window(report, shown)
    assert first <= moment.start < moment.end <= last
    report.get_by_role("button", name="Whole call").click()
    expect(report.locator(MARKS)).to_have_count(len(analysis.segments))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_suits_a_phone_in_the_dark_and_paper(report: Page, scheme: Literal["light", "dark"]) -> None:
    report.set_viewport_size({"width": 390, "height": 844})
    report.emulate_media(color_scheme=scheme)
    report.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    assert serious_findings(report) == []
    report.wait_for_function("document.documentElement.scrollWidth === 390")
    shades = report.evaluate(
        "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.querySelector("
        "'#timeline .role-axis-label text')).fill].map(colour => parseInt(colour.match(/\\d+/)[0]))"
    )
    assert (shades[0] < shades[1]) == (scheme == "dark")
    assert abs(shades[0] - shades[1]) > 150
    report.emulate_media(media="print", color_scheme="dark")
    assert report.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_the_page_offers_the_same_report_and_the_charts(page: Page) -> None:
    path = choose_sample(page, 0)
    assert download(page, "Report (HTML)").decode() == to_html(analyze(path))
    assert download(page, "Charts (PNG)").startswith(b"\x89PNG")


def test_what_cannot_be_drawn_is_told(browser: BrowserContext, tmp_path: Path) -> None:
    (tmp_path / "vl_convert.py").write_text("raise MemoryError\n")
    with Server(PYTHONPATH=f"{tmp_path}:{ROOT}").running() as server:
        page = browser.new_page()
        page.goto(server.address)
        choose_sample(page, 0)
        page.get_by_role("button", name="Charts (PNG)").click()
        expect(page.get_by_text("Failed to generate file for download")).to_be_visible()
        page.get_by_role("button", name="Closer", exact=True).click()
        expect(page.get_by_text("The charts could not be drawn")).to_be_visible()
        page.close()
