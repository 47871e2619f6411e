"""Who is heard where: two lines stay apart, a scene is one, and names say who is the customer."""

import numpy as np
import pytest

from helpers.lanes import Settings, customer_side, lanes_of, lanes_of_voices
from helpers.media import Recording
from helpers.moments import Thresholds
from helpers.speech import WIDEST
from tests.conftest import bursts

LEFT, RIGHT = bursts((1, 3), duration=6), bursts((3.5, 5.5), duration=6)


def roles(*channels: np.ndarray, name: str = "call.wav", **settings: object) -> list[tuple[str, str, bool]]:
    lanes = lanes_of(Recording(name, np.stack(channels)), Settings(**settings))  # type: ignore[arg-type]
    return [(lane.channel, lane.role, lane.analysed) for lane in lanes]


def test_two_lines_are_two_speakers_and_a_scene_is_one() -> None:
    assert roles(LEFT, RIGHT) == [("left", "speaker", True), ("right", "speaker", True)]
    assert roles(LEFT, LEFT + RIGHT // 50) == [("mono", "speaker", True)]
    assert roles(LEFT) == roles(LEFT, LEFT) == [("mono", "speaker", True)]


def test_equal_channels_are_one_even_where_they_shall_be_split() -> None:
    assert roles(LEFT, LEFT, channels="split") == [("mono", "speaker", True)]
    assert len(roles(LEFT, LEFT // 2, channels="split")) == 2


def test_more_than_two_channels_are_mixed_unless_they_shall_be_split() -> None:
    assert roles(LEFT, RIGHT, LEFT // 3) == [("mono", "speaker", True)]
    assert [channel for channel, *_ in roles(LEFT, RIGHT, LEFT // 3, channels="split")] == [
        *("channel 1", "channel 2", "channel 3")
    ]


def test_the_agent_comes_last_and_is_left_out_until_switched_on() -> None:
    assert roles(LEFT, RIGHT, name="agent-left.wav") == [
        ("right", "customer", True),
        ("left", "agent", False),
    ]
    assert roles(LEFT, RIGHT, customer="left") == [("left", "customer", True), ("right", "agent", False)]
    assert roles(LEFT, RIGHT, customer="left", include_agent=True)[1] == ("right", "agent", True)


def test_voices_are_told_apart_only_where_all_are_on_one_channel() -> None:
    assert roles(LEFT, RIGHT, channels="voices") == roles(LEFT, RIGHT)
    assert roles(LEFT, LEFT + RIGHT // 50, channels="voices") == [("mono", "speaker", True)]


def test_the_customer_is_one_of_two_channels_or_of_two_voices() -> None:
    (mono,) = lanes_of(Recording("agent-left.wav", LEFT[None]), Settings())

    def voices(**settings: object) -> list[tuple[str, str, bool]]:
        lanes = lanes_of_voices(mono, Settings(**settings))  # type: ignore[arg-type]
        return [(lane.channel, lane.role, lane.analysed) for lane in lanes]

    assert voices() == voices(customer="left") == [("mono A", "speaker", True), ("mono B", "speaker", True)]
    assert voices(customer="first") == [("mono A", "customer", True), ("mono B", "agent", False)]
    assert voices(customer="second", include_agent=True) == [
        ("mono A", "agent", True),
        ("mono B", "customer", True),
    ]
    assert roles(LEFT, RIGHT, name="agent-left.wav", customer="first")[0] == ("right", "customer", True)


def test_what_decides_nothing_about_frames_is_left_out_of_hearing() -> None:
    settings = Settings("voices", "first", smoothing="neighbours", thresholds=Thresholds(turn=1.0))
    assert settings.of_hearing() == Settings()
    heard = Settings("split", "left", include_agent=True, segmentation=WIDEST)
    assert heard.of_hearing() == heard


def test_a_lane_takes_its_channel_or_the_mean_of_all() -> None:
    block = np.array([[100, 201], [-100, -200]], np.int16)
    split = lanes_of(Recording("a", np.stack([LEFT, RIGHT])), Settings())
    (mix,) = lanes_of(Recording("a", np.stack([LEFT, RIGHT])), Settings(channels="mix"))
    assert [lane.take(block).tolist() for lane in (*split, mix)] == [[100, -100], [201, -200], [150, -150]]


@pytest.mark.parametrize(
    ("name", "side"),
    [
        ("auto-repairs_agent-left_caller-right.flac", "right"),
        ("AGENT_RIGHT.wav", "left"),
        ("x customer left.mp3", "left"),
        ("client-right.mp3", "right"),
        ("agents.wav", None),
        ("leftover.wav", None),
    ],
)
def test_the_file_name_may_say_where_the_customer_is(name: str, side: str | None) -> None:
    assert customer_side(name) == side
