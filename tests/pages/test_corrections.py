"""Emotions are set by hand on the page, survive what they should, and are forgotten when they should be."""

import pandas as pd
from streamlit.testing.v1 import AppTest

from helpers.corrections import MODEL_EMOTION
from tests.pages.test_call import app, metrics, upload, with_sample

__all__ = ["app"]


def press(app: AppTest, key: str) -> None:
    next(button for button in app.button if str(button.key).startswith(key)).click().run()
    assert not app.exception


def choices(app: AppTest) -> list[str]:
    return [button.label for button in app.button if str(button.key).startswith("set ")]


def step_to_the_customer(app: AppTest) -> None:
    press(app, "Next segment")
    while not choices(app):
        press(app, "Next segment")


def table(app: AppTest) -> pd.DataFrame:
    return app.dataframe[-1].value


def by_hand(app: AppTest) -> list[str]:
    shown = table(app)
    return shown.loc[shown[MODEL_EMOTION] != "", "emotion"].tolist() if MODEL_EMOTION in shown else []


def says(app: AppTest, words: str) -> bool:
    return any(words in text.value for text in (*app.markdown, *app.caption))
