"""A microphone in the browser, heard by a thread of its own.

WebRTC's event loop hands over frames and must not wait: `Microphone.receive` counts and queues them. The
thread converts them, fills what the network lost with silence, so that times stay true, and feeds a
``LiveCall``.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from helpers.errors import HelpersError
from helpers.live import LiveCall, LiveView
from helpers.media import SAMPLE_RATE, FrameConverter, Recording, mean_of_channels

if TYPE_CHECKING:
    from av import AudioFrame

_LOG = logging.getLogger(__name__)
_UNEXPECTED = "The live analysis stopped unexpectedly: press Start again, or record a clip."
_TICK = 0.2  # seconds
_LONGEST_GAP = 60.0  # seconds, beyond which a jump in time is none of the network's
_MOST_WAITING = 3_000  # frames, a minute


@dataclass(frozen=True)
class FrameCount:
    """What became of the frames that the browser sent; a frame is 20 ms.

    Attributes
    ----------
    received : int
        Frames that arrived.
    heard : int
        Of them, those that were analysed.
    refused : int
        Of them, those for which the queue had no room; the others wait.
    missing : float
        Sound that was refused or lost on the way, and filled with silence [seconds].
    """

    received: int = 0
    heard: int = 0
    refused: int = 0
    missing: float = 0.0


@dataclass(frozen=True)
class Take:
    """What a microphone hears from a start to a stop.

    Attributes
    ----------
    view : LiveView or None
        What is known; None before the first sound.
    count : FrameCount
        What became of the frames.
    recording : Recording or None
        The sound that was kept, once it has stopped.
    failure : HelpersError or None
        Why there is no analysis.
    """

    view: LiveView | None = None
    count: FrameCount = FrameCount()
    recording: Recording | None = None
    failure: HelpersError | None = None


class Microphone:
    """Hears one take after the other.

    Parameters
    ----------
    make_call : callable
        Makes the ``LiveCall`` of a take, in the thread.
    """

    def __init__(self, make_call: Callable[[], LiveCall]) -> None:
        self._make_call = make_call
        self._listener: _Listener | None = None

    def start(self, name: str) -> None:
        """Begin a take; the last one is forgotten.

        Parameters
        ----------
        name : str
            Of its recording.
        """
        self.close()
        self._listener = _Listener(self._make_call, name)

    def receive(self, frame: AudioFrame) -> None:
        """Take over a frame, without waiting; nothing happens to it outside of a take.

        Parameters
        ----------
        frame : av.AudioFrame
        """
        if self._listener:
            self._listener.receive(frame)

    def end(self) -> None:
        """Take note, without waiting, that no more frames will come."""
        if self._listener:
            self._listener.end()

    def stop(self) -> Take | None:
        """End the take when all its frames are heard, and look at it; it stays until it is closed.

        Returns
        -------
        Take or None
            None where none was begun.
        """
        return self._listener.finish() if self._listener else None

    @property
    def is_listening(self) -> bool:
        """Whether a take is going on."""
        return self._listener is not None and not self._listener.is_over

    def take(self) -> Take | None:
        """Look at the take.

        Returns
        -------
        Take or None
            None where none was begun.
        """
        return self._listener.take if self._listener else None

    def close(self) -> None:
        """End the take, and forget it."""
        listener, self._listener = self._listener, None
        if listener:
            listener.abandon()


class _Listener:
    """The thread of one take."""

    def __init__(self, make_call: Callable[[], LiveCall], name: str) -> None:
        self.take = Take()
        self._make_call = make_call
        self._name = name
        self._frames: queue.Queue[AudioFrame] = queue.Queue(_MOST_WAITING)
        self._received = self._refused = 0  # written by WebRTC's event loop alone
        self._over = threading.Event()
        self._abandoned = False
        self._thread = threading.Thread(target=self._run, name="microphone", daemon=True)
        self._thread.start()

    def receive(self, frame: AudioFrame) -> None:
        if self._over.is_set():
            return
        self._received += 1
        try:
            self._frames.put_nowait(frame)
        except queue.Full:
            self._refused += 1

    @property
    def is_over(self) -> bool:
        return self._over.is_set()

    def end(self) -> None:
        self._over.set()

    def finish(self) -> Take:
        self.end()
        self._thread.join()
        return self.take

    def abandon(self) -> None:
        self._abandoned = True
        self.end()

    def _run(self) -> None:
        try:
            self._listen(self._make_call())
        except HelpersError as error:
            self.take = replace(self.take, failure=error)
        except Exception:  # whatever it is, the page must not wait for it
            _LOG.exception("The live analysis stopped.")
            self.take = replace(self.take, failure=HelpersError(_UNEXPECTED))

    def _listen(self, call: LiveCall) -> None:
        stream = _FrameStream()
        over = False
        while not over:
            over = self._over.wait(_TICK)
            if self._abandoned:
                return
            call.hear(stream.samples(self._waiting(), last=over))
            if over:
                call.finish()
            count = FrameCount(self._received, stream.count, self._refused, stream.missing)
            self.take = Take(call.view(), count, call.recording(self._name) if over else None)

    def _waiting(self) -> list[AudioFrame]:
        return [self._frames.get_nowait() for _ in range(self._frames.qsize())]


class _FrameStream:
    """Joins the frames of one track to one stream of samples."""

    def __init__(self) -> None:
        self.count = 0
        self.missing = 0.0
        self._converter = FrameConverter()
        self._next_time: float | None = None

    def samples(self, frames: list[AudioFrame], *, last: bool) -> np.ndarray:
        """Convert frames to samples [shape=(n,), dtype=int16]."""
        blocks = [np.empty(0, np.int16)]
        for frame in frames:
            blocks.append(self._silence_before(frame))
            blocks.extend(mean_of_channels(block) for block in self._converter.convert(frame))
            self.count += 1
        if last:
            blocks.extend(mean_of_channels(block) for block in self._converter.finish())
        return np.concatenate(blocks)

    def _silence_before(self, frame: AudioFrame) -> np.ndarray:
        """Fill the time that passed since the last frame, by the frames' own clock."""
        gap = 0.0
        if frame.time is not None:
            gap = frame.time - (frame.time if self._next_time is None else self._next_time)
            self._next_time = frame.time + frame.samples / frame.sample_rate
        if not 1e-3 < gap < _LONGEST_GAP:
            return np.empty(0, np.int16)
        self.missing += gap
        return np.zeros(round(gap * SAMPLE_RATE), np.int16)
