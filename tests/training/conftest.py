"""What tests of networks share."""

import sys
from importlib.util import find_spec

import pytest

from tests.conftest import missing


@pytest.fixture
def with_torch() -> None:
    if find_spec("torch") is None:  # requirements-train.txt installs it for Python 3.11 alone
        (missing if sys.version_info < (3, 12) else pytest.skip)("PyTorch")
