"""A batch from an S3 server over a Dask cluster, which loses a worker half-way."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from helpers.__main__ import main
from tests.batch.test_run import CALL
from tests.conftest import encode

CALLS = 16


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Calls on a local S3 server, and what is no recording."""
    import s3fs
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in (
        ("AWS_ENDPOINT_URL", f"http://{host}:{port}"),
        ("AWS_ACCESS_KEY_ID", "any"),
        ("AWS_SECRET_ACCESS_KEY", "any"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
    ):
        monkeypatch.setenv(name, value)
    storage = s3fs.S3FileSystem()
    storage.mkdir("calls")
    for number in range(CALLS):
        path = encode(tmp_path / f"{number}.flac", np.roll(CALL, 100 * number, axis=1), codec="flac")
        storage.put_file(str(path), f"calls/{number % 2}/{path.name}")
    storage.pipe_file("calls/0/bad.wav", b"no media")
    yield "s3://calls"
    server.stop()


@contextmanager
def dask(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "dask", *arguments, "--no-dashboard"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def found(process: subprocess.Popen[str], pattern: str) -> str:
    """Read what a process says until it says this."""
    assert process.stderr is not None
    said = ""
    while not (match := re.search(pattern, said)):
        letter = process.stderr.read(1)
        assert letter, said
        said += letter
    return match[1]


def test_a_lost_worker_costs_only_its_tasks(bucket: str, tmp_path: Path) -> None:
    import duckdb

    output = tmp_path / "out"
    with dask("scheduler", "--host", "127.0.0.1", "--port", "0") as scheduler:
        address = found(scheduler, r"Scheduler at:\s+(tcp://\S+)\s")
        worker = ("worker", address, "--nthreads", "1", "--no-nanny")
        with dask(*worker) as first, dask(*worker):
            found(first, r"(Registered to)")
            options = ["--recursive", "--dask", address, "--output", str(output)]
            command = [sys.executable, "-m", "helpers", "analyze", bucket, *options]
            with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as batch:
                found(batch, rf" ([4-9])/{CALLS + 1}")
                first.kill()
                assert batch.stderr is not None
                said = batch.stderr.read()
            assert f"{CALLS + 1} recordings: {CALLS} done, 0 of them before, 1 failed" in said
            assert main(["analyze", bucket, *options]) == 1
    names = duckdb.read_parquet(str(output / "calls.parquet")).project("recording").fetchall()
    assert {name for (name,) in names} == {f"s3://calls/{n % 2}/{n}.flac" for n in range(CALLS)}
    parts = output / "parts"
    calls, segments = (duckdb.read_parquet(f"{parts}/{kind}/*/*.parquet") for kind in ("calls", "segments"))
    assert len(calls.project("key").fetchall()) == CALLS
    assert len(calls.join(segments, "key").aggregate("key, count(*)").fetchall()) == CALLS
    assert "s3://calls/0/bad.wav" in (output / "failures.csv").read_text()
