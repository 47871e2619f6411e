"""Charts outside of the app are drawn by real Vega."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageColor

from helpers.analysis import CallAnalysis, analyze_recording
from helpers.classifier import load_model
from helpers.drawing import to_pdf, to_png, with_vega
from helpers.emotions import EMOTIONS
from helpers.errors import DrawingError
from helpers.lanes import Settings
from tests.test_analysis import two_channels


@pytest.fixture(scope="module")
def analysis() -> CallAnalysis:
    return analyze_recording(two_channels("<b>call</b>.wav"), load_model(), Settings(customer="right"))


def test_a_png_shows_the_emotions_in_their_colours_on_white(analysis: CallAnalysis) -> None:
    picture = Image.open(io.BytesIO(to_png(analysis)))
    assert picture.format == "PNG"
    assert 2_000 < picture.width < 3_000
    assert 1_000 < picture.height < 2_500
    pixels = np.asarray(picture.convert("RGB")).reshape(-1, 3)
    assert (pixels[0] == 255).all()
    for emotion in set(analysis.segments["emotion"].dropna()):
        colour = ImageColor.getrgb(EMOTIONS[emotion].colour)
        assert (pixels == colour).all(axis=1).sum() > 1_000


def test_a_call_of_which_nobody_is_analysed_is_drawn_too(analysis: CallAnalysis) -> None:
    segments = analysis.segments.assign(emotion=None)
    summary = tuple(replace(each, shares={}, dominant_emotion=None) for each in analysis.summary)
    picture = Image.open(io.BytesIO(to_png(replace(analysis, segments=segments, summary=summary))))
    assert picture.width > 2_000


def test_a_pdf_is_one(analysis: CallAnalysis) -> None:
    content = to_pdf(analysis)
    assert content.startswith(b"%PDF-")
    assert content.rstrip().endswith(b"%%EOF")
    assert content.count(b"/MediaBox") == 1


def test_what_cannot_be_drawn_is_one_sentence(
    analysis: CallAnalysis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "vl_convert.py").write_text("raise MemoryError\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(DrawingError, match=r"^The charts could not be drawn.* take the CSV or JSON\.$"):
        to_png(analysis)
    with pytest.raises(DrawingError):
        with_vega("vegaEmbed; // not bundled before")
