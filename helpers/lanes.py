"""Who is heard on which channel: what to analyse of a recording, and the lanes that follow from it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np

from helpers.media import Recording, channels_are_equal, mean_of_channels, shared_sound
from helpers.moments import Thresholds
from helpers.speech import Segmentation

ChannelMode = Literal["auto", "mix", "split"]
CHANNEL_MODES: tuple[ChannelMode, ...] = get_args(ChannelMode)
Smoothing = Literal["none", "neighbours"]
SMOOTHINGS: tuple[Smoothing, ...] = get_args(Smoothing)
CUSTOMER, AGENT, SPEAKER = "customer", "agent", "speaker"
LAW = "Inferring the emotions of employees at work is restricted by law (EU AI Act, Art. 5)"

_SIDES = {"left": "right", "right": "left"}
_SHARED_SOUND = 0.5
_ROLE_IN_NAME = re.compile(r"(agent|customer|caller|client)[-_ ]?(left|right)", re.IGNORECASE)


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
    smoothing : {'none', 'neighbours'}
        'neighbours' tells each segment with the ones before and after it.
    thresholds : Thresholds
        From when on something is a moment.
    """

    channels: ChannelMode = "auto"
    customer: Literal["left", "right"] | None = None
    include_agent: bool = False
    segmentation: Segmentation = field(default_factory=Segmentation)
    smoothing: Smoothing = "none"
    thresholds: Thresholds = field(default_factory=Thresholds)


@dataclass(frozen=True)
class Lane:
    """A speaker of a recording.

    Attributes
    ----------
    channel, role : str
        Which channel, and who speaks on it.
    number : int or None
        Of the channel; None takes the mean of all.
    analysed : bool
        Whether the speaker's emotion is wanted.
    """

    channel: str
    role: str
    number: int | None
    analysed: bool

    def take(self, block: np.ndarray) -> np.ndarray:
        """Take the lane's samples out of a block.

        Parameters
        ----------
        block : np.ndarray [shape=(n, channels), dtype=int16]

        Returns
        -------
        np.ndarray [shape=(n,), dtype=int16]
        """
        return mean_of_channels(block) if self.number is None else block[:, self.number]


def lanes_of(beginning: Recording, settings: Settings) -> list[Lane]:
    """Decide who is heard on which channel.

    Parameters
    ----------
    beginning : Recording
        As much of the recording as it takes to tell two lines from a stereo recording of one scene.
    settings : Settings
        What to analyse.

    Returns
    -------
    list of Lane
        The agent's last.
    """
    if not _apart(beginning, settings.channels):
        number = 0 if channels_are_equal(beginning.samples) else None
        return [Lane("mono", SPEAKER, number, analysed=True)]
    roles = _roles(beginning, settings.customer)
    lanes = []
    for number, channel in enumerate(beginning.channels):
        role = roles.get(channel, SPEAKER)
        lanes.append(Lane(channel, role, number, analysed=role != AGENT or settings.include_agent))
    return sorted(lanes, key=lambda lane: lane.role == AGENT)


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


def _apart(beginning: Recording, mode: ChannelMode) -> bool:
    count = len(beginning.channels)
    if count == 1 or channels_are_equal(beginning.samples):
        return False
    if mode == "auto":
        return count == 2 and shared_sound(beginning) < _SHARED_SOUND
    return mode == "split"


def _roles(beginning: Recording, customer: str | None) -> dict[str, str]:
    """Say who is on which side of a two-channel recording, as far as it is known."""
    if len(beginning.channels) != 2:
        return {}
    side = customer or customer_side(beginning.name)
    return {side: CUSTOMER, _SIDES[side]: AGENT} if side else {}
