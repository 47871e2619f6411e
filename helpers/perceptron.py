"""A multilayer perceptron that is trained already.

scikit-learn trains it. To ask it, a few matrix products do, so that whoever only asks does not wait for
scikit-learn and the parts of SciPy behind it: that was half of the start, and 60 MiB of every process.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sklearn.neural_network import MLPClassifier


@dataclass(frozen=True, eq=False)
class Perceptron:
    """Rectified hidden units, and the softmax of what comes out.

    Attributes
    ----------
    weights : tuple of np.ndarray [shape=(before, after)]
        Of each layer; files keep them in half precision, half as large.
    biases : tuple of np.ndarray [shape=(after,)]
    """

    weights: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray, ...]

    @classmethod
    def of(cls, trained: MLPClassifier) -> Perceptron:
        """Take over what scikit-learn has trained.

        Parameters
        ----------
        trained : MLPClassifier
            With rectified hidden units. Of two classes it gives the logistic of one value; that is the
            softmax of it and of 0.

        Returns
        -------
        Perceptron
            Which gives the same probabilities, but for the half precision of its weights.
        """
        weights = [weight.astype(np.float16).astype(np.float32) for weight in trained.coefs_]
        biases = list(trained.intercepts_)
        if trained.out_activation_ == "logistic":
            weights[-1], biases[-1] = np.pad(weights[-1], ((0, 0), (1, 0))), np.pad(biases[-1], (1, 0))
        return cls(tuple(weights), tuple(biases))

    def __getstate__(self) -> dict[str, tuple[np.ndarray, ...]]:
        """Travel to a file or another process."""
        return {"weights": tuple(weight.astype(np.float16) for weight in self.weights), "biases": self.biases}

    def __setstate__(self, state: dict[str, tuple[np.ndarray, ...]]) -> None:
        """Arrive from there."""
        weights = tuple(weight.astype(np.float32) for weight in state["weights"])
        vars(self).update(state, weights=weights)

    def predict_proba(self, values: np.ndarray) -> np.ndarray:
        """As of ``estimators.Estimator``."""
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            values = np.maximum(values @ weight + bias, 0)
        told = values @ self.weights[-1] + self.biases[-1]
        powers = np.exp(told - told.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)
