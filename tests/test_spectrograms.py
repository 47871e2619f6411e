"""The picture of a segment, and what the network tells of it."""

from pathlib import Path

import numpy as np
import pytest

from helpers import spectrograms
from helpers.errors import ModelError
from helpers.features import N_MELS, kept_frames
from helpers.spectrograms import FOUR, FRAMES, RANGE, SEVEN, Network, joint_features, joint_names, spectrogram
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
    loud, quiet = joint_features(network, [kept_frames(samples // divisor) for divisor in (1, 4)])
    told = slice(-len(network.emotions), None)
    np.testing.assert_allclose(np.exp(loud[told]), np.exp(quiet[told]), atol=0.02)


@each_network
def test_what_is_told_are_logarithms_of_probabilities(network: Network) -> None:
    (values,) = joint_features(network, [frames_of(1.0)])
    assert len(values) == len(joint_names(network))
    assert np.exp(values[-len(network.emotions) :]).sum() == pytest.approx(1.0, abs=1e-4)


def test_segments_are_described_together_as_alone() -> None:
    segments = [frames_of(1.0 + number / 7) for number in range(19)]
    alone = [joint_features(FOUR, [segment])[0] for segment in segments]
    np.testing.assert_allclose(joint_features(FOUR, iter(segments)), alone, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("content", [None, b"another network"])
def test_another_network_or_none_is_refused(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spectrograms, "PARTS", tmp_path)
    if content:
        (tmp_path / "spectrogram.onnx").write_bytes(content)
    spectrograms._estimator.cache_clear()
    with pytest.raises(ModelError, match="restore the folder models/parts"):
        joint_features(FOUR, [frames_of(1.0)])
    spectrograms._estimator.cache_clear()
