"""Models: an estimator beside a card that says what it is, and what it may be trusted with.

A model ``NAME`` is two files: ``NAME.json``, the card, and the estimator, ``NAME.joblib``, ``NAME.onnx`` or
``NAME.skops``, as ``estimators`` keeps it.
Unpickling runs code, so the estimator is loaded only from bytes whose SHA-256 stands on the card, and only
when this version of the package can serve the card.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from helpers.baseline import BaselinedClassifier
from helpers.emotions import NEUTRAL, UNCERTAIN
from helpers.errors import ModelError
from helpers.estimators import ONNX, Estimator, made_with, read_estimator
from helpers.feature_sets import FeatureSet, served_features

MODELS = Path(__file__).parent.parent / "models"
DEFAULT_MODEL = "calls"
NO_BASELINE, OTHER_CLIPS = "none", "the speaker's clips"  # as a card's scores name them
CARD_VERSION = 3


@dataclass(frozen=True)
class ModelCard:
    """What is known of a model.

    Attributes
    ----------
    card_version : int
        Of the layout of this card.
    name, title, description : str
        Name of the files; one line and one paragraph for people.
    created : str
        Date of the training, ISO 8601.
    labels : tuple of str
        Emotions in the order of the probabilities.
    feature_set : dict
        ``name`` and ``version`` of the features that it was trained on.
    shortest, longest : float
        Length of the segments that it was trained on [seconds].
    temperatures : tuple of float
        By which the logarithms of its probabilities are divided (Guo et al. 2017, "On calibration of modern
        neural networks") in a call that seems to have no neutral speech, and in one that has nothing else.
    uncertain_below : float
        Confidence under which its answer is "uncertain".
    corpora : tuple of dict
        Each with ``name``, ``licence``, ``speakers`` and ``segments`` of the training.
    licence, use : str
        What follows from the corpora's licences for the model, and a sentence on its use.
    protocol : str
        How the scores were measured: which speakers, which conditions.
    scores : tuple of dict
        One per condition: ``condition``, ``uar``, its interval, and so on.
    call_scores : tuple of dict
        The same over whole simulated calls, as of ``call_scores.score_calls``; empty until evaluated.
    layout : {'joblib', 'onnx', 'skops'}
        Of the estimator's file, and its extension.
    libraries : dict
        Versions that the estimator was made with.
    sha256 : str
        Of the estimator's file.
    """

    card_version: int
    name: str
    title: str
    description: str
    created: str
    labels: tuple[str, ...]
    feature_set: dict[str, Any]
    shortest: float
    longest: float
    temperatures: tuple[float, float]
    uncertain_below: float
    corpora: tuple[dict[str, Any], ...]
    licence: str
    use: str
    protocol: str
    scores: tuple[dict[str, Any], ...]
    call_scores: tuple[dict[str, Any], ...]
    layout: str
    libraries: dict[str, str]
    sha256: str


@dataclass(frozen=True, eq=False)
class Reference:
    """What the segments of one speaker in one call are judged against.

    Attributes
    ----------
    baseline : np.ndarray [shape=(features,)] or None
        As of ``baseline.BaselinedClassifier``; None where the model takes none.
    temperature : float
        By which the logarithms of the probabilities are divided.
    """

    baseline: np.ndarray | None
    temperature: float


@dataclass(frozen=True, eq=False)
class Model:
    """A card and the estimator that it describes."""

    card: ModelCard
    estimator: Estimator

    @property
    def features(self) -> FeatureSet:
        """What its segments are described by."""
        return served_features(self.card.feature_set)

    @property
    def takes_baseline(self) -> bool:
        """Whether it judges segments against how their speaker usually sounds in the call."""
        return isinstance(self.estimator, BaselinedClassifier)

    def predict(self, segment_features: np.ndarray) -> np.ndarray:
        """Predict calibrated probabilities.

        Parameters
        ----------
        segment_features : np.ndarray [shape=(segments, features)]
            Of the card's feature set, of all segments of one speaker in one call.

        Returns
        -------
        np.ndarray [shape=(segments, emotions)]
            In the order of the card's labels; each row sums to 1.
        """
        return self.judge(segment_features)[0]

    def judge(self, segment_features: np.ndarray) -> tuple[np.ndarray, Reference]:
        """Predict calibrated probabilities, and say what the segments were judged against.

        Parameters
        ----------
        segment_features : np.ndarray [shape=(segments, features)]
            As of `predict`.

        Returns
        -------
        probabilities : np.ndarray [shape=(segments, emotions)]
        reference : Reference
            With which `against` says the same of each segment.
        """
        labels, temperatures = self.card.labels, self.card.temperatures
        if not len(segment_features):
            return np.empty((0, len(labels))), Reference(None, 1.0)
        baseline = None
        if isinstance(self.estimator, BaselinedClassifier):
            baseline = self.estimator.baseline(segment_features)
        told = self._told(segment_features, baseline)
        reference = Reference(baseline, call_temperature(told, labels, temperatures))
        return calibrated(told, reference.temperature), reference

    def against(self, segment_features: np.ndarray, reference: Reference) -> np.ndarray:
        """Predict calibrated probabilities of any segments, such as changed ones, of a judged speaker.

        Parameters
        ----------
        segment_features : np.ndarray [shape=(segments, features)]
        reference : Reference
            From `judge`, of the whole call.

        Returns
        -------
        np.ndarray [shape=(segments, emotions)]
        """
        return calibrated(self._told(segment_features, reference.baseline), reference.temperature)

    def usual(self, reference: Reference) -> np.ndarray | None:
        """Give the features of a segment that is exactly as the baseline, as far as there is one.

        Parameters
        ----------
        reference : Reference
            From `judge`.

        Returns
        -------
        np.ndarray [shape=(features,)] or None
            In their own units, of the first features, which alone have a baseline.
        """
        if reference.baseline is None or not isinstance(self.estimator, BaselinedClassifier):
            return None
        return self.estimator.usual(reference.baseline)

    def _told(self, segment_features: np.ndarray, baseline: np.ndarray | None) -> np.ndarray:
        if baseline is None or not isinstance(self.estimator, BaselinedClassifier):
            return self.estimator.predict_proba(segment_features)
        return self.estimator.against(segment_features, baseline)

    def neutrality(self, segment_features: np.ndarray) -> np.ndarray | None:
        """Say how much each segment counts for the speaker's baseline.

        Parameters
        ----------
        segment_features : np.ndarray [shape=(segments, features)]
            As of `predict`.

        Returns
        -------
        np.ndarray [shape=(segments,)] or None
            In [0, 1]; None where the model takes no baseline.
        """
        if not isinstance(self.estimator, BaselinedClassifier) or not len(segment_features):
            return None
        return self.estimator.neutrality(segment_features)

    def decide(self, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Name the emotion of each segment, or say that it is uncertain.

        Parameters
        ----------
        probabilities : np.ndarray [shape=(segments, emotions)]
            From `predict`.

        Returns
        -------
        emotions : np.ndarray of str [shape=(segments,)]
        confidences : np.ndarray [shape=(segments,)]
            The largest probability of each segment, also where the answer is "uncertain".
        """
        confidences = probabilities.max(axis=1, initial=0.0)
        emotions = np.array([*self.card.labels, UNCERTAIN], dtype=object)[
            np.where(
                confidences < self.card.uncertain_below, len(self.card.labels), probabilities.argmax(axis=1)
            )
        ]
        return emotions, confidences


def calibrated_call(
    probabilities: np.ndarray, labels: Sequence[str], temperatures: tuple[float, float]
) -> np.ndarray:
    """Calibrate the probabilities of one speaker's segments in one call.

    The more neutral a call, the more often a model is right that learned from emotions in equal shares, so
    the temperature goes from the one to the other by the mean probability of being neutral.

    Parameters
    ----------
    probabilities : np.ndarray [shape=(segments, emotions)]
    labels : sequence of str
        Names of the emotions.
    temperatures : tuple of float
        As of `ModelCard`.

    Returns
    -------
    np.ndarray [shape=(segments, emotions), dtype=float64]
    """
    return calibrated(probabilities, call_temperature(probabilities, labels, temperatures))


def call_temperature(
    probabilities: np.ndarray, labels: Sequence[str], temperatures: tuple[float, float]
) -> float:
    """Choose the temperature of a call; parameters as of `calibrated_call`."""
    return float(between_temperatures(temperatures, neutral_share(probabilities, labels)))


def neutral_share(probabilities: np.ndarray, labels: Sequence[str]) -> float:
    """Say how neutral a call seems, in [0, 1]; 0 where the model does not know the emotion."""
    return float(probabilities[:, list(labels).index(NEUTRAL)].mean()) if NEUTRAL in labels else 0.0


def between_temperatures(
    temperatures: tuple[float, float], neutral: float | np.ndarray
) -> float | np.ndarray:
    """Choose a temperature between the one of no neutral speech and that of nothing else."""
    return temperatures[0] ** (1 - neutral) * temperatures[1] ** neutral


def calibrated(probabilities: np.ndarray, temperature: float | np.ndarray) -> np.ndarray:
    """Divide the logarithms of probabilities by a temperature and normalise again.

    Parameters
    ----------
    probabilities : np.ndarray [shape=(n, classes)]
    temperature : float or np.ndarray [shape=(n, 1)] > 0
        Above 1 makes the probabilities more even.

    Returns
    -------
    np.ndarray [shape=(n, classes), dtype=float64]
    """
    powers = np.maximum(probabilities.astype(np.float64), 1e-12) ** (1 / temperature)
    return powers / powers.sum(axis=1, keepdims=True)


def model_names(folder: Path = MODELS) -> list[str]:
    """List the models of a folder, the default first."""
    names = sorted(path.stem for path in folder.glob("*.json"))
    return sorted(names, key=lambda name: name != DEFAULT_MODEL)


def read_card(name: str = "default", folder: Path = MODELS) -> ModelCard:
    """Read a model's card.

    Parameters
    ----------
    name : str
        As in `model_names`, or "default".
    folder : Path
        Where the models are.

    Raises
    ------
    ModelError
        There is no such model, or its card is damaged or of another version.
    """
    name = DEFAULT_MODEL if name == "default" else name
    names = model_names(folder)
    if name not in names:
        raise ModelError(f"There is no model {name!r}: choose one of {', '.join(names) or 'none installed'}.")
    try:
        entries = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        if entries["card_version"] != CARD_VERSION:
            raise ModelError(
                f"The card of model {name} has version {entries['card_version']} and this program reads "
                f"version {CARD_VERSION}: train the model anew, or install the version that made it."
            )
        entries = {key: tuple(value) if isinstance(value, list) else value for key, value in entries.items()}
        return ModelCard(**{field.name: entries[field.name] for field in fields(ModelCard)})
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"The card of model {name} is damaged ({error}): restore it or train anew."
        ) from None


def load_model(name: str = "default", folder: Path = MODELS) -> Model:
    """Load a model whose file matches its card.

    Parameters
    ----------
    name : str
        As in `model_names`, or "default".
    folder : Path
        Where the models are.

    Raises
    ------
    ModelError
        As `read_card`; or the file is missing, is not the one that the card describes, or needs features or a
        scikit-learn that are not here.
    """
    _limit_linear_algebra()
    card = read_card(name, folder)
    _check_servable(card)
    return Model(card, _estimator(_path(card, folder), card.sha256))


def servable_card(name: str = "default", folder: Path = MODELS) -> ModelCard:
    """Read the card of a model that `load_model` can load, without loading it.

    Parameters
    ----------
    name : str
        As in `model_names`, or "default".
    folder : Path
        Where the models are.

    Raises
    ------
    ModelError
        As `load_model`.
    """
    card = read_card(name, folder)
    _check_servable(card)
    _verified(_path(card, folder), card.sha256)
    return card


def save_model(content: bytes, card: ModelCard, folder: Path) -> ModelCard:
    """Write an estimator and its card, the card completed with the estimator's hash and library versions.

    Parameters
    ----------
    content : bytes
        Of the estimator's file, in the card's layout.
    card : ModelCard
        Whose name the files get.
    folder : Path
        Where to write them.

    Returns
    -------
    ModelCard
        As written.
    """
    card = replace(card, libraries=made_with(card.layout), sha256=hashlib.sha256(content).hexdigest())
    _path(card, folder).write_bytes(content)
    write_card(card, folder)
    return card


def write_card(card: ModelCard, folder: Path) -> None:
    """Write a card.

    Parameters
    ----------
    card : ModelCard
        Whose name the file gets.
    folder : Path
        Where to write it.
    """
    text = json.dumps(asdict(card), indent=2, ensure_ascii=False)
    (folder / f"{card.name}.json").write_text(text + "\n", encoding="utf-8")


def _check_servable(card: ModelCard) -> None:
    served_features(card.feature_set)
    if card.layout == ONNX:
        return
    trained, installed = card.libraries.get("scikit-learn", ""), version("scikit-learn")
    if trained.split(".")[:2] != installed.split(".")[:2]:
        raise ModelError(
            f"Model {card.name} was made with scikit-learn {trained} and {installed} is installed: "
            "install the versions of requirements.txt, or train the model anew."
        )


@cache
def _limit_linear_algebra() -> None:
    """Let each matrix product run on one thread: those of segments are small, and analyses share the cores.

    Left to itself, the library wakes all its threads for each, which takes up to ten times as long.
    """
    from threadpoolctl import threadpool_limits

    threadpool_limits(1, "blas")


def _path(card: ModelCard, folder: Path) -> Path:
    return folder / f"{card.name}.{card.layout}"


@lru_cache(maxsize=4)
def _estimator(path: Path, sha256: str) -> Estimator:
    return read_estimator(_verified(path, sha256), path.suffix[1:])


def _verified(path: Path, sha256: str) -> bytes:
    """Read the very bytes whose hash was checked."""
    try:
        content = path.read_bytes()
    except OSError:
        raise ModelError(
            f"The file of model {path.stem} is missing: restore it or train the model anew."
        ) from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ModelError(
            f"The file of model {path.stem} is not the one that its card describes: restore both."
        )
    return content
