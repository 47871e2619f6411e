"""The network learns what it can see, and is shipped as what it was."""

import numpy as np
import pandas as pd
import pytest

from helpers.estimators import OnnxEstimator
from helpers.features import N_MELS
from helpers.spectrograms import FRAMES, RANGE
from helpers.training.fitting import TrainingSet
from helpers.training.spectrogram_network import fit_spectrograms, spectrogram_network_to_onnx

pytestmark = pytest.mark.usefixtures("with_torch")


def pictures(rising: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Draw a tone that rises or falls through the bands, in segments of several lengths."""
    made = np.full((len(rising), N_MELS, FRAMES), -RANGE, np.float32)
    for picture, up in zip(made, rising, strict=True):
        length = int(generator.integers(80, FRAMES))
        picture[:, :length] = -50 + generator.normal(0, 3, (N_MELS, length))
        bands = np.linspace(10, 50, length).astype(int)
        picture[bands if up else bands[::-1], np.arange(length)] = 0
    return made.reshape(len(made), -1)


def test_it_tells_rising_from_falling_and_its_onnx_tells_the_same() -> None:
    generator = np.random.default_rng(0)
    rising = generator.random(192) < 0.5
    labels = np.where(rising, "up", "down")
    training = TrainingSet(pd.DataFrame({"emotion": labels}), pictures(rising, generator))
    trained = fit_spectrograms(training, epochs=6)
    unseen = generator.random(40) < 0.5
    shown = pictures(unseen, generator)
    told = trained.predict_proba(shown)
    assert ((told[:, 1] > 0.5) == unseen).mean() > 0.9
    served = OnnxEstimator(spectrogram_network_to_onnx(trained)).predict_proba(shown)
    np.testing.assert_allclose(served, told, atol=1e-5)
