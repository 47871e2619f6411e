"""How a batch of one-minute calls scales from one process to two: ``python -m helpers.benchmark.batch``.

Where other work keeps the cores busy, the seconds that pass say little. Those of processors say more: each
process has one thread, so on a core of its own it takes as long as its processor.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from helpers.benchmark.recordings import KINDS, make_recording

_SECONDS = 60.0
_PROCESSES = (1, 2)
_PROGRAM = """
import resource, sys
from helpers.__main__ import main
if main(["analyze", *sys.argv[1:]]):
    sys.exit("The batch failed.")
for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
    used = resource.getrusage(who)
    print(used.ru_utime + used.ru_stime)
"""


def main() -> None:
    """Measure and print, a line per run."""
    parser = argparse.ArgumentParser("python -m helpers.benchmark.batch", description=__doc__)
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--runs", type=int, default=3, help="of each number of processes, in turns")
    parser.add_argument("--kind", choices=KINDS, default="MP3, two channels")
    options = parser.parse_args()
    with TemporaryDirectory() as name:
        calls = Path(name) / "calls"
        calls.mkdir()
        original = make_recording(KINDS[options.kind], _SECONDS, Path(name))
        content = original.read_bytes()
        for number in range(options.calls):  # another content each, which decoders pass over at the end
            (calls / f"{number}_{original.name}").write_bytes(content + number.to_bytes(4, "big"))
        runs: dict[int, list[_Run]] = {count: [] for count in _PROCESSES}
        for number in range(options.runs):
            for count in _PROCESSES:
                run = _measured(calls, Path(name) / f"{number}-{count}", count)
                runs[count].append(run)
                print(
                    f"{count} processes: {run.seconds:.1f} s at a load of {os.getloadavg()[0]:.1f}; "
                    f"processors: {run.own:.1f} s of the one that leads, {run.workers:.1f} s of the others",
                    flush=True,
                )
    for what in ("seconds", "on_free_cores"):
        one, two = (statistics.median(getattr(run, what) for run in runs[count]) for count in _PROCESSES)
        print(f"{what}, medians: {one:.1f} and {two:.1f}, {one / two:.2f} times as fast")


@dataclass(frozen=True)
class _Run:
    """A batch: the seconds that passed, and those of the processors, of its leader and of the others."""

    processes: int
    seconds: float
    own: float
    workers: float

    @property
    def on_free_cores(self) -> float:
        """How long it takes where each process has a core [seconds]."""
        return self.own + self.workers / self.processes


def _measured(calls: Path, output: Path, processes: int) -> _Run:
    command = [sys.executable, "-c", _PROGRAM, str(calls), "--output", str(output), "--jobs", str(processes)]
    start = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True)  # noqa: S603
    seconds = time.perf_counter() - start
    return _Run(processes, seconds, *map(float, done.stdout.split()))


if __name__ == "__main__":
    main()
