"""`make load`: the service under many clients at once, what they wait for and what memory it takes.

Requests go over the loopback to a service that is started here. There are fewer places for requests than
clients, so that some are told to come again.
"""

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import requests

from helpers.media import SAMPLE_RATE, decode
from helpers.samples import SAMPLES
from tests.conftest import encode

CLIENTS = 32
PLACES = 16
SECONDS = 300.0
LENGTH = 60  # seconds, of the call
ALONE = 9  # requests one after the other, before and after
MOST = 1.5  # times the time alone and the requests before
GROWTH = 1.1  # of the memory, from the second minute to the last


@dataclass
class Tally:
    """What the clients saw."""

    waits: list[float] = field(default_factory=list)
    refused: int = 0
    errors: list[str] = field(default_factory=list)


def main(seconds: float) -> int:
    """Measure, print, and tell by 0 that all is well."""
    with tempfile.TemporaryDirectory() as folder:
        call = one_minute(Path(folder) / "call.mp3").read_bytes()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "PORT": str(port), "WORKERS": "1", "MAX_WAITING": str(PLACES - 1)}
    server = subprocess.Popen(
        [sys.executable, "-m", "helpers.service"], env=environment, stdout=subprocess.DEVNULL
    )
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(address)
        ask(address, call)
        alone = [ask(address, call)[1] for _ in range(ALONE)]
        tally, memory = Tally(), []
        end = time.monotonic() + seconds
        threads = [threading.Thread(target=client, args=(address, call, end, tally)) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        while time.monotonic() < end:
            memory.append(resident(server.pid))
            time.sleep(1)
        for thread in threads:
            thread.join()
        alone += [ask(address, call)[1] for _ in range(ALONE)]
    finally:
        server.terminate()
        server.wait()
    return report(statistics.median(alone), tally, memory, seconds)


def one_minute(path: Path) -> Path:
    """Repeat a sample call of two channels until it lasts a minute."""
    samples = decode(SAMPLES / "neutral-enquiry_agent-left_customer-right.flac").samples
    return encode(path, np.tile(samples, 2)[:, : LENGTH * SAMPLE_RATE], codec="libmp3lame", bit_rate=64_000)


def wait_for(address: str) -> None:
    """Wait until the service is ready."""
    while True:
        try:
            if requests.get(f"{address}/ready", timeout=5).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.2)


def ask(address: str, call: bytes) -> tuple[requests.Response, float]:
    """Have the call analysed; give the answer and how long it took [seconds]."""
    started = time.perf_counter()
    answer = requests.post(f"{address}/analyze", files={"file": ("call.mp3", call)}, timeout=600)
    return answer, time.perf_counter() - started


def client(address: str, call: bytes, end: float, tally: Tally) -> None:
    """Ask again and again, and come again when told to."""
    while time.monotonic() < end:
        try:
            answer, seconds = ask(address, call)
        except requests.RequestException as error:
            tally.errors.append(type(error).__name__)
            continue
        if answer.status_code == 200 and answer.json()["segments"]:
            tally.waits.append(seconds)
        elif answer.status_code == 429:
            tally.refused += 1
            time.sleep(float(answer.headers["retry-after"]))
        else:
            tally.errors.append(f"{answer.status_code} {answer.text[:200]}")


def resident(pid: int) -> float:
    """Give the memory that a process holds [MB]."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


def report(alone: float, tally: Tally, memory: list[float], seconds: float) -> int:
    """Print what was measured, and tell by 0 that all is well."""
    median = statistics.median(tally.waits)
    ratio = median / (alone * PLACES)
    fifth = len(memory) // 5
    early, late = max(memory[fifth : 2 * fifth]), max(memory[-fifth:])
    print(f"{CLIENTS} clients, {seconds:g} s, {PLACES} places, a call of {LENGTH} s on two channels")
    print(f"alone {alone:.2f} s; median {median:.2f} s, {ratio:.2f} times alone times {PLACES}")
    print(f"slowest {max(tally.waits):.2f} s; {len(tally.waits) / seconds:.2f} analyses a second")
    print(f"{len(tally.waits)} answered, {tally.refused} refused with 429, {len(tally.errors)} errors")
    print(
        f"memory {early:.0f} MB in the second fifth, {late:.0f} MB in the last, {max(memory):.0f} MB at most"
    )
    for error in sorted(set(tally.errors)):
        print(error)
    return int(bool(tally.errors) or ratio > MOST or late > GROWTH * early)


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS))
