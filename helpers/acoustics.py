"""How a recording and a stretch of it look: waveform, mel spectrogram, pitch, energy, as wide as a picture.

Conventions: a picture has columns, each of which stands for the same time. Nothing in here needs a model, and
nothing says who may be analysed: it is the sound alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from helpers.features import (
    HOP_LENGTH,
    LEVEL,
    MEL,
    N_FFT,
    N_MELS,
    PITCH,
    PITCH_STEP,
    decibels,
    frame_features,
    mel_power,
    to_hz,
)
from helpers.media import SAMPLE_RATE, Sound, channel_names, mean_of_channels, sound_channel

WIDTH = 800  # columns, at most

_FEWEST_FRAMES, _MOST_FRAMES = 4, 100  # in a column of a whole call


@dataclass(frozen=True, eq=False)
class SoundPicture:
    """One channel of a stretch.

    Attributes
    ----------
    start, end : float
        Of the stretch [seconds].
    lowest, highest : np.ndarray [shape=(columns,), dtype=int16]
        Of the samples of each column; of a whole call, with 0.
    mel : np.ndarray [shape=(as many or fewer, N_MELS), dtype=float32]
        Log-mel spectrum [dB].
    """

    start: float
    end: float
    lowest: np.ndarray
    highest: np.ndarray
    mel: np.ndarray

    @property
    def nbytes(self) -> int:
        """Memory that it takes [bytes]."""
        return self.lowest.nbytes + self.highest.nbytes + self.mel.nbytes


@dataclass(frozen=True, eq=False)
class Contours:
    """How a stretch sounds, frame by frame.

    Attributes
    ----------
    times : np.ndarray [shape=(frames,)]
        Middle of each frame [seconds of the recording].
    pitch : np.ndarray [shape=(frames,)]
        Fundamental frequency [Hz]; NaN where there is none, or a single frame's.
    level : np.ndarray [shape=(frames,)]
        Energy [dBFS].
    """

    times: np.ndarray
    pitch: np.ndarray
    level: np.ndarray


def channel_of(block: np.ndarray, channel: str) -> np.ndarray:
    """Take a channel out of a block by the name of its lane.

    Parameters
    ----------
    block : np.ndarray [shape=(n, channels), dtype=int16]
    channel : str
        As in ``analysis``; where it is none of the recording's own, as of voices, all of them mixed.

    Returns
    -------
    np.ndarray [shape=(n,), dtype=int16]
    """
    names = channel_names(block.shape[1])
    return block[:, names.index(channel)] if channel in names else mean_of_channels(block)


def sound_channels(channels: Sequence[str]) -> tuple[str, ...]:
    """Name the channels of sound that lanes are heard on: voices told apart are on one."""
    return tuple(dict.fromkeys(map(sound_channel, channels)))


def picture_of_call(
    sound: Sound, duration: float, channels: Sequence[str], progress: Callable[[float], None]
) -> dict[str, SoundPicture]:
    """Draw a whole recording, which is heard piece by piece, so that its length takes no memory.

    Parameters
    ----------
    sound : Sound
    duration : float
        Of the recording [seconds].
    channels : sequence of str
        From `sound_channels`.
    progress : callable
        Called with the share heard so far, in [0, 1].

    Returns
    -------
    dict of str to SoundPicture
        By channel.

    Raises
    ------
    MediaError
        The recording cannot be read.
    """
    painters = {channel: _Painter(round(duration * SAMPLE_RATE)) for channel in channels}
    heard = 0
    for block in sound.blocks():
        for channel, painter in painters.items():
            painter.feed(channel_of(block, channel))
        heard += len(block)
        progress(min(1.0, heard / SAMPLE_RATE / duration))
    return {channel: painter.finish() for channel, painter in painters.items()}


def picture_of_stretch(samples: np.ndarray, start: float) -> tuple[SoundPicture, Contours]:
    """Draw a segment, frame by frame.

    Parameters
    ----------
    samples : np.ndarray [shape=(n,), dtype=int16]
        At least `N_FFT` samples of one channel.
    start : float
        Of the segment [seconds].

    Returns
    -------
    SoundPicture, Contours
    """
    frames = frame_features(samples)
    edges = np.arange(WIDTH) * len(samples) // WIDTH
    picture = SoundPicture(
        start,
        start + len(samples) / SAMPLE_RATE,
        np.minimum.reduceat(samples, edges),
        np.maximum.reduceat(samples, edges),
        frames[:, MEL],
    )
    times = start + (np.arange(len(frames)) * HOP_LENGTH + N_FFT / 2) / SAMPLE_RATE
    return picture, Contours(times, to_hz(_steady(frames[:, PITCH])), frames[:, LEVEL])


def _steady(pitch: np.ndarray) -> np.ndarray:
    """Leave out the pitch of frames that no neighbour is like, which is most often an error [semitones]."""
    near = np.abs(np.diff(pitch)) < PITCH_STEP
    return np.where(np.append(near, False) | np.insert(near, 0, False), pitch, np.nan)


class _Painter:
    """Reduces a channel to a picture while it is heard.

    Parameters
    ----------
    total : int
        Samples to come; what comes beyond them falls into the last column.
    """

    def __init__(self, total: int) -> None:
        self._total = max(total, 1)
        self._width = max(min(WIDTH, total // (_FEWEST_FRAMES * HOP_LENGTH)), 1)
        self._hop = max(HOP_LENGTH, total // (self._width * _MOST_FRAMES))
        self._extremes = np.zeros((2, self._width), np.int16)
        self._power = np.zeros((self._width, N_MELS))
        self._frames = np.zeros(self._width, int)
        self._heard = 0
        self._next = 0  # the sample with which the next frame begins
        self._rest = np.empty(0, np.int16)  # samples from there on

    def feed(self, samples: np.ndarray) -> None:
        """Hear some more [shape=(n,), dtype=int16]."""
        first, last = self._columns(np.array([self._heard, self._heard + len(samples) - 1]))
        columns = np.arange(first, last + 1)
        begins = np.maximum(-(-columns * self._total // self._width) - self._heard, 0)
        lowest, highest = self._extremes
        lowest[columns] = np.minimum(lowest[columns], np.minimum.reduceat(samples, begins))
        highest[columns] = np.maximum(highest[columns], np.maximum.reduceat(samples, begins))
        pending = np.concatenate([self._rest, samples])
        origin = self._heard - len(self._rest)
        self._heard += len(samples)
        if self._heard - self._next >= N_FFT:
            power = mel_power(pending[self._next - origin :], self._hop)
            columns = self._columns(self._next + N_FFT // 2 + np.arange(len(power)) * self._hop)
            np.add.at(self._power, columns, power)
            np.add.at(self._frames, columns, 1)
            self._next += len(power) * self._hop
        self._rest = pending[self._next - origin :]

    def finish(self) -> SoundPicture:
        """Give the picture of what was heard."""
        mel = decibels(self._power / np.maximum(self._frames, 1)[:, None]).astype(np.float32)
        lowest, highest = self._extremes
        return SoundPicture(0.0, self._total / SAMPLE_RATE, lowest, highest, mel)

    def _columns(self, positions: np.ndarray) -> np.ndarray:
        """Say in which columns samples lie."""
        return np.minimum(positions * self._width // self._total, self._width - 1)
