"""The benchmark as a whole: every task on every recording, in fresh processes, as medians and as a page."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from helpers.benchmark.live import live_benchmark
from helpers.benchmark.recordings import KINDS, make_recording

MINUTES = (1.0, 10.0, 60.0, 240.0)
OTHERS = {"opensmile": "openSMILE"}  # packages and the tasks that measure them

_RUNS = 3
DOCS = Path(__file__).parents[2] / "docs"

_BEGIN, _END = "<!-- figures: begin -->", "<!-- figures: end -->"
_OTHERS_MINUTES = 10.0  # longer takes too long
_NAIVE = {"naive": ("librosa", "pydub")}  # with the packages that it needs, and the app does not
_TIME_LIMIT = 1800  # seconds
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Measured:
    """A task on a recording, median of fresh processes.

    Attributes
    ----------
    kind : str
        Key of ``recordings.KINDS``.
    minutes : float
        Length of the recording.
    task : str
        Key of ``tasks.TASKS``.
    seconds, processors : float
        Of the whole without starting Python, and of all processors with it [seconds].
    peak : float
        Of the memory of the process [MiB].
    stages : dict of str to float
        Of the run of median length [seconds].
    """

    kind: str
    minutes: float
    task: str
    seconds: float
    processors: float
    peak: float
    stages: dict[str, float]


@dataclass(frozen=True)
class Benchmark:
    """What was measured.

    Attributes
    ----------
    machine : str
        Processor cores and Python.
    recordings : list of Measured
    shown, settled : dict of str to float
        As of ``live.live_benchmark``.
    """

    machine: str
    recordings: list[Measured]
    shown: dict[str, float]
    settled: dict[str, float]


def benchmark(
    minutes: Sequence[float] = MINUTES, *, against: str | None = None, progress: Callable[[str], None]
) -> Benchmark:
    """Measure.

    Parameters
    ----------
    minutes : sequence of float
        Lengths of the recordings.
    against : str, optional
        Key of `OTHERS`: a package that is measured beside ours, where it is installed.
    progress : callable
        Called with a line before each.

    Returns
    -------
    Benchmark
    """
    measured = []
    with TemporaryDirectory() as folder:
        for length in minutes:
            for kind in KINDS.values():
                path = make_recording(kind, 60 * length, Path(folder))
                tasks = ["bare decode", "ours", "ours, other settings"]
                if kind.extension == "wav" and length <= _OTHERS_MINUTES:
                    others = _NAIVE | ({OTHERS[against]: (against,)} if against else {})
                    tasks += [task for task, needs in others.items() if all(map(find_spec, needs))]
                for task in tasks:
                    progress(f"{length:g} min, {kind.name}: {task}")
                    measured.append(measure(task, path, kind.name, length))
                path.unlink()
    shown, settled = live_benchmark()
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}"
    return Benchmark(machine, measured, shown, settled)


def measure(task: str, path: Path, kind: str, minutes: float, *, runs: int = _RUNS) -> Measured:
    """Run a task in fresh processes.

    Parameters
    ----------
    task : str
        Key of ``tasks.TASKS``.
    path : Path
        Of the recording.
    kind : str
    minutes : float
    runs : int

    Returns
    -------
    Measured
    """
    command = [sys.executable, "-m", "helpers.benchmark.tasks", task, str(path)]
    results = []
    for _ in range(runs):
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, check=True, cwd=_ROOT, text=True, timeout=_TIME_LIMIT
        )
        results.append(json.loads(done.stdout.splitlines()[-1]))
    middle = sorted(results, key=lambda result: result["seconds"])[len(results) // 2]
    medians = {
        name: round(statistics.median(result[name] for result in results), 3)
        for name in ("seconds", "processors", "peak")
    }
    stages = {name: round(seconds, 3) for name, seconds in middle["stages"].items()}
    return Measured(kind, minutes, task, **medians, stages=stages)


def to_json(measured: Benchmark) -> str:
    """Write what was measured as JSON.

    Parameters
    ----------
    measured : Benchmark

    Returns
    -------
    str
    """
    return json.dumps(asdict(measured), indent=1, ensure_ascii=False) + "\n"


def from_json(text: str) -> Benchmark:
    """Read what `to_json` wrote.

    Parameters
    ----------
    text : str

    Returns
    -------
    Benchmark
    """
    entries = json.loads(text)
    return Benchmark(**{**entries, "recordings": [Measured(**row) for row in entries["recordings"]]})


def write_documents(measured: Benchmark, folder: Path = DOCS) -> None:
    """Write what was measured as ``performance.json``, and into the page ``performance.md``.

    Parameters
    ----------
    measured : Benchmark
    folder : Path
        Holding the page, which has a place for the figures between two marks.
    """
    (folder / "performance.json").write_text(to_json(measured), encoding="utf-8")
    page = folder / "performance.md"
    before, rest = page.read_text(encoding="utf-8").split(_BEGIN)
    after = rest.split(_END)[1]
    text = f"{before}{_BEGIN}\n\n{performance_page(measured)}\n{_END}{after}"
    page.write_text(text, encoding="utf-8")


def performance_page(measured: Benchmark) -> str:
    """Write what was measured as Markdown.

    Parameters
    ----------
    measured : Benchmark

    Returns
    -------
    str
    """
    lines = [
        f"Measured on {measured.machine}: medians of {_RUNS} fresh processes; seconds without starting "
        "Python and its libraries, those of the processors with that, peak of the process's memory. Bare "
        "decode reads the file with the same library and throws the sound away; naive is what published "
        "demonstrations do (pydub, a WAV file per segment, librosa and a prediction for each); openSMILE "
        "describes the segments that we find by its eGeMAPS, and predicts nothing.",
        "",
        "| recording | minutes | task | seconds | of bare decode | processors | peak MiB | stages |",
        "| --- " * 8 + "|",
    ]
    bare = {(row.kind, row.minutes): row for row in measured.recordings if row.task == "bare decode"}
    for row in measured.recordings:
        ratio = row.seconds / bare[row.kind, row.minutes].seconds
        stages = ", ".join(f"{name} {seconds:.2f}" for name, seconds in row.stages.items())
        lines.append(
            f"| {row.kind} | {row.minutes:g} | {row.task} | {row.seconds:.2f} | {ratio:.1f} "
            f"| {row.processors:.1f} | {row.peak:.0f} | {stages} |"
        )
    for latency, words in ((measured.shown, "there"), (measured.settled, "there with its final times")):
        lines += [
            "",
            f"Live: a segment with its emotion is {words} {latency['median']:.2f} s after its end (median of "
            f"{latency['segments']:g} segments, at most {latency['longest']:.2f} s).",
        ]
    return "\n".join(lines) + "\n"
