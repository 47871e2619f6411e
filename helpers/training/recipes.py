"""Recipes: the published experiments on small corpora, each beside our own features and classifier.

A recipe is data, features, estimators and two protocols: the published one, leaky as it may be, and one that
keeps speakers apart. ``python -m helpers reproduce RECIPE`` runs it; `training.reproduce` says how.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from scipy.stats import loguniform
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from helpers.feature_sets import ACOUSTIC
from helpers.training.networks import ConvolutionalClassifier
from helpers.training.protocols import LeakyFolds, LeakyRandom, LeaveOneOut, Protocol, SpeakerFolds

ACCURACY, MACRO_F1 = "accuracy", "macro_f1"
FOUR_CORPORA = ("crema-d", "ravdess", "savee", "tess")
SEVEN = ("angry", "disgust", "fearful", "happy", "neutral", "sad", "surprised")
OBSERVED = ("calm", "happy", "fearful", "disgust")
WITHOUT_NEUTRAL = ("calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
CALL_CENTRE = ("angry", "calm", "happy", "sad")

MakeEstimator = Callable[[], Any]


@dataclass(frozen=True)
class Method:
    """Features and a classifier.

    Attributes
    ----------
    name : str
    feature_set : str
        As of ``study.feature_set_named``.
    make : callable
        Makes the untrained estimator, with all that is fitted inside of it.
    by_speaker : bool
        Whether each speaker's features are taken against this speaker's own mean and deviation. These are
        known without labels, from all clips of the speaker, those of the test among them.
    both_sexes : bool
        Whether it learns from both sexes where a case tests on one.
    published, published_apart : dict of str to float
        Per case, the figure that was published for this method, and that with speakers apart.
    repetitions, folds : int or None
        Fewer than the leaky protocol, and than that with speakers apart, have, for a method that takes long.
    """

    name: str
    feature_set: str
    make: MakeEstimator
    by_speaker: bool = False
    both_sexes: bool = False
    published: dict[str, float] = field(default_factory=dict)
    published_apart: dict[str, float] = field(default_factory=dict)
    repetitions: int | None = None
    folds: int | None = None


@dataclass(frozen=True)
class Case:
    """Which clips are told apart.

    Attributes
    ----------
    name : str
    emotions : tuple of str
    sex : str
        Of the speakers that are tested on; empty for all.
    clips_per_emotion : int or None
        How many are drawn anew for each repetition; all where None.
    target : float or None
        What our method must reach under the published protocol.
    held_out_target : float or None
        What it must reach with speakers apart.
    repetitions : int or None
        Fewer than the leaky protocol has, for many clips.
    """

    name: str
    emotions: tuple[str, ...]
    sex: str = ""
    clips_per_emotion: int | None = None
    target: float | None = None
    held_out_target: float | None = None
    repetitions: int | None = None


@dataclass(frozen=True)
class Recipe:
    """A published experiment.

    Attributes
    ----------
    name, title : str
    source : str
        What was published, and where the figures stand.
    corpora : tuple of str
    metric : {'accuracy', 'macro_f1'}
        In which the figures are.
    cases : tuple of Case
    methods : tuple of Method
        Those of the literature, then ours.
    leaky, apart : Protocol
        The published protocol, and that with speakers apart.
    """

    name: str
    title: str
    source: str
    corpora: tuple[str, ...]
    metric: str
    cases: tuple[Case, ...]
    methods: tuple[Method, ...]
    leaky: Protocol
    apart: Protocol


def make_ours() -> Pipeline:
    """Make our classifier for small corpora: standardised features into a support vector machine."""
    return make_pipeline(StandardScaler(), SVC(C=10, class_weight="balanced"))


def make_mlp_of_demonstrations() -> MLPClassifier:
    """Make the perceptron that most demonstrations share."""
    return MLPClassifier(
        hidden_layer_sizes=(300,),
        alpha=0.01,
        batch_size=256,
        learning_rate="adaptive",
        max_iter=500,
        random_state=0,
    )


def make_searched_mlp(*, oversampled: bool) -> GridSearchCV:
    """Make the perceptron whose parameters are searched on the training clips, with or without SMOTE.

    SMOTE (Chawla et al. 2002) stands inside the search, so that no synthetic clip is validated on.
    """
    from imblearn.over_sampling import SMOTE
    from imblearn.pipeline import Pipeline as OversamplingPipeline

    steps: Sequence[tuple[str, Any]] = [("mlp", MLPClassifier(max_iter=300, random_state=0))]
    if oversampled:
        steps = [("smote", SMOTE(random_state=0)), *steps]
    grid = {
        "mlp__activation": ["relu", "logistic"],
        "mlp__alpha": [0.001, 0.01],
        "mlp__hidden_layer_sizes": [(180,), (300,)],
        "mlp__learning_rate": ["adaptive"],
        "mlp__solver": ["adam"],
    }
    return GridSearchCV(OversamplingPipeline([*steps]), grid, cv=3)


def make_searched_forest() -> GridSearchCV:
    """Make the random forest whose trees are searched on a grid, on the training clips."""
    grid = {"max_features": ["sqrt", 0.1], "min_samples_leaf": [1, 3]}
    return GridSearchCV(RandomForestClassifier(200, random_state=0), grid, cv=3)


def make_searched_svc() -> RandomizedSearchCV:
    """Make the support vector machine whose parameters are drawn and tried on the training clips."""
    drawn = {"svc__C": loguniform(0.1, 100), "svc__gamma": loguniform(1e-5, 1e-2)}
    machine = make_pipeline(StandardScaler(), SVC(class_weight="balanced"))
    return RandomizedSearchCV(machine, drawn, n_iter=8, cv=3, random_state=0)


def make_lightgbm() -> Any:
    """Make LightGBM's classifier with its defaults."""
    from lightgbm import LGBMClassifier

    return LGBMClassifier(random_state=0, verbose=-1, n_jobs=2)


OURS = Method("ours", ACOUSTIC.name, make_ours)
OURS_BY_SPEAKER = Method("ours, by speaker", ACOUSTIC.name, make_ours, by_speaker=True, both_sexes=True)

RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="audio-emotions-mlp",
            title="A perceptron on 180 means, four corpora",
            source=(
                "Demonstrations on the four corpora sorted by emotion (“Audio emotions”): MLP with alpha "
                "0.01, batches of 256, 300 hidden units, adaptive rate, 500 iterations, on the means of "
                "MFCC, chroma and mel; 75 % training; ten clips per emotion."
            ),
            corpora=FOUR_CORPORA,
            metric=ACCURACY,
            cases=(
                Case("2 emotions, 10 clips each", ("angry", "sad"), clips_per_emotion=10, target=1.0),
                Case(
                    "3 emotions, 10 clips each", ("angry", "happy", "sad"), clips_per_emotion=10, target=0.625
                ),
                Case("7 emotions, 10 clips each", SEVEN, clips_per_emotion=10, target=0.333),
                Case("7 emotions, all clips", SEVEN, repetitions=2),
            ),
            methods=(
                Method(
                    "MLP, 180 means",
                    "mfcc+chroma+mel",
                    make_mlp_of_demonstrations,
                    published={
                        **{"2 emotions, 10 clips each": 1.0, "3 emotions, 10 clips each": 0.625},
                        "7 emotions, 10 clips each": 0.333,
                    },
                ),
                OURS,
            ),
            leaky=LeakyRandom(0.25, 20),
            apart=SpeakerFolds(4),
        ),
        Recipe(
            name="ravdess-savee-conv2d",
            title="Pictures of MFCC, RAVDESS and SAVEE",
            source=(
                "Demonstrations on seven emotions of RAVDESS and SAVEE: pictures of 39 MFCC by 216 frames, "
                "2.5 s from 0.5 s on at 44.1 kHz; a random forest, nine nearest neighbours, and a small "
                "convolutional network."
            ),
            corpora=("ravdess", "savee"),
            metric=ACCURACY,
            cases=(Case("7 emotions", SEVEN, target=0.8643),),
            methods=(
                Method(
                    "random forest",
                    "mfcc-image",
                    lambda: RandomForestClassifier(300, random_state=0),
                    published={"7 emotions": 0.3889},
                ),
                Method(
                    "9 nearest neighbours",
                    "mfcc-image",
                    lambda: KNeighborsClassifier(9),
                    published={"7 emotions": 0.3593},
                ),
                Method(
                    "Conv2D network",
                    "mfcc-image",
                    ConvolutionalClassifier,
                    published={"7 emotions": 0.8643},
                    repetitions=2,
                    folds=2,
                ),
                OURS,
                OURS_BY_SPEAKER,
            ),
            leaky=LeakyRandom(0.25, 5),
            apart=SpeakerFolds(7),
        ),
        Recipe(
            name="ravdess-observed-mlp",
            title="Four observed emotions of RAVDESS, a searched perceptron",
            source=(
                "Demonstrations on calm, happy, fearful and disgust of RAVDESS: MFCC, chroma and mel, "
                "training, validation and test drawn at random, grid search, without and with SMOTE."
            ),
            corpora=("ravdess",),
            metric=ACCURACY,
            cases=(Case("calm, happy, fearful, disgust", OBSERVED, target=0.88),),
            methods=(
                Method(
                    "MLP, grid search",
                    "mfcc+chroma+mel",
                    lambda: make_searched_mlp(oversampled=False),
                    published={"calm, happy, fearful, disgust": 0.7708},
                    repetitions=3,
                ),
                Method(
                    "MLP, grid search, SMOTE",
                    "mfcc+chroma+mel",
                    lambda: make_searched_mlp(oversampled=True),
                    published={"calm, happy, fearful, disgust": 0.7996},
                    repetitions=3,
                ),
                OURS,
                OURS_BY_SPEAKER,
            ),
            leaky=LeakyRandom(0.2, 10),
            apart=SpeakerFolds(6),
        ),
        Recipe(
            name="emodb-svm",
            title="A support vector machine on 40 MFCC, EmoDB",
            source=(
                "Demonstrations on the seven emotions of EmoDB, boredom among them: means of 40 MFCC, "
                "scaled, SVC with C = 10 and balanced classes, stratified 4-fold, macro F1 0.758 ± 0.020."
            ),
            corpora=("emodb",),
            metric=MACRO_F1,
            cases=(
                Case(
                    "7 emotions",
                    ("angry", "bored", "disgust", "fearful", "happy", "neutral", "sad"),
                    target=0.88,
                ),
            ),
            methods=(
                Method("SVC, MFCC 40", "mfcc", make_ours, published={"7 emotions": 0.758}),
                OURS,
                OURS_BY_SPEAKER,
            ),
            leaky=LeakyFolds(4, 5),
            apart=LeaveOneOut("speaker"),
        ),
        Recipe(
            name="ravdess-by-sex",
            title="Women and men of RAVDESS apart, on statistics of frames",
            source=(
                "Demonstrations with one model for women and one for men: statistics of frame features, "
                "seven emotions without neutral, or the four of call centres (63 to 65 %)."
            ),
            corpora=("ravdess",),
            metric=ACCURACY,
            cases=(
                Case("women, 7 emotions", WITHOUT_NEUTRAL, sex="female", held_out_target=0.65),
                Case("men, 7 emotions", WITHOUT_NEUTRAL, sex="male", held_out_target=0.65),
                Case("women, 4 emotions", CALL_CENTRE, sex="female", held_out_target=0.78),
                Case("men, 4 emotions", CALL_CENTRE, sex="male", held_out_target=0.78),
            ),
            methods=(
                Method(
                    "random forest",
                    "statistics",
                    lambda: RandomForestClassifier(300, random_state=0),
                ),
                Method(
                    "gradient boosting",
                    "statistics",
                    lambda: GradientBoostingClassifier(max_features="sqrt", random_state=0),
                    published={"women, 7 emotions": 0.648, "men, 7 emotions": 0.657},
                    repetitions=2,
                ),
                Method(
                    "LightGBM",
                    "statistics",
                    make_lightgbm,
                    published={"women, 7 emotions": 0.610, "men, 7 emotions": 0.623},
                    repetitions=2,
                ),
                Method(
                    "MLP",
                    "statistics",
                    lambda: make_pipeline(StandardScaler(), make_mlp_of_demonstrations()),
                    published={"women, 7 emotions": 0.714, "men, 7 emotions": 0.726},
                    published_apart={"women, 7 emotions": 0.536, "men, 7 emotions": 0.530},
                ),
                Method(
                    "random forest, grid search",
                    "statistics",
                    make_searched_forest,
                    repetitions=1,
                    folds=1,
                ),
                Method(
                    "SVC, randomised search",
                    "statistics",
                    make_searched_svc,
                    repetitions=1,
                    folds=2,
                ),
                OURS,
                OURS_BY_SPEAKER,
            ),
            leaky=LeakyRandom(0.25, 5),
            apart=SpeakerFolds(6),
        ),
    )
}


def clips_of(case: Case, clips: pd.DataFrame) -> pd.DataFrame:
    """Take the clips of a case, before any are drawn.

    Parameters
    ----------
    case : Case
    clips : pd.DataFrame
        From ``corpora.load_corpora``.

    Returns
    -------
    pd.DataFrame
        With the index of `clips`.
    """
    chosen = clips[clips["emotion"].isin(case.emotions)]
    return chosen[chosen["sex"] == case.sex] if case.sex else chosen
