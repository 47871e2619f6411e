"""A real server on a free port, in a thread of the test's process."""

import asyncio
import threading
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import uvicorn

from helpers.media import SAMPLE_RATE, Recording, to_wav
from helpers.service.app import create_app
from helpers.service.config import Config
from tests.conftest import bursts

KEY = "a secret of the tests"


@contextmanager
def serve(config: Config) -> Iterator[str]:
    """Serve within the context; give the address."""
    server = uvicorn.Server(uvicorn.Config(create_app(config), port=0, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    while requests.get(f"{address}/ready", timeout=10).status_code != 200:
        time.sleep(0.05)
    try:
        yield address
    finally:
        server.should_exit = True
        thread.join()


def finished(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine on a thread of its own: tests with a browser leave a loop running on the main one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


def service_log(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Give what the service itself logged; other tests of the process may have switched on others' logs."""
    return [record.getMessage() for record in caplog.records if record.name == "service"]


def speech(seconds: float = 3.0) -> bytes:
    samples = bursts((0.3, seconds - 0.3), duration=seconds)
    return to_wav(Recording("clip.wav", samples[None]))


@pytest.fixture(scope="session")
def clip() -> bytes:
    return speech()


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory, clip: bytes) -> Path:
    """A folder of recordings, and links that lead out of it."""
    inside = tmp_path_factory.mktemp("recordings")
    (inside / "day").mkdir()
    (inside / "day" / "call.wav").write_bytes(clip)
    (inside / "notes.txt").write_text("secret")
    outside = tmp_path_factory.mktemp("outside") / "secret.wav"
    outside.write_bytes(clip)
    (inside / "link.wav").symlink_to(outside)
    (inside / "loop.wav").symlink_to(inside / "loop.wav")
    return inside


@pytest.fixture(scope="session")
def address(folder: Path) -> Iterator[str]:
    """A service that anybody may use, and nobody may train."""
    with serve(Config(recordings=folder, upload=2**20, longest=120, waiting=4)) as address:
        yield address


@pytest.fixture(scope="session")
def silence() -> bytes:
    import numpy as np

    return to_wav(Recording("silence.wav", np.zeros((1, 2 * SAMPLE_RATE), np.int16)))
