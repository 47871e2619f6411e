"""Threads beside the one that asks, or none where several processes share the cores."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

ONE_THREAD = {"OMP_NUM_THREADS": "1"}  # as Dask sets it for its workers, too

_Result = TypeVar("_Result")


def has_one_thread() -> bool:
    """Tell whether this process was told by its environment to do everything on one thread."""
    return ONE_THREAD.items() <= os.environ.items()


class AtOnce(Executor):
    """Runs each task when it is submitted, on the thread that submits it."""

    def submit(self, fn: Callable[..., _Result], /, *args: Any, **kwargs: Any) -> Future[_Result]:
        """As of ``concurrent.futures.Executor``."""
        future: Future[_Result] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # as an executor does
            future.set_exception(error)
        return future
