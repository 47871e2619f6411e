"""Turns: so that many at once are served one after the other instead of exhausting the machine together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_LOOK = 0.5  # seconds, between two looks at the queue


class Turns:
    """Lets so many work at once, and the others wait in the order in which they came.

    Parameters
    ----------
    at_once : int
    """

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._running = 0
        self._waiting: list[object] = []
        self._changed = threading.Condition()

    @contextmanager
    def turn(self, tell: Callable[[int], None]) -> Iterator[None]:
        """Wait for a turn, and hold it for the duration of the context.

        Parameters
        ----------
        tell : callable
            Called while waiting, now and then, with the number of those before; it may raise to give up.
        """
        ticket = object()
        with self._changed:
            self._waiting.append(ticket)
        try:
            while not self._admitted(ticket):
                tell(self._before(ticket))
                with self._changed:
                    self._changed.wait(_LOOK)
        except BaseException:
            with self._changed:
                self._waiting.remove(ticket)
                self._changed.notify_all()
            raise
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def _admitted(self, ticket: object) -> bool:
        with self._changed:
            if self._waiting[0] is not ticket or self._running >= self._at_once:
                return False
            self._waiting.pop(0)
            self._running += 1
            self._changed.notify_all()
            return True

    def _before(self, ticket: object) -> int:
        with self._changed:
            return self._running + self._waiting.index(ticket)
