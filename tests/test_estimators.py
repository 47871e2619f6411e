"""An estimator comes out of its file as it went in, and a graph of ONNX serves like any model."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from sklearn.linear_model import LogisticRegression

from helpers import classifier
from helpers.classifier import load_model, read_card, save_model
from helpers.errors import ModelError
from helpers.estimators import JOBLIB, ONNX, SKOPS, made_with, read_estimator, to_joblib, to_skops
from helpers.feature_sets import IMAGE


def linear_graph(weights: np.ndarray) -> bytes:
    """Make a graph that gives softmax(features @ weights)."""
    shapes = {"features": ["segments", weights.shape[0]], "probabilities": ["segments", weights.shape[1]]}
    inputs, outputs = (
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)] for name, shape in shapes.items()
    )
    nodes = [
        helper.make_node("MatMul", ["features", "weights"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    constant = helper.make_tensor("weights", TensorProto.FLOAT, weights.shape, weights.ravel())
    graph = helper.make_graph(nodes, "linear", inputs, outputs, [constant])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def test_scikit_learn_s_estimator_predicts_as_before() -> None:
    values = np.random.default_rng(0).normal(size=(30, 3))
    trained = LogisticRegression().fit(values, values[:, 0] > 0)
    again = read_estimator(to_joblib(trained), JOBLIB)
    np.testing.assert_array_equal(again.predict_proba(values), trained.predict_proba(values))


@pytest.mark.parametrize("rows", [1, 7])
def test_a_graph_predicts_any_number_of_segments(rows: int) -> None:
    weights = np.random.default_rng(0).normal(size=(3, 2))
    values = np.random.default_rng(1).normal(size=(rows, 3))
    powers = np.exp(values @ weights)
    told = read_estimator(linear_graph(weights), ONNX).predict_proba(values)
    np.testing.assert_allclose(told, powers / powers.sum(axis=1, keepdims=True), rtol=1e-4)


def test_a_graph_is_served_like_any_model_and_needs_its_hash(tmp_path: Path) -> None:
    names = IMAGE.names()
    content = linear_graph(np.random.default_rng(0).normal(size=(len(names), 4)) / 100)
    card = replace(read_card(), layout=ONNX, feature_set=IMAGE.as_entry())
    save_model(content, card, tmp_path)
    model = load_model(folder=tmp_path)
    assert model.features is IMAGE
    assert not model.takes_baseline
    assert model.neutrality(np.zeros((2, len(names)))) is None
    np.testing.assert_allclose(model.predict(np.ones((2, len(names)))).sum(axis=1), 1)
    (tmp_path / "calls.onnx").write_bytes(linear_graph(np.zeros((len(names), 4))))
    classifier._estimator.cache_clear()
    with pytest.raises(ModelError, match="not the one that its card describes"):
        load_model(folder=tmp_path)


def test_versions_are_those_of_what_made_it() -> None:
    assert set(made_with(JOBLIB)) == {"scikit-learn", "numpy", "joblib"}


def test_a_model_of_skops_predicts_as_before_and_nothing_unknown_is_built() -> None:
    values = np.random.default_rng(0).normal(size=(30, 3))
    trained = LogisticRegression().fit(values, values[:, 0] > 0)
    again = read_estimator(to_skops(trained), SKOPS)
    np.testing.assert_array_equal(again.predict_proba(values), trained.predict_proba(values))
    with pytest.raises(ModelError, match="not opened"):
        read_estimator(to_skops(Sneaky()), SKOPS)
    with pytest.raises(ModelError, match="not opened"):
        read_estimator(to_skops({"call": partial(eval, "1 / 0")}), SKOPS)


class Sneaky(LogisticRegression):
    """A type that is not on the list, although its parent is."""
