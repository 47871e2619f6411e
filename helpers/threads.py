"""Threads beside the one that asks, or none where several processes share the cores."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

BESIDE = 2  # threads; who asks them waits for them, for the most part
ONE_THREAD = {"OMP_NUM_THREADS": "1"}  # as Dask sets it for its workers, too

_Result = TypeVar("_Result")


def has_one_thread() -> bool:
    """Tell whether this process was told by its environment to do everything on one thread."""
    return ONE_THREAD.items() <= os.environ.items()


@cache
def beside() -> Executor:
    """Give the threads that work beside all that ask them.

    They are for calls that take long without the interpreter's lock: to hand that over takes as long as a
    short call does.
    """
    return AtOnce() if has_one_thread() else ThreadPoolExecutor(BESIDE, thread_name_prefix="beside")


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
