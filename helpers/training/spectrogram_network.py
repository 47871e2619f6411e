"""The network on log-mel spectrograms in PyTorch: what is shipped of it is ONNX, run by onnxruntime."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from helpers.features import N_MELS
from helpers.spectrograms import FRAMES, RANGE
from helpers.training.fitting import TrainingSet
from helpers.training.networks import exported

if TYPE_CHECKING:
    import torch
    from torch import nn

_BATCH = 96
_LEARNING_RATE = 3e-3
_WEIGHT_DECAY = 0.05
_SMOOTHING = 0.1
_CHANNELS = (24, 48, 80, 112)
_DROPOUT = 0.4
_MIXED = 0.6  # share of the batches
_BLANKED = (20, 8)  # frames and bands, at most
_SHIFT = 2  # bands, either way
_GAIN, _TILT = 2.0, 3.0  # dB, deviation of what is drawn
_MIDDLE, _SCALE = -40.0, 20.0  # dB
_STRIDE = 8  # frames of the picture per step of the last layer


@dataclass(frozen=True, eq=False)
class SpectrogramNetwork:
    """A trained network, from spectrograms to logits.

    Attributes
    ----------
    network : torch.nn.Module
    """

    network: nn.Module

    def predict_proba(self, values: np.ndarray) -> np.ndarray:
        """As of ``estimators.Estimator``; values as of ``spectrograms.spectrogram``."""
        import torch

        x = torch.from_numpy(values.astype(np.float32))
        with torch.inference_mode():
            return np.concatenate([self.network(part).softmax(1).numpy() for part in x.split(256)])


def fit_spectrograms(training: TrainingSet, epochs: int = 24) -> SpectrogramNetwork:
    """Train a network on spectrograms.

    Four layers of convolution and a pooling by attention over mean and deviation (Okabe et al. 2018,
    "Attentive statistics pooling for deep speaker embedding"), on pictures that are mixed (Zhang et al. 2018,
    "mixup"), blanked (Park et al. 2019, "SpecAugment"), moved by some bands, and tilted as by other lines.
    Emotions weigh alike, however many segments they have.

    Parameters
    ----------
    training : TrainingSet
        Of pictures as of ``spectrograms.spectrogram``.
    epochs : int

    Returns
    -------
    SpectrogramNetwork
        Its probabilities in the order of the sorted emotions.
    """
    import torch

    torch.manual_seed(0)
    generator = np.random.default_rng(0)
    classes, codes = np.unique(training.emotions(), return_inverse=True)
    network = make_network(len(classes))
    for parameter in network.parameters():
        if parameter.ndim == 4:  # of a convolution, which is faster by a third so
            parameter.data = parameter.data.to(memory_format=torch.channels_last)
    x, y = training.features, torch.from_numpy(codes)
    weights = torch.from_numpy((len(y) / len(classes) / np.bincount(codes)).astype(np.float32))
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=_WEIGHT_DECAY)
    batches = -(-len(x) // _BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _LEARNING_RATE, total_steps=epochs * batches)
    for _ in range(epochs):
        for rows in np.array_split(generator.permutation(len(x)), batches):
            pictures = torch.from_numpy(np.stack([_varied(x[row], generator) for row in rows]))
            optimizer.zero_grad()
            _mixed_loss(network, pictures, y[rows], weights, generator).backward()
            optimizer.step()
            schedule.step()
    return SpectrogramNetwork(network.eval())


def spectrogram_network_to_onnx(trained: SpectrogramNetwork) -> bytes:
    """Write a trained network as the content of an ONNX file, from spectrograms to probabilities.

    Parameters
    ----------
    trained : SpectrogramNetwork

    Returns
    -------
    bytes
    """
    return exported(trained.network, N_MELS * FRAMES)


def make_network(classes: int) -> nn.Module:
    """Make the untrained network, from spectrograms to logits."""
    import torch
    from torch import nn

    def convolution(before: int, after: int, size: int, stride: int | tuple[int, int]) -> list[nn.Module]:
        layer = nn.Conv2d(before, after, size, stride=stride, padding=size // 2, bias=False)
        return [layer, nn.BatchNorm2d(after), nn.ReLU()]

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            first, second, third, fourth = _CHANNELS
            self.convolutions = nn.Sequential(
                *convolution(1, first, 5, 2),
                *convolution(first, second, 3, 2),
                *convolution(second, third, 3, 2),
                *convolution(third, fourth, 3, (2, 1)),
            )
            width = fourth * N_MELS // 2 ** len(_CHANNELS)
            self.attention = nn.Linear(width, 1)
            self.answer = nn.Sequential(nn.Dropout(_DROPOUT), nn.Linear(2 * width, classes))

        def forward(self, values: Any) -> Any:
            pictures = values.reshape(-1, N_MELS, FRAMES)
            heard = _heard(pictures)
            x = torch.where(heard[:, None, :], (pictures - _MIDDLE) / _SCALE, (-RANGE - _MIDDLE) / _SCALE)
            steps = self.convolutions(x[:, None]).flatten(1, 2).transpose(1, 2)
            weights = self.attention(steps).squeeze(-1)
            weights = weights.masked_fill(~heard[:, ::_STRIDE], -1e4).softmax(1)[..., None]
            mean = (weights * steps).sum(1)
            variance = (weights * (steps - mean[:, None]) ** 2).sum(1)
            return self.answer(torch.cat([mean, (variance + 1e-5).sqrt()], 1))

    return Network()


def _heard(pictures: torch.Tensor) -> torch.Tensor:
    """Say which frames of each picture are before the end of its segment [shape=(segments, FRAMES)]."""
    import torch

    count = (pictures > 0.1 - RANGE).any(1).sum(1, keepdim=True)
    return torch.arange(FRAMES)[None] < count


def _varied(picture: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Move a picture by some bands, tilt it, and blank out some frames and some bands by its middle."""
    picture = picture.reshape(N_MELS, FRAMES).astype(np.float32)
    count = int((picture > 0.1 - RANGE).any(axis=0).sum())
    heard = np.roll(picture[:, :count], generator.integers(-_SHIFT, _SHIFT + 1), axis=0)
    tilt = generator.normal(0, _GAIN) + generator.normal(0, _TILT) * np.linspace(-1, 1, N_MELS)
    heard = heard + tilt[:, None].astype(np.float32)
    frames, bands = (int(generator.integers(most + 1)) for most in _BLANKED)
    first = int(generator.integers(max(1, count - frames)))
    heard[:, first : first + frames] = _MIDDLE
    first = int(generator.integers(N_MELS - bands))
    heard[first : first + bands] = _MIDDLE
    picture[:, :count] = np.maximum(heard, 0.2 - RANGE)
    return picture


def _mixed_loss(
    network: nn.Module,
    pictures: torch.Tensor,
    codes: torch.Tensor,
    weights: torch.Tensor,
    generator: np.random.Generator,
) -> torch.Tensor:
    """Loss of a batch, some of which is mixed with others of it."""
    import torch
    from torch.nn.functional import cross_entropy

    share = float(generator.beta(0.3, 0.3)) if generator.random() < _MIXED else 1.0
    others = torch.randperm(len(pictures))
    told = network(share * pictures + (1 - share) * pictures[others])
    losses = [
        weights[wanted] * cross_entropy(told, wanted, label_smoothing=_SMOOTHING, reduction="none")
        for wanted in (codes, codes[others])
    ]
    return (share * losses[0] + (1 - share) * losses[1]).mean()
