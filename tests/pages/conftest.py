"""The app without a browser, and what the tests do with it."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from helpers.links import SWITCH
from helpers.samples import FOLDER_VARIABLE, list_samples

APP = str(Path(__file__).parents[2] / "streamlit_app.py")


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    monkeypatch.delenv(SWITCH, raising=False)
    app = AppTest.from_file(APP, default_timeout=60).run()
    assert not app.exception
    return app


def with_sample(app: AppTest, number: int = 0) -> AppTest:
    app.selectbox(key="sample").set_value(list_samples()[number].title).run()
    assert not app.exception
    return app


def upload(app: AppTest, *files: tuple[str, bytes]) -> AppTest:
    app.file_uploader(key="uploads").set_value([(name, content, "") for name, content in files]).run()
    assert not app.exception
    return app


def metrics(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}
