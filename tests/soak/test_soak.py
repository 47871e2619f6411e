"""What an hour of soak found, and the parts of it that take seconds."""

import signal
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.browser.conftest import Server
from tests.soak.session import Session
from tests.soak.soak import growth, recordings

SESSIONS = 10
PROMPTLY = 10.0  # seconds, after which a container is killed


@pytest.mark.parametrize("under_way", [False, True])
def test_a_server_that_many_have_open_ends_before_it_is_killed(under_way: bool, tmp_path: Path) -> None:
    server = Server(TMPDIR=str(tmp_path))
    server.start()
    with ExitStack() as stack:
        sessions = [stack.enter_context(Session(server.address)) for _ in range(SESSIONS)]
        if under_way:
            for session, (name, content) in zip(sessions, recordings().items(), strict=False):
                session.upload(name, content)
        begin = time.monotonic()
        server.stop(signal.SIGTERM)
        assert time.monotonic() - begin < PROMPTLY
    assert [*tmp_path.rglob("*")] == []


def test_growth_is_told_from_warming_up() -> None:
    assert growth([300, 500, 600, 600, 610, 600, 600, 610, 600]) == 0
    assert growth([300, 400, 500, 600, 700, 800, 900, 1000, 1100]) == 300
    assert growth([1, 2, 3]) == 1
