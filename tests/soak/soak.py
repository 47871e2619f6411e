"""Many sessions at once for minutes or an hour, and servers that end badly: ``make soak MINUTES=60``.

Each session analyses a recording of its own, and must get what an analysis alone gives. Some leave while the
upload or the analysis is under way. Prints a summary as JSON, which `--keep` lays into ``docs/`` with the
plot of the memory, and fails where a result was another, memory or a temporary file stayed.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import requests

from helpers.analysis import analyze
from helpers.exports import to_json
from helpers.media import SAMPLE_RATE, Recording, to_wav
from tests.browser.conftest import ROOT, Server
from tests.conftest import bursts
from tests.soak.session import Session
from tests.test_golden import assert_same

SESSIONS = 20
FORGOTTEN_AFTER = 10  # seconds after a tab was closed; Streamlit's own default is 120
GROWTH = "growth from the middle third of the rounds to the last [MiB]"
MOST_GROWTH = 60.0  # MiB
SMALL_DISK = "size=2m"
JSON = "Everything (JSON)"


def recordings() -> dict[str, bytes]:
    """Make a recording for each session, with other speech in each."""
    made = {}
    for number in range(SESSIONS):
        spans = [(0.5 + 4 * turn, 2 + 4 * turn + number / 10) for turn in range(2 + number % 5)]
        samples = bursts(*spans, duration=10 + 2 * number, level=-25 + number / 2)
        name = f"call {number}.wav"
        made[name] = to_wav(Recording(name, np.stack([samples, np.roll(samples, 900 * number)])))
    return made


def visit(address: str, number: int, name: str, content: bytes, expected: Any) -> str:
    """Be one session; say how it went."""
    with Session(address) as session:
        if number % 10 == 8:
            session.break_off(name, content)
            return "left during the upload"
        session.upload(name, content)
        if number % 10 == 9:
            return "left during the analysis"
        assert_same(json.loads(session.download(JSON)), expected)
        return "own result"


class Watch:
    """Measures the memory of a server every second."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._begin = time.monotonic()
        self._ended = threading.Event()
        self.samples: list[tuple[float, float]] = []

    def __enter__(self) -> Watch:
        threading.Thread(target=self._measure, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()

    def memory_since(self, begin: float) -> float:
        """Give the median since a time [MiB]."""
        return median(memory for moment, memory in self.samples if moment >= begin)

    def now(self) -> float:
        """Give the seconds since the beginning."""
        return time.monotonic() - self._begin

    def _measure(self) -> None:
        while not self._ended.wait(1):
            self.samples.append((round(self.now(), 1), round(self._server.memory())))


def growth(settled: list[float]) -> float:
    """Compare the medians of the last two thirds; in the first, caches and the threads' arenas fill."""
    third = len(settled) // 3
    return median(settled[-third:]) - median(settled[third:-third])


def soak(server: Server, folder: Path, minutes: float, made: dict[str, bytes]) -> dict[str, Any]:
    """Have rounds of sessions for some minutes, then wait until they are forgotten."""
    expected = {name: json.loads(to_json(analyze(content, name=name))) for name, content in made.items()}
    ended: list[str] = []
    settled: list[float] = []
    with server.running(), Watch(server) as watch, ThreadPoolExecutor(SESSIONS) as pool:
        while watch.now() < 60 * minutes or len(settled) < 3:
            visits = [
                pool.submit(visit, server.address, number, name, made[name], expected[name])
                for number, name in enumerate(made)
            ]
            ended += [each.result() for each in visits]
            quiet = watch.now() + FORGOTTEN_AFTER
            time.sleep(FORGOTTEN_AFTER + 5)
            settled.append(watch.memory_since(quiet))
        left = [str(path) for path in folder.rglob("*")]
        peak = server.peak()
    return {
        "minutes": round(watch.now() / 60, 1),
        "sessions at once": SESSIONS,
        "sessions": len(ended),
        **{f"sessions: {how}": ended.count(how) for how in sorted({*ended})},
        "memory after each round [MiB]": settled,
        GROWTH: round(growth(settled), 1),
        "peak [MiB]": round(peak),
        "temporary files left": left,
        "samples": watch.samples,
    }


def end_badly(server: Server, folder: Path, made: dict[str, bytes]) -> dict[str, Any]:
    """End the server while sessions are under way, and see that it starts again and leaves nothing."""
    name, content = max(made.items(), key=lambda each: len(each[1]))
    expected = json.loads(to_json(analyze(content, name=name)))
    told: dict[str, Any] = {}
    for how in (signal.SIGTERM, signal.SIGKILL):
        server.start()
        with suppress(Exception), Session(server.address) as session:  # it hangs up as the server ends
            session.upload(name, content)
            begin = time.monotonic()
            server.stop(how)
            told[f"{how.name}: seconds to the end"] = round(time.monotonic() - begin, 1)
        told[f"{how.name}: files left"] = [str(path) for path in folder.rglob("*")]
        with server.running():
            told[f"{how.name}: afterwards"] = visit(server.address, 0, name, content, expected)
    return told


def fill_the_disk(server: Server, folder: Path, made: dict[str, bytes]) -> dict[str, Any]:
    """Upload more than the temporary folder can take, then what needs none."""
    name = min(made, key=lambda each: len(made[each]))
    expected = json.loads(to_json(analyze(made[name], name=name)))
    large = to_wav(Recording("large.wav", np.zeros((2, 100 * SAMPLE_RATE), np.int16)))
    with small_disk(folder), server.running():
        with Session(server.address) as session:
            try:
                session.upload("large.wav", large)
                answer = "taken"
            except requests.RequestException as error:
                answer = f"refused: {getattr(error.response, 'status_code', 'hung up')}"
        afterwards = visit(server.address, 0, name, made[name], expected)
        return {
            "full disk: upload": answer,
            "full disk: afterwards": afterwards,
            "files left": [*folder.rglob("*")],
        }


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Lay a file system of two megabytes over a folder; that takes root."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", SMALL_DISK, "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def plot(samples: list[tuple[float, float]], path: Path) -> None:
    """Draw the memory over time."""
    import altair as alt
    import pandas as pd

    table = pd.DataFrame(samples, columns=["minutes", "MiB"])
    table["minutes"] /= 60
    alt.Chart(table, width=700, height=250).mark_line().encode(x="minutes:Q", y="MiB:Q").save(path)


def main() -> int:
    """Run all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    made = recordings()
    with TemporaryDirectory() as name:
        folder = Path(name)
        server = Server(TMPDIR=name, STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL=str(FORGOTTEN_AFTER))
        told = soak(server, folder, options.minutes, made)
        samples = told.pop("samples")
        told |= end_badly(server, folder, made) | fill_the_disk(server, folder, made)
    print(json.dumps(told, indent=2))
    if options.keep:
        (ROOT / "docs" / "soak.json").write_text(json.dumps(told, indent=2) + "\n")
        plot(samples, ROOT / "docs" / "soak.png")
    left = [*told["temporary files left"], *told["SIGTERM: files left"], *told["SIGKILL: files left"]]
    return int(bool(left) or told[GROWTH] > MOST_GROWTH)


if __name__ == "__main__":
    sys.exit(main())
