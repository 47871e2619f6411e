"""How a call went as a conversation: who speaks how long, who interrupts whom, how it begins and ends.

All figures come from the segments, so that what is shorter than the model's shortest segment, such as a
“yes”, is not there. The names are those of call-centre practice (AWS Contact Lens).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.analysis import LEVEL_STEP, CallAnalysis
from helpers.emotions import UNCERTAIN
from helpers.moments import ANGER, joined, speech_time

PAUSE = 2.0  # seconds, within a monologue
LEAST_OVERLAP = 0.5  # seconds, of an interruption
LONGEST_ANSWER = 10.0  # seconds
ENDING = 10.0  # seconds of speech

EXPLAINED = {
    "Talk time": "Seconds of this speaker's segments.",
    "Talk share": "Of the talk time of all speakers.",
    "Longest monologue": f"Without a pause of {PAUSE:g} s, and without another speaker in between.",
    "Interruptions": f"How often this speaker begins while another goes on for {LEAST_OVERLAP:g} s or more.",
    "Talk-over": "Share of this speaker's talk time during which another speaks too.",
    "Response time": f"Median from the end of another's turn to the start of this one's, up to "
    f"{LONGEST_ANSWER:g} s.",
    "Loudness": "Median level of this speaker's speech.",
    "Speaking rate": "Estimated syllables per second of speech: peaks of loudness that stand out by 2 dB "
    "(after de Jong and Wempe 2009).",
    "Escalations": "How often this speaker's anger is sustained.",
    "First third": "The emotion of most of this speaker's speech in the first third of the call.",
    "Last third": "The same in the last third.",
    "At the end": f"The emotion of most of this speaker's last {ENDING:g} s of speech.",
}


@dataclass(frozen=True)
class SpeakerFigures:
    """The figures of one speaker.

    Attributes
    ----------
    channel : str
    talk_time : float
        [seconds]
    talk_share : float
        In [0, 1].
    longest_monologue : float
        [seconds]
    interruptions : int
    talk_over : float
        Share of the talk time, in [0, 1].
    response_time : float or None
        [seconds]; None where this speaker never answers.
    loudness : float or None
        [dBFS]
    speaking_rate : float or None
        [syllables per second]
    escalations : int or None
        None where the emotion was not analysed.
    end_emotion : str or None
    first_third, last_third : dict of str to float
        Share of the speech time per emotion in these parts of the call; empty where nothing was analysed.
    """

    channel: str
    talk_time: float
    talk_share: float
    longest_monologue: float
    interruptions: int
    talk_over: float
    response_time: float | None
    loudness: float | None
    speaking_rate: float | None
    escalations: int | None
    end_emotion: str | None
    first_third: dict[str, float]
    last_third: dict[str, float]


def non_talk_time(analysis: CallAnalysis) -> float:
    """Add up the time in which nobody speaks [seconds]."""
    spoken = _stretches(analysis.segments)
    return analysis.duration - float(np.diff(spoken, axis=1).sum())


def conversation(analysis: CallAnalysis) -> list[SpeakerFigures]:
    """Compute the figures of every speaker.

    Parameters
    ----------
    analysis : CallAnalysis

    Returns
    -------
    list of SpeakerFigures
        In the order of the summary.
    """
    everybody = speech_time(analysis.segments)
    figures = []
    for summary in analysis.summary:
        own = analysis.segments[analysis.segments["channel"] == summary.channel]
        others = _stretches(analysis.segments[analysis.segments["channel"] != summary.channel])
        spoken = _stretches(own)
        talk_time = float(np.diff(spoken, axis=1).sum())
        analysed = bool(summary.shares)
        angry = sum(moment.kind == ANGER and moment.channel == summary.channel for moment in analysis.moments)
        third = analysis.duration / 3
        figures.append(
            SpeakerFigures(
                channel=summary.channel,
                talk_time=talk_time,
                talk_share=talk_time / everybody if everybody else 0.0,
                longest_monologue=_longest_monologue(spoken, others),
                interruptions=_interruptions(spoken, others),
                talk_over=_overlap(spoken, others) / talk_time if talk_time else 0.0,
                response_time=_response_time(spoken, others),
                loudness=_loudness(spoken, analysis.levels[summary.channel]),
                speaking_rate=summary.speaking_rate,
                escalations=angry if analysed else None,
                end_emotion=_end_emotion(own),
                first_third=_shares(own, 0.0, third),
                last_third=_shares(own, 2 * third, analysis.duration),
            )
        )
    return figures


def _stretches(segments: pd.DataFrame) -> np.ndarray:
    """Give the stretches of `joined` as one array [shape=(n, 2), seconds]."""
    return np.array([*joined(segments)]).reshape(-1, 2)


def _longest_monologue(spoken: np.ndarray, others: np.ndarray) -> float:
    return max((end - start for start, end in _monologues(spoken, others)), default=0.0)


def _monologues(spoken: np.ndarray, others: np.ndarray) -> Iterator[tuple[float, float]]:
    begin = reached = None
    for start, end in spoken:
        goes_on = (
            reached is not None
            and start - reached < PAUSE
            and not np.any((others[:, 0] < start) & (others[:, 1] > reached))
        )
        if not goes_on:
            if begin is not None and reached is not None:
                yield begin, reached
            begin = start
        reached = end
    if begin is not None and reached is not None:
        yield begin, reached


def _interruptions(spoken: np.ndarray, others: np.ndarray) -> int:
    """Count the starts that fall into another's speech, which goes on for a while."""
    starts = spoken[:, :1]
    inside = (others[:, 0] + LEAST_OVERLAP <= starts) & (starts + LEAST_OVERLAP <= others[:, 1])
    return int(inside.any(axis=1).sum())


def _overlap(spoken: np.ndarray, others: np.ndarray) -> float:
    lengths = np.minimum(spoken[:, 1:], others[:, 1]) - np.maximum(spoken[:, :1], others[:, 0])
    return float(np.maximum(lengths, 0).sum())


def _response_time(spoken: np.ndarray, others: np.ndarray) -> float | None:
    """Take the gaps in which another's turn ends and this one's begins, and nobody speaks."""
    starts = spoken[:, 0]
    own_ends = np.concatenate([[-np.inf], spoken[:, 1]])[: len(starts)]  # before each start
    their_ends = np.concatenate([[-np.inf], others[:, 1]])[np.searchsorted(others[:, 0], starts)]
    gaps = (starts - their_ends)[own_ends < their_ends]
    answers = gaps[(gaps >= 0) & (gaps <= LONGEST_ANSWER)]
    return float(np.median(answers)) if len(answers) else None


def _loudness(spoken: np.ndarray, levels: np.ndarray) -> float | None:
    """Take the median level of the steps that lie in speech [dBFS]."""
    times = (np.arange(len(levels)) + 0.5) * LEVEL_STEP
    following = np.searchsorted(spoken[:, 0], times, side="right") - 1
    inside = (following >= 0) & (times < spoken[np.maximum(following, 0), 1]) if len(spoken) else []
    return float(np.median(levels[inside])) if np.any(inside) else None


def _end_emotion(own: pd.DataFrame) -> str | None:
    """Name the emotion of most of the last speech; uncertain only where there is no other."""
    told = own[own["emotion"].notna()]
    lengths = told["end"] - told["start"]
    last = lengths[::-1].cumsum()[::-1] - lengths < ENDING
    times = lengths[last].groupby(told["emotion"][last]).sum()
    named = times.drop(UNCERTAIN, errors="ignore")
    if len(named):
        return str(named.idxmax())
    return UNCERTAIN if len(times) else None


def _shares(own: pd.DataFrame, start: float, end: float) -> dict[str, float]:
    middle = (own["start"] + own["end"]) / 2
    part = own[own["emotion"].notna() & (middle >= start) & (middle < end)]
    times = (part["end"] - part["start"]).groupby(part["emotion"]).sum()
    return {str(emotion): float(share) for emotion, share in (times / times.sum()).items()}
