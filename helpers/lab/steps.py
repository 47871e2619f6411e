"""A stretch of speech on its way through the app, step by step, as tables for charts; and how it is changed.

Conventions: `samples` are of one channel, int16 at `SAMPLE_RATE`, a segment long.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.baseline import BaselinedClassifier, BaselinedEnsemble
from helpers.classifier import Model, load_model
from helpers.clips import cut
from helpers.errors import SpeechError
from helpers.feature_sets import ACOUSTIC
from helpers.features import (
    HOP_LENGTH,
    MEL,
    N_FFT,
    N_MELS,
    cepstrum,
    feature_names,
    frame_features,
    mel_filters,
)
from helpers.lab.reports import FEATURES
from helpers.lanes import Settings, lanes_of
from helpers.media import SAMPLE_RATE, Recording, Sound
from helpers.speech import Segmentation, find_segments
from helpers.training.augment import RandomLine, phone_channel

LONGEST = 60.0  # seconds of a recording that are looked at
AS_RECORDED, CHANGED = "as recorded", "changed"

_POINTS = 600  # of a waveform
_MOST_STEPS = 200  # of a spectrogram
_EVERY = 4  # filters


@dataclass(frozen=True)
class Change:
    """What is done to a stretch of speech.

    Attributes
    ----------
    pitch : float
        By which it is raised [semitones].
    speed : float
        By which it is quickened, at the same pitch.
    noise : float or None
        So many dB below the speech.
    phone : bool
        Whether it goes over a telephone.
    """

    pitch: float = 0.0
    speed: float = 1.0
    noise: float | None = None
    phone: bool = False

    def apply(self, samples: np.ndarray) -> np.ndarray:
        """Change a stretch: voice first, then noise, then line."""
        if self.pitch or self.speed != 1:
            samples = _bent(samples, self.pitch, self.speed)
        if self.noise is not None:
            samples = RandomLine.noisy(self.noise).send(samples, np.random.default_rng(0))
        return phone_channel(samples) if self.phone else samples


def stretches(sound: Sound, model: Model) -> list[np.ndarray]:
    """Cut the beginning of a recording into the segments of those who are analysed; an agent is not.

    Parameters
    ----------
    sound : Sound
    model : Model
        Whose segments they are.

    Returns
    -------
    list of np.ndarray

    Raises
    ------
    MediaError
        It cannot be read.
    SpeechError
        Nobody speaks in it.
    """
    (samples,) = cut(sound, [(0.0, LONGEST)])
    lanes = lanes_of(Recording(sound.name, samples.T), Settings())
    found = [
        (start, voice[start:end])
        for voice in (lane.take(samples) for lane in lanes if lane.analysed)
        for start, end in _bounds(voice, model)
    ]
    if not found:
        raise SpeechError(f"Nobody speaks in the first {LONGEST:.0f} s: choose another recording.")
    return [stretch for _, stretch in sorted(found, key=lambda each: each[0])]


def _bounds(voice: np.ndarray, model: Model) -> list[tuple[int, int]]:
    card = model.card
    segments = find_segments(voice, Segmentation(), shortest=card.shortest, longest=card.longest)
    return [(int(start), int(end)) for start, end in (segments.to_numpy() * SAMPLE_RATE).round()]


def waveform(samples: np.ndarray) -> pd.DataFrame:
    """Give the extent of the signal over time: seconds, low, high in [-1, 1]."""
    step = max(len(samples) // _POINTS, 1)
    parts = samples[: len(samples) // step * step].reshape(-1, step) / 32768
    seconds = np.arange(len(parts)) * step / SAMPLE_RATE
    return pd.DataFrame({"seconds": seconds, "low": parts.min(axis=1), "high": parts.max(axis=1)}).round(4)


def loudest_frame(samples: np.ndarray) -> pd.DataFrame:
    """Give the loudest frame, as it is and under its window: milliseconds, amplitude, signal."""
    frames = np.lib.stride_tricks.sliding_window_view(samples / 32768, N_FFT)[::HOP_LENGTH]
    frame = frames[np.argmax(np.square(frames).sum(axis=1))]
    signals = {"frame": frame, "under the window": frame * np.hanning(N_FFT)}
    milliseconds = np.arange(N_FFT) / SAMPLE_RATE * 1000
    tables = [
        pd.DataFrame({"milliseconds": milliseconds, "amplitude": signal}).assign(signal=name)
        for name, signal in signals.items()
    ]
    return pd.concat(tables, ignore_index=True).round(4)


def filterbank() -> pd.DataFrame:
    """Give every fourth filter of the mel filterbank: Hz, weight, filter."""
    filters = mel_filters(N_MELS, N_FFT, SAMPLE_RATE)[::_EVERY]
    number, bin_ = np.indices(filters.shape)
    hertz = bin_ * SAMPLE_RATE / N_FFT
    table = pd.DataFrame({"Hz": hertz.ravel(), "weight": filters.ravel(), "filter": number.ravel() * _EVERY})
    return table.assign(weight=table["weight"] / table.groupby("filter")["weight"].transform("max")).round(3)


def mel_spectrogram(samples: np.ndarray) -> pd.DataFrame:
    """Give the log-mel spectrum over time: band, step, level [dB]."""
    return _picture(cepstrum(frame_features(samples)[:, MEL])[0])


def mfcc(samples: np.ndarray) -> pd.DataFrame:
    """Give the cepstral coefficients over time, each against its own mean and deviation, as `level`."""
    values = cepstrum(frame_features(samples)[:, MEL])[1][:, 1:]
    return _picture((values - values.mean(axis=0)) / (values.std(axis=0) + 1e-6))


def functionals(samples: np.ndarray, model: Model) -> pd.DataFrame:
    """Compare some functionals with the speech that a model learned from.

    Parameters
    ----------
    samples : np.ndarray
    model : Model
        The default one stands in for a model that does not hear functionals.

    Returns
    -------
    pd.DataFrame
        group (the feature), and its deviations from the mean of the training.
    """
    estimator = model.estimator if model.takes_baseline else load_model().estimator
    assert isinstance(estimator, BaselinedClassifier)  # noqa: S101
    columns = [feature_names().index(name) for name in FEATURES]
    values = (ACOUSTIC.describe(samples)[columns] - estimator.mean[columns]) / estimator.deviation[columns]
    names = [words.split(" [")[0] for words in FEATURES.values()]
    return pd.DataFrame({"group": names, "deviations": values.round(2)})


def told_by_parts(samples: np.ndarray, model: Model) -> pd.DataFrame:
    """Say what each part of a model tells: group (the emotion), probability, part."""
    values = model.features.describe(samples)[None]
    estimator, parts = model.estimator, {}
    if isinstance(estimator, BaselinedEnsemble):
        count = len(estimator.mean)
        parts["network"] = np.exp(values[:, count:])
        baseline = estimator.baseline(values)
        parts["perceptrons"] = BaselinedClassifier.against(estimator, values[:, :count], baseline)
    parts["together"] = estimator.predict_proba(values)
    parts["calibrated"] = model.predict(values)
    return pd.concat([_told(model, row[0]).assign(part=name) for name, row in parts.items()])


def told(samples: np.ndarray, change: Change, model: Model) -> pd.DataFrame:
    """Say what a model tells of a stretch by itself: group (the emotion), probability, sound."""
    sounds = {AS_RECORDED: samples, CHANGED: change.apply(samples)}
    rows = {name: model.predict(model.features.describe(each)[None])[0] for name, each in sounds.items()}
    return pd.concat([_told(model, row).assign(sound=name) for name, row in rows.items()])


def _told(model: Model, probabilities: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"group": model.card.labels, "probability": probabilities.round(4)})


def _picture(values: np.ndarray) -> pd.DataFrame:
    """Lay out values [shape=(frames, bands)] as a row per field."""
    values = values[:: max(-(-len(values) // _MOST_STEPS), 1)]
    step, band = np.indices(values.shape)
    return pd.DataFrame({"step": step.ravel(), "band": band.ravel(), "level": values.ravel().round(1)})


def _bent(samples: np.ndarray, pitch: float, speed: float) -> np.ndarray:
    """Raise the pitch by playing faster, and stretch that again (FFmpeg's ``atempo``)."""
    import av

    ratio = 2 ** (pitch / 12)
    rate = round(SAMPLE_RATE * ratio)
    graph = av.filter.Graph()
    nodes = [
        graph.add_abuffer(sample_rate=rate, format="s16", layout="mono"),
        graph.add("aresample", str(SAMPLE_RATE)),
        graph.add("atempo", f"{speed / ratio:.6f}"),
        graph.add("abuffersink"),
    ]
    graph.link_nodes(*nodes).configure()
    frame = av.AudioFrame.from_ndarray(samples[None], "s16", "mono")
    frame.sample_rate = rate
    for each in (frame, None):
        graph.push(each)
    parts = []
    while True:
        try:
            parts.append(graph.pull().to_ndarray()[0])
        except (av.BlockingIOError, av.EOFError):
            return np.concatenate(parts)
