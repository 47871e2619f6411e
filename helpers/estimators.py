"""How an estimator is kept in a file: perceptrons by joblib or skops, a network's graph as ONNX.

Unpickling, and so joblib, executes whatever code a file names. That is fine for the models of this
repository, whose hashes are on their cards, and not for those that users train, upload and pass on: these are
kept by skops, which builds nothing but the types that it knows to be harmless and those of `_TRUSTED`.
"""

from __future__ import annotations

import io
import os
import zipfile
from importlib.metadata import version
from typing import Any, Protocol

import numpy as np

from helpers.errors import ModelError

JOBLIB, ONNX, SKOPS = "joblib", "onnx", "skops"

_MADE_WITH = {
    JOBLIB: ("scikit-learn", "numpy", "joblib"),
    ONNX: ("onnx",),
    SKOPS: ("scikit-learn", "numpy", "skops"),
}
_TRUSTED = ["helpers.baseline.BaselinedClassifier", "helpers.perceptron.Perceptron"]


class Estimator(Protocol):
    """What predicts probabilities."""

    def predict_proba(self, values: np.ndarray) -> np.ndarray:
        """Predict probabilities [shape=(segments, emotions)] from features [shape=(segments, features)]."""
        ...


class OnnxEstimator:
    """A graph that gives probabilities, run by onnxruntime on one thread.

    Parameters
    ----------
    content : bytes
        Of an ONNX file whose graph has one input [shape=(segments, features)] and one output.
    """

    def __init__(self, content: bytes) -> None:
        os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before it is loaded, which it otherwise tells Microsoft
        import onnxruntime

        self._content = content
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name

    def __reduce__(self) -> tuple[type[OnnxEstimator], tuple[bytes]]:
        """Travel to another process as the file's content; a session cannot."""
        return OnnxEstimator, (self._content,)

    def predict_proba(self, values: np.ndarray) -> np.ndarray:
        """As of `Estimator`."""
        (probabilities,) = self._session.run(None, {self._input: values.astype(np.float32)})
        return probabilities


def to_joblib(estimator: Any) -> bytes:
    """Write an estimator as the content of a joblib file.

    Parameters
    ----------
    estimator : scikit-learn estimator or BaselinedClassifier

    Returns
    -------
    bytes
    """
    import joblib

    buffer = io.BytesIO()
    joblib.dump(estimator, buffer, compress=3)
    return buffer.getvalue()


def to_skops(estimator: Any) -> bytes:
    """Write an estimator as the content of a skops file, which executes no code when it is read.

    Parameters
    ----------
    estimator : scikit-learn estimator or BaselinedClassifier

    Returns
    -------
    bytes
    """
    import skops.io

    return skops.io.dumps(estimator, compression=zipfile.ZIP_DEFLATED)


def read_estimator(content: bytes, layout: str) -> Estimator:
    """Read an estimator.

    Parameters
    ----------
    content : bytes
        Of the file; for joblib only such as are trusted, because it executes code.
    layout : {'joblib', 'onnx', 'skops'}

    Returns
    -------
    Estimator

    Raises
    ------
    ModelError
        A skops file holds what is not trusted.
    """
    if layout == ONNX:
        return OnnxEstimator(content)
    if layout == SKOPS:
        return _from_skops(content)
    import joblib

    return joblib.load(io.BytesIO(content))


def _from_skops(content: bytes) -> Estimator:
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        return skops.io.loads(content, trusted=_TRUSTED)
    except UntrustedTypesFoundException:
        raise ModelError(
            "The file of the model holds more than the parts of a model, so it was not opened: train it anew."
        ) from None


def made_with(layout: str) -> dict[str, str]:
    """Give the versions of the libraries that an estimator of this layout is made with.

    Parameters
    ----------
    layout : {'joblib', 'onnx', 'skops'}

    Returns
    -------
    dict of str to str
    """
    return {name: version(name) for name in _MADE_WITH[layout]}
