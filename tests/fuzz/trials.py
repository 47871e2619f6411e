"""Try the front door with the whole corpus: ``make fuzz``.

Cases run in processes of their own. One that takes too long is killed and counts as a hang, one that ends by
itself as a crash of a library; both are started anew for the next case. Prints a summary as JSON, and fails
where a case ended neither in a result nor in one of our errors.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import select
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.fuzz.corpus import cases

ROOT = Path(__file__).parents[2]
LONGEST = 120.0  # seconds that a case may take
MOST_MEMORY = 700  # MiB that a case may take, of the 1 GB of the hosted demo; an idle server has about 250


class Worker:
    """A process that tries cases, started anew whenever it ended."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None

    def attempt(self, name: str) -> dict[str, Any]:
        """Give what became of a case."""
        process = self._process = self._process or self._started()
        assert process.stdin and process.stdout
        process.stdin.write(name + "\n")
        process.stdin.flush()
        if not select.select([process.stdout], [], [], LONGEST)[0]:
            self.stop()
            return {"outcome": "hang", "seconds": LONGEST}
        answer = process.stdout.readline()
        if not answer:
            code = process.wait()
            self.stop()
            return {"outcome": f"crash: ended with {code}"}
        return dict(json.loads(answer))

    def stop(self) -> None:
        """End the process, whatever it does."""
        if self._process:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _started(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.worker"],
            cwd=self._folder,
            env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )


def run(names: Sequence[str], workers: int) -> dict[str, dict[str, Any]]:
    """Try cases, and give by name what became of each."""
    with ThreadPoolExecutor(workers) as pool:
        shares = pool.map(_share, [names[number::workers] for number in range(workers)])
        return {name: outcome for share in shares for name, outcome in share.items()}


def _share(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    outcomes = {}
    with _worker() as worker:
        for name in names:
            outcomes[name] = worker.attempt(name)
            for wrong in failures({name: outcomes[name]}).values():
                print(f"{name}: {wrong}", file=sys.stderr, flush=True)
    return outcomes


@contextmanager
def _worker() -> Iterator[Worker]:
    with TemporaryDirectory() as folder:
        worker = Worker(Path(folder))
        try:
            yield worker
        finally:
            worker.stop()


def failures(outcomes: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Give by name what is wrong with the cases that did not end well."""
    wrong = {}
    for name, case in outcomes.items():
        outcome = str(case["outcome"])
        if case.get("opened"):
            wrong[name] = "opened another file"
        elif case.get("MiB", 0) > MOST_MEMORY:
            wrong[name] = f"took {case['MiB']} MiB"
        elif not re.fullmatch(r"result|\w+Error", outcome):
            wrong[name] = outcome
    return wrong


def summary(outcomes: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Count what became of the cases."""
    ended = Counter(str(case["outcome"]).split(":")[0] for case in outcomes.values())
    slowest = max(outcomes, key=lambda name: outcomes[name].get("seconds", 0))
    largest = max(outcomes, key=lambda name: outcomes[name].get("MiB", 0))
    return {
        "cases": len(outcomes),
        "ended": dict(ended),
        "crashes": ended["crash"],
        "hangs": ended["hang"],
        "highest memory of a case [MiB]": [outcomes[largest].get("MiB"), largest],
        "slowest case [s]": [outcomes[slowest].get("seconds"), slowest],
        "failures": failures(outcomes),
    }


def main() -> int:
    """Run all cases, or those whose names contain the words given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    names = [name for name in cases() if all(word in name for word in options.words)]
    told = summary(run(names, options.workers))
    print(json.dumps(told, indent=2))
    return int(bool(told["failures"]))


if __name__ == "__main__":
    sys.exit(main())
