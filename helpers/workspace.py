"""Analyses on demand, with what is costly kept: frames by content, analyses by content and settings.

Every session has its own `Workspace`. What they keep lies in caches that all of them share, so that the
process stays within its memory however many they are; what was dropped is simply computed again. When a
session ends, its workspace is closed, and nothing of its recordings remains.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Hashable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from cachetools import LRUCache, cachedmethod

from helpers.acoustics import SoundPicture, picture_of_call, sound_channels
from helpers.analysis import READING, CallAnalysis, analyze_frames, part_of
from helpers.classifier import DEFAULT_MODEL, Model, ModelCard, load_model, model_names, read_card
from helpers.clips import Layout, Span, cut, cut_video, to_audio
from helpers.frames import CallFrames, Progress, hear
from helpers.lanes import Settings
from helpers.media import LONGEST_ON_PAGE, RecordingStream, open_recording, to_wav
from helpers.speech import WIDEST, Segmentation
from helpers.turns import Turns

Content = TypeVar("Content", str, bytes)

FRAMES: LRUCache[tuple[Hashable, ...], CallFrames] = LRUCache(192 * 2**20, lambda frames: frames.nbytes)
WAVS: LRUCache[tuple[Hashable, ...], bytes] = LRUCache(128 * 2**20, len)
ANALYSES: LRUCache[tuple[Hashable, ...], CallAnalysis] = LRUCache(64)
STRETCHES: LRUCache[tuple[Hashable, ...], np.ndarray] = LRUCache(8 * 2**20, lambda samples: samples.nbytes)
PICTURES: LRUCache[tuple[Hashable, ...], dict[str, SoundPicture]] = LRUCache(
    8 * 2**20, lambda pictures: sum(picture.nbytes for picture in pictures.values())
)

_LOCK = threading.Lock()
_TURNS = Turns(1)  # an analysis uses all cores, and two long ones at once would not fit into 1 GB


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


def _opened(file: RecordingFile) -> AbstractContextManager[RecordingStream]:
    return open_recording(file.content, name=file.name, longest=LONGEST_ON_PAGE)


class Workspace:
    """What one session works on. Its results are shared with the caches: not to be written to."""

    def __init__(self) -> None:
        self._own: dict[str, Model] = {}

    def add_model(self, model: Model) -> None:
        """Have a model for this session alone."""
        self._own[model.card.name] = model

    def cards(self) -> dict[str, ModelCard]:
        """Give the cards of all models that this session can use, by name, the default first."""
        own = {name: model.card for name, model in self._own.items()}
        return {name: read_card(name) for name in model_names()} | own

    def model(self, name: str) -> Model:
        """Load a model.

        Parameters
        ----------
        name : str
            Key of `cards`.

        Returns
        -------
        Model

        Raises
        ------
        ModelError
            As ``classifier.load_model``.
        """
        return self._own.get(name) or load_model(name)

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
        with _TURNS.turn(lambda before: None), _opened(file) as stream:
            return to_wav(stream)

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
            Key of `cards`.

        Returns
        -------
        CallAnalysis

        Raises
        ------
        MediaError, SpeechError, ModelError
            As ``analysis.analyze``.
        """
        with _TURNS.turn(lambda before: progress(f"Waiting for the machine, {before} before you", 0.0)):
            progress("Loading the model", 0.0)
            loaded = self.model(model)
            heard_with = settings.of_hearing()
            if WIDEST.covers(settings.segmentation):
                heard_with = replace(heard_with, segmentation=WIDEST)
            reading = part_of(progress, 0, READING)
            frames = self._frames(file, heard_with, settings.segmentation, loaded, reading)
            return analyze_frames(frames, loaded, settings, progress=part_of(progress, READING, 1))

    @cachedmethod(
        lambda self: FRAMES,
        lambda self, file, settings, described, model, progress: (
            self,
            file.name,
            file.identity,
            settings,
            *(model.features.frames, model.card.shortest, model.card.longest),
        ),
        lambda self: _LOCK,
    )
    def _frames(
        self,
        file: RecordingFile,
        settings: Settings,
        described: Segmentation,
        model: Model,
        progress: Progress,
    ) -> CallFrames:
        with _opened(file) as stream:
            return hear(
                stream,
                settings,
                model.features,
                shortest=model.card.shortest,
                longest=model.card.longest,
                described=described,
                progress=progress,
            )

    @cachedmethod(
        lambda self: PICTURES,
        lambda self, file, analysis, progress: (
            self,
            file.name,
            file.identity,
            sound_channels([summary.channel for summary in analysis.summary]),
        ),
        lambda self: _LOCK,
    )
    def pictures(
        self, file: RecordingFile, analysis: CallAnalysis, progress: Callable[[float], None]
    ) -> dict[str, SoundPicture]:
        """Draw the sound of a whole file.

        Parameters
        ----------
        file : RecordingFile
        analysis : CallAnalysis
            Of the file.
        progress : callable
            As for ``acoustics.picture_of_call``.

        Returns
        -------
        dict of str to SoundPicture
            By channel of sound.

        Raises
        ------
        MediaError
            It cannot be read.
        """
        channels = sound_channels([summary.channel for summary in analysis.summary])
        with _TURNS.turn(lambda before: None), _opened(file) as stream:
            return picture_of_call(stream, analysis.duration, channels, progress)

    @cachedmethod(
        lambda self: STRETCHES,
        lambda self, file, start, end: (self, file.name, file.identity, start, end),
        lambda self: _LOCK,
    )
    def stretch(self, file: RecordingFile, start: float, end: float) -> np.ndarray:
        """Read a stretch of a file, which is so quick that it waits for nobody.

        Parameters
        ----------
        file : RecordingFile
        start, end : float
            Of the stretch [seconds].

        Returns
        -------
        np.ndarray [shape=(n, channels), dtype=int16]

        Raises
        ------
        MediaError
            It cannot be read.
        """
        with _opened(file) as stream:
            return stream.stretch(start, end)

    def clip(self, file: RecordingFile, spans: Sequence[Span], layout: Layout) -> bytes:
        """Cut the sound of stretches out of a file.

        Parameters
        ----------
        file : RecordingFile
        spans : sequence of (float, float)
            Start and end of each [seconds].
        layout : {'wav', 'mp3'}

        Returns
        -------
        bytes
            One file, with short pauses between the stretches.

        Raises
        ------
        MediaError
            It cannot be read.
        """
        with _TURNS.turn(lambda before: None), _opened(file) as stream:
            return to_audio(cut(stream, spans), layout)

    def video_clip(self, file: RecordingFile, start: float, end: float) -> bytes:
        """Cut a stretch out of a video.

        Parameters
        ----------
        file : RecordingFile
        start, end : float
            Of the stretch [seconds].

        Returns
        -------
        bytes
            An MP4 file.

        Raises
        ------
        MediaError
            It cannot be read.
        """
        with _TURNS.turn(lambda before: None):
            return cut_video(file.content, file.name, start, end)

    def draw(self, how: Callable[[CallAnalysis], Content], analysis: CallAnalysis) -> Content:
        """Draw an analysis for a file, which takes about as much memory as a short recording.

        Parameters
        ----------
        how : callable
            ``report.to_html``, ``drawing.to_png`` or ``drawing.to_pdf``.
        analysis : CallAnalysis

        Returns
        -------
        str or bytes
            What it gives.

        Raises
        ------
        DrawingError
            It fails.
        """
        with _TURNS.turn(lambda before: None):
            return how(analysis)

    def close(self) -> None:
        """Forget everything that was computed here."""
        with _LOCK:
            for cache in (FRAMES, WAVS, ANALYSES, STRETCHES, PICTURES):
                for key in [key for key in cache if key[0] is self]:
                    del cache[key]
