"""How far the live page lags behind the voice."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pandas as pd

from helpers.classifier import Model, load_model
from helpers.live import LiveCall
from helpers.media import SAMPLE_RATE, Recording, decode, mixed
from helpers.microphone import Microphone
from helpers.samples import local_path, synthetic_calls

if TYPE_CHECKING:
    from av import AudioFrame

_BROWSER_RATE = 48_000
_PACKET = 0.02
_NEARLY = 0.15  # seconds


def live_benchmark(seconds: float = 30.0) -> tuple[dict[str, float], dict[str, float]]:
    """Measure how far the live page lags behind the voice, on a sample call.

    Parameters
    ----------
    seconds : float
        How much of it is played in real time.

    Returns
    -------
    shown, settled : dict of str to float
        From the arrival of the sound with which a segment ends until it is there with an emotion, its times
        as they will remain but for 0.15 s, and until they are exact [seconds]: ``median`` and ``longest``
        over ``segments`` segments. The emotion may change as more is heard of the voice.
    """
    recording = mixed(decode(local_path(synthetic_calls()[0])))
    heard = Recording(recording.name, recording.samples[:, : round(seconds * SAMPLE_RATE)])
    shown, settled = live_latencies(heard, load_model())
    return _summary(shown), _summary(settled)


def live_latencies(recording: Recording, model: Model) -> tuple[list[float], list[float]]:
    """Play a recording in real time to a microphone, as WebRTC delivers it.

    Parameters
    ----------
    recording : Recording
        Of one channel.
    model : Model

    Returns
    -------
    shown, settled : list of float
        Per segment, as of `live_benchmark` [seconds].
    """
    microphone = Microphone(lambda: LiveCall(model))
    microphone.start(recording.name)
    begin = time.monotonic()
    views: list[tuple[float, pd.DataFrame]] = []
    for number, frame in enumerate(_frames(recording)):
        time.sleep(max(0.0, begin + (number + 1) * _PACKET - time.monotonic()))
        microphone.receive(frame)
        take = microphone.take()
        if take and take.view and (not views or views[-1][1] is not take.view.segments):
            views.append((time.monotonic() - begin, take.view.segments))
    take = microphone.stop()
    ended = time.monotonic() - begin
    final = take.view.segments if take and take.view else pd.DataFrame()
    views.append((ended, final))
    return _latencies(final, views, _NEARLY), _latencies(final, views, 0.0)


def _latencies(final: pd.DataFrame, views: list[tuple[float, pd.DataFrame]], tolerance: float) -> list[float]:
    """Find when each segment was there first, with its times within a tolerance and with an emotion."""
    found = []
    for start, end in final[["start", "end"]].itertuples(index=False):
        for when, segments in views:
            near = (abs(segments[["start", "end"]] - [start, end]) <= tolerance + 1e-6).all(axis=1)
            if (near & segments["emotion"].notna()).any():
                found.append(max(when - end, 0.0))
                break
    return found


def _summary(latencies: list[float]) -> dict[str, float]:
    median, longest = statistics.median(latencies), max(latencies)
    return {"median": median, "longest": longest, "segments": len(latencies)}


def _frames(recording: Recording) -> Iterator[AudioFrame]:
    """Make the frames that a browser would send."""
    import av

    resampler = av.AudioResampler("s16", "stereo", _BROWSER_RATE, round(_PACKET * _BROWSER_RATE))
    whole = av.AudioFrame.from_ndarray(recording.samples[:1], "s16", "mono")
    whole.sample_rate = SAMPLE_RATE
    yield from resampler.resample(whole)
