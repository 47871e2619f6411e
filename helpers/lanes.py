"""Who is heard on which channel: what to analyse of a recording, and the lanes that follow from it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import numpy as np

from helpers.media import Recording, channels_are_equal, mean_of_channels, shared_sound
from helpers.moments import Thresholds
from helpers.speech import Segmentation

ChannelMode = Literal["auto", "mix", "split", "voices"]
CHANNEL_MODES: tuple[ChannelMode, ...] = get_args(ChannelMode)
Place = Literal["left", "right", "first", "second"]
PLACES: tuple[Place, ...] = get_args(Place)
Smoothing = Literal["none", "neighbours"]
SMOOTHINGS: tuple[Smoothing, ...] = get_args(Smoothing)
CUSTOMER, AGENT, SPEAKER = "customer", "agent", "speaker"
MONO = "mono"
VOICES: dict[Place, str] = {"first": f"{MONO} A", "second": f"{MONO} B"}
LAW = "Inferring the emotions of employees at work is restricted by law (EU AI Act, Art. 5)"

_SIDES: dict[Place, Place] = {"left": "right", "right": "left"}
_OTHER: dict[Place, Place] = {**_SIDES, "first": "second", "second": "first"}
_SHARED_SOUND = 0.5
_ROLE_IN_NAME = re.compile(r"(agent|customer|caller|client)[-_ ]?(left|right)", re.IGNORECASE)


@dataclass(frozen=True)
class Settings:
    """What to analyse, and how it is cut.

    Attributes
    ----------
    channels : {'auto', 'mix', 'split', 'voices'}
        'split' takes each channel as a speaker of its own, 'mix' all of them together; 'auto' splits where
        two channels carry different sound. 'voices' does so, too, and tells two speakers apart by their
        voices where all are together; see ``speakers``.
    customer : {'left', 'right', 'first', 'second'} or None
        Where the customer is: on which of two channels, or who of two voices that are told apart, in the
        order in which they are first heard. None takes the channel from the file name, if that says so.
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
    customer: Place | None = None
    include_agent: bool = False
    segmentation: Segmentation = field(default_factory=Segmentation)
    smoothing: Smoothing = "none"
    thresholds: Thresholds = field(default_factory=Thresholds)

    def of_hearing(self) -> Settings:
        """Leave only what decides which frames of a recording are kept, the rest as by default."""
        return replace(
            self,
            channels="auto" if self.channels == "voices" else self.channels,
            customer=self.customer if self.customer in _SIDES else None,
            smoothing="none",
            thresholds=Thresholds(),
        )


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
        return [Lane(MONO, SPEAKER, number, analysed=True)]
    roles = _roles(_side(beginning, settings.customer))
    lanes = [
        _lane(channel, roles.get(channel, SPEAKER), number, settings)
        for number, channel in enumerate(beginning.channels)
    ]
    return sorted(lanes, key=lambda lane: lane.role == AGENT)


def lanes_of_voices(lane: Lane, settings: Settings) -> list[Lane]:
    """Decide who the two voices of a lane are.

    Parameters
    ----------
    lane : Lane
    settings : Settings
        What to analyse.

    Returns
    -------
    list of Lane
        In the order in which they are first heard.
    """
    roles = _roles(settings.customer)
    return [
        _lane(channel, roles.get(place, SPEAKER), lane.number, settings) for place, channel in VOICES.items()
    ]


def customer_side(name: str) -> Place | None:
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
    named: Place = "left" if side == "left" else "right"
    return _SIDES[named] if who == "agent" else named


def _apart(beginning: Recording, mode: ChannelMode) -> bool:
    count = len(beginning.channels)
    if count == 1 or channels_are_equal(beginning.samples):
        return False
    if mode in ("auto", "voices"):
        return count == 2 and shared_sound(beginning) < _SHARED_SOUND
    return mode == "split"


def _side(beginning: Recording, customer: Place | None) -> Place | None:
    """Say on which side of a two-channel recording the customer is, as far as it is known."""
    if len(beginning.channels) != 2:
        return None
    return customer if customer in _SIDES else customer_side(beginning.name)


def _roles(customer: Place | None) -> dict[str, str]:
    """Say who is where, as far as it is known."""
    return {customer: CUSTOMER, _OTHER[customer]: AGENT} if customer else {}


def _lane(channel: str, role: str, number: int | None, settings: Settings) -> Lane:
    return Lane(channel, role, number, analysed=role != AGENT or settings.include_agent)
