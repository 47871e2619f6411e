"""Training jobs: one at a time, in a process of its own, so that it can be ended and disturbs no analysis.

A job is a JSON file in the folder ``jobs`` beside the models; one that was running when the service ended is
"interrupted". While it runs, a folder of its name holds the clips and what is computed from them; that folder
goes when the job ends, however it ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import uuid
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Literal

from helpers.estimators import SKOPS

State = Literal["running", "done", "failed", "cancelled", "interrupted"]

CLIPS, RESULT = "clips.zip", "result"
_KEPT = 100  # jobs
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Job:
    """A training.

    Attributes
    ----------
    id, model : str
        The new model's name.
    state : {'running', 'done', 'failed', 'cancelled', 'interrupted'}
    stage : str
        What is done now.
    progress : float
        Share of the work that is done, in [0, 1].
    started, ended : str
        ISO 8601; empty while it runs.
    protocol : str
        Of the cross-validation; it begins with "leaky" where speakers may be on both sides.
    clips, speakers : int
        That were tested on; 0 speakers where nobody knows.
    macro_f1_mean, macro_f1_deviation : float or None
        Over the folds.
    macro_f1 : list of float
        Of each fold.
    labels : list of str
    confusion : list of list of int
        Clips by true emotion (rows) and by what was told.
    problems : list of str
        Clips that were left out, or are unlike the others.
    error : str
        Why it failed.
    """

    id: str
    model: str
    state: State = "running"
    stage: str = ""
    progress: float = 0.0
    started: str = ""
    ended: str = ""
    protocol: str = ""
    clips: int = 0
    speakers: int = 0
    macro_f1_mean: float | None = None
    macro_f1_deviation: float | None = None
    macro_f1: list[float] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    confusion: list[list[int]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    error: str = ""


class Jobs:
    """The jobs of a folder of models.

    Parameters
    ----------
    models : Path
        Where finished models go.
    """

    def __init__(self, models: Path) -> None:
        self._models = models
        self._folder = models / "jobs"
        self._jobs: dict[str, Job] = {}
        self._starting = False
        self._running: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None

    def recover(self) -> None:
        """Take up the jobs of before, and remove what they left."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for leftover in self._folder.iterdir():
            if leftover.is_dir():
                shutil.rmtree(leftover, ignore_errors=True)
        files = sorted(self._folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
        for path in files[:-_KEPT]:
            path.unlink()
        for path in files[-_KEPT:]:
            job = Job(**json.loads(path.read_text(encoding="utf-8")))
            self._jobs[job.id] = job
            if job.state == "running":
                self._change(job.id, state="interrupted", ended=_now())

    def get(self, number: str) -> Job:
        """Find a job; KeyError where there is none."""
        return self._jobs[number]

    @property
    def busy(self) -> bool:
        """Whether a job is running or about to."""
        return self._starting or any(job.state == "running" for job in self._jobs.values())

    async def start(self, model: str, clips: BinaryIO | None, recipe: str, corpora: Path | None) -> Job:
        """Start to train.

        Parameters
        ----------
        model : str
            Name of the new model.
        clips : binary file or None
            ZIP of labelled clips.
        recipe : str
            Name of a recipe where there are no clips.
        corpora : Path or None
            Folder of the corpora that a recipe needs.

        Returns
        -------
        Job
        """
        job = Job(uuid.uuid4().hex, model, stage="Starting", started=_now())
        work = self._folder / job.id
        self._starting = True
        try:
            work.mkdir()
            if clips:
                await asyncio.to_thread(_copy, clips, work / CLIPS)
            self._running = await _process(work, model, recipe, str(corpora or ""))
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise
        finally:
            self._starting = False
        self._jobs[job.id] = job
        self._change(job.id)
        self._watch = asyncio.create_task(self._follow(job.id, self._running, work))
        return job

    async def cancel(self, number: str) -> Job:
        """End a job, if it is running; KeyError where there is none."""
        if self._jobs[number].state == "running" and self._running and self._watch:
            self._change(number, state="cancelled", ended=_now())
            _end(self._running)
            await self._watch
        return self._jobs[number]

    async def close(self) -> None:
        """End what is running; it is "interrupted" from then on."""
        for job in list(self._jobs.values()):
            if job.state == "running" and self._running and self._watch:
                self._change(job.id, state="interrupted", ended=_now())
                _end(self._running)
                await self._watch

    async def _follow(self, number: str, process: asyncio.subprocess.Process, work: Path) -> None:
        """Keep what the process says, one JSON object a line, until it ends."""
        assert process.stdout  # noqa: S101
        succeeded = False
        try:
            async for line in process.stdout:
                if self._jobs[number].state == "running":
                    self._jobs[number] = replace(self._jobs[number], **json.loads(line))
            succeeded = await process.wait() == 0 and self._jobs[number].state == "running"
            if succeeded:
                self._shelve(self._jobs[number].model, work / RESULT)
        finally:
            _end(process)
            await asyncio.to_thread(shutil.rmtree, work, True)
            if self._jobs[number].state == "running":
                self._conclude(number, succeeded=succeeded)

    def _shelve(self, model: str, result: Path) -> None:
        """Put a model among the others, the card last, so that no half of one is ever listed."""
        for ending in (SKOPS, "json"):
            (result / f"{model}.{ending}").replace(self._models / f"{model}.{ending}")

    def _conclude(self, number: str, *, succeeded: bool) -> None:
        if succeeded:
            self._change(number, state="done", stage="", progress=1.0, ended=_now())
        else:
            error = self._jobs[number].error or "The training ended unexpectedly: try again with fewer clips."
            self._change(number, state="failed", stage="", error=error, ended=_now())

    def _change(self, number: str, **changes: Any) -> None:
        """Change a job, and write it whole or not at all."""
        self._jobs[number] = replace(self._jobs[number], **changes)
        path = self._folder / f"{number}.json"
        unfinished = path.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(asdict(self._jobs[number])), encoding="utf-8")
        unfinished.replace(path)


async def _process(work: Path, model: str, recipe: str, corpora: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "helpers.service.trainer", str(work), model, recipe, corpora),
        cwd=_ROOT,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,  # a traceback may quote names
        start_new_session=True,
    )


def _end(process: asyncio.subprocess.Process) -> None:
    """End a process and all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _copy(clips: BinaryIO, path: Path) -> None:
    with path.open("xb") as file:
        shutil.copyfileobj(clips, file)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
