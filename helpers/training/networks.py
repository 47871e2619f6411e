"""Networks in PyTorch, which training alone needs: what is shipped of them is ONNX, run by onnxruntime."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from helpers.images import FRAMES, N_MFCC

if TYPE_CHECKING:
    import torch
    from torch import nn

_BATCH = 32
_CHANNELS = 8
_LEARNING_RATE = 2e-3
_WEIGHT_DECAY = 0.05
_SMOOTHING = 0.05
_SHIFT = 40  # frames, either way
_BLANKED = (30, 6)  # frames and coefficients, at most


class ConvolutionalClassifier(ClassifierMixin, BaseEstimator):
    """The small convolutional network of demonstrations on pictures of MFCC.

    Two layers of 13×13, one of 3×3 and one of 1×1, 8 filters each, with batch normalisation and pooling, then
    64 dense units and dropout: 208,303 parameters for seven emotions. The pictures are standardised per
    coefficient by those of the training. So that it does not learn the clips by heart, each is shown moved in
    time and with a band of frames and of coefficients blanked out (Park et al. 2019, "SpecAugment").

    Parameters
    ----------
    epochs : int
    seed : int
        Of all that is drawn.
    """

    def __init__(self, epochs: int = 30, seed: int = 0) -> None:
        self.epochs = epochs
        self.seed = seed

    def fit(self, images: np.ndarray, labels: np.ndarray) -> ConvolutionalClassifier:
        """Train the network.

        Parameters
        ----------
        images : np.ndarray [shape=(clips, N_MFCC * FRAMES)]
        labels : np.ndarray of str [shape=(clips,)]

        Returns
        -------
        ConvolutionalClassifier
        """
        import torch
        from torch.nn.functional import cross_entropy

        torch.manual_seed(self.seed)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        pictures = images.reshape(-1, 1, N_MFCC, FRAMES).astype(np.float32)
        mean, deviation = (value(pictures, axis=(0, 1, 3)) for value in (np.mean, np.std))
        self.network_ = make_network(len(self.classes_), mean, deviation)
        x, y = torch.from_numpy(pictures), torch.from_numpy(codes)
        self.network_(x[:2])  # gives the first dense layer its size
        optimizer = torch.optim.AdamW(self.network_.parameters(), weight_decay=_WEIGHT_DECAY)
        batches = len(x) // _BATCH or 1
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, _LEARNING_RATE, total_steps=self.epochs * batches
        )
        generator = np.random.default_rng(self.seed)
        for _ in range(self.epochs):
            for batch in torch.randperm(len(x)).tensor_split(batches):
                optimizer.zero_grad()
                seen = torch.stack([_varied(picture, mean, generator) for picture in x[batch]])
                cross_entropy(self.network_(seen), y[batch], label_smoothing=_SMOOTHING).backward()
                optimizer.step()
                schedule.step()
        self.network_.eval()
        return self

    def predict_proba(self, images: np.ndarray) -> np.ndarray:
        """Predict probabilities [shape=(clips, emotions)] in the order of `classes_`."""
        import torch

        x = torch.from_numpy(images.reshape(-1, 1, N_MFCC, FRAMES).astype(np.float32))
        with torch.inference_mode():
            return np.concatenate([self.network_(part).softmax(1).numpy() for part in x.split(256)])

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Name the emotion of each clip."""
        return self.classes_[self.predict_proba(images).argmax(axis=1)]


def make_network(classes: int, mean: np.ndarray, deviation: np.ndarray) -> nn.Sequential:
    """Make the untrained network, from standardised pictures to logits."""
    import torch
    from torch import nn

    class Standardised(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            shape = (1, 1, N_MFCC, 1)
            self.register_buffer("mean", torch.from_numpy(mean.reshape(shape)))
            self.register_buffer("deviation", torch.from_numpy(deviation.reshape(shape)))

        def forward(self, images: Any) -> Any:
            return (images.reshape(-1, 1, N_MFCC, FRAMES) - self.mean) / self.deviation

    def convolution(before: int, size: int) -> list[nn.Module]:
        return [nn.Conv2d(before, _CHANNELS, size), nn.BatchNorm2d(_CHANNELS), nn.ReLU()]

    return nn.Sequential(
        Standardised(),
        *convolution(1, 13),
        *convolution(_CHANNELS, 13),
        nn.MaxPool2d((2, 1)),
        *convolution(_CHANNELS, 3),
        nn.MaxPool2d((2, 1)),
        *convolution(_CHANNELS, 1),
        nn.Flatten(),
        nn.LazyLinear(64),
        nn.Dropout(0.2),
        nn.BatchNorm1d(64),
        nn.ReLU(),
        nn.Linear(64, classes),
    )


def to_onnx(classifier: ConvolutionalClassifier) -> bytes:
    """Write a trained network as the content of an ONNX file, from pictures to probabilities.

    Parameters
    ----------
    classifier : ConvolutionalClassifier

    Returns
    -------
    bytes
    """
    return exported(classifier.network_, N_MFCC * FRAMES)


def exported(network: nn.Module, features: int) -> bytes:
    """Write a network as the content of an ONNX file, from features to probabilities.

    Parameters
    ----------
    network : torch.nn.Module
        From features to logits.
    features : int
        How many it takes.

    Returns
    -------
    bytes
    """
    import torch
    from torch import nn

    graph = nn.Sequential(network, nn.Softmax(1)).eval()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        torch.onnx.export(
            graph,
            (torch.zeros(1, features),),
            path,
            input_names=["features"],
            output_names=["probabilities"],
            dynamic_axes={"features": {0: "segments"}, "probabilities": {0: "segments"}},
            dynamo=False,
        )
        return path.read_bytes()


def _varied(picture: torch.Tensor, mean: np.ndarray, generator: np.random.Generator) -> torch.Tensor:
    """Move a picture in time, and blank out some frames and some coefficients by the mean."""
    import torch

    blank = torch.from_numpy(mean)[:, None]
    varied = torch.roll(picture, int(generator.integers(-_SHIFT, _SHIFT + 1)), 2)
    frames, coefficients = (int(generator.integers(most)) for most in _BLANKED)
    first = int(generator.integers(FRAMES - frames))
    varied[:, :, first : first + frames] = blank
    first = int(generator.integers(N_MFCC - coefficients))
    varied[:, first : first + coefficients] = blank[first : first + coefficients]
    return varied
