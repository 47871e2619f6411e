"""The network that tells speakers apart: from the weights that Resemblyzer carries to a part of features.

Its source is the file ``resemblyzer/pretrained.pt`` of the wheel Resemblyzer 0.1.4 on PyPI (Apache 2.0):
three layers of long short-term memory, of which two are kept. It heard 40 mel bands; ours are 64 and
narrower, so that its bands are composed of them, and no spectrum has to be computed for it.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from helpers.embeddings import UNITS
from helpers.features import N_FFT, N_MELS, mel_filters
from helpers.media import SAMPLE_RATE

BANDS = 40
LAYERS = 2


def speaker_network_to_onnx(weights: Path) -> bytes:
    """Write the first layers as the content of an ONNX file.

    Parameters
    ----------
    weights : Path
        Of the file that Resemblyzer carries.

    Returns
    -------
    bytes
        From mel spectra [power, shape=(segments, frames, N_MELS)] to what the units of the last layer that is
        kept say in each frame [shape=(segments, frames, UNITS)].
    """
    import torch

    layers = torch.nn.LSTM(BANDS, UNITS, LAYERS, batch_first=True)
    state = torch.load(weights, map_location="cpu", weights_only=True)["model_state"]
    layers.load_state_dict({name: state[f"lstm.{name}"] for name in layers.state_dict()})

    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bands = torch.from_numpy(composed_bands().T)
            self.layers = layers

        def forward(self, mel: torch.Tensor) -> torch.Tensor:
            return self.layers(mel @ self.bands)[0]

    axes = {0: "segments", 1: "frames"}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        torch.onnx.export(
            Network().eval(),
            (torch.zeros(1, 50, N_MELS),),
            path,
            input_names=["mel"],
            output_names=["units"],
            dynamic_axes={"mel": axes, "units": axes},
            dynamo=False,
        )
        return path.read_bytes()


def composed_bands() -> np.ndarray:
    """Compose the network's mel filters of ours, as far as that goes.

    Returns
    -------
    np.ndarray [shape=(BANDS, N_MELS), dtype=float32]
    """
    from scipy.optimize import nnls

    ours, theirs = (mel_filters(count, N_FFT, SAMPLE_RATE).astype(float) for count in (N_MELS, BANDS))
    return np.stack([nnls(ours.T, wanted)[0] for wanted in theirs]).astype(np.float32)
