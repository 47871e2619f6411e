"""What axe-core finds on the pages: nothing serious, in light and dark."""

from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import choose_sample, settled

# The frame of Vega's brush has a role and cannot be given a name; the chart as a whole has a description.
BRUSH = ".window_brush, .window_brush_bg"


def serious_findings(page: Page) -> list[str]:
    found = Axe().run(page, context={"exclude": [BRUSH]}).response["violations"]
    return [
        f"{finding['id']}: {node['html'][:100]}"
        for finding in found
        if finding["impact"] in ("serious", "critical")
        for node in finding["nodes"]
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(page: Page, theme: Literal["light", "dark"]) -> None:
    page.emulate_media(color_scheme=theme)
    page.reload()
    expect(page.get_by_role("heading", name="Where did this customer")).to_be_visible()
    settled(page)
    assert serious_findings(page) == []
    choose_sample(page, 0)
    page.get_by_text("segments").filter(has_text="All ").first.click()
    page.get_by_role("button", name="Next segment").click()
    page.get_by_text("Acoustics", exact=True).click()
    expect(page.get_by_text("Play the segment")).to_be_visible()
    settled(page)
    assert serious_findings(page) == []
    page.get_by_role("link", name="Live").click()
    expect(page.get_by_role("heading", name="How does it sound")).to_be_visible()
    settled(page)
    assert serious_findings(page) == []


def test_axe_would_find_something(page: Page) -> None:
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=\"data:,\">')")
    assert any(finding.startswith("image-alt") for finding in serious_findings(page))
