"""How the models of the app are made: their recipes, and the training that follows them."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from helpers.classifier import CARD_VERSION, ModelCard, calibrated, save_model
from helpers.errors import CorpusError
from helpers.estimators import JOBLIB, to_joblib
from helpers.feature_sets import ACOUSTIC
from helpers.media import decode
from helpers.speech import Segmentation, find_segments
from helpers.training.augment import RandomLine, phone_channel
from helpers.training.corpora import CORPORA, load_corpora
from helpers.training.evaluate import fit_temperature, score

CONDITIONS = ("clean", "phone", "line")

_COVERAGE = 0.85
_FOLDS = 5
_LINES = 2


@dataclass(frozen=True)
class ModelRecipe:
    """How a model is made.

    Attributes
    ----------
    name, title, description : str
        As they will stand on the card.
    corpora : tuple of str
        Keys of `CORPORA`.
    emotions : mapping of str to str
        From a corpus's emotion to the model's; clips of other emotions are left out.
    held_out : frozenset of str
        Speakers that are tested on and never trained on.
    held_out_words : str
        The same for people.
    selection : str
        A sentence on what was chosen by looking at the speakers held out, for the figures depend on it.
    shortest, longest : float
        Length of a segment [seconds].
    licence, use : str
        What follows from the corpora's licences.
    """

    name: str
    title: str
    description: str
    corpora: tuple[str, ...]
    emotions: Mapping[str, str]
    held_out: frozenset[str]
    held_out_words: str
    selection: str
    shortest: float
    longest: float
    licence: str
    use: str


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """Features of labelled segments.

    Attributes
    ----------
    segments : pd.DataFrame
        A row per segment: corpus, speaker, emotion, condition, and the line that it shares with others.
    features : np.ndarray [shape=(segments, features)]
    """

    segments: pd.DataFrame
    features: np.ndarray

    def where(self, rows: np.ndarray) -> TrainingSet:
        """Take the rows [shape=(segments,), dtype=bool]."""
        return TrainingSet(self.segments[rows], self.features[rows])


MODELS = {
    recipe.name: recipe
    for recipe in (
        ModelRecipe(
            name="calls",
            title="Four emotions for calls",
            description=(
                "Tells angry, happy, neutral and sad speech apart, from acted English clips, each also sent "
                "over a simulated telephone and over a random line. The gain of a recording does not count."
            ),
            corpora=("crema-d", "ravdess"),
            emotions={name: name for name in ("angry", "happy", "neutral", "sad")} | {"calm": "neutral"},
            held_out=frozenset(
                [f"crema-d/{number}" for number in range(1061, 1092)]
                + [f"ravdess/{number}" for number in range(19, 25)]
            ),
            held_out_words="actors 1061 to 1091 of CREMA-D and 19 to 24 of RAVDESS",
            selection=(
                "Features, augmentation, segmentation and network were chosen after about seventy "
                "comparisons on these same speakers, so the figures are optimistic."
            ),
            shortest=1.0,
            longest=4.0,
            licence="CC BY-NC-SA 4.0",
            use=(
                "Not for commercial use: RAVDESS is licensed for non-commercial use, and the model is shared "
                "under the same terms. It learned from actors, so it recognises how an emotion is performed, "
                "not what somebody feels."
            ),
        ),
    )
}


def train(recipe: ModelRecipe, corpora_folder: Path, output: Path) -> ModelCard:
    """Train a model, score it on the speakers held out, and write it with its card.

    The temperature and the threshold of "uncertain" come from predictions for training speakers by models
    that did not hear them (cross-validation by speaker), never from the speakers held out.

    Parameters
    ----------
    recipe : ModelRecipe
        One of `MODELS`.
    corpora_folder : Path
        Holding a folder per corpus.
    output : Path
        Folder for the model and its card.

    Returns
    -------
    ModelCard
        As written.

    Raises
    ------
    CorpusError
        A corpus is missing, or has nobody to train on or nobody to test on.
    """
    clips = load_corpora(recipe.corpora, corpora_folder)
    clips["emotion"] = clips["emotion"].map(dict(recipe.emotions))
    data = extract(clips.dropna(subset="emotion"), shortest=recipe.shortest, longest=recipe.longest)
    held_out = data.segments["speaker"].isin(recipe.held_out).to_numpy()
    if held_out.all() or not held_out.any():
        raise CorpusError(
            f"Recipe {recipe.name} needs speakers to train on and {recipe.held_out_words} to test on."
        )
    training, test = data.where(~held_out), data.where(held_out)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is part of the recipe
        estimator = make_estimator().fit(training.features, training.segments["emotion"].to_numpy())
        labels = tuple(map(str, estimator.classes_))
        temperature, uncertain_below = _calibration(training, labels)
    probabilities = calibrated(estimator.predict_proba(test.features), temperature)
    card = ModelCard(
        card_version=CARD_VERSION,
        name=recipe.name,
        title=recipe.title,
        description=recipe.description,
        created=datetime.now(UTC).date().isoformat(),
        labels=labels,
        feature_set=ACOUSTIC.as_entry(),
        shortest=recipe.shortest,
        longest=recipe.longest,
        temperature=temperature,
        uncertain_below=uncertain_below,
        corpora=_corpora_of(recipe, training),
        licence=recipe.licence,
        use=recipe.use,
        protocol=(
            f"Speaker-independent, per segment: tested on {test.segments['speaker'].nunique()} speakers, of "
            f"{recipe.held_out_words}; nobody of them was trained or calibrated on. Clean is as recorded; "
            "phone is 300 to 3400 Hz, 8 kHz, 8-bit µ-law; line is drawn at random: 10 to 40 dB of speech "
            f"above noise, band, gain up to clipping, coding and width of the segments. {recipe.selection}"
        ),
        scores=_scores(test.segments, probabilities, labels, uncertain_below),
        layout=JOBLIB,
        libraries={},
        sha256="",
    )
    return save_model(to_joblib(estimator), card, output)


def extract(clips: pd.DataFrame, *, shortest: float, longest: float) -> TrainingSet:
    """Take clips through the stages of the app, as recorded, over the phone and over a random line.

    Parameters
    ----------
    clips : pd.DataFrame
        With the columns of ``corpora.COLUMNS``.
    shortest, longest : float
        Length of a segment [seconds].

    Returns
    -------
    TrainingSet
        In the order of the clips.
    """
    described = Parallel(n_jobs=-1, batch_size=16)(
        delayed(_describe)(path, speaker, shortest, longest)
        for path, speaker in clips[["path", "speaker"]].itertuples(index=False)
    )
    rows = [
        (clip, condition, line, vector)
        for clip, copies in enumerate(described)
        for condition, line, vectors in copies
        for vector in vectors
    ]
    segments = clips.iloc[[clip for clip, *_ in rows]].drop(columns="path").reset_index(drop=True)
    segments["condition"] = [condition for _, condition, _, _ in rows]
    segments["line"] = [line for _, _, line, _ in rows]
    return TrainingSet(segments, np.stack([vector for *_, vector in rows]))


def make_estimator() -> Pipeline:
    """Make the untrained classifier: standardised features into a small multilayer perceptron."""
    perceptron = MLPClassifier(
        hidden_layer_sizes=(256,),
        alpha=3.0,
        batch_size=256,
        learning_rate_init=2e-4,
        max_iter=30,
        n_iter_no_change=30,
        random_state=0,
    )
    return make_pipeline(StandardScaler(), perceptron)


def _describe(path: Path, speaker: str, shortest: float, longest: float) -> list[tuple[str, str, np.ndarray]]:
    """Compute the features of a clip's segments [shape=(segments, features)] in each copy of it."""
    described = []
    for copy in _copies(decode(path).samples[0], path.stem, speaker):
        segments = find_segments(copy.samples, copy.segmentation, shortest=shortest, longest=longest)
        described.append((copy.condition, copy.line, ACOUSTIC.of_segments(copy.samples, segments)))
    return described


@dataclass(frozen=True, eq=False)
class _Copy:
    condition: str
    line: str
    samples: np.ndarray
    segmentation: Segmentation


def _copies(samples: np.ndarray, clip: str, speaker: str) -> Iterator[_Copy]:
    """Make copies of a clip, each over a line that some other clips of the speaker share.

    Segments of real calls are not always tight, so those of random lines are cut more or less closely.
    """
    generator = _seeded(clip)
    yield _Copy("clean", "clean", samples, Segmentation())
    yield _Copy("phone", "phone", phone_channel(samples), Segmentation())
    for copy in range(_LINES):
        line = f"line {copy} {generator.integers(_LINES)}"
        sent = RandomLine.draw(_seeded(f"{speaker} {line}")).send(samples, generator)
        yield _Copy("line", line, sent, Segmentation(speech_pad=generator.uniform(0, 0.5)))


def _seeded(text: str) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(text.encode()))


def _calibration(training: TrainingSet, labels: tuple[str, ...]) -> tuple[float, float]:
    """Fit the temperature, and the confidence under which the answer is "uncertain"."""
    emotions = training.segments["emotion"].to_numpy()
    unheard = cross_val_predict(
        make_estimator(),
        training.features,
        emotions,
        groups=training.segments["speaker"],
        cv=GroupKFold(_FOLDS),
        method="predict_proba",
    )
    temperature = fit_temperature(emotions, unheard, labels)
    confidence = calibrated(unheard, temperature).max(axis=1)
    return round(temperature, 4), round(float(np.quantile(confidence, 1 - _COVERAGE)), 4)


def _corpora_of(recipe: ModelRecipe, training: TrainingSet) -> tuple[dict[str, object], ...]:
    by_corpus = training.segments.groupby("corpus")
    return tuple(
        {
            "name": name,
            "title": CORPORA[name].title,
            "licence": CORPORA[name].licence,
            "speakers": int(by_corpus["speaker"].nunique()[name]),
            "segments": int(by_corpus.size()[name]),
        }
        for name in recipe.corpora
    )


def _scores(
    segments: pd.DataFrame, probabilities: np.ndarray, labels: tuple[str, ...], uncertain_below: float
) -> tuple[dict[str, object], ...]:
    rows = []
    for (corpus, condition), part in segments.reset_index(drop=True).groupby(
        ["corpus", "condition"], sort=False
    ):
        figures = score(
            part["emotion"].to_numpy(),
            probabilities[part.index],
            labels,
            speakers=part["speaker"].to_numpy(),
            uncertain_below=uncertain_below,
        )
        rows.append({"corpus": corpus, "condition": condition, **figures})
    return tuple(rows)
