"""From a recording to its analysis: segments with emotions, a summary per channel, moments worth a listen.

Conventions: `segments` is one tidy DataFrame, a row per segment in order of time, with the columns
`SEGMENT_COLUMNS` and one column per emotion of the model with its probability. A segment of somebody who is
not analysed has its times, and no emotion.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
import pandas as pd

from helpers.classifier import Model, ModelCard, load_model
from helpers.emotions import UNCERTAIN
from helpers.errors import SpeechError
from helpers.media import Recording, Source, decode, mixed, shared_sound
from helpers.moments import Moment, find_moments, speech_time
from helpers.speech import Segmentation, find_segments

SEGMENT_COLUMNS = ["channel", "role", "start", "end", "emotion", "confidence", "baseline"]
ChannelMode = Literal["auto", "mix", "split"]
CHANNEL_MODES: tuple[ChannelMode, ...] = get_args(ChannelMode)
CUSTOMER, AGENT, SPEAKER = "customer", "agent", "speaker"
LAW = (
    "Inferring the emotions of employees at work is restricted by law (EU AI Act, Art. 5), so the agent is "
    "left out unless you have a lawful ground to switch this on."
)

_SIDES = {"left": "right", "right": "left"}
_SHARED_SOUND = 0.5
_ROLE_IN_NAME = re.compile(r"(agent|customer|caller|client)[-_ ]?(left|right)", re.IGNORECASE)

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Settings:
    """What to analyse, and how it is cut.

    Attributes
    ----------
    channels : {'auto', 'mix', 'split'}
        'split' takes each channel as a speaker of its own, 'mix' all of them together; 'auto' splits where
        two channels carry different sound.
    customer : {'left', 'right'} or None
        Where the customer is; None takes it from the file name, if that says so.
    include_agent : bool
        Analyse the agent's emotion too; see `LAW`.
    segmentation : Segmentation
        How speech is told from silence.
    """

    channels: ChannelMode = "auto"
    customer: Literal["left", "right"] | None = None
    include_agent: bool = False
    segmentation: Segmentation = field(default_factory=Segmentation)


@dataclass(frozen=True)
class ChannelSummary:
    """What one channel holds altogether.

    Attributes
    ----------
    channel, role : str
        Which channel, and who speaks on it.
    speech_time : float
        Length of its segments together [seconds].
    shares : dict of str to float
        Share of the speech time per emotion, "uncertain" included; empty where nothing was analysed.
    dominant_emotion : str or None
        The emotion with the largest share; "uncertain" only where there is no other.
    baseline_time : float or None
        Neutral speech that the speaker's baseline rests on [seconds]; None where no baseline is taken.
    """

    channel: str
    role: str
    speech_time: float
    shares: dict[str, float]
    dominant_emotion: str | None
    baseline_time: float | None


@dataclass(frozen=True, eq=False)
class CallAnalysis:
    """The analysis of one recording.

    Attributes
    ----------
    name : str
        Of the recording.
    duration : float
        Of the recording [seconds].
    channels : int
        Of the recording; equal channels count once.
    model : ModelCard
        Of the model that predicted.
    segments : pd.DataFrame
        See the module's conventions.
    summary : tuple of ChannelSummary
        One per lane of the timeline, the agent's last, also where nobody speaks.
    moments : tuple of Moment
        In order of time.
    browser_type : str or None
        MIME type under which a browser plays the file itself; None where it needs the WAV.
    warnings : tuple of str
        What was wrong with the file although it could be read.
    """

    name: str
    duration: float
    channels: int
    model: ModelCard
    segments: pd.DataFrame
    summary: tuple[ChannelSummary, ...]
    moments: tuple[Moment, ...]
    browser_type: str | None = None
    warnings: tuple[str, ...] = ()


def analyze(
    source: Source,
    *,
    model: str = "default",
    settings: Settings | None = None,
    name: str | None = None,
) -> CallAnalysis:
    """Analyse a recording from its file.

    Parameters
    ----------
    source : str, Path, bytes or binary file
        The file or its content.
    model : str
        Name of a model in ``models/``, or "default".
    settings : Settings, optional
        What to analyse, and how it is cut.
    name : str, optional
        Name to show; by default that of the file.

    Returns
    -------
    CallAnalysis

    Raises
    ------
    MediaError
        The file cannot be read.
    SpeechError
        Nobody speaks in it.
    ModelError
        There is no such model, or it cannot be served.
    """
    loaded = load_model(model)
    return analyze_recording(decode(source, name=name), loaded, settings or Settings())


def analyze_recording(
    recording: Recording, model: Model, settings: Settings, *, progress: Progress | None = None
) -> CallAnalysis:
    """Analyse a decoded recording.

    Parameters
    ----------
    recording : Recording
        From ``media.decode``.
    model : Model
        From ``classifier.load_model``.
    settings : Settings
        What to analyse, and how it is cut.
    progress : callable, optional
        Called with the name of each stage and the share of all the work done before it, in [0, 1].

    Returns
    -------
    CallAnalysis

    Raises
    ------
    SpeechError
        Nobody speaks in the recording.
    """
    lanes = _lanes(recording, settings)
    tables, baseline_times = [], []
    for number, lane in enumerate(lanes):
        report = _partial(progress, number, len(lanes))
        table, baseline_time = _analyze_lane(lane, model, settings, report)
        tables.append(table)
        baseline_times.append(baseline_time)
    if not any(map(len, tables)):
        raise _nothing_heard(recording, model.card)
    segments = pd.concat(tables, ignore_index=True).sort_values(["start", "channel"], ignore_index=True)
    return CallAnalysis(
        name=recording.name,
        duration=recording.duration,
        channels=len(recording.channels),
        model=model.card,
        segments=segments,
        summary=tuple(
            _summarise(lane, segments, model.card.labels, baseline_time)
            for lane, baseline_time in zip(lanes, baseline_times, strict=True)
        ),
        moments=find_moments(segments),
        browser_type=recording.browser_type,
        warnings=recording.warnings,
    )


def with_emotions(segments: pd.DataFrame, vectors: np.ndarray, model: Model) -> pd.DataFrame:
    """Predict the emotion of each segment.

    Parameters
    ----------
    segments : pd.DataFrame
        Of one speaker, with the columns up to `end`; see the module's conventions.
    vectors : np.ndarray [shape=(segments, features)]
        Of the card's feature set.
    model : Model
        From ``classifier.load_model``.

    Returns
    -------
    pd.DataFrame
        With all columns.
    """
    probabilities = model.predict(vectors)
    emotions, confidences = model.decide(probabilities)
    judged = segments.assign(
        emotion=pd.array(emotions, "str"), confidence=confidences, baseline=model.takes_baseline
    )
    judged[list(model.card.labels)] = probabilities
    return judged


def customer_side(name: str) -> str | None:
    """Read from a file name where the customer is, as in ``complaint_agent-left_customer-right.mp3``.

    Parameters
    ----------
    name : str
        Of the file.

    Returns
    -------
    str or None
        'left' or 'right'; None where the name does not say.
    """
    match = _ROLE_IN_NAME.search(name)
    if not match:
        return None
    who, side = match[1].lower(), match[2].lower()
    return _SIDES[side] if who == "agent" else side


@dataclass(frozen=True, eq=False)
class _Lane:
    channel: str
    role: str
    samples: np.ndarray
    analysed: bool


def _lanes(recording: Recording, settings: Settings) -> list[_Lane]:
    if not _apart(recording, settings.channels):
        return [_Lane("mono", SPEAKER, mixed(recording).samples[0], analysed=True)]
    roles = _roles(recording, settings.customer)
    lanes = []
    for channel, samples in zip(recording.channels, recording.samples, strict=True):
        role = roles.get(channel, SPEAKER)
        lanes.append(_Lane(channel, role, samples, analysed=role != AGENT or settings.include_agent))
    return sorted(lanes, key=lambda lane: lane.role == AGENT)


def _apart(recording: Recording, mode: ChannelMode) -> bool:
    count = len(recording.channels)
    if mode == "auto":
        return count == 2 and shared_sound(recording) < _SHARED_SOUND
    return mode == "split" and count > 1


def _roles(recording: Recording, customer: str | None) -> dict[str, str]:
    """Say who is on which side of a two-channel recording, as far as it is known."""
    if len(recording.channels) != 2:
        return {}
    side = customer or customer_side(recording.name)
    return {side: CUSTOMER, _SIDES[side]: AGENT} if side else {}


def _analyze_lane(
    lane: _Lane, model: Model, settings: Settings, report: Progress
) -> tuple[pd.DataFrame, float | None]:
    """Find the segments of a lane and their emotions, and the speech that the baseline rests on."""
    card = model.card
    report("Finding speech", 0.0)
    table = find_segments(lane.samples, settings.segmentation, shortest=card.shortest, longest=card.longest)
    table.insert(0, "channel", lane.channel)
    table.insert(1, "role", lane.role)
    if not lane.analysed:
        silent = table.assign(emotion=None, confidence=np.nan, baseline=False)
        return silent.reindex(columns=[*SEGMENT_COLUMNS, *card.labels]), None
    report("Computing features", 0.1)
    vectors = model.features.of_segments(lane.samples, table)
    report("Predicting emotions", 0.9)
    neutral = model.neutrality(vectors)
    lengths = (table["end"] - table["start"]).to_numpy()
    baseline_time = None if neutral is None else round(float(neutral @ lengths), 2)
    return with_emotions(table, vectors, model), baseline_time


def _partial(progress: Progress | None, number: int, count: int) -> Progress:
    """Report the progress of one lane as that of all lanes."""

    def report(stage: str, done: float) -> None:
        if progress:
            progress(stage, (number + done) / count)

    return report


def _nothing_heard(recording: Recording, card: ModelCard) -> SpeechError:
    if recording.duration < card.shortest:
        return SpeechError(
            f"{recording.name} is {recording.duration:.1f} s long and the model needs at least "
            f"{card.shortest:g} s of speech: choose a longer recording."
        )
    if not recording.samples.any():
        return SpeechError(f"{recording.name} holds only silence: check the microphone or the recorder.")
    return SpeechError(
        f"No speech was found in {recording.name}: lower the speech threshold or check the file."
    )


def _summarise(
    lane: _Lane, segments: pd.DataFrame, labels: tuple[str, ...], baseline_time: float | None
) -> ChannelSummary:
    own = segments[segments["channel"] == lane.channel]
    lengths = (own["end"] - own["start"]).groupby(own["emotion"]).sum()
    shares = (lengths / lengths.sum()).reindex([*labels, UNCERTAIN], fill_value=0.0)
    named = shares[list(labels)]
    dominant = None
    if len(lengths):
        dominant = str(named.idxmax()) if named.max() > 0 else UNCERTAIN
    return ChannelSummary(
        channel=lane.channel,
        role=lane.role,
        speech_time=round(speech_time(own), 2),
        shares={str(emotion): float(share) for emotion, share in shares.items()} if len(lengths) else {},
        dominant_emotion=dominant,
        baseline_time=baseline_time,
    )
