"""Clips of a recording: the sound of a moment, all moments in one file, the cut of a video.

Sound goes through pydub, which joins and encodes it; pictures through moviepy. Both leave MP3 and video to
the FFmpeg program that imageio-ffmpeg brings.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

import numpy as np

from helpers.errors import MediaError
from helpers.media import SAMPLE_RATE, Sound

if TYPE_CHECKING:
    from pydub import AudioSegment

Span = tuple[float, float]
Layout = Literal["wav", "mp3"]

PAUSE = 0.7  # seconds, between the clips of a reel

_BIT_RATE = "96k"
_MOST_PIXELS = 4096 * 2304  # of a picture, which moviepy holds as three bytes each
_MOST_PICTURES = 60.0  # per second


def cut(sound: Sound, spans: Sequence[Span]) -> list[np.ndarray]:
    """Cut stretches out of a recording, which is heard once, up to the end of the last.

    Parameters
    ----------
    sound : Sound
        From ``media.open_recording`` or ``media.decode``.
    spans : sequence of (float, float)
        Start and end of each [seconds]; they may overlap.

    Returns
    -------
    list of np.ndarray [shape=(n, channels), dtype=int16]
        At `SAMPLE_RATE`, as far as the recording has them.

    Raises
    ------
    MediaError
        The recording cannot be read, or a stretch lies beyond its end.
    """
    bounds = [(round(start * SAMPLE_RATE), round(end * SAMPLE_RATE)) for start, end in spans]
    last = max(end for _, end in bounds)
    found: list[list[np.ndarray]] = [[] for _ in bounds]
    position = 0
    for block in sound.blocks():
        for (start, end), parts in zip(bounds, found, strict=True):
            if start < position + len(block) and end > position:
                parts.append(block[max(start - position, 0) : end - position])
        position += len(block)
        if position >= last:
            break
    if not all(found):
        raise MediaError(f"{sound.name} ends before the stretch that was asked for: choose an earlier one.")
    return [np.concatenate(parts) for parts in found]


def to_audio(pieces: Sequence[np.ndarray], layout: Layout) -> bytes:
    """Encode pieces of sound as one file, with short pauses between them.

    Parameters
    ----------
    pieces : sequence of np.ndarray [shape=(n, channels), dtype=int16]
        From `cut`, all with the same channels.
    layout : {'wav', 'mp3'}

    Returns
    -------
    bytes
        The whole file.

    Raises
    ------
    MediaError
        There is no room for the temporary files that MP3 takes.
    """
    from pydub import AudioSegment
    from pydub.exceptions import CouldntEncodeError

    if layout == "mp3":
        from imageio_ffmpeg import get_ffmpeg_exe

        AudioSegment.converter = get_ffmpeg_exe()
    pause = AudioSegment.silent(round(PAUSE * 1000), SAMPLE_RATE)
    joined = _segment(pieces[0])
    for piece in pieces[1:]:
        joined += pause + _segment(piece)
    file = io.BytesIO()
    try:
        joined.export(file, format=layout, bitrate=_BIT_RATE if layout == "mp3" else None)
    except (OSError, CouldntEncodeError):
        raise MediaError("The clip cannot be encoded, perhaps for a full disk: take it as WAV.") from None
    return file.getvalue()


def cut_video(content: bytes | Path, name: str, start: float, end: float) -> bytes:
    """Cut a stretch out of a video, pictures and sound.

    Parameters
    ----------
    content : bytes or Path
        The file, or what is in it; it must have been opened by ``media.open_recording`` before, which refuses
        files that name other files.
    name : str
        Of the file, for the message.
    start, end : float
        Of the stretch [seconds].

    Returns
    -------
    bytes
        An MP4 file.

    Raises
    ------
    MediaError
        The pictures cannot be read, or are too large.
    """
    with TemporaryDirectory() as folder:
        source = content if isinstance(content, Path) else Path(folder) / "whole"
        target = Path(folder) / "cut.mp4"
        try:
            if isinstance(content, bytes):
                source.write_bytes(content)
            _cut_pictures(source, target, start, end)
            return target.read_bytes()
        except Exception:  # of a damaged film moviepy raises whatever its code meets first
            raise MediaError(
                f"The pictures of {name} cannot be cut: take the sound of the moment instead."
            ) from None


def _cut_pictures(source: Path, target: Path, start: float, end: float) -> None:
    from moviepy import VideoFileClip
    from moviepy.video.io.ffmpeg_reader import ffmpeg_parse_infos

    width, height = ffmpeg_parse_infos(str(source))["video_size"]
    if width * height > _MOST_PIXELS:
        raise ValueError("too large")
    with VideoFileClip(str(source)) as video:
        part = video.subclipped(start, min(end, video.duration))
        part.write_videofile(
            str(target),
            fps=min(video.fps, _MOST_PICTURES),
            codec="libx264",
            audio_codec="aac",
            preset="veryfast",
            temp_audiofile_path=str(target.parent),
            logger=None,
        )


def _segment(piece: np.ndarray) -> AudioSegment:
    from pydub import AudioSegment

    return AudioSegment(
        np.ascontiguousarray(piece).tobytes(),
        sample_width=2,
        frame_rate=SAMPLE_RATE,
        channels=piece.shape[1],
    )
