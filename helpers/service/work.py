"""What the worker threads do: from a source to the text of an answer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from helpers.analysis import CallAnalysis, analyze_recording
from helpers.classifier import Model
from helpers.exports import to_csv, to_json
from helpers.frames import Progress
from helpers.lanes import Settings
from helpers.media import EXTENSIONS, LONGEST_CLIP, Source, open_recording

Layout = Literal["json", "csv"]


@dataclass(frozen=True)
class Prediction:
    """What one clip is told to be.

    Attributes
    ----------
    emotion : str
        "uncertain" where no emotion reaches what the model's card demands.
    probability : float
        Of the most probable emotion.
    probabilities : dict of str to float
        Of all emotions, calibrated; they sum to 1.
    model : str
    speech : float
        That was heard [seconds].
    """

    emotion: str
    probability: float
    probabilities: dict[str, float]
    model: str
    speech: float


@dataclass(frozen=True)
class Sent:
    """A recording that a client uploaded or named.

    Attributes
    ----------
    source : Source
    name : str
        Which may say who is on which channel.
    """

    source: Source
    name: str


def predict_clip(sent: Sent, model: Model, progress: Progress) -> Prediction:
    """Tell the emotion of one clip: the mean of its segments, weighted by their length.

    Parameters
    ----------
    sent : Sent
        Whatever it has of channels is heard as one speaker.
    model : Model
    progress : callable
        As of ``analysis.analyze_recording``.

    Returns
    -------
    Prediction

    Raises
    ------
    MediaError
        It cannot be read, or is longer than ``media.LONGEST_CLIP``.
    SpeechError
        Nobody speaks in it.
    """
    segments = _analyze(sent, model, Settings("mix"), LONGEST_CLIP, progress).segments
    labels = model.card.labels
    lengths = (segments["end"] - segments["start"]).to_numpy(float)
    mean = np.average(segments[[*labels]].to_numpy(float), axis=0, weights=lengths)
    (emotion,), (probability,) = model.decide(mean[np.newaxis])
    return Prediction(
        emotion=str(emotion),
        probability=round(float(probability), 4),
        probabilities={label: round(float(value), 4) for label, value in zip(labels, mean, strict=True)},
        model=model.card.name,
        speech=round(float(lengths.sum()), 2),
    )


def analyze_call(
    sent: Sent, model: Model, settings: Settings, progress: Progress, *, layout: Layout, longest: float
) -> str:
    """Analyse a call.

    Parameters
    ----------
    sent : Sent
    model : Model
    settings : Settings
    progress : callable
        As of ``analysis.analyze_recording``.
    layout : {'json', 'csv'}
    longest : float
        Recording to accept [seconds].

    Returns
    -------
    str
        As of ``exports.to_json`` or ``exports.to_csv``.

    Raises
    ------
    MediaError
        It cannot be read, or is longer.
    SpeechError
        Nobody speaks in it.
    """
    analysis = _analyze(sent, model, settings, longest, progress)
    return to_json(analysis) if layout == "json" else to_csv([analysis])


def file_in(folder: Path, name: str) -> Path:
    """Find a recording by its name in a folder.

    Parameters
    ----------
    folder : Path
    name : str
        Relative to the folder.

    Returns
    -------
    Path
        Inside of the folder, whatever links lead there.

    Raises
    ------
    FileNotFoundError
        There is no such recording in the folder, or it lies elsewhere.
    """
    root = folder.resolve()
    try:
        path = (root / name).resolve()
        found = path.is_relative_to(root) and path.suffix[1:].lower() in EXTENSIONS and path.is_file()
    except (ValueError, OSError, RuntimeError):  # a NUL, too long, a loop of links
        found = False
    if not found:
        raise FileNotFoundError(name)
    return path


def _analyze(
    sent: Sent, model: Model, settings: Settings, longest: float, progress: Progress
) -> CallAnalysis:
    with open_recording(sent.source, name=sent.name, longest=longest) as stream:
        return analyze_recording(stream, model, settings, progress=progress)
