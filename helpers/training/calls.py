"""Calls with known answers: put together from labelled clips of speakers that no training heard.

A call has two channels. On the left the customer goes through episodes of emotion, on the right the agent
stays neutral; they take turns, with pauses, and sometimes speak at the same time. Every call is drawn from a
seed of its own, so that two models, or two conditions, are compared on the same words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.signal import fftconvolve, sosfilt

from helpers.emotions import NEUTRAL
from helpers.errors import CorpusError
from helpers.lanes import MONO
from helpers.media import SAMPLE_RATE, Recording, decode
from helpers.speech import Segmentation, find_segments
from helpers.training.augment import CODECS, coded, telephone_band, to_int16

_PAUSES = (0.15, 0.9)  # seconds, between the clips of a turn
_GAPS = (-0.5, 1.5)  # seconds, between turns; below 0 both speak
_TURNS = (1, 4)  # clips
_EPISODES = (2, 5)  # clips
_GAIN = (-12.0, 6.0)  # dB
_PACKET = 0.02  # seconds
_SHORTEST_CLIP = 0.5  # seconds of speech
_LEVEL = -26.0  # dBFS of speech, as ITU-T P.56 asks


@dataclass(frozen=True)
class Mixture:
    """What the customer feels in the course of a call.

    Attributes
    ----------
    name : str
    neutral : float
        Share of neutral clips.
    opening : str
        Emotion of the first half of what is not neutral, from the first word on; empty for episodes anywhere.
    """

    name: str
    neutral: float
    opening: str = ""


@dataclass(frozen=True)
class Line:
    """How a call sounds.

    Attributes
    ----------
    name : str
    phone : bool
        Whether it went through a telephone: its band, one of four codings, lost packets.
    noise : tuple of float or None
        Range of the ratio of speech to background noise [dB]; None without noise and room.
    """

    name: str
    phone: bool
    noise: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False)
class SimulatedCall:
    """A call and what is true of it.

    Attributes
    ----------
    recording : Recording
        Of two channels, the customer left; or of one.
    truth : pd.DataFrame
        Channel, speaker, emotion, start and end [seconds] of each clip's speech; the customer speaks first.
    """

    recording: Recording
    truth: pd.DataFrame


MIXTURES = {
    mixture.name: mixture
    for mixture in (
        Mixture("70 % neutral", 0.7),
        Mixture("80 % neutral", 0.8),
        Mixture("90 % neutral", 0.9),
        Mixture("evenly mixed", 0.25),
        Mixture("angry from the first word", 0.4, opening="angry"),
    )
}
LINES = {
    line.name: line
    for line in (
        Line("clean", phone=False),
        Line("phone", phone=True),
        Line("phone, 15 to 30 dB noise", phone=True, noise=(15.0, 30.0)),
        Line("phone, 5 to 15 dB noise", phone=True, noise=(5.0, 15.0)),
    )
}


@dataclass(frozen=True, eq=False)
class Surroundings:
    """Background noises and room impulse responses [each shape=(n,), dtype=float]."""

    noises: tuple[np.ndarray, ...]
    rooms: tuple[np.ndarray, ...]

    @classmethod
    def load(cls, folder: Path) -> Surroundings:
        """Load the folder ``noise`` of the corpora, with the responses in ``noise/rir``.

        Parameters
        ----------
        folder : Path
            Of the corpora.

        Returns
        -------
        Surroundings

        Raises
        ------
        CorpusError
            There are no WAV files in one of them.
        """
        return cls(_sounds(folder / "noise"), _sounds(folder / "noise" / "rir"))


class ClipShelf:
    """The clips of speakers, decoded once, without the silence around them.

    Parameters
    ----------
    clips : pd.DataFrame
        With the columns path, speaker and emotion.
    """

    def __init__(self, clips: pd.DataFrame) -> None:
        self._clips = clips
        self._speech: dict[Path, np.ndarray] = {}

    def speakers(self) -> list[str]:
        """List the speakers who have neutral clips."""
        return sorted(self._clips.loc[self._clips["emotion"] == NEUTRAL, "speaker"].unique())

    def emotions(self, speaker: str) -> list[str]:
        """List the emotions that a speaker has."""
        return sorted(self._clips.loc[self._clips["speaker"] == speaker, "emotion"].unique())

    def draw(self, speaker: str, emotion: str, generator: np.random.Generator) -> Iterator[np.ndarray]:
        """Draw clips of a speaker without end, each once before any comes again."""
        own = self._clips[(self._clips["speaker"] == speaker) & (self._clips["emotion"] == emotion)]
        while True:
            for path in generator.permutation(own["path"].to_numpy()):
                yield self._spoken(path)

    def _spoken(self, path: Path) -> np.ndarray:
        if path not in self._speech:
            samples = decode(path).samples[0]
            spans = find_segments(samples, Segmentation(), shortest=0.3, longest=60.0)
            bounds = (spans["start"].min(), spans["end"].max()) if len(spans) else (0, len(samples))
            start, end = (round(float(time) * SAMPLE_RATE) for time in bounds)
            self._speech[path] = samples[start:end] if end - start > _SHORTEST_CLIP * SAMPLE_RATE else samples
        return self._speech[path]


def simulate_call(
    shelf: ClipShelf,
    speakers: tuple[str, str],
    mixture: Mixture,
    *,
    clips: int,
    line: Line,
    surroundings: Surroundings,
    seed: int,
) -> SimulatedCall:
    """Put a call together.

    Parameters
    ----------
    shelf : ClipShelf
    speakers : tuple of str
        Customer and agent.
    mixture : Mixture
    clips : int
        How many the customer says.
    line : Line
    surroundings : Surroundings
    seed : int
        Draws words, turns and line, each from a stream of its own.

    Returns
    -------
    SimulatedCall
    """
    customer, agent = speakers
    words, course, channel = (np.random.default_rng([seed, stream]) for stream in range(3))
    plan = plan_emotions(
        mixture, clips, [name for name in shelf.emotions(customer) if name != NEUTRAL], course
    )
    draws = {emotion: shelf.draw(customer, emotion, words) for emotion in dict.fromkeys(plan)}
    answers = shelf.draw(agent, NEUTRAL, words)
    placed: list[tuple[str, str, str, float, np.ndarray]] = []
    time = course.uniform(0.3, 1.5)
    while plan:
        turn, plan = _cut(plan, int(course.integers(*_TURNS)))
        spoken = [("left", customer, emotion, next(draws[emotion])) for emotion in turn]
        replies = int(course.integers(*_TURNS)) if plan else 0
        for part in (spoken, [("right", agent, NEUTRAL, next(answers)) for _ in range(replies)]):
            for side, speaker, emotion, samples in part:
                placed.append((side, speaker, emotion, max(time, 0.0), samples))
                time += len(samples) / SAMPLE_RATE + course.uniform(*_PAUSES)
            time += course.uniform(*_GAPS)
    truth = pd.DataFrame(
        [(*row, start, start + len(samples) / SAMPLE_RATE) for *row, start, samples in placed],
        columns=["channel", "speaker", "emotion", "start", "end"],
    )
    length = round((truth["end"].max() + 0.5) * SAMPLE_RATE)
    sides = np.zeros((2, length))
    for side, _, _, start, samples in placed:
        first = round(start * SAMPLE_RATE)
        sides[int(side == "right"), first : first + len(samples)] += _levelled(samples)
    heard = [_sent(side, line, surroundings, channel) for side in sides]
    name = f"simulated call {seed}, customer-left.wav"
    return SimulatedCall(Recording(name, np.stack(heard)), truth)


def on_one_channel(call: SimulatedCall) -> SimulatedCall:
    """Mix the two channels of a call.

    Parameters
    ----------
    call : SimulatedCall

    Returns
    -------
    SimulatedCall
    """
    samples = call.recording.samples.astype(np.int32).sum(axis=0)
    together = np.clip(samples, -32768, 32767).astype(np.int16)[np.newaxis]
    return SimulatedCall(Recording(call.recording.name, together), call.truth.assign(channel=MONO))


def plan_emotions(
    mixture: Mixture, clips: int, others: list[str], generator: np.random.Generator
) -> list[str]:
    """Say which emotion each clip of the customer has.

    Parameters
    ----------
    mixture : Mixture
    clips : int
    others : list of str
        The emotions beside neutral.
    generator : np.random.Generator

    Returns
    -------
    list of str
        With at least one episode, however short the call.
    """
    moved = max(1, round(clips * (1 - mixture.neutral)))
    episodes: list[list[str]] = []
    while moved:
        length = min(moved, int(generator.integers(*_EPISODES)))
        episodes.append([str(generator.choice(others))] * length)
        moved -= length
    calm = clips - sum(map(len, episodes))
    if mixture.opening:
        opening = (sum(map(len, episodes)) + 1) // 2
        rest = [emotion for episode in episodes for emotion in episode][opening:]
        return [mixture.opening] * opening + [NEUTRAL] * calm + rest
    places = np.sort(generator.integers(0, calm + 1, len(episodes)))
    plan: list[str] = []
    for place, episode in zip(places, episodes, strict=True):
        plan += [NEUTRAL] * (place - plan.count(NEUTRAL)) + episode
    return plan + [NEUTRAL] * (calm - plan.count(NEUTRAL))


def _sent(
    signal: np.ndarray, line: Line, surroundings: Surroundings, generator: np.random.Generator
) -> np.ndarray:
    """Send one channel over a line; the same draws are made on every line."""
    gain = 10 ** (generator.uniform(*_GAIN) / 20)
    room = surroundings.rooms[int(generator.integers(len(surroundings.rooms)))]
    noise = surroundings.noises[int(generator.integers(len(surroundings.noises)))]
    offset, ratio = int(generator.integers(len(noise))), generator.random()
    codec, container = CODECS[int(generator.integers(len(CODECS)))]
    lost = generator.random(len(signal) // round(_PACKET * SAMPLE_RATE) + 1) < generator.uniform(0, 0.02)
    if line.noise:
        low, high = line.noise
        peak = int(np.argmax(np.abs(room)))
        signal = fftconvolve(signal, room / np.linalg.norm(room))[peak : peak + len(signal)]
        background = np.roll(np.resize(noise, len(signal)), offset)
        loudness = 10 ** ((_LEVEL - (low + ratio * (high - low))) / 20)
        signal = signal + background / (np.std(background) + 1e-9) * loudness
    signal = signal * gain
    if line.phone:
        signal = coded(np.clip(sosfilt(telephone_band(), signal), -1, 1), codec, container)
        packets = np.repeat(lost, round(_PACKET * SAMPLE_RATE))[: len(signal)]
        signal = np.where(packets, 0, signal)
    return to_int16(signal)


def _cut(plan: list[str], count: int) -> tuple[list[str], list[str]]:
    return plan[:count], plan[count:]


def _levelled(samples: np.ndarray) -> np.ndarray:
    """Bring a clip near the level of telephony, leaving half of what it is louder or softer [dB]."""
    signal = samples / 32768
    level = 20 * np.log10(np.std(signal) + 1e-6)
    return signal * 10 ** ((_LEVEL - level) / 2 / 20)


def _sounds(folder: Path) -> tuple[np.ndarray, ...]:
    paths = sorted(folder.glob("*.wav"))
    if not paths:
        raise CorpusError(f"There are no WAV files in {folder.name}: put noise there, or impulse responses.")
    return tuple(decode(path).samples[0] / 32768 for path in paths)
