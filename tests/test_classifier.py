"""Models are refused unless their file matches their card and this version can serve it."""

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from helpers.classifier import (
    MODELS,
    ModelCard,
    calibrated,
    calibrated_call,
    load_model,
    model_names,
    read_card,
    save_model,
    servable_card,
)
from helpers.emotions import EMOTIONS, UNCERTAIN
from helpers.errors import ModelError
from helpers.estimators import to_joblib
from helpers.feature_sets import ACOUSTIC_EMBEDDED_AND_TOLD


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped models that a test may damage."""
    return Path(shutil.copytree(MODELS, tmp_path / "models"))


def change_card(folder: Path, **entries: object) -> None:
    path = folder / "calls.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))


def test_the_default_model_may_be_used_commercially() -> None:
    assert "used commercially" in read_card().use


@pytest.mark.parametrize("name", model_names())
def test_every_model_is_served(name: str) -> None:
    model = load_model(name)
    vectors = np.random.default_rng(0).normal(size=(3, len(model.features.names())))
    np.testing.assert_allclose(model.predict(vectors).sum(axis=1), 1)


def test_the_default_model_predicts_probabilities_of_every_emotion() -> None:
    model = load_model()
    probabilities = model.predict(
        np.random.default_rng(0).normal(size=(7, len(ACOUSTIC_EMBEDDED_AND_TOLD.names())))
    )
    assert probabilities.shape == (7, len(model.card.labels))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert set(model.card.labels) <= set(EMOTIONS)


def test_no_segments_give_no_probabilities() -> None:
    model = load_model()
    probabilities = model.predict(np.empty((0, len(ACOUSTIC_EMBEDDED_AND_TOLD.names()))))
    emotions, confidences = model.decide(probabilities)
    assert probabilities.shape == (0, len(model.card.labels))
    assert len(emotions) == len(confidences) == 0


def test_low_confidence_is_uncertain_and_high_confidence_is_named() -> None:
    model = load_model()
    even = np.full(len(model.card.labels), 1 / len(model.card.labels))
    sure = np.eye(len(model.card.labels))[1]
    emotions, confidences = model.decide(np.stack([even, sure]))
    assert list(emotions) == [UNCERTAIN, model.card.labels[1]]
    np.testing.assert_allclose(confidences, [even[0], 1])


@pytest.mark.parametrize("name", model_names())
def test_every_card_names_protocol_licences_and_true_figures(name: str) -> None:
    card = read_card(name)
    assert "Speaker-independent" in card.protocol
    licences = {corpus["licence"] for corpus in card.corpora}
    free = licences <= {"ODbL 1.0", "free with citation"}
    assert ("Not for commercial use" in card.use) != free
    assert set(card.labels) <= set(EMOTIONS)
    assert (MODELS / f"{name}.{card.layout}").stat().st_size < 5e6
    for score in card.scores:
        confusion = np.array(score["confusion"])
        there = confusion.sum(axis=1) > 0  # not every corpus has every emotion
        recalls = confusion.diagonal()[there] / confusion.sum(axis=1)[there]
        assert score["uar"] == pytest.approx(recalls.mean(), abs=1e-4)
        assert score["accuracy"] == pytest.approx(confusion.trace() / confusion.sum(), abs=1e-4)
        low, high = score["uar_interval"]
        assert low < score["uar"] < high or score["speakers"] == 1
        assert confusion.sum() == score["segments"]


@pytest.mark.parametrize("read", [load_model, servable_card])
def test_a_changed_file_is_refused_before_it_is_unpickled(
    read: Callable[..., object], folder: Path, tmp_path: Path
) -> None:
    witness = tmp_path / "executed"

    class Attack:
        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            return (Path.touch, (witness,))

    (folder / "calls.joblib").write_bytes(pickle.dumps(Attack()))
    with pytest.raises(ModelError, match="not the one that its card describes"):
        read(folder=folder)
    assert not witness.exists()


@pytest.mark.parametrize("read", [load_model, servable_card])
def test_a_missing_file_is_refused(read: Callable[..., object], folder: Path) -> None:
    (folder / "calls.joblib").unlink()
    with pytest.raises(ModelError, match="missing"):
        read(folder=folder)


@pytest.mark.parametrize("read", [load_model, servable_card])
@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"card_version": 99}, "version 99"),
        ({"feature_set": {"name": "acoustic", "version": 99}}, "needs the features"),
        ({"feature_set": {"name": "other", "version": 1}}, "needs the features"),
        ({"libraries": {"scikit-learn": "1.2.0"}}, "scikit-learn 1.2.0"),
        ({"libraries": {}}, "scikit-learn"),
    ],
)
def test_a_card_that_this_version_cannot_serve_is_refused(
    read: Callable[..., object], folder: Path, entries: dict[str, object], message: str
) -> None:
    change_card(folder, **entries)
    (folder / "calls.joblib").unlink()  # so that reading it would be another error
    with pytest.raises(ModelError, match=message):
        read(folder=folder)


@pytest.mark.parametrize("read", [load_model, servable_card])
@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"card_version": 3}'])
def test_a_damaged_card_is_refused(read: Callable[..., object], folder: Path, text: str) -> None:
    (folder / "calls.json").write_text(text)
    with pytest.raises(ModelError, match="damaged"):
        read(folder=folder)


@pytest.mark.parametrize("name", ["nothing", "../models/calls", "/etc/passwd", ""])
def test_an_unknown_name_is_refused_and_never_a_path(folder: Path, name: str) -> None:
    with pytest.raises(ModelError, match="choose one of calls"):
        load_model(name, folder=folder)


def test_a_saved_model_is_loaded_as_it_was(tmp_path: Path) -> None:
    shipped = load_model()
    card = save_model(to_joblib(shipped.estimator), shipped.card, tmp_path)
    assert isinstance(card, ModelCard)
    again = load_model(folder=tmp_path)
    vectors = np.random.default_rng(1).normal(size=(3, len(ACOUSTIC_EMBEDDED_AND_TOLD.names())))
    np.testing.assert_array_equal(again.predict(vectors), shipped.predict(vectors))
    assert model_names(tmp_path) == ["calls"]


def test_a_temperature_above_one_evens_and_keeps_the_order() -> None:
    probabilities = np.array([[0.7, 0.2, 0.1]])
    warmer = calibrated(probabilities, 2.0)
    assert warmer.max() < 0.7
    assert list(np.argsort(warmer[0])) == [2, 1, 0]
    np.testing.assert_allclose(calibrated(probabilities, 1.0), probabilities)
    assert np.isfinite(calibrated(np.array([[1.0, 0.0]]), 0.5)).all()


def test_a_neutral_call_is_calibrated_by_its_own_temperature() -> None:
    labels, temperatures = ("angry", "neutral"), (2.0, 0.5)
    calm, heated = np.array([[0.02, 0.98]] * 4), np.array([[0.98, 0.02]] * 4)
    assert calibrated_call(calm, labels, temperatures)[0, 1] > 0.98
    assert calibrated_call(heated, labels, temperatures)[0, 0] < 0.98
    unknown = calibrated_call(heated, ("angry", "happy"), temperatures)
    np.testing.assert_allclose(unknown, calibrated(heated, 2.0))


def test_a_served_model_leaves_the_cores_to_the_analyses() -> None:
    """Small matrix products on all cores at once took ten times as long as on one."""
    load_model()
    assert {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"} == {1}
