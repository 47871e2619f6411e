"""The section on acoustics computes nothing before it is opened, and tells emotions of the analysed alone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from helpers import workspace
from helpers.classifier import load_model
from helpers.media import RecordingStream
from tests.conftest import encode, sample_on_one_channel
from tests.pages.conftest import upload, with_sample


def press(app: AppTest, label: str) -> None:
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception


def open_acoustics(app: AppTest) -> None:
    key = next(str(button.key) for button in app.button if button.label == "Next segment").split()[-1]
    app.session_state[f"acoustics {key}"] = True
    app.run()
    assert not app.exception


def show(app: AppTest, part: str) -> None:
    app.segmented_control(key="acoustics of").set_value(part).run()
    assert not app.exception


def next_explained(app: AppTest) -> None:
    for _ in range(10):
        press(app, "Next segment")
        if any(text.startswith("**What pushed it to") for text in texts(app)):
            return
    raise AssertionError("no segment is explained")


def texts(app: AppTest) -> list[str]:
    return [text.value for text in (*app.markdown, *app.caption)]


def charts(app: AppTest) -> list[str]:
    return [chart.proto.alt for chart in app.get("vega_lite_chart")]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is read of recordings beside the analysis."""
    asked: list[str] = []
    stretch, whole = RecordingStream.stretch, workspace.picture_of_call

    def note_stretch(stream: RecordingStream, start: float, end: float) -> np.ndarray:
        asked.append("stretch")
        return stretch(stream, start, end)

    def note_whole(*arguments: object) -> object:
        asked.append("whole")
        return whole(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(RecordingStream, "stretch", note_stretch)
    monkeypatch.setattr(workspace, "picture_of_call", note_whole)
    return asked


def test_an_agent_has_sound_alone_and_nothing_is_computed_before_it_is_opened_nor_twice(
    app: AppTest, read: list[str]
) -> None:
    with_sample(app)
    press(app, "Next segment")
    assert any(text.startswith("**Agent, ") for text in texts(app))
    assert read == []
    open_acoustics(app)
    app.run()
    assert read == ["stretch"]
    assert "Emotion not analysed." in texts(app)
    assert "Mel spectrogram of the segment" in charts(app)
    assert "Probability of each emotion" not in charts(app)
    assert not any("pushed" in text or "points" in text for text in texts(app))
    show(app, "Whole call")
    app.run()
    assert read == ["stretch", "whole"]
    assert {"Waveform of the whole call: Customer", "Mel spectrogram of the whole call: Agent"} <= set(
        charts(app)
    )


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> str:
    """A model that this session alone has."""
    model = load_model()
    mine = replace(model, card=replace(model.card, name="own-123456"))
    monkeypatch.setattr(workspace.Workspace, "cards", lambda _: {mine.card.name: mine.card})
    monkeypatch.setattr(workspace.Workspace, "model", lambda _, name: {mine.card.name: mine}[name])
    return mine.card.name


def test_a_call_judged_by_a_model_of_this_session_is_explained_by_it(own: str, app: AppTest) -> None:
    with_sample(app)
    assert any(f"model “{own}”" in text.value for text in app.caption)
    open_acoustics(app)
    next_explained(app)


def test_a_segment_of_the_customer_has_probabilities_and_what_pushed_them(app: AppTest) -> None:
    with_sample(app)
    open_acoustics(app)
    assert any("to see how it sounds" in text for text in texts(app))
    next_explained(app)
    told = texts(app)
    assert any("points**" in text and "this speaker's usual" in text for text in told)
    assert any("the model does not count that" in text for text in told)
    assert "Probability of each emotion" in charts(app)
    before = app.get("audio")[0].proto
    press(app, "Play the segment")
    again = app.get("audio")[0].proto
    assert again.start_time == before.start_time
    assert again.autoplay
    assert again.end_time > before.end_time  # so that it plays again


def test_voices_on_one_channel_share_the_pictures_of_the_call(app: AppTest, tmp_path: Path) -> None:
    path = encode(tmp_path / "a.wav", sample_on_one_channel(), codec="pcm_s16le")
    app.session_state["channels"] = "voices"
    upload(app, (path.name, path.read_bytes()))
    open_acoustics(app)
    show(app, "Whole call")
    assert "Waveform of the whole call: Both speakers" in charts(app)
