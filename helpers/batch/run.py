"""A batch from its folders to its tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from helpers.batch.recordings import find_recordings, name_of
from helpers.errors import BatchError

if TYPE_CHECKING:
    from helpers.batch.calls import Failure, Request
    from helpers.batch.engine import Workers

NEEDED = ("fsspec", "pyarrow", "tqdm")

_Outcome = TypeVar("_Outcome")


@dataclass(frozen=True)
class Summary:
    """What became of a batch.

    Attributes
    ----------
    recordings, done, before, failed : int
        How many there are, have a result, had it before, and have none for a reason that is known.
    interrupted : bool
    """

    recordings: int
    done: int
    before: int
    failed: int
    interrupted: bool

    def __str__(self) -> str:
        told = f"{self.recordings} recordings: {self.done} done, {self.before} of them before"
        told += f", {self.failed} failed, as failures.csv says" if self.failed else ""
        return told + (". Interrupted: the same command goes on from here." if self.interrupted else ".")


def check_packages(names: Sequence[str]) -> None:
    """Raise a `BatchError` where one of these packages is missing."""
    missing = [name for name in names if not find_spec(name)]
    if missing:
        raise BatchError(
            f"A batch needs {', '.join(missing)}, too: pip install --requirement requirements-batch.txt."
        )


def run_batch(
    sources: Sequence[str],
    folder: Path,
    request: Request,
    workers: Workers,
    *,
    recursive: bool = False,
) -> Summary:
    """Analyse what has no result yet, and write the tables of everything.

    Parameters
    ----------
    sources : sequence of str
        As of ``recordings.find_recordings``.
    folder : Path
        For the results; those that are there are kept.
    request : Request
        What is asked of every recording.
    workers : Workers
        From ``engine``.
    recursive : bool
        As of ``recordings.find_recordings``.

    Returns
    -------
    Summary
        Ctrl-C ends a batch early, with everything written that is finished.

    Raises
    ------
    BatchError
        There is nothing to analyse, or nobody who does. What was finished before is kept.
    """
    from helpers.batch.calls import analyse_call, identify
    from helpers.batch.page import write_page
    from helpers.batch.results import Results, write_failures, write_tables

    recordings = find_recordings(sources, recursive=recursive)
    results = Results(folder)
    keys: dict[str, str] = {}
    failures: dict[str, str] = {}
    before, interrupted = 0, False
    try:
        if results.keys:
            told = _told("Known?", workers, partial(identify, request=request), recordings, failures)
            keys |= {address: key for address, key in told if key in results.keys}
            before = len(keys)
        missing = [address for address in recordings if address not in keys and address not in failures]
        work = partial(analyse_call, request=request)
        for address, result in _told("Analysing", workers, work, missing, failures):
            results.add(result)
            keys[address] = result.key
    except KeyboardInterrupt:
        interrupted = True
    finally:
        results.flush()
        write_failures(failures, folder)
    write_tables(results, keys, folder)
    write_page(folder, failures)
    return Summary(len(recordings), len(keys), before, len(failures), interrupted)


def _told(
    stage: str,
    workers: Workers,
    work: Callable[[str], _Outcome | Failure],
    addresses: Sequence[str],
    failures: dict[str, str],
) -> Iterator[tuple[str, _Outcome]]:
    """Do the work and show how it goes, putting failures aside."""
    from tqdm import tqdm

    from helpers.batch.calls import Failure

    outcomes = workers.outcomes(work, addresses)
    for address, outcome in tqdm(outcomes, stage, len(addresses), unit=" calls"):
        if outcome is None:
            failures[address] = f"{name_of(address)} ends the process that analyses it: leave it out."
        elif isinstance(outcome, Failure):
            failures[address] = outcome.sentence
        else:
            yield address, outcome
