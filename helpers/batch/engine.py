"""Who does the work of a batch: processes of this machine, or the workers of a Dask cluster.

Both are executors as of ``concurrent.futures``. joblib's own Dask backend is not one of them: it waits for
ever for a task of which its workers died (measured with joblib 1.6).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from helpers.errors import BatchError
from helpers.threads import ONE_THREAD

_WAITING = 2  # tasks per worker, so that none waits for the next
_IDLE = 300  # seconds, after which a process without work ends
_CONNECTING = 30  # seconds

_Item = TypeVar("_Item")
_Outcome = TypeVar("_Outcome")


@dataclass(frozen=True)
class Workers:
    """Those who work.

    Attributes
    ----------
    executor : callable
        Gives the one that runs tasks, a new one where the last is broken.
    count : callable
        Says how many tasks can run at once.
    lost : tuple of exception types
        What a task raises whose worker died.
    """

    executor: Callable[[], Executor]
    count: Callable[[], int]
    lost: tuple[type[Exception], ...]

    def outcomes(
        self, work: Callable[[_Item], _Outcome], items: Iterable[_Item]
    ) -> Iterator[tuple[_Item, _Outcome | None]]:
        """Do the work for each item.

        Parameters
        ----------
        work : callable
            That can be sent to another process.
        items : iterable

        Yields
        ------
        item, outcome
            As soon as it is there. A worker that dies takes others' tasks with it; each of those is tried
            once more, alone at the end, and its outcome is None where the worker died again.

        Raises
        ------
        BatchError
            The workers are gone, or cannot run the program.
        """
        doubtful = []
        for item, outcome in self._stream(work, items):
            if outcome is None:
                doubtful.append(item)
            else:
                yield item, outcome
        for item in doubtful:
            yield from self._stream(work, [item])

    def _stream(
        self, work: Callable[[_Item], _Outcome], items: Iterable[_Item]
    ) -> Iterator[tuple[_Item, _Outcome | None]]:
        pending: dict[Future[_Outcome], _Item] = {}
        for item in items:
            while len(pending) >= _WAITING * max(1, self.count()):
                yield from self._finished(pending)
            try:
                pending[self.executor().submit(work, item)] = item
            except BrokenExecutor:
                yield item, None
        while pending:
            yield from self._finished(pending)

    def _finished(self, pending: dict[Future[_Outcome], _Item]) -> Iterator[tuple[_Item, _Outcome | None]]:
        for future in wait(pending, return_when=FIRST_COMPLETED).done:
            item = pending.pop(future)
            try:
                outcome = future.result()
            except self.lost:
                yield item, None
            except (CancelledError, OSError) as error:
                raise BatchError(
                    "The workers are gone: start them and the same command again, which goes on from here."
                ) from error
            except ImportError as error:
                raise BatchError(
                    f"The workers cannot run this program ({error}): start them in its folder, "
                    "with its packages."
                ) from error
            else:
                yield item, outcome


@contextmanager
def processes(count: int) -> Iterator[Workers]:
    """Start processes of this machine, each with one thread for its computations.

    Parameters
    ----------
    count : int
        How many; -1 for one per core.

    Yields
    ------
    Workers
    """
    from joblib import cpu_count
    from joblib.externals.loky import get_reusable_executor

    jobs = count if count > 0 else cpu_count()

    executor = partial(
        get_reusable_executor, jobs, timeout=_IDLE, initializer=_leave_interrupts, env=ONE_THREAD
    )
    try:
        for _ in range(jobs):
            executor().submit(_load)
        yield Workers(executor, lambda: jobs, (BrokenExecutor,))
    finally:
        executor().shutdown(kill_workers=True)


@contextmanager
def cluster(address: str) -> Iterator[Workers]:
    """Use the workers of a Dask scheduler, however many there are now and later.

    Parameters
    ----------
    address : str
        Of the scheduler, such as ``tcp://scheduler:8786``.

    Yields
    ------
    Workers

    Raises
    ------
    BatchError
        Nobody answers there.
    """
    from distributed import Client
    from distributed.scheduler import KilledWorker

    try:
        client = Client(address, timeout=_CONNECTING)
        client.wait_for_workers(1, timeout=_CONNECTING)
    except (OSError, ValueError, TimeoutError) as error:
        raise BatchError(f"There is no Dask scheduler with workers at {address}: start both.") from error
    with client:
        executor = client.get_executor(pure=False)
        yield Workers(lambda: executor, lambda: sum(client.nthreads().values()), (KilledWorker,))


def _leave_interrupts() -> None:
    """Leave Ctrl-C, which reaches all processes of a terminal, to the one that started them."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _load() -> None:
    """Load what analyses need, while the process that leads does the same."""
    import helpers.analysis  # noqa: F401
