"""How good a model is on whole calls: recording in, timeline out, on simulated calls with known answers.

Everything is weighted by time: a second of a segment counts for the emotion of the clip that it lies in.
Where speakers have channels of their own, only the customer is scored, as the app analyses nobody else
without being asked. Figures are speaker-independent: the caller gives clips of speakers that the model never
heard.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.metrics import f1_score

from helpers.analysis import analyze_frames
from helpers.baseline import BaselinedClassifier
from helpers.classifier import Model, neutral_share
from helpers.emotions import UNCERTAIN
from helpers.errors import SpeechError
from helpers.frames import CallFrames, hear
from helpers.lanes import CUSTOMER, MONO, Settings
from helpers.moments import ANGER, find_moments
from helpers.training.calls import (
    LINES,
    MIXTURES,
    ClipShelf,
    SimulatedCall,
    Surroundings,
    on_one_channel,
    simulate_call,
)
from helpers.training.evaluate import (
    accuracy_by_coverage,
    calibration_error_by_chance,
    expected_calibration_error,
    gain_interval,
    speaker_interval,
    unweighted_average_recall,
)

CUSTOMER_SIDE: Literal["left"] = "left"

LEAST_CALLS = 15  # of a condition

_TOLERANCE = 5.0  # seconds


@dataclass(frozen=True)
class Condition:
    """Which calls are scored together.

    Attributes
    ----------
    line, mixture : str
        Keys of ``calls.LINES`` and ``calls.MIXTURES``.
    clips : int
        How many the customer says.
    mixed : bool
        Whether both speakers are on one channel.
    """

    line: str
    mixture: str
    clips: int
    mixed: bool = False


CONDITIONS = (
    *(Condition(line, mixture, 20) for line in LINES for mixture in MIXTURES),
    *(Condition(line, "80 % neutral", clips) for line in ("clean", "phone") for clips in (3, 8, 40)),
    *(Condition(line, "angry from the first word", 3) for line in ("clean", "phone")),
    *(Condition(line, "80 % neutral", 20, mixed=True) for line in ("clean", "phone")),
)


@dataclass(frozen=True, eq=False)
class Heard:
    """What a model made of one call.

    Attributes
    ----------
    overlaps : pd.DataFrame
        A row for each segment and clip that overlap: speaker, emotion (the true one), seconds, and a column
        per emotion of the model with its probability.
    certain : np.ndarray [shape=(overlaps,), dtype=bool]
        Whether the answer was not "uncertain".
    neutral : float
        How neutral the call seems, as of ``classifier.neutral_share``.
    episodes, moments : int
        Episodes of sustained anger, and moments of it that were shown.
    found, right : int
        Episodes, and moments, that begin within 5 s of one of the others that they overlap.
    """

    overlaps: pd.DataFrame
    certain: np.ndarray
    neutral: float
    episodes: int
    moments: int
    found: int
    right: int


def score_calls(
    model: Model,
    clips: pd.DataFrame,
    surroundings: Surroundings,
    *,
    conditions: Iterable[Condition] = CONDITIONS,
    least_calls: int = LEAST_CALLS,
    jobs: int = -1,
) -> list[dict[str, Any]]:
    """Score a model on simulated calls.

    Parameters
    ----------
    model : Model
    clips : pd.DataFrame
        With path, speaker and emotion (of the model's), of speakers that the model never heard.
    surroundings : Surroundings
    conditions : iterable of Condition
    least_calls : int
        Of a condition; each speaker is the customer of as many as any other.
    jobs : int
        Processes.

    Returns
    -------
    list of dict
        Per condition: its ``line``, ``mixture``, ``clips`` and ``mixed``; number of ``calls``; ``uar`` and
        ``macro_f1`` weighted by time, with the 95 % ``uar_interval`` over speakers; ``ece``, and
        ``ece_by_chance``, that of a perfectly calibrated model on as many answers; ``coverage``, the share
        of the time found as speech whose answer is certain, and ``accuracy_by_coverage``;
        ``anger_precision`` and ``anger_recall`` of the moments at which sustained anger begins, left out
        where there are none; where the model takes a baseline, ``uar_without_baseline``, and with the 95 %
        ``gain_interval`` over speakers by how much it is below ``uar``.
    """
    return Parallel(n_jobs=jobs)(
        delayed(_score_condition)(model, clips, surroundings, condition, least_calls)
        for condition in conditions
    )


def judge(call: SimulatedCall, models: Sequence[Model]) -> list[Heard]:
    """Analyse a call as the app does, and lay the answers beside the truth.

    Parameters
    ----------
    call : SimulatedCall
    models : sequence of Model
        Of the same features, which are computed once.

    Returns
    -------
    list of Heard
        Of each model.
    """
    alone = len(call.recording.samples) > 1
    lane = CUSTOMER_SIDE if alone else MONO
    settings = Settings("split", CUSTOMER_SIDE) if alone else Settings("mix")
    card, features = models[0].card, models[0].features
    frames = hear(call.recording, settings, features, shortest=card.shortest, longest=card.longest)
    truth = call.truth[call.truth["channel"] == lane]
    return [_judged(model, frames, settings, truth, lane) for model in models]


def _judged(model: Model, frames: CallFrames, settings: Settings, truth: pd.DataFrame, lane: str) -> Heard:
    labels = list(model.card.labels)
    episodes = anger_episodes(truth[truth["speaker"] == truth["speaker"].iloc[0]])
    try:
        analysis = analyze_frames(frames, model, settings, progress=lambda stage, done: None)
    except SpeechError:
        nothing = pd.DataFrame(columns=["speaker", "emotion", "seconds", *labels])
        return Heard(nothing, np.empty(0, bool), 0.0, len(episodes), 0, 0, 0)
    segments = analysis.segments[analysis.segments["channel"] == lane]
    pairs = overlaps(truth, segments)
    moments = [(moment.start, moment.end) for moment in analysis.moments if moment.kind == ANGER]
    return Heard(
        pairs[["speaker", "emotion", "seconds", *labels]],
        (pairs["emotion_told"] != UNCERTAIN).to_numpy(),
        neutral_share(segments[labels].to_numpy(float), labels),
        len(episodes),
        len(moments),
        found=sum(_matches(episode, moments) for episode in episodes),
        right=sum(_matches(moment, episodes) for moment in moments),
    )


def overlaps(truth: pd.DataFrame, segments: pd.DataFrame) -> pd.DataFrame:
    """Lay segments beside what is true.

    Parameters
    ----------
    truth : pd.DataFrame
        As of ``calls.SimulatedCall``.
    segments : pd.DataFrame
        As of ``analysis``.

    Returns
    -------
    pd.DataFrame
        A row for each clip and segment that overlap: the columns of both, those of the segment with ``_told``
        where both have them, and ``seconds``.
    """
    pairs = truth.merge(segments, how="cross", suffixes=("", "_told"))
    pairs["seconds"] = pairs[["end", "end_told"]].min(axis=1) - pairs[["start", "start_told"]].max(axis=1)
    return pairs[pairs["seconds"] > 0]


def anger_episodes(truth: pd.DataFrame) -> list[tuple[float, float]]:
    """List the episodes of sustained anger, by the rule by which the app finds its moments.

    Parameters
    ----------
    truth : pd.DataFrame
        Of one speaker, as of ``calls.SimulatedCall``.

    Returns
    -------
    list of tuple of float
        Start and end [seconds].
    """
    moments = find_moments(truth.assign(role=CUSTOMER, confidence=1.0).reset_index(drop=True))
    return [(moment.start, moment.end) for moment in moments if moment.kind == ANGER]


def summarise(condition: Condition, heard: list[Heard], labels: list[str]) -> dict[str, Any]:
    """Score the calls of one condition, as of `score_calls`.

    Parameters
    ----------
    condition : Condition
    heard : list of Heard
    labels : list of str
        The emotions of the model.

    Returns
    -------
    dict
    """
    table = _joined(heard)
    true, seconds = table["emotion"].to_numpy(str), table["seconds"].to_numpy(float)
    probabilities, told = table[labels].to_numpy(float), _told(table, labels)
    certain = np.concatenate([each.certain for each in heard])
    interval = speaker_interval(true, told, table["speaker"].to_numpy(str), weights=seconds)
    figures = {
        "uar": unweighted_average_recall(true, told, weights=seconds),
        "macro_f1": f1_score(true, told, average="macro", sample_weight=seconds, zero_division=0),
        "ece": expected_calibration_error(true, probabilities, labels, weights=seconds),
        "ece_by_chance": calibration_error_by_chance(probabilities, weights=seconds),
        "coverage": float(seconds[certain].sum() / seconds.sum()),
    }
    moments, episodes = sum(each.moments for each in heard), sum(each.episodes for each in heard)
    if moments:
        figures["anger_precision"] = sum(each.right for each in heard) / moments
    if episodes:
        figures["anger_recall"] = sum(each.found for each in heard) / episodes
    return {
        **asdict(condition),
        "calls": len(heard),
        **{name: round(float(value), 4) for name, value in figures.items()},
        "uar_interval": [round(bound, 4) for bound in interval],
        "accuracy_by_coverage": accuracy_by_coverage(true, probabilities, labels, seconds),
    }


def hear_calls(
    models: Sequence[Model],
    clips: pd.DataFrame,
    surroundings: Surroundings,
    condition: Condition,
    least_calls: int,
) -> list[list[Heard]]:
    """Simulate the calls of a condition, and judge each.

    Parameters
    ----------
    models : sequence of Model
        As of `judge`.
    clips, surroundings, condition, least_calls
        As of `score_calls`.

    Returns
    -------
    list of list of Heard
        Of each call, what each model made of it.
    """
    shelf = ClipShelf(clips)
    speakers = shelf.speakers()
    heard = []
    for number in range(-(-least_calls // len(speakers)) * len(speakers)):
        call = simulate_call(
            shelf,
            (speakers[number % len(speakers)], speakers[(number + 1) % len(speakers)]),
            MIXTURES[condition.mixture],
            clips=condition.clips,
            line=LINES[condition.line],
            surroundings=surroundings,
            seed=1000 * condition.clips + number,
        )
        heard.append(judge(on_one_channel(call) if condition.mixed else call, models))
    return heard


def _score_condition(
    model: Model, clips: pd.DataFrame, surroundings: Surroundings, condition: Condition, least_calls: int
) -> dict[str, Any]:
    heard = hear_calls([model, *_without_baseline(model)], clips, surroundings, condition, least_calls)
    labels = list(model.card.labels)
    own, *plain = ([*each] for each in zip(*heard, strict=True))
    row = summarise(condition, own, labels)
    for without in plain:
        row |= _gain(_joined(own), _joined(without), labels)
    return row


def _gain(own: pd.DataFrame, without: pd.DataFrame, labels: list[str]) -> dict[str, Any]:
    """Compare the same calls with what is told of them without a baseline."""
    true, seconds = own["emotion"].to_numpy(str), own["seconds"].to_numpy(float)
    told, plain = _told(own, labels), _told(without, labels)
    interval = gain_interval(true, told, plain, own["speaker"].to_numpy(str), weights=seconds)
    return {
        "uar_without_baseline": round(unweighted_average_recall(true, plain, weights=seconds), 4),
        "gain_interval": [round(bound, 4) for bound in interval],
    }


def _joined(heard: list[Heard]) -> pd.DataFrame:
    return pd.concat([each.overlaps for each in heard], ignore_index=True)


def _told(table: pd.DataFrame, labels: list[str]) -> np.ndarray:
    return np.array(labels)[table[labels].to_numpy(float).argmax(axis=1)]


def _without_baseline(model: Model) -> list[Model]:
    """Give the model without its baseline, which tells what that is good for, or none where it has none."""
    if isinstance(model.estimator, BaselinedClassifier):
        return [Model(model.card, model.estimator.without_baseline())]
    return []


def _matches(stretch: tuple[float, float], others: list[tuple[float, float]]) -> bool:
    start, end = stretch
    return any(
        abs(start - other) <= _TOLERANCE and start < other_end and end > other for other, other_end in others
    )
