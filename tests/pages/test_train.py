"""Training from the page: corrections and their recordings in, a model for the session and its file out."""

import io
import zipfile

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from helpers.corrections import Correction
from helpers.exports import to_corrections
from helpers.lab.own import SWITCH, OwnModel
from helpers.media import SAMPLE_RATE, Recording, decode, to_wav
from tests.training.test_labelled import SPEAKERS, clip, own_clips, packed

PITCHES = {"angry": 280.0, "sad": 130.0}  # the emotion sounds as this pitch [Hz]


def page() -> None:
    from helpers.pages.session import workspace
    from helpers.pages.train import page

    page()
    import streamlit as st

    st.session_state["names"] = list(workspace().cards())


def opened() -> AppTest:
    app = AppTest.from_function(page, default_timeout=120).run()
    assert not app.exception
    return app


def corrected() -> list[tuple[str, bytes]]:
    """Make a recording per speaker, and the corrections of all of its stretches."""
    files, corrections = [], []
    for number, speaker in enumerate(SPEAKERS):
        emotions = ["angry", "sad"] * (1 if number else 2)
        clips = [clip(PITCHES[emotion], seed=10 * number + row) for row, emotion in enumerate(emotions)]
        samples = np.concatenate([decode(each).samples[0] for each in clips])
        files.append((f"{speaker}.wav", to_wav(Recording(speaker, samples[None]))))
        length = len(samples) / len(clips) / SAMPLE_RATE
        corrections += [
            Correction(
                f"{speaker}.wav", "mono", row * length, (row + 1) * length, emotion, "sad", 0.5, "calls"
            )
            for row, emotion in enumerate(emotions)
        ]
    return [*files, ("corrections.csv", to_corrections(corrections).encode())]


def test_training_is_off_unless_the_host_switches_it_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SWITCH, raising=False)
    app = opened()
    assert SWITCH in app.info[0].value
    assert not app.button


def test_corrections_become_a_model_of_this_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, "1")
    app = opened()
    app.file_uploader(key="labelled").set_value([(name, content, "") for name, content in corrected()]).run()
    app.button[0].click().run()
    assert not app.exception
    assert not app.error
    own: OwnModel = app.session_state["own model"]
    assert own.report.protocol.startswith("speaker-independent")
    assert own.report.mean > 0.9
    assert own.model.card.name in app.session_state["names"]
    with zipfile.ZipFile(io.BytesIO(own.archive)) as archive:
        assert archive.namelist() == [f"{own.model.card.name}.json", f"{own.model.card.name}.skops"]


def test_what_cannot_be_trained_on_is_said_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, "1")
    app = opened()
    content = packed(dict(list(own_clips().items())[:3]))
    app.file_uploader(key="labelled").set_value([("clips.zip", content, "")]).run()
    app.button[0].click().run()
    assert not app.exception
    assert "are needed" in app.error[0].value or "fewer than two" in app.error[0].value
    assert "own model" not in app.session_state
