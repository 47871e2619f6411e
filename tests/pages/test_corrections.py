"""Emotions are set by hand on the page, survive what they should, and are forgotten when they should be."""

from pathlib import Path

import pandas as pd
from streamlit.testing.v1 import AppTest

from helpers.classifier import read_card
from helpers.corrections import MODEL_EMOTION
from helpers.emotions import UNCERTAIN
from helpers.samples import local_path, synthetic_calls
from tests.pages.conftest import upload, with_sample


def press(app: AppTest, key: str) -> None:
    next(button for button in app.button if str(button.key).startswith(key)).click().run()
    assert not app.exception


def choices(app: AppTest) -> list[str]:
    return [button.label for button in app.button if str(button.key).startswith("set ")]


def step_to_the_customer(app: AppTest) -> None:
    press(app, "Next segment")
    while not choices(app):
        assert says(app, "not analysed.")
        press(app, "Next segment")


def by_hand(app: AppTest) -> list[str]:
    """Read from the table what was set."""
    table: pd.DataFrame = app.dataframe[-1].value
    return table.loc[table[MODEL_EMOTION] != "", "emotion"].tolist() if MODEL_EMOTION in table else []


def says(app: AppTest, words: str) -> bool:
    return any(words in text.value for text in (*app.markdown, *app.caption))


def test_the_segment_played_last_can_be_set_and_undone(app: AppTest) -> None:
    with_sample(app)
    assert says(app, "to set its emotion by hand")
    assert not choices(app)
    step_to_the_customer(app)
    assert choices(app) == [*read_card().labels, UNCERTAIN, "As the model said"]
    press(app, "set happy")
    assert by_hand(app) == ["happy"]
    assert says(app, "happy, set by hand. The model said")
    press(app, "set sad")
    assert by_hand(app) == ["sad"]
    press(app, "undo")
    assert by_hand(app) == ["happy"]
    press(app, "undo")
    assert by_hand(app) == []
    assert not any(str(button.key).startswith("undo") for button in app.button)


def test_one_is_as_the_model_said_again_and_that_can_be_undone(app: AppTest) -> None:
    with_sample(app)
    step_to_the_customer(app)
    assert next(button for button in app.button if button.label == "As the model said").disabled
    press(app, "set happy")
    press(app, "Next segment")
    press(app, "set sad")
    press(app, "set back")
    assert by_hand(app) == ["happy"]
    press(app, "undo")
    assert by_hand(app) == ["happy", "sad"]


def test_what_was_set_survives_settings_models_and_other_recordings(app: AppTest) -> None:
    with_sample(app)
    step_to_the_customer(app)
    press(app, "set happy")
    app.slider(key="threshold").set_value(6.0).run()
    assert by_hand(app) == ["happy"]
    app.selectbox(key="model").set_value("emotions").run()
    assert by_hand(app) == ["happy"]
    press(app, "set disgust")
    app.selectbox(key="model").set_value("calls").run()
    assert not app.exception
    assert by_hand(app) == ["disgust"]
    assert "disgust" in choices(app)
    with_sample(app, 3)
    assert by_hand(app) == []
    with_sample(app, 0)
    assert by_hand(app) == ["disgust"]


def test_what_fits_no_segment_with_other_settings_is_kept_and_said(app: AppTest) -> None:
    with_sample(app)
    step_to_the_customer(app)
    press(app, "set happy")
    app.session_state["customer"] = "Left"
    app.run()
    assert by_hand(app) == []
    assert says(app, "Kept, though no segment fits with these settings: 1.")
    app.session_state["customer"] = "By file name"
    app.run()
    assert by_hand(app) == ["happy"]


def test_starting_over_forgets_what_was_set(app: AppTest) -> None:
    with_sample(app)
    step_to_the_customer(app)
    press(app, "set happy")
    next(button for button in app.button if button.label == "Start over").click().run()
    with_sample(app)
    assert by_hand(app) == []


def test_the_table_of_calls_follows_what_was_set(app: AppTest) -> None:
    paths: list[Path] = [local_path(sample) for sample in synthetic_calls()[2:]]
    upload(app, *((path.name, path.read_bytes()) for path in paths))
    before = app.dataframe[0].value["Anger"].iloc[0]
    step_to_the_customer(app)
    while "angry, set by hand" not in " ".join(text.value for text in app.markdown):
        press(app, "set angry")
    assert app.dataframe[0].value["Anger"].iloc[0] > before
    press(app, "undo")
    assert app.dataframe[0].value["Anger"].iloc[0] == before
