"""Recordings to measure with, of any length: the sample calls, one after the other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from helpers.media import SAMPLE_RATE, Recording, decode, mixed
from helpers.samples import local_path, synthetic_calls

if TYPE_CHECKING:
    from av import AudioFrame, AudioStream, Packet, VideoStream
    from av.container import OutputContainer

_ENCODED = 600.0  # seconds
_PICTURES_PER_SECOND = 5


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes
    ----------
    name, extension, codec : str
    rate, channels : int
        Of the sound [Hz].
    bit_rate : int
        0 leaves it to the codec.
    pictures : bool
        Whether it is a video.
    """

    name: str
    extension: str
    codec: str
    rate: int
    channels: int
    bit_rate: int = 0
    pictures: bool = False


KINDS = {
    kind.name: kind
    for kind in (
        Kind("phone WAV, one channel", "wav", "pcm_s16le", 8_000, 1),
        Kind("MP3, two channels", "mp3", "libmp3lame", 44_100, 2, bit_rate=128_000),
        Kind("MP4 video, two channels", "mp4", "aac", 48_000, 2, bit_rate=128_000, pictures=True),
    )
}


def make_recording(kind: Kind, seconds: float, folder: Path) -> Path:
    """Write a recording; what is longer than 10 min repeats what was encoded.

    Parameters
    ----------
    kind : Kind
    seconds : float
    folder : Path

    Returns
    -------
    Path
        Named so that the customer is known to be on the right.
    """
    import av

    path = folder / f"{seconds:g}s_customer-right.{kind.extension}"
    times = math.ceil(seconds / _ENCODED)
    with av.open(str(path), "w") as output:
        pictures = _picture_stream(output) if kind.pictures else None
        sound = output.add_stream(
            kind.codec, rate=kind.rate, layout="mono" if kind.channels == 1 else "stereo"
        )
        assert isinstance(sound, av.AudioStream)  # noqa: S101
        if kind.bit_rate:
            sound.bit_rate = kind.bit_rate
        tracks = [_encoded(sound, kind, seconds / times)]
        if pictures:
            tracks.append(_encoded_pictures(pictures, seconds / times))
        for number in range(times):
            repeated = [_shifted(packet, number * _length(track)) for track in tracks for packet in track]
            output.mux(sorted(repeated, key=_time))
    return path


def _encoded(stream: AudioStream, kind: Kind, seconds: float) -> list[Packet]:
    import av

    stream.codec_context.open(strict=False)
    size = stream.codec_context.frame_size or None
    resampler = av.AudioResampler(stream.format, stream.layout, kind.rate, size)
    packets: list[Packet] = []
    position = 0
    for frame in (*map(partial(_frame, layout=stream.layout.name), _minutes(kind, seconds)), None):
        for part in resampler.resample(frame):
            part.pts, part.time_base = position, Fraction(1, kind.rate)
            position += part.samples
            packets += stream.encode(part)
    return packets + stream.encode(None)


def _encoded_pictures(stream: VideoStream, seconds: float) -> list[Packet]:
    import av

    picture = av.VideoFrame.from_ndarray(np.zeros((240, 320, 3), np.uint8), format="rgb24")
    packets: list[Packet] = []
    for number in range(round(seconds * _PICTURES_PER_SECOND)):
        picture.pts = number
        packets += stream.encode(picture)
    return packets + stream.encode(None)


def _time(packet: Packet) -> float:
    return float((packet.dts or 0) * (packet.time_base or 0))


def _length(track: list[Packet]) -> int:
    """Give the time from the first packet of a track to the end of the last [in its time base]."""
    return (track[-1].dts or 0) + (track[-1].duration or 1) - (track[0].dts or 0)


def _shifted(packet: Packet, later: int) -> Packet:
    """Copy a packet, so much later [in its time base]."""
    import av

    copy = av.Packet(bytes(packet))
    copy.stream, copy.time_base, copy.duration = packet.stream, packet.time_base, packet.duration
    copy.pts, copy.dts = (packet.pts or 0) + later, (packet.dts or 0) + later
    copy.is_keyframe = packet.is_keyframe
    return copy


def _frame(block: np.ndarray, layout: str) -> AudioFrame:
    import av

    frame = av.AudioFrame.from_ndarray(block.T.reshape(1, -1).copy(), "s16", layout)
    frame.sample_rate = SAMPLE_RATE
    return frame


def _minutes(kind: Kind, seconds: float) -> list[np.ndarray]:
    """Repeat the sample calls in blocks [shape=(channels, n), dtype=int16] until there is enough."""
    calls = [_spread(decode(local_path(call)), kind.channels) for call in synthetic_calls()]
    blocks: list[np.ndarray] = []
    missing = round(seconds * SAMPLE_RATE)
    while missing > 0:
        block = calls[len(blocks) % len(calls)][:, :missing]
        blocks.append(block)
        missing -= block.shape[1]
    return blocks


def _spread(recording: Recording, channels: int) -> np.ndarray:
    """Give a call on this many channels; one holds both speakers."""
    if channels == 1:
        return mixed(recording).samples
    samples = recording.samples
    return np.broadcast_to(samples, (channels, samples.shape[1])) if len(samples) == 1 else samples


def _picture_stream(output: OutputContainer) -> VideoStream:
    return output.add_stream("mpeg4", rate=_PICTURES_PER_SECOND, width=320, height=240, pix_fmt="yuv420p")
