"""The description of the service: committed as it is, and kept by the service under generated requests."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import positive_data_acceptance

from helpers.service.app import create_app
from helpers.service.config import Config
from helpers.service.envelope import KEY_HEADER
from tests.service.conftest import KEY, serve

DOCUMENT = Path(__file__).parents[2] / "docs" / "openapi.json"


def test_the_committed_document_is_current() -> None:
    """`make openapi` writes it anew."""
    assert json.loads(DOCUMENT.read_text(encoding="utf-8")) == create_app(Config()).openapi()


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serve(Config(key=KEY, models=tmp_path_factory.mktemp("models"))) as address:
        yield address


@pytest.mark.parametrize("mode", [*GenerationMode])
def test_generated_requests_get_what_is_described(locked: str, mode: GenerationMode) -> None:
    """No server error, no way around the key, no status, type or field that the document does not have."""
    for found in schemathesis.openapi.from_url(f"{locked}/openapi.json").get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        if mode is GenerationMode.NEGATIVE and not (operation.body or operation.path_parameters):
            continue

        @settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=[*HealthCheck])
        @given(operation.as_strategy(generation_mode=mode))
        def ask(case: schemathesis.Case) -> None:
            known: list = [positive_data_acceptance]  # for any bytes are a file, and few of them a recording
            case.call_and_validate(headers={KEY_HEADER: KEY}, excluded_checks=known)

        ask()
