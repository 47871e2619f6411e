"""How a batch of one-minute calls scales from one process to two: ``python -m helpers.benchmark.batch``."""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from helpers.benchmark.recordings import KINDS, make_recording

_SECONDS = 60.0
_PROCESSES = (1, 2)


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
        times: dict[int, list[float]] = {count: [] for count in _PROCESSES}
        for run in range(options.runs):
            for count in _PROCESSES:
                seconds, processors = _measured(calls, Path(name) / f"{run}-{count}", count)
                times[count].append(seconds)
                print(
                    f"{count} processes: {seconds:.1f} s, {processors / options.calls:.3f} processor seconds "
                    "per call",
                    flush=True,
                )
    one, two = (statistics.median(times[count]) for count in _PROCESSES)
    print(f"Medians: {one:.1f} s and {two:.1f} s, {one / two:.2f} times as fast.")


def _measured(calls: Path, output: Path, processes: int) -> tuple[float, float]:
    """Give the time that a batch takes and the processors' [seconds]."""
    command = [sys.executable, "-m", "helpers", "analyze", str(calls), "--output", str(output)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run(  # noqa: S603
        [*command, "--jobs", str(processes)], check=True, stderr=subprocess.DEVNULL
    )
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
