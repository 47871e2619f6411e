"""The first layers of the network that tells speakers apart, as a file that onnxruntime runs."""

from pathlib import Path

import librosa
import numpy as np
import pytest

from helpers.embeddings import UNITS, power_at_level
from helpers.estimators import OnnxEstimator
from helpers.features import N_FFT, N_MELS, kept_frames, mel_filters, single_precision
from helpers.media import SAMPLE_RATE
from helpers.samples import SAMPLES
from helpers.training.speaker_network import BANDS, LAYERS, composed_bands, speaker_network_to_onnx

pytestmark = pytest.mark.usefixtures("with_torch")


def test_the_file_says_what_the_first_layers_say_whatever_their_number_and_length(tmp_path: Path) -> None:
    import torch

    torch.manual_seed(0)
    whole = torch.nn.LSTM(BANDS, UNITS, LAYERS + 1, batch_first=True)
    state = {f"lstm.{name}": value for name, value in whole.state_dict().items()}
    torch.save({"step": 1, "model_state": state | {"linear.bias": torch.zeros(UNITS)}}, tmp_path / "weights")
    network = OnnxEstimator(speaker_network_to_onnx(tmp_path / "weights"))
    first = torch.nn.LSTM(BANDS, UNITS, LAYERS, batch_first=True)
    first.load_state_dict({name: whole.state_dict()[name] for name in first.state_dict()})
    for count, frames in ((1, 7), (5, 120)):
        mel = torch.rand(count, frames, N_MELS)
        with torch.no_grad():
            wanted = first(mel @ torch.from_numpy(composed_bands().T))[0].numpy()
        np.testing.assert_allclose(network.predict_proba(mel.numpy()), wanted, atol=1e-5)


def test_the_bands_of_the_network_are_composed_of_ours() -> None:
    composed = composed_bands() @ mel_filters(N_MELS, N_FFT, SAMPLE_RATE)
    wanted = mel_filters(BANDS, N_FFT, SAMPLE_RATE)
    assert np.linalg.norm(composed - wanted) < 0.12 * np.linalg.norm(wanted)


@pytest.mark.parametrize("sample", sorted(SAMPLES.glob("*.mp3")), ids=lambda path: path.stem)
def test_it_sees_about_what_it_learned_to_see(sample: Path) -> None:
    """Resemblyzer shows it librosa's spectrum of 25 ms at -30 dBFS; ours is of 32 ms, from other bands."""
    signal, _ = librosa.load(sample, sr=SAMPLE_RATE, mono=True, duration=3)
    signal = signal * 10 ** (-30 / 20) / np.sqrt(np.mean(signal**2))
    theirs = librosa.feature.melspectrogram(y=signal, sr=SAMPLE_RATE, n_fft=400, hop_length=160, n_mels=BANDS)
    heard = power_at_level(single_precision(kept_frames((signal * 32768).astype(np.int16))))
    pair = [10 * np.log10(each.mean(axis=0)) for each in (heard @ composed_bands().T, theirs.T)]
    differences = (pair[0] - pair[1])[pair[1] > pair[1].max() - 40]  # no line has more than 3400 Hz
    assert np.abs(differences).max() < 3
    assert abs(differences.mean()) < 1
