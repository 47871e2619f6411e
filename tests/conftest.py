"""What several tests share: corpora, media made on the spot, and the rule that CI skips nothing."""

import os
from pathlib import Path

import av
import numpy as np
import pytest

from helpers.media import SAMPLE_RATE


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


def bursts(*spans: tuple[float, float], duration: float, level: float = -20.0, noise: float = -70.0) -> np.ndarray:
    """Make int16 samples in which something like a voice sounds during the spans [seconds], in noise [dBFS]."""
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


def encode(
    path: Path,
    samples: np.ndarray,
    *,
    codec: str,
    rate: int = SAMPLE_RATE,
    video: bool = False,
    container: str | None = None,
) -> Path:
    """Write int16 samples [channels, n] at `SAMPLE_RATE` as a media file of any kind, with PyAV."""
    channels = np.atleast_2d(samples)
    layout = {1: "mono", 2: "stereo"}.get(len(channels), f"{len(channels)}c")
    with av.open(str(path), "w", format=container) as output:
        picture = output.add_stream("mpeg4", rate=5, width=64, height=48, pix_fmt="yuv420p") if video else None
        stream = output.add_stream(codec, rate=rate, layout=layout)
        if picture:
            for _ in range(round(channels.shape[1] / SAMPLE_RATE * 5)):
                image = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
                output.mux(picture.encode(image))
            output.mux(picture.encode(None))
        resampler = av.AudioResampler(stream.format, layout, rate, stream.codec_context.frame_size or None)
        frame = av.AudioFrame.from_ndarray(channels.T.reshape(1, -1), "s16", layout)
        frame.sample_rate = SAMPLE_RATE
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            output.mux(stream.encode(part))
        output.mux(stream.encode(None))
    return path
