"""What several tests share: corpora, media made on the spot, and the rule that CI skips nothing."""

import os
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.container import OutputContainer

from helpers.media import SAMPLE_RATE, decode, mean_of_channels
from helpers.samples import SAMPLES


def missing(what: str) -> None:
    """Skip for want of something; a failure where the environment forbids skipping."""
    if os.environ.get("NO_SKIPS"):
        pytest.fail(f"{what} is missing, and NO_SKIPS is set")
    pytest.skip(f"{what} is missing")


@pytest.fixture(scope="session")
def corpora() -> Path:
    folder = os.environ.get("CORPORA")
    if not folder or not Path(folder).is_dir():
        missing("the folder CORPORA of real speech corpora")
    return Path(str(folder))


def bursts(
    *spans: tuple[float, float], duration: float, level: float = -20.0, noise: float = -70.0
) -> np.ndarray:
    """Make int16 samples with something like a voice during the spans [seconds], in noise [dBFS]."""
    generator = np.random.default_rng(0)
    time = np.arange(round(duration * SAMPLE_RATE)) / SAMPLE_RATE
    voice = sum(np.sin(2 * np.pi * 140 * k * time + k) / k for k in range(1, 20))
    voice = voice * (1 + 0.5 * np.sin(2 * np.pi * 4 * time))
    gate = np.zeros(len(time))
    for start, end in spans:
        gate[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)] = 1
    signal = voice / np.std(voice) * 10 ** (level / 20) * gate
    signal = signal + generator.normal(0, 10 ** (noise / 20), len(time))
    return (np.clip(signal, -1, 1) * 32767).astype(np.int16)


def sample_on_one_channel() -> np.ndarray:
    """Mix a sample call of 48 s to one channel [shape=(1, n), dtype=int16]; the agent speaks first."""
    call = decode(SAMPLES / "neutral-enquiry_agent-left_customer-right.flac")
    return mean_of_channels(call.samples.T)[np.newaxis]


def encode(
    path: Path,
    samples: np.ndarray,
    *,
    codec: str,
    rate: int = SAMPLE_RATE,
    video: bool = False,
    container: str | None = None,
    bit_rate: int | None = None,
    late: float = 0.0,
    pictures: float = 1.0,
    **muxer: str,
) -> Path:
    """Write int16 samples [channels, n] at `SAMPLE_RATE` as a media file of any kind, with PyAV.

    The sound begins `late` seconds after zero, the pictures of a video last `pictures` times as long as the
    sound, and `muxer` are options of FFmpeg's muxer.
    """
    channels = np.atleast_2d(samples)
    layout = {1: "mono", 2: "stereo"}.get(len(channels), f"{len(channels)}c")
    with av.open(str(path), "w", format=container, container_options=muxer) as output:
        picture_stream = _picture_stream(output) if video else None
        stream = output.add_stream(codec, rate=rate, layout=layout, options={"strict": "experimental"})
        assert isinstance(stream, av.AudioStream)
        if bit_rate:
            stream.bit_rate = bit_rate
        if picture_stream:
            _add_pictures(output, picture_stream, duration=channels.shape[1] / SAMPLE_RATE * pictures)
        stream.codec_context.open(strict=False)
        resampler = av.AudioResampler(stream.format, layout, rate, stream.codec_context.frame_size or None)
        frame = av.AudioFrame.from_ndarray(channels.T.reshape(1, -1), "s16", layout)
        frame.sample_rate = SAMPLE_RATE
        position = round(late * rate)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            part.pts, part.time_base = position, Fraction(1, rate)
            position += part.samples
            output.mux(stream.encode(part))
        output.mux(stream.encode(None))
    return path


def _picture_stream(output: OutputContainer) -> av.VideoStream:
    return output.add_stream("mpeg4", rate=5, width=64, height=48, pix_fmt="yuv420p")


def _add_pictures(output: OutputContainer, stream: av.VideoStream, *, duration: float) -> None:
    for _ in range(round(duration * 5)):
        output.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")))
    output.mux(stream.encode(None))
