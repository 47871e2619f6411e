"""The network has its published size, learns, and says the same in ONNX."""

import numpy as np
import pytest

from helpers.estimators import OnnxEstimator
from helpers.images import FRAMES, N_MFCC
from helpers.training.networks import ConvolutionalClassifier, make_network, to_onnx

pytestmark = pytest.mark.usefixtures("with_torch")


def pictures() -> tuple[np.ndarray, np.ndarray]:
    """Make pictures of two kinds: bright in the first or in the second half of the coefficients."""
    generator = np.random.default_rng(0)
    labels = np.tile(["angry", "sad"], 10)
    images = generator.normal(size=(20, N_MFCC, FRAMES))
    images[labels == "angry", : N_MFCC // 2] += 2
    return images.reshape(20, -1).astype(np.float32), labels


def test_the_network_has_its_published_number_of_parameters() -> None:
    import torch

    network = make_network(7, np.zeros(N_MFCC, np.float32), np.ones(N_MFCC, np.float32))
    network(torch.zeros(2, N_MFCC * FRAMES))
    own = {name: value for name, value in network.state_dict().items() if "num_batches" not in name}
    standardisation = 2 * N_MFCC
    assert sum(value.numel() for value in own.values()) - standardisation == 208_303


def test_it_learns_and_is_the_same_when_trained_again_and_in_onnx() -> None:
    images, labels = pictures()
    trained = ConvolutionalClassifier(epochs=6).fit(images, labels)
    assert (trained.predict(images) == labels).mean() > 0.9
    probabilities = trained.predict_proba(images)
    again = ConvolutionalClassifier(epochs=6).fit(images, labels)
    np.testing.assert_allclose(again.predict_proba(images), probabilities, atol=1e-5)
    served = OnnxEstimator(to_onnx(trained)).predict_proba(images)
    np.testing.assert_allclose(served, probabilities, atol=1e-5)
    np.testing.assert_allclose(served.sum(axis=1), 1, rtol=1e-5)
