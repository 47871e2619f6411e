"""From a recording to its analysis: segments with emotions, a summary per channel, moments worth a listen.

Conventions: `segments` is one tidy DataFrame, a row per segment in order of time, with the columns
`SEGMENT_COLUMNS` and one column per emotion of the model with its probability. A segment of somebody who is
not analysed has its times, and no emotion. What stands where an emotion was set by
hand, ``corrections`` says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from helpers.classifier import Model, ModelCard, Reference, load_model
from helpers.corrections import Correction, corrected
from helpers.emotions import UNCERTAIN
from helpers.errors import SpeechError
from helpers.feature_sets import ACOUSTIC
from helpers.frames import CallFrames, LaneFrames, Progress, Sound, hear
from helpers.lanes import AGENT, MONO, VOICES, Lane, Settings, Smoothing, lanes_of_voices
from helpers.media import Source, open_recording
from helpers.moments import Moment, Thresholds, find_moments, speech_time
from helpers.speakers import tell_apart
from helpers.speech import FRAME, SILENCE, speaking_rate

SEGMENT_COLUMNS = ["channel", "role", "start", "end", "emotion", "confidence", "baseline"]

READING = 0.95  # share of the work, as segments are described meanwhile
LEVEL_STEP = 0.1  # seconds
LONGEST_PAUSE = 5.0  # seconds, over which neighbours smooth each other
TOLD_APART = (
    "Two speakers on one channel were told apart by their voices, which is experimental: some of the speech "
    "may stand with the wrong one."
)
LEFT_AS_ONE = (
    "Two voices could not be told apart: there is one, or they are too much alike, or speak too little. All "
    "speech is taken for one speaker's."
)


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
    speaking_rate : float or None
        Estimated syllables per second of speech; None where nobody speaks.
    """

    channel: str
    role: str
    speech_time: float
    shares: dict[str, float]
    dominant_emotion: str | None
    baseline_time: float | None
    speaking_rate: float | None


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
    settings : Settings
        That all of this was found with.
    references : mapping of str to Reference
        By channel, what its segments were judged against; of those that were analysed.
    levels : mapping of str to np.ndarray [shape=(n,), dtype=float32]
        By channel, the loudest of every `LEVEL_STEP` seconds [dBFS]; of voices told apart, without the other.
    browser_type : str or None
        MIME type under which a browser plays the file itself; None where it needs the WAV.
    warnings : tuple of str
        What was wrong with the file although it could be read, and what became of voices to be told apart.
    has_pictures : bool
        Whether the recording is a video.
    """

    name: str
    duration: float
    channels: int
    model: ModelCard
    segments: pd.DataFrame
    summary: tuple[ChannelSummary, ...]
    moments: tuple[Moment, ...]
    settings: Settings
    references: Mapping[str, Reference]
    levels: Mapping[str, np.ndarray]
    browser_type: str | None = None
    warnings: tuple[str, ...] = ()
    has_pictures: bool = False

    @property
    def thresholds(self) -> Thresholds:
        """From when on something was a moment."""
        return self.settings.thresholds

    @property
    def emotions(self) -> tuple[str, ...]:
        """What its segments can be told to be: the model's emotions, and others that were set by hand."""
        told = self.segments["emotion"].dropna()
        return tuple(dict.fromkeys((*self.model.labels, *told[told != UNCERTAIN])))


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
    with open_recording(source, name=name) as stream:
        return analyze_recording(stream, loaded, settings or Settings())


def analyze_recording(
    recording: Sound, model: Model, settings: Settings, *, progress: Progress | None = None
) -> CallAnalysis:
    """Analyse a recording.

    Parameters
    ----------
    recording : Sound
        From ``media.decode`` or ``media.open_recording``.
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
    MediaError
        The recording cannot be read.
    SpeechError
        Nobody speaks in it.
    ModelError
        As `analyze_frames`.
    """
    report = progress or (lambda stage, done: None)
    frames = hear(
        recording,
        settings,
        model.features,
        shortest=model.card.shortest,
        longest=model.card.longest,
        progress=part_of(report, 0, READING),
    )
    return analyze_frames(frames, model, settings, progress=part_of(report, READING, 1))


def analyze_frames(
    frames: CallFrames, model: Model, settings: Settings, *, progress: Progress
) -> CallAnalysis:
    """Analyse a recording that was heard before.

    Parameters
    ----------
    frames : CallFrames
        From ``frames.hear``, with the model's feature set and settings that cover these.
    model : Model
        From ``classifier.load_model``.
    settings : Settings
        What to analyse, and how it is cut.
    progress : callable
        As for `analyze_recording`.

    Returns
    -------
    CallAnalysis

    Raises
    ------
    SpeechError
        Nobody speaks in the recording.
    ModelError
        Voices shall be told apart, and what that takes is missing or damaged.
    """
    told: list[_Told] = []
    count = len(frames.lanes)
    for number, lane in enumerate(frames.lanes):
        report = part_of(progress, number / count, (number + 1) / count)
        told += _analyze_lane(lane, model, settings, report)
    if not any(len(each.segments) for each in told):
        raise _nothing_heard(frames, model.card)
    segments = pd.concat([each.segments for each in told], ignore_index=True)
    segments = segments.sort_values(["start", "channel"], ignore_index=True)
    return CallAnalysis(
        name=frames.name,
        duration=frames.duration,
        channels=frames.channels,
        model=model.card,
        segments=segments,
        summary=tuple(_summarise(each, model.card.labels) for each in told),
        moments=find_moments(segments, settings.thresholds),
        settings=settings,
        references={each.lane.channel: each.reference for each in told if each.reference},
        levels={each.lane.channel: _by_steps(each.levels) for each in told},
        browser_type=frames.browser_type,
        warnings=(*frames.warnings, *_on_voices(told, settings)),
        has_pictures=frames.has_pictures,
    )


def with_emotions(
    segments: pd.DataFrame, probabilities: np.ndarray, model: Model, smoothing: Smoothing = "none"
) -> pd.DataFrame:
    """Say the emotion of each segment.

    Parameters
    ----------
    segments : pd.DataFrame
        Of one speaker, with the columns up to `end`; see the module's conventions.
    probabilities : np.ndarray [shape=(segments, emotions)]
        From the model.
    model : Model
        From ``classifier.load_model``.
    smoothing : {'none', 'neighbours'}
        As of ``lanes.Settings``.

    Returns
    -------
    pd.DataFrame
        With all columns.
    """
    if smoothing == "neighbours":
        probabilities = smoothed(probabilities, segments)
    emotions, confidences = model.decide(probabilities)
    judged = segments.assign(
        emotion=pd.array(emotions, "str"), confidence=confidences, baseline=model.takes_baseline
    )
    judged[list(model.card.labels)] = probabilities
    return judged


def smoothed(probabilities: np.ndarray, segments: pd.DataFrame) -> np.ndarray:
    """Average each segment's probabilities with those of the segments before and after it.

    Parameters
    ----------
    probabilities : np.ndarray [shape=(segments, emotions)]
    segments : pd.DataFrame
        Of one speaker, with `start` and `end` [seconds].

    Returns
    -------
    np.ndarray [shape=(segments, emotions)]
        A neighbour counts half as much as the segment itself, and nothing beyond a pause of `LONGEST_PAUSE`.
    """
    pauses = segments["start"].to_numpy()[1:] - segments["end"].to_numpy()[:-1]
    near = 0.5 * (pauses <= LONGEST_PAUSE)[:, None]
    sums = probabilities.copy()
    weights = np.ones((len(segments), 1))
    sums[1:] += near * probabilities[:-1]
    sums[:-1] += near * probabilities[1:]
    weights[1:] += near
    weights[:-1] += near
    return sums / weights


def with_corrections(analysis: CallAnalysis, corrections: Sequence[Correction]) -> CallAnalysis:
    """Let what the analyst set by hand count, in shares and moments too.

    Parameters
    ----------
    analysis : CallAnalysis
        As the model told it.
    corrections : sequence of Correction
        Of the same recording.

    Returns
    -------
    CallAnalysis
        The same object where nothing changes.
    """
    segments = corrected(analysis.segments, corrections)
    if segments is analysis.segments:
        return analysis
    changed = replace(analysis, segments=segments, moments=find_moments(segments, analysis.thresholds))
    summary = []
    for channel in analysis.summary:
        shares = _shares(segments[segments["channel"] == channel.channel], changed.emotions)
        summary.append(replace(channel, shares=shares, dominant_emotion=_dominant(shares)))
    return replace(changed, summary=tuple(summary))


def part_of(progress: Progress, start: float, end: float) -> Progress:
    """Report the progress of a part of the work as that of all of it.

    Parameters
    ----------
    progress : callable
        Of all of it.
    start, end : float
        Of the part, in [0, 1].

    Returns
    -------
    callable
    """
    return lambda stage, done: progress(stage, start + (end - start) * done)


@dataclass(frozen=True, eq=False)
class _Told:
    """What is told of one speaker.

    Attributes
    ----------
    lane : Lane
    levels : np.ndarray [shape=(frames,)]
        Of the lane, silent where another speaks on it [dBFS].
    segments : pd.DataFrame
        With all columns.
    baseline_time : float or None
        As of `ChannelSummary`.
    reference : Reference or None
        As of `CallAnalysis`.
    """

    lane: Lane
    levels: np.ndarray
    segments: pd.DataFrame
    baseline_time: float | None = None
    reference: Reference | None = None


def _analyze_lane(heard: LaneFrames, model: Model, settings: Settings, report: Progress) -> list[_Told]:
    """Find the segments of a lane, whose they are, and their emotions; the agent comes last."""
    card, lane, levels = model.card, heard.lane, heard.loudness.levels
    report("Finding speech", 0.0)
    times = heard.segments(settings.segmentation, shortest=card.shortest, longest=card.longest)
    if not lane.analysed:
        return [_Told(lane, levels, _without_emotions(_of_lane(times, lane), card))]
    report("Computing features", 0.1)
    vectors = heard.describe(times, model.features)
    report("Predicting emotions", 0.9)
    voices = None
    if settings.channels == "voices" and lane.channel == MONO:
        voices = tell_apart(ACOUSTIC.summaries(map(model.features.acoustic, _frames(heard, times))))
    if voices is None:
        return [_Told(lane, levels, *_tell(lane, times, vectors, model, settings))]
    told = []
    for number, voice in enumerate(lanes_of_voices(lane, settings)):
        own = voices == number
        own_levels = _silenced(levels, times[~own])
        told.append(_Told(voice, own_levels, *_tell(voice, times[own], vectors[own], model, settings)))
    return sorted(told, key=lambda each: each.lane.role == AGENT)


def _tell(
    lane: Lane, times: pd.DataFrame, vectors: np.ndarray, model: Model, settings: Settings
) -> tuple[pd.DataFrame, float | None, Reference | None]:
    """Predict the emotions of one speaker, if they are wanted, and say what they rest on; see `_Told`."""
    segments = _of_lane(times, lane)
    if not lane.analysed:
        return _without_emotions(segments, model.card), None, None
    neutral = model.neutrality(vectors)
    lengths = (segments["end"] - segments["start"]).to_numpy()
    baseline_time = None if neutral is None else round(float(neutral @ lengths), 2)
    probabilities, reference = model.judge(vectors)
    judged = with_emotions(segments, probabilities, model, settings.smoothing)
    return judged, baseline_time, reference


def _of_lane(times: pd.DataFrame, lane: Lane) -> pd.DataFrame:
    return times.assign(channel=lane.channel, role=lane.role)[SEGMENT_COLUMNS[:4]]


def _without_emotions(segments: pd.DataFrame, card: ModelCard) -> pd.DataFrame:
    silent = segments.assign(emotion=None, confidence=np.nan, baseline=False)
    return silent.reindex(columns=[*SEGMENT_COLUMNS, *card.labels])


def _frames(heard: LaneFrames, times: pd.DataFrame) -> Iterator[np.ndarray]:
    return (heard.between(start, end) for start, end in times[["start", "end"]].to_numpy(float))


def _silenced(levels: np.ndarray, times: pd.DataFrame) -> np.ndarray:
    """Give the levels with silence in segments [dBFS]."""
    rest = levels.copy()
    for start, end in (times[["start", "end"]].to_numpy(float) / FRAME).round().astype(int):
        rest[start:end] = SILENCE
    return rest


def _on_voices(told: list[_Told], settings: Settings) -> Iterator[str]:
    """Say what became of the wish to tell voices apart."""
    channels = {each.lane.channel for each in told}
    if channels == {*VOICES.values()}:
        yield TOLD_APART
    elif settings.channels == "voices" and channels == {MONO}:
        yield LEFT_AS_ONE


def _by_steps(levels: np.ndarray) -> np.ndarray:
    starts = np.arange(0, len(levels), round(LEVEL_STEP / FRAME))
    return np.maximum.reduceat(levels, starts) if len(levels) else levels


def _nothing_heard(frames: CallFrames, card: ModelCard) -> SpeechError:
    if frames.duration < card.shortest:
        return SpeechError(
            f"{frames.name} is {frames.duration:.1f} s long and the model needs at least "
            f"{card.shortest:g} s of speech: choose a longer recording."
        )
    if not any(lane.sounds for lane in frames.lanes):
        return SpeechError(f"{frames.name} holds only silence: check the microphone or the recorder.")
    return SpeechError(f"No speech was found in {frames.name}: lower the speech threshold or check the file.")


def _summarise(told: _Told, labels: tuple[str, ...]) -> ChannelSummary:
    own = told.segments
    shares = _shares(own, labels)
    return ChannelSummary(
        channel=told.lane.channel,
        role=told.lane.role,
        speech_time=round(speech_time(own), 2),
        shares=shares,
        dominant_emotion=_dominant(shares),
        baseline_time=told.baseline_time,
        speaking_rate=speaking_rate(told.levels, own),
    )


def _shares(own: pd.DataFrame, emotions: Iterable[str]) -> dict[str, float]:
    """Give the share of a speaker's time per emotion, uncertain too; none where nothing was analysed."""
    lengths = (own["end"] - own["start"]).groupby(own["emotion"]).sum()
    shares = (lengths / lengths.sum()).reindex([*emotions, UNCERTAIN], fill_value=0.0)
    return {str(emotion): float(share) for emotion, share in shares.items()} if len(lengths) else {}


def _dominant(shares: Mapping[str, float]) -> str | None:
    """Name the emotion with the largest share; uncertain only where there is no other."""
    named = {emotion: share for emotion, share in shares.items() if emotion != UNCERTAIN and share}
    if named:
        return max(named, key=lambda emotion: named[emotion])
    return UNCERTAIN if shares else None
