"""Where analyses run: in threads beside the event loop, each until its time is up or nobody waits for it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from fastapi import Request

from helpers.frames import Progress
from helpers.service.problems import ClientGoneError, Problem

_LOOK = 1.0  # seconds, between two looks at whether the client is still there

Result = TypeVar("Result")


class Pool:
    """Threads that work off requests in the order in which they come.

    How many may wait is the matter of the ``envelope``, which refuses others before it reads their bodies.

    Parameters
    ----------
    workers : int
    seconds : float
        That one may work.
    """

    def __init__(self, workers: int, seconds: float) -> None:
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="analysis")
        self._seconds = seconds

    async def run(self, request: Request, work: Callable[[Progress], Result]) -> Result:
        """Wait for a thread, and for the work to be done in it.

        Parameters
        ----------
        request : Request
            That waits.
        work : callable
            Given a progress, which it calls now and then, and which raises when it shall end.

        Returns
        -------
        Whatever the work returns.

        Raises
        ------
        Problem
            It took too long.
        ClientGoneError
            The client hung up.
        """
        gone = threading.Event()
        future = asyncio.get_running_loop().run_in_executor(self._threads, self._watched, work, gone)
        try:
            while not (await asyncio.wait({future}, timeout=_LOOK))[0]:
                if await request.is_disconnected():
                    gone.set()
        finally:
            gone.set()
        return await future

    async def warm(self, work: Callable[[], object]) -> None:
        """Do in a thread what the first request would wait for."""
        await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def close(self) -> None:
        """Take no more work."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _watched(self, work: Callable[[Progress], Result], gone: threading.Event) -> Result:
        end = time.monotonic() + self._seconds

        def progress(stage: str, share: float) -> None:
            if gone.is_set():
                raise ClientGoneError
            if time.monotonic() > end:
                raise Problem("too-slow", f"This took longer than {self._seconds:g} s: send a shorter one.")

        progress("Waiting", 0)
        return work(progress)
