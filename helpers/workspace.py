"""Analyses on demand, with what is costly kept: recordings by content, analyses by content and settings.

Every session has its own `Workspace`. What they keep lies in caches that all of them share, so that the
process stays within its memory however many they are; what was dropped is simply computed again. When a
session ends, its workspace is closed, and nothing of its recordings remains.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path

from cachetools import LRUCache, cachedmethod

from helpers.analysis import CallAnalysis, Progress, Settings, analyze_recording
from helpers.classifier import DEFAULT_MODEL, load_model
from helpers.media import Recording, decode, to_wav
from helpers.turns import Turns

RECORDINGS: LRUCache[tuple[Hashable, ...], Recording] = LRUCache(
    256 * 2**20, lambda recording: recording.samples.nbytes
)
WAVS: LRUCache[tuple[Hashable, ...], bytes] = LRUCache(128 * 2**20, len)
ANALYSES: LRUCache[tuple[Hashable, ...], CallAnalysis] = LRUCache(64)

_LOCK = threading.Lock()
_TURNS = Turns(1)  # an analysis uses all cores, and two long ones at once would not fit into 1 GB
_READING = 0.4


@dataclass(frozen=True)
class RecordingFile:
    """A recording that can be read again whenever it is needed.

    Attributes
    ----------
    name : str
        File name without folders.
    identity : Hashable
        Equal for equal content.
    content : Path or bytes
        The file, or what is in it.
    """

    name: str
    identity: Hashable
    content: Path | bytes

    @classmethod
    def from_path(cls, path: Path) -> RecordingFile:
        """Refer to a file on disk; it counts as changed when its time or size changes."""
        status = path.stat()
        return cls(path.name, (str(path), status.st_mtime_ns, status.st_size), path)

    @classmethod
    def from_bytes(cls, name: str, content: bytes) -> RecordingFile:
        """Hold the content of an upload."""
        return cls(name, hashlib.sha256(content).digest(), content)


class Workspace:
    """What one session works on. Its results are shared with the caches: not to be written to."""

    @cachedmethod(
        lambda self: RECORDINGS, lambda self, file, *_: (self, file.name, file.identity), lambda self: _LOCK
    )
    def recording(self, file: RecordingFile, progress: Progress) -> Recording:
        """Decode a file.

        Parameters
        ----------
        file : RecordingFile
        progress : callable
            As for ``analysis.analyze_recording``.

        Returns
        -------
        Recording

        Raises
        ------
        MediaError
            It cannot be read.
        """
        return decode(
            file.content, name=file.name, progress=lambda share: progress("Reading the recording", share)
        )

    @cachedmethod(lambda self: WAVS, lambda self, file: (self, file.name, file.identity), lambda self: _LOCK)
    def wav(self, file: RecordingFile) -> bytes:
        """Encode a file's recording as WAV.

        Parameters
        ----------
        file : RecordingFile

        Returns
        -------
        bytes
            As ``media.to_wav``.

        Raises
        ------
        MediaError
            It cannot be read.
        """
        with _TURNS.turn(lambda before: None):
            return to_wav(self.recording(file, lambda stage, done: None))

    @cachedmethod(
        lambda self: ANALYSES,
        lambda self, file, settings, progress, model=DEFAULT_MODEL: (
            self,
            file.name,
            file.identity,
            settings,
            model,
        ),
        lambda self: _LOCK,
    )
    def analysis(
        self, file: RecordingFile, settings: Settings, progress: Progress, model: str = DEFAULT_MODEL
    ) -> CallAnalysis:
        """Analyse a file.

        Parameters
        ----------
        file : RecordingFile
        settings : Settings
            What to analyse, and how it is cut.
        progress : callable
            As for ``analysis.analyze_recording``.
        model : str
            As in ``classifier.model_names``.

        Returns
        -------
        CallAnalysis

        Raises
        ------
        MediaError, SpeechError, ModelError
            As ``analysis.analyze``.
        """
        with _TURNS.turn(lambda before: progress(f"Waiting for the machine, {before} before you", 0.0)):
            recording = self.recording(file, lambda stage, done: progress(stage, _READING * done))
            progress("Loading the model", _READING)
            return analyze_recording(
                recording,
                load_model(model),
                settings,
                progress=lambda stage, done: progress(stage, _READING + (1 - _READING) * done),
            )

    def close(self) -> None:
        """Forget everything that was computed here."""
        with _LOCK:
            for cache in (RECORDINGS, WAVS, ANALYSES):
                for key in [key for key in cache if key[0] is self]:
                    del cache[key]
