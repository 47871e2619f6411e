"""Analyses on demand, with what is costly kept: recordings by content, analyses by content and settings.

The caches are shared by all sessions and bounded, so that the hosted app stays within its memory; what has
been dropped is simply computed again. Recordings are identified by content and file name, and nothing of them
outlives the process.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path

from cachetools import LRUCache, cached

from helpers.analysis import CallAnalysis, Progress, Settings, analyze_recording
from helpers.classifier import load_model
from helpers.media import Recording, decode, to_wav

_RECORDING_BYTES = 256 * 2**20
_WAV_BYTES = 128 * 2**20
_ANALYSES = 64

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


@cached(
    LRUCache(_RECORDING_BYTES, getsizeof=lambda recording: recording.samples.nbytes),
    key=lambda file, *_: (file.name, file.identity),
    lock=threading.Lock(),
)
def recording_of(file: RecordingFile, progress: Progress) -> Recording:
    """Decode a file, or take it from the cache.

    Parameters
    ----------
    file : RecordingFile
    progress : callable
        As for ``analysis.analyze_recording``.

    Returns
    -------
    Recording
        Not to be written to.

    Raises
    ------
    MediaError
        It cannot be read.
    """
    return decode(
        file.content, name=file.name, progress=lambda share: progress("Reading the recording", share)
    )


@cached(
    LRUCache(_WAV_BYTES, getsizeof=len),
    key=lambda file: (file.name, file.identity),
    lock=threading.Lock(),
)
def wav_of(file: RecordingFile) -> bytes:
    """Encode a file's recording as WAV, or take it from the cache.

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
    return to_wav(recording_of(file, lambda stage, done: None))


@cached(
    LRUCache(_ANALYSES),
    key=lambda file, settings, *_: (file.name, file.identity, settings),
    lock=threading.Lock(),
)
def analysis_of(file: RecordingFile, settings: Settings, progress: Progress) -> CallAnalysis:
    """Analyse a file, or take its analysis from the cache.

    Parameters
    ----------
    file : RecordingFile
    settings : Settings
        What to analyse, and how it is cut.
    progress : callable
        As for ``analysis.analyze_recording``.

    Returns
    -------
    CallAnalysis
        Not to be written to.

    Raises
    ------
    MediaError, SpeechError, ModelError
        As ``analysis.analyze``.
    """
    recording = recording_of(file, lambda stage, done: progress(stage, _READING * done))
    progress("Loading the model", _READING)
    return analyze_recording(
        recording,
        load_model(),
        settings,
        progress=lambda stage, done: progress(stage, _READING + (1 - _READING) * done),
    )
