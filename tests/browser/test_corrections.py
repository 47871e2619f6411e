"""An emotion is set by hand with the keyboard alone, stands in what is saved, and is taken back."""

import io

import pandas as pd
from playwright.sync_api import Page, expect

from helpers.analysis import analyze
from helpers.corrections import Correction
from tests.browser.conftest import choose_sample, download, play_segment


def test_what_is_set_by_hand_is_marked_saved_and_undone(page: Page) -> None:
    path = choose_sample(page, 0)
    analysis = analyze(path)
    number = int(analysis.segments.index[analysis.segments["role"] == "customer"][0])
    row = analysis.segments.loc[number]
    set_to = next(name for name in analysis.model.labels if name != row["emotion"])
    page.get_by_role("heading", name=path.name).click()
    play_segment(page, analysis.segments, number)
    said = page.get_by_text(f"{row['emotion']} {row['confidence']:.0%}.", exact=False)
    expect(said).to_be_visible()
    untouched = download(page, "Segments (CSV)")

    page.keyboard.press(str(analysis.emotions.index(set_to) + 1))
    expect(page.get_by_text(f"{set_to}, set by hand. The model said {row['emotion']}")).to_be_visible()
    expect(page.get_by_text("1 set by hand.")).to_be_visible()
    mark = page.locator("[data-testid=stVegaLiteChart] svg .by_hand_marks path")
    expect(mark).to_have_count(1)
    table = pd.read_csv(io.BytesIO(download(page, "Segments (CSV)")))
    assert table.loc[number, ["emotion", "model_emotion"]].tolist() == [set_to, row["emotion"]]
    assert table["model_emotion"].count() == 1
    (saved,) = pd.read_csv(io.BytesIO(download(page, "Download corrections"))).to_dict("records")
    times = (float(row["start"]), float(row["end"]))
    sure = round(float(row["confidence"]), 4)
    assert Correction(**saved) == Correction(
        path.name, row["channel"], *times, set_to, row["emotion"], sure, analysis.model.name
    )
    page.get_by_text("segments", exact=False).filter(has_text="All ").first.click()
    grid = page.get_by_test_id("stDataFrame")
    grid.scroll_into_view_if_needed()
    expect(grid.locator("canvas th").get_by_text("by hand; the model said")).to_be_attached()

    page.get_by_role("heading", name=path.name).click()
    page.keyboard.press("u")
    expect(mark).to_have_count(0)
    expect(said).to_be_visible()
    assert download(page, "Segments (CSV)") == untouched
