"""The picture of a segment, and what the network tells of it."""

import numpy as np
import pytest

from helpers.features import N_MELS, kept_frames
from helpers.spectrograms import FOUR, FRAMES, RANGE, SEVEN, Network, spectrogram, told, told_names
from tests.conftest import bursts

each_network = pytest.mark.parametrize("network", [FOUR, SEVEN], ids=lambda network: network.name)


def frames_of(duration: float) -> np.ndarray:
    return kept_frames(bursts((0, duration), duration=duration))


def test_a_picture_begins_with_the_segment_and_is_silent_after_its_end() -> None:
    picture = spectrogram(frames_of(2.0)).reshape(N_MELS, FRAMES)
    steps = (len(frames_of(2.0))) // 2
    assert picture.max() == 0
    assert (picture[:, steps:] == -RANGE).all()
    assert (picture[:, :steps].max(axis=0) > -RANGE / 2).all()


def test_what_is_longer_than_the_picture_is_cut_off() -> None:
    picture = spectrogram(frames_of(6.0)).reshape(N_MELS, FRAMES)
    assert (picture.max(axis=0) > -RANGE / 2).all()


@each_network
def test_the_gain_of_a_recording_makes_no_difference(network: Network) -> None:
    samples = bursts((0, 2), duration=2)
    loud, quiet = told(network, [kept_frames(samples // divisor) for divisor in (1, 4)])
    np.testing.assert_allclose(np.exp(loud), np.exp(quiet), atol=0.02)


@each_network
def test_what_is_told_are_logarithms_of_probabilities(network: Network) -> None:
    (values,) = told(network, [frames_of(1.0)])
    assert len(values) == len(told_names(network))
    assert np.exp(values).sum() == pytest.approx(1.0, abs=1e-4)
