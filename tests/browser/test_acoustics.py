"""The acoustics of the segment played last are drawn, and its button plays it."""

from playwright.sync_api import Page, expect

from helpers.analysis import analyze
from helpers.exports import clock
from tests.browser.conftest import choose_sample, play_segment, settled


def test_the_section_draws_a_segment_and_the_call_and_plays_the_segment(page: Page) -> None:
    path = choose_sample(page, 3)
    segments = analyze(path).segments
    number = int(segments.index[segments["role"] == "customer"][0])
    row = segments.loc[number]
    page.get_by_role("heading", name=path.name).click()
    play_segment(page, segments, number)
    page.get_by_text("Acoustics", exact=True).click()
    section = page.get_by_test_id("stExpander").filter(has_text="Play the segment")
    expect(section.get_by_text(f"Customer, {clock(row['start'])} to {clock(row['end'])}")).to_be_visible()
    image = section.locator("svg image")
    expect(image).to_have_count(1)
    assert str(image.get_attribute("href") or image.get_attribute("xlink:href")).startswith("data:image/png")
    charts = section.get_by_test_id("stVegaLiteChart")
    expect(charts).to_have_count(5)
    box, line = image.bounding_box(), charts.nth(3).locator("svg .mark-line path").first.bounding_box()
    assert box
    assert line
    assert abs(box["x"] - line["x"]) < 12
    assert abs(box["width"] - line["width"]) < 16  # half a frame at each end, too

    page.evaluate("document.querySelector('audio').pause(); document.querySelector('audio').currentTime = 0")
    section.get_by_role("button", name="Play the segment").click()
    page.wait_for_function(
        "([start, end]) => { const a = document.querySelector('audio');"
        " return a && !a.paused && a.currentTime >= start && a.currentTime < end; }",
        arg=[int(row["start"]), float(row["end"])],
    )
    settled(page)
    page.get_by_role("radio", name="Whole call").click()
    expect(page.get_by_test_id("stVegaLiteChart").locator("svg image")).to_have_count(2)
