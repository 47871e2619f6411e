"""What a client can take of the service: not its memory, not its disk, and not everybody's time."""

import json
import logging
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from fastapi import Request

from helpers.samples import SAMPLES
from helpers.service.config import Config
from helpers.service.pool import Pool
from helpers.service.problems import Problem
from tests.service.conftest import finished, serve, service_log
from tests.service.test_app import assert_problem, post

HEAD = (
    "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=edge\r\n"
    "Transfer-Encoding: chunked\r\n\r\n"
)
PART = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'


@contextmanager
def sending(address: str, count: int = 0) -> Iterator[socket.socket]:
    """Begin an upload that never ends, with so many megabytes."""
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(HEAD.encode() + b"%x\r\n" % len(PART) + PART + b"\r\n")
        for _ in range(count):
            connection.sendall(b"%x\r\n" % 2**20 + bytes(2**20) + b"\r\n")
        yield connection


def temporary_files() -> int:
    """Count the open files of this process that have no name, as uploads have from 1 MB on."""
    found = 0
    for open_file in Path("/proc/self/fd").iterdir():
        try:
            found += " (deleted)" in str(open_file.readlink())
        except OSError:
            continue
    return found


def wait_until_is(count: int) -> None:
    end = time.monotonic() + 10
    while temporary_files() != count and time.monotonic() < end:
        time.sleep(0.02)
    assert temporary_files() == count


def test_a_body_beyond_the_limit_is_refused_while_it_arrives(address: str) -> None:
    assert_problem(post(address, "/predict", bytes(2**21)), 413, "too-large")
    with sending(address, count=2) as connection:  # its end never comes, the answer does
        assert connection.recv(1000).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(
    "fields", [{f"field {number}": "" for number in range(9)}, {"recording": "a" * 5000}]
)
def test_a_request_has_one_file_and_a_few_short_fields(
    fields: dict[str, str], address: str, clip: bytes
) -> None:
    assert_problem(requests.post(f"{address}/predict", data=fields, timeout=60), 400, "malformed-request")
    twice = [("file", clip), ("file", clip)]
    assert_problem(requests.post(f"{address}/predict", files=twice, timeout=60), 400, "malformed-request")


def test_an_upload_that_is_broken_off_leaves_nothing() -> None:
    with serve(Config(upload=16 * 2**20)) as address:
        before = temporary_files()
        with sending(address, count=3):
            wait_until_is(before + 1)
        wait_until_is(before)


def test_who_comes_when_all_places_are_taken_is_told_to_come_again(clip: bytes) -> None:
    with serve(Config(waiting=0)) as address:
        with sending(address):
            busy = post(address, "/predict", clip)
            while busy.status_code == 200:  # the other was not there yet
                busy = post(address, "/predict", clip)
            assert_problem(busy, 429, "busy")
            assert int(busy.headers["retry-after"]) > 0
            assert requests.get(f"{address}/health", timeout=60).status_code == 200
        again = post(address, "/predict", clip)
        while again.status_code == 429:
            again = post(address, "/predict", clip)
        assert again.status_code == 200


def test_time_is_limited() -> None:
    with serve(Config(seconds=0.3)) as address, sending(address) as connection:
        assert connection.recv(1000).startswith(b"HTTP/1.1 408")
    request = Request({"type": "http"})
    with pytest.raises(Problem) as late:
        finished(Pool(1, seconds=0).run(request, lambda progress: progress("Reading", 0.5)))
    assert (late.value.code, late.value.status_code) == ("too-slow", 504)


@pytest.mark.parametrize(
    "variable", ["MAX_WAITING", "MAX_MEGABYTES", "MAX_MINUTES", "MAX_SECONDS", "WORKERS"]
)
def test_limits_come_from_the_environment(variable: str) -> None:
    assert Config.of({}) == Config.of({variable: ""}) == Config()
    assert Config.of({variable: "7"}) != Config()


def test_an_analysis_ends_when_its_client_hangs_up(caplog: pytest.LogCaptureFixture, clip: bytes) -> None:
    """Who waits behind it does not wait for what nobody reads."""
    call = (SAMPLES / "billing-complaint_agent-left_customer-right.mp3").read_bytes() * 60  # an hour
    with serve(Config()) as address, caplog.at_level(logging.INFO, "service"):
        with pytest.raises(requests.Timeout):
            requests.post(f"{address}/analyze", files={"file": call}, timeout=(60, 1))
        assert post(address, "/predict", clip).status_code == 200
    assert [json.loads(line)["status"] for line in service_log(caplog)][-2:] == [499, 200]
