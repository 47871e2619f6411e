"""The small timeline of a call: its ribbons are those of the segments."""

import re
from urllib.parse import unquote

import pytest

from helpers.analysis import CallAnalysis, analyze
from helpers.emotions import EMOTIONS
from helpers.miniature import WIDTH, miniature
from helpers.samples import list_samples, local_path


@pytest.fixture(scope="module")
def analysis() -> CallAnalysis:
    return analyze(local_path(list_samples()[0]))


def rectangles(picture: str) -> list[dict[str, str]]:
    kind, content = picture.split(",", 1)
    assert kind == "data:image/svg+xml"
    rectangles = re.findall(r"<rect ([^/]*)/>", unquote(content))
    return [dict(re.findall(r'(\w+)="([^"]*)"', rectangle)) for rectangle in rectangles]


def test_each_emotion_has_its_share_of_the_width(analysis: CallAnalysis) -> None:
    drawn = rectangles(miniature(analysis))
    own = analysis.segments[analysis.segments["role"] == "customer"]
    for emotion, times in (own["end"] - own["start"]).groupby(own["emotion"]):
        pixels = sum(int(each["width"]) for each in drawn if each["fill"] == EMOTIONS[str(emotion)].colour)
        edges = 2 * len(times)  # each may share a pixel with silence
        assert pixels == pytest.approx(times.sum() / analysis.duration * WIDTH, abs=edges)


def test_ribbons_follow_each_other_within_the_picture(analysis: CallAnalysis) -> None:
    drawn = rectangles(miniature(analysis))
    ends = [int(each["x"]) + int(each["width"]) for each in drawn]
    starts = [int(each["x"]) for each in drawn]
    assert starts == sorted(starts)
    assert all(end <= start for end, start in zip(ends, starts[1:], strict=False))
    assert ends[-1] <= WIDTH


def test_somebody_who_is_not_analysed_has_no_ribbon(analysis: CallAnalysis) -> None:
    assert len(analysis.summary) == 2
    assert {each["y"] for each in rectangles(miniature(analysis))} == {"0"}
