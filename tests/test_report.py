"""The report says what the analysis says, escapes what it is given, and needs nothing else."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from helpers.analysis import CallAnalysis, analyze_recording
from helpers.classifier import load_model
from helpers.exports import clock, reliability
from helpers.lanes import LAW, Settings
from helpers.moments import Moment
from helpers.report import headline, judged_against, to_html
from tests.test_analysis import two_channels
from tests.test_corrections import first_set

NAME = "</title></script><script>alert(1)</script>\"'{{ 7 * 7 }}&amp;.wav"
VOID = {"meta", "link", "img", "br", "hr", "input"}


class Page(HTMLParser):
    """What a page is made of; elements that do not close in order are a failure."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(content)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts.setdefault(self._open[-1], []).append(data)

    def text(self, tag: str) -> str:
        return "".join(self.texts[tag])


@pytest.fixture(scope="module")
def analysis() -> CallAnalysis:
    moment = Moment("right", "customer", "sustained anger", 3.5, 8.4, "Angry <i>here</i>.")
    found = analyze_recording(two_channels(), load_model(), Settings(customer="right"))
    return replace(found, name=NAME, moments=(moment,), warnings=("The file <b>ends</b> early.",))


@pytest.fixture(scope="module")
def page(analysis: CallAnalysis) -> Page:
    return Page(to_html(analysis))


def test_what_it_is_given_is_text(page: Page) -> None:
    assert page.text("h1") == NAME
    assert page.text("title").startswith(NAME)
    assert not [tag for tag, _ in page.elements if tag in ("b", "i")]
    assert "The file <b>ends</b> early." in page.text("p")
    assert "Angry <i>here</i>." in page.text("td")


def test_it_asks_nobody_for_anything_and_runs_its_one_script_only(page: Page) -> None:
    attributes = [(name, value) for _, each in page.elements for name, value in each.items()]
    assert not [name for name, _ in attributes if name in ("src", "href", "action") or name.startswith("on")]
    policy = next(value for name, value in attributes if value and "default-src" in value)
    assert policy is not None
    assert policy.startswith("default-src 'none';")
    allowed = re.findall(r"script-src 'sha256-([^']+)';", policy)
    kinds = [each.get("type") for tag, each in page.elements if tag == "script"]
    assert kinds == ["application/json", "application/json", "module"]
    script = page.texts["script"][-1]
    assert [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()] == allowed


def test_its_charts_are_strict_json_with_every_segment(page: Page, analysis: CallAnalysis) -> None:
    charts = [
        json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
        for text in page.texts["script"][:2]
    ]
    drawn = charts[0]["datasets"]["segments"]
    assert [row["segment"] for row in drawn] == analysis.segments.index.tolist()
    assert [row["start"] for row in drawn] == pytest.approx(analysis.segments["start"].tolist(), abs=1e-3)
    whole = [len(rows) for rows in charts[1]["datasets"].values()]
    assert whole == [len(analysis.segments)]


def test_a_chart_cannot_end_its_script(analysis: CallAnalysis) -> None:
    role = "</script><b>"
    first, second = analysis.summary
    page = Page(to_html(replace(analysis, summary=(replace(first, role=role), second))))
    assert len(page.texts["script"]) == 3
    assert role in {row["who"] for row in json.loads(page.texts["script"][0])["datasets"]["segments"]}


def test_its_tables_have_every_segment_and_moment(analysis: CallAnalysis) -> None:
    content = to_html(analysis)
    segments = content[content.index('<table id="segments">') :]
    segments = segments[: segments.index("</table>")]
    assert segments.count("<tr>") == 1 + len(analysis.segments)
    assert segments.count("not analysed") == analysis.segments["emotion"].isna().sum() > 0
    for start in analysis.segments["start"]:
        assert f">{clock(start)}</td>" in segments
    moments = content[content.index('<table id="moments">') :]
    assert moments[: moments.index("</table>")].count("<tr>") == 1 + len(analysis.moments)
    assert "There is none." in to_html(replace(analysis, moments=()))


def test_it_names_what_it_was_made_with_and_how_far_to_trust_it(page: Page, analysis: CallAnalysis) -> None:
    card = analysis.model
    assert reliability(card) in page.text("p")
    cells = page.text("td")
    for words in (card.sha256, card.protocol, card.use, "9 dB above the noise"):
        assert words in cells
    assert re.search(r"Call Emotions \d+\.\d+\.\d+", cells)
    figures = headline(analysis)
    assert [name for name, _, _ in figures][:2] == ["Length", "Speech"]
    assert [value for _, value, _ in figures] == page.texts["dd"][: len(figures)]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (Settings(customer="right"), "The agent's emotion was left out."),
        (Settings(customer="right", include_agent=True), "The agent was analysed, too."),
        (Settings(), "Nothing says who the customer is, so everybody was analysed, an agent too."),
        (Settings(channels="mix"), "All speakers are on one channel and were analysed together, an agent"),
    ],
)
def test_it_says_whether_an_agent_was_analysed(settings: Settings, words: str) -> None:
    page = Page(to_html(analyze_recording(two_channels(), load_model(), settings)))
    assert words in page.text("p")
    assert LAW in page.text("p")


def test_a_baseline_is_told_with_the_speech_that_it_rests_on(analysis: CallAnalysis) -> None:
    customer = analysis.summary[0]
    assert "from 16 s of speech" in str(judged_against(replace(customer, baseline_time=16.2)))
    assert "the average voice" in str(judged_against(replace(customer, baseline_time=0.2)))
    assert judged_against(replace(customer, baseline_time=None)) is None


def test_the_same_analysis_makes_the_same_file(analysis: CallAnalysis) -> None:
    assert to_html(analysis) == to_html(analysis)


def test_what_was_set_by_hand_stands_beside_what_the_model_said(analysis: CallAnalysis) -> None:
    told, correction = first_set(analysis, "disgust")
    cells = Page(to_html(told)).texts["td"]
    (cell,) = [text for text in cells if "set by hand" in text]
    assert cell.endswith(f"disgust, set by hand; the model said {correction.model_emotion}")
    assert f"1 of {len(told.segments)} segments" in cells
    assert "nan%" not in "".join(cells)
    assert "“▼” was set by hand" in "".join(Page(to_html(told)).texts["figcaption"])
