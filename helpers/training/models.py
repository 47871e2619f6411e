"""How the models of the app are made: their recipes, and the training that follows them."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from joblib import Memory, Parallel, delayed
from sklearn.model_selection import GroupKFold

from helpers.baseline import BaselinedClassifier
from helpers.classifier import (
    CARD_VERSION,
    NO_BASELINE,
    OTHER_CLIPS,
    Model,
    ModelCard,
    calibrated_call,
    save_model,
    write_card,
)
from helpers.emotions import NEUTRAL
from helpers.errors import CorpusError
from helpers.estimators import JOBLIB, ONNX, Estimator, to_joblib
from helpers.feature_sets import (
    ACOUSTIC,
    ACOUSTIC_AND_EMBEDDED,
    ACOUSTIC_EMBEDDED_AND_SEVEN_TOLD,
    ACOUSTIC_EMBEDDED_AND_TOLD,
    FEATURE_SETS,
    IMAGE,
    SPECTROGRAM,
    FeatureSet,
)
from helpers.images import SHOWN
from helpers.media import SAMPLE_RATE, decode
from helpers.spectrograms import FOUR, SEVEN
from helpers.speech import FRAME, Segmentation, cut_spans, find_segments, frame_levels
from helpers.training import corrections
from helpers.training.augment import RandomLine, at_speed, phone_channel
from helpers.training.calibration import NOT_CALIBRATED, Judged, calibrate, in_calls, in_simulated_calls
from helpers.training.call_scores import CONDITIONS as CALL_CONDITIONS
from helpers.training.call_scores import LEAST_CALLS, Condition, score_calls
from helpers.training.calls import Surroundings
from helpers.training.corpora import CORPORA, OWN, OWN_LICENCE, OWN_TITLE, load_corpora
from helpers.training.corrections import hear_stretches, load_corrections
from helpers.training.evaluate import score
from helpers.training.fitting import TrainingSet, fit_baselined, fit_ensemble, fit_network
from helpers.training.networks import to_onnx
from helpers.training.recipes import RECIPES, Recipe
from helpers.training.spectrogram_network import fit_spectrograms, spectrogram_network_to_onnx

Described = list[tuple[str, str, np.ndarray]]  # condition, line and features of each copy of a clip

CONDITIONS = ("clean", "phone", "line")
OTHER_VOICE = "other voice"
LEAST_SPEAKERS = 4  # to train on, so that some can always judge what others taught

_LINES = 4
_SPEEDS = (0.9, 1.1)
_LINES_OF_A_KIND = 2
_EPOCHS_OF_SEVEN = 9  # of twice as many segments as four emotions have
_EVERY = 3  # so that RAVDESS, whose odd actors are men, gives women and men
_COPIES_VERSION = 2  # counted up when `_copies`, the segmentation or the lines change

_ALL = ("crema-d", "ravdess", "savee", "tess", "emodb")
_FOUR = {name: name for name in ("angry", "happy", "neutral", "sad")} | {"calm": "neutral"}
_SEVEN = {name: name for name in ("disgust", "fearful", "surprised")} | _FOUR
_AS_NEUTRAL = {"calm": NEUTRAL}  # where a corpus has nothing else to take a baseline from
_GERMAN = {name: name for name in ("angry", "bored", "disgust", "fearful", "happy", "neutral", "sad")}
_HELD_OUT = {
    "crema-d": ([f"crema-d/{number}" for number in range(1061, 1092)], "actors 1061 to 1091 of CREMA-D"),
    "ravdess": ([f"ravdess/{number}" for number in range(19, 25)], "19 to 24 of RAVDESS"),
    "savee": (["savee/KL"], "KL of SAVEE"),
    "emodb": (["emodb/14", "emodb/15", "emodb/16"], "14 to 16 of EmoDB"),
}
PERFORMED = "It learned from actors, so it recognises how an emotion is performed, not what somebody feels."
_NOT_COMMERCIAL = (
    "Not for commercial use: RAVDESS and TESS are licensed for non-commercial use, SAVEE for research. "
    f"{PERFORMED}"
)
_NOT_COMMERCIAL_WITHOUT_TESS = (
    f"Not for commercial use: RAVDESS is licensed for non-commercial use, SAVEE for research. {PERFORMED}"
)
_OPEN_LICENCE = "ODbL 1.0"
_OPEN_USE = (
    "May be used commercially: CREMA-D is open under ODbL 1.0, which asks to name it and to share databases "
    f"derived from it alike; EmoDB is free with citation (Burkhardt et al. 2005). {PERFORMED}"
)
_HEARS = (
    "A network that learned from thousands of voices to tell them apart helps it to hear how somebody speaks."
)
SPEAKER_NETWORK_USE = (
    "A part of it is the speaker network of Resemblyzer (Apache 2.0), which learned from LibriSpeech (CC BY "
    "4.0) and VoxCeleb 1 and 2, speech from videos on the internet."
)
_UNHEARD_BY_NETWORK = frozenset(f"crema-d/{number}" for number in range(1046, 1061))
_SELECTION = (
    "The features were chosen by about seventy comparisons on these speakers of CREMA-D and RAVDESS, the "
    "baseline and the lines on CREMA-D 1046 to 1060 and RAVDESS 13 to 18, and two calibrations were compared "
    "on those held out, so the figures are somewhat optimistic."
)
_EMBEDDING_SELECTION = (
    "The speaker network, and which of its layers, was chosen on all clips of RAVDESS and EmoDB"
)
_ENSEMBLE_SELECTION = (
    f"{_SELECTION} {_EMBEDDING_SELECTION}, the share of the network on spectrograms on CREMA-D 1046 to 1060."
)
_ON_BASELINES = (
    "The baseline is taken from the segment alone (none) or from all clips of the speaker on the same line. "
)


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
        Speakers that are tested on and never trained on, of as many corpora as can spare them; every third
        of each corpus where it is empty.
    held_out_words : str
        The same for people.
    selection : str
        A sentence on what was chosen by looking at the speakers held out, for the figures depend on it.
    licence, use : str
        What follows from the corpora's licences.
    unseen : tuple of str
        Corpora that are tested on and not trained on.
    shortest, longest : float
        Length of a segment [seconds].
    feature_set : FeatureSet
    speeds : tuple of float
        At which clips are learned beside their own.
    fit : callable
        From a `TrainingSet` to an estimator.
    to_bytes : callable
        From the estimator to the content of its file.
    layout : {'joblib', 'onnx'}
        Of that file.
    folds : int
        Of the training speakers, for the calibration; fewer for what takes long, 0 for a part of models.
    calibrated_on : frozenset of str
        Training speakers whose simulated calls tell how sure to be, to a model that heard all others; all of
        them by folds where it is empty.
    """

    name: str
    title: str
    description: str
    corpora: tuple[str, ...]
    emotions: Mapping[str, str]
    held_out: frozenset[str]
    held_out_words: str
    selection: str
    licence: str
    use: str
    unseen: tuple[str, ...] = ()
    shortest: float = 1.0
    longest: float = 4.0
    feature_set: FeatureSet = ACOUSTIC
    speeds: tuple[float, ...] = ()
    fit: Callable[[TrainingSet], Any] = fit_baselined
    to_bytes: Callable[[Any], bytes] = to_joblib
    layout: str = JOBLIB
    folds: int = 3
    calibrated_on: frozenset[str] = frozenset()


def _held_out(*corpora: str) -> dict[str, Any]:
    speakers = [speaker for corpus in corpora for speaker in _HELD_OUT[corpus][0]]
    words = " and ".join(_HELD_OUT[corpus][1] for corpus in corpora)
    return {"held_out": frozenset(speakers), "held_out_words": words}


MODELS = {
    recipe.name: recipe
    for recipe in (
        ModelRecipe(
            name="calls",
            title="Four emotions for calls",
            description=(
                "Tells angry, happy, neutral and sad speech apart, against how the speaker usually sounds in "
                "the call. It learned from acted English and German clips, each also sent over a simulated "
                f"telephone and over random lines, and played slower and faster. {_HEARS} The gain of a "
                "recording does not count."
            ),
            corpora=("crema-d", "emodb"),
            emotions=_FOUR,
            **_held_out("crema-d"),
            selection=_ENSEMBLE_SELECTION,
            unseen=("ravdess", "savee"),
            licence=_OPEN_LICENCE,
            use=f"{_OPEN_USE} {SPEAKER_NETWORK_USE}",
            feature_set=ACOUSTIC_EMBEDDED_AND_TOLD,
            speeds=_SPEEDS,
            fit=fit_ensemble,
            calibrated_on=_UNHEARD_BY_NETWORK,
        ),
        ModelRecipe(
            name=FOUR.name,
            title="The network on spectrograms",
            description=(
                "Tells angry, happy, neutral and sad speech apart by the log-mel spectrogram of a segment "
                "alone. It is a part of “calls”."
            ),
            corpora=("crema-d", "emodb"),
            emotions=_FOUR,
            held_out=_UNHEARD_BY_NETWORK | frozenset(_HELD_OUT["crema-d"][0]),
            held_out_words="actors 1046 to 1091 of CREMA-D",
            selection=_SELECTION,
            licence=_OPEN_LICENCE,
            use=_OPEN_USE,
            feature_set=SPECTROGRAM,
            fit=fit_spectrograms,
            to_bytes=spectrogram_network_to_onnx,
            layout=ONNX,
            folds=0,
        ),
        ModelRecipe(
            name=SEVEN.name,
            title="The network on spectrograms for seven emotions",
            description=(
                "Tells angry, disgust, fearful, happy, neutral, sad and surprised speech apart by the "
                "log-mel spectrogram of a segment alone. It is a part of “emotions”. TESS, whose "
                "2,800 clips are of two speakers, is left out."
            ),
            corpora=("crema-d", "ravdess", "savee", "emodb"),
            emotions=_SEVEN,
            held_out=_UNHEARD_BY_NETWORK | frozenset(_HELD_OUT["crema-d"][0] + _HELD_OUT["ravdess"][0]),
            held_out_words="actors 1046 to 1091 of CREMA-D and 19 to 24 of RAVDESS",
            selection=_SELECTION,
            licence="CC BY-NC-SA 4.0, research use",
            use=_NOT_COMMERCIAL_WITHOUT_TESS,
            feature_set=SPECTROGRAM,
            fit=partial(fit_spectrograms, epochs=_EPOCHS_OF_SEVEN),
            to_bytes=spectrogram_network_to_onnx,
            layout=ONNX,
            folds=0,
        ),
        ModelRecipe(
            name="calls-research",
            title="Four emotions for calls, for research",
            description=(
                "As “calls”, learned from five corpora, some of which may not be used commercially."
            ),
            corpora=_ALL,
            emotions=_FOUR,
            **_held_out("crema-d", "ravdess"),
            selection=_SELECTION,
            licence="CC BY-NC-SA 4.0, research use",
            use=_NOT_COMMERCIAL,
        ),
        ModelRecipe(
            name="emotions",
            title="Seven emotions, for research",
            description=(
                "Tells angry, disgust, fearful, happy, neutral, sad and surprised speech apart, against how "
                "the speaker usually sounds in the call. It learned from five corpora, each clip also sent "
                "over a simulated telephone and over random lines, and played slower and faster. "
                f"{_HEARS}"
            ),
            corpora=_ALL,
            emotions=_SEVEN,
            **_held_out("crema-d", "ravdess"),
            selection=_ENSEMBLE_SELECTION,
            licence="CC BY-NC-SA 4.0, research use",
            use=f"{_NOT_COMMERCIAL} {SPEAKER_NETWORK_USE}",
            feature_set=ACOUSTIC_EMBEDDED_AND_SEVEN_TOLD,
            speeds=_SPEEDS,
            fit=fit_ensemble,
            calibrated_on=_UNHEARD_BY_NETWORK,
        ),
        ModelRecipe(
            name="emotions-de",
            title="Seven emotions in German, with boredom",
            description=(
                "Tells angry, bored, disgust, fearful, happy, neutral and sad speech apart, against how the "
                "speaker usually sounds in the call. It learned from the acted German clips of EmoDB alone. "
                f"{_HEARS}"
            ),
            corpora=("emodb",),
            emotions=_GERMAN,
            **_held_out("emodb"),
            selection=(
                "Other features, baseline and lines were chosen on speakers of other corpora. "
                f"{_EMBEDDING_SELECTION}, these speakers among them, so the figures are somewhat optimistic."
            ),
            licence="free with citation",
            use=f"EmoDB is free with citation (Burkhardt et al. 2005). {PERFORMED} {SPEAKER_NETWORK_USE}",
            feature_set=ACOUSTIC_AND_EMBEDDED,
            speeds=_SPEEDS,
        ),
        ModelRecipe(
            name="ravdess-savee-conv2d",
            title="Seven emotions by a small convolutional network",
            description=(
                "The network of demonstrations on RAVDESS and SAVEE, which looks at a picture of 39 MFCC "
                "over 2.5 s, here trained also on clips sent over a telephone and over random lines."
            ),
            corpora=("ravdess", "savee"),
            emotions=_SEVEN,
            **_held_out("ravdess", "savee"),
            selection="Nothing was chosen by looking at these speakers.",
            licence="CC BY-NC-SA 4.0, research use",
            use=_NOT_COMMERCIAL_WITHOUT_TESS,
            longest=SHOWN,
            feature_set=IMAGE,
            fit=fit_network,
            to_bytes=to_onnx,
            layout=ONNX,
            folds=2,
        ),
    )
}


def model_recipe(name: str) -> ModelRecipe:
    """Find the recipe of a model, or make one for the data of a published experiment.

    Parameters
    ----------
    name : str
        Key of `MODELS` or of ``recipes.RECIPES``.

    Returns
    -------
    ModelRecipe

    Raises
    ------
    CorpusError
        There is none of this name.
    """
    if name in MODELS:
        return MODELS[name]
    if name not in RECIPES:
        raise CorpusError(f"There is no recipe {name!r}: choose one of {', '.join((*MODELS, *RECIPES))}.")
    return _for_experiment(RECIPES[name])


def train(
    recipe: ModelRecipe,
    corpora_folder: Path,
    output: Path,
    cache: Path,
    *,
    corrections_folder: Path | None = None,
) -> ModelCard:
    """Train a model, score it on the speakers held out, and write it with its card.

    The temperatures and the threshold of "uncertain" come from predictions for training speakers by models
    that did not hear them, never from the speakers held out: over simulated calls where the recipe names
    speakers for it, else over calls that are drawn from the segments.

    Parameters
    ----------
    recipe : ModelRecipe
        From `model_recipe`.
    corpora_folder : Path
        Holding a folder per corpus, and ``noise`` where the recipe names speakers to calibrate on.
    output : Path
        Folder for the model and its card.
    cache : Path
        Folder in which the features of clips are kept.
    corrections_folder : Path, optional
        Holding recordings and their corrections to train on, too.

    Returns
    -------
    ModelCard
        As written.

    Raises
    ------
    CorpusError
        A corpus or the noise is missing, or there is nobody to train on or to test on, or the corrections are
        of no use.
    MediaError
        A recording that was corrected cannot be read.
    """
    more = extract_corrections(recipe, corrections_folder) if corrections_folder else None
    clips = load_clips(recipe, recipe.corpora, corpora_folder)
    tested = clips["speaker"].isin(held_out_speakers(recipe, clips)).to_numpy()
    if clips.loc[~tested, "speaker"].nunique() < LEAST_SPEAKERS or not tested.any():
        raise CorpusError(
            f"Recipe {recipe.name} needs {LEAST_SPEAKERS} speakers to train on and {recipe.held_out_words} "
            "to test on: add clips of others."
        )
    unseen = [load_clips(recipe, (name,), corpora_folder) for name in recipe.unseen]
    if recipe.calibrated_on:
        Surroundings.load(corpora_folder)  # fails before the long work
    training = extract(clips[~tested], recipe, cache)
    if more:
        training = training.joined(more)
    test = extract(pd.concat([clips[tested], *unseen]), replace(recipe, speeds=()), cache)
    temperatures, uncertain_below = _calibration(training, recipe, corpora_folder)
    estimator = recipe.fit(training)
    labels = training.labels()
    told = told_of_segments(estimator, test, labels, temperatures)
    card = new_card(
        recipe,
        training,
        (temperatures, uncertain_below),
        protocol=_protocol(recipe, test, baselined=OTHER_CLIPS in told),
        scores=score_rows(test, told, labels, uncertain_below),
    )
    return save_model(recipe.to_bytes(estimator), card, output)


def new_card(
    recipe: ModelRecipe,
    training: TrainingSet,
    calibration: tuple[tuple[float, float], float],
    *,
    protocol: str,
    scores: tuple[dict[str, object], ...],
) -> ModelCard:
    """Make the card of a model, which ``classifier.save_model`` completes.

    Parameters
    ----------
    recipe : ModelRecipe
        That it was made by.
    training : TrainingSet
        That it was trained on.
    calibration : tuple
        Of `calibrate`.
    protocol : str
    scores : tuple of dict
        Of `score_rows`.

    Returns
    -------
    ModelCard
    """
    temperatures, uncertain_below = calibration
    return ModelCard(
        card_version=CARD_VERSION,
        name=recipe.name,
        title=recipe.title,
        description=recipe.description,
        created=datetime.now(UTC).date().isoformat(),
        labels=training.labels(),
        feature_set=recipe.feature_set.as_entry(),
        shortest=recipe.shortest,
        longest=recipe.longest,
        temperatures=temperatures,
        uncertain_below=uncertain_below,
        corpora=_corpora_of(training),
        licence=recipe.licence,
        use=recipe.use,
        protocol=protocol,
        scores=scores,
        call_scores=(),
        layout=recipe.layout,
        libraries={},
        sha256="",
    )


def evaluate(
    model: Model,
    recipe: ModelRecipe,
    corpora_folder: Path,
    folder: Path,
    *,
    conditions: Sequence[Condition] = CALL_CONDITIONS,
    least_calls: int = LEAST_CALLS,
    jobs: int = -1,
) -> ModelCard:
    """Score a model over simulated calls of the speakers held out, and write the scores to its card.

    Parameters
    ----------
    model : Model
    recipe : ModelRecipe
        That it was made by.
    corpora_folder : Path
        Holding a folder per corpus, and ``noise``.
    folder : Path
        Of the model.
    conditions : sequence of Condition
    least_calls : int
        As of ``call_scores.score_calls``.
    jobs : int
        Processes.

    Returns
    -------
    ModelCard
        As written.

    Raises
    ------
    CorpusError
        A corpus, or the noise, is missing.
    """
    clips = load_clips(recipe, recipe.corpora, corpora_folder)
    held_out = clips[clips["speaker"].isin(held_out_speakers(recipe, clips))]
    scores = score_calls(
        model,
        held_out,
        Surroundings.load(corpora_folder),
        conditions=conditions,
        least_calls=least_calls,
        jobs=jobs,
    )
    card = replace(model.card, call_scores=tuple(scores))
    write_card(card, folder)
    return card


def held_out_speakers(recipe: ModelRecipe, clips: pd.DataFrame) -> frozenset[str]:
    """Name the speakers that a recipe tests on.

    Parameters
    ----------
    recipe : ModelRecipe
    clips : pd.DataFrame
        From ``corpora.load_corpora``.

    Returns
    -------
    frozenset of str
    """
    if recipe.held_out:
        return recipe.held_out
    by_corpus = clips.groupby("corpus")["speaker"].unique()
    return frozenset(speaker for speakers in by_corpus for speaker in sorted(speakers)[_EVERY - 1 :: _EVERY])


def extract(clips: pd.DataFrame, recipe: ModelRecipe, cache: Path) -> TrainingSet:
    """Take clips through the stages of the app, as recorded, over the phone and over random lines.

    Parameters
    ----------
    clips : pd.DataFrame
        With the columns of ``corpora.COLUMNS``.
    recipe : ModelRecipe
        Says how they are cut and described.
    cache : Path
        Folder in which the features of clips are kept.

    Returns
    -------
    TrainingSet
        In the order of the clips.
    """
    entry = {**recipe.feature_set.as_entry(), "copies": _COPIES_VERSION}
    describe = Memory(cache, verbose=0).cache(_describe)
    lengths, speeds = (recipe.shortest, recipe.longest), recipe.speeds
    described = Parallel(batch_size=16)(
        delayed(describe)(str(path), path.stat().st_size, speaker, lengths, entry, speeds=speeds)
        for path, speaker in clips[["path", "speaker"]].itertuples(index=False)
    )
    return training_set(clips, described)


def extract_corrections(recipe: ModelRecipe, folder: Path) -> TrainingSet:
    """Take the corrections whose emotions a model knows through the stages that clips go through.

    Parameters
    ----------
    recipe : ModelRecipe
        Says how they are described; what is longer than its segments is cut.
    folder : Path
        As of ``corrections.load_corrections``.

    Returns
    -------
    TrainingSet

    Raises
    ------
    CorpusError
        The corrections cannot be used, or there are none to an emotion of the model.
    MediaError
        A recording cannot be read, or ends before what was corrected.
    """
    stretches = load_corrections(folder)
    stretches["emotion"] = stretches["emotion"].map(dict(recipe.emotions))
    parts = [part for _, part in stretches.dropna(subset="emotion").groupby("path")]
    if not parts:
        names = ", ".join(recipe.emotions)
        raise CorpusError(
            f"Nothing in {folder} was corrected to what {recipe.name} tells apart ({names}): correct more."
        )
    lengths, entry = (recipe.shortest, recipe.longest), recipe.feature_set.as_entry()
    described = Parallel()(delayed(_describe_stretches)(part, lengths, entry) for part in parts)
    clips = pd.concat(parts).drop(columns=["channel", "start", "end"])
    return training_set(clips, [copies for part in described for copies in part])


def _for_experiment(recipe: Recipe) -> ModelRecipe:
    """Make a model of the emotions and corpora of a published experiment, by our own method."""
    emotions = dict.fromkeys(emotion for case in recipe.cases for emotion in case.emotions)
    licences = dict.fromkeys(CORPORA[name].licence for name in recipe.corpora)
    return ModelRecipe(
        name=recipe.name,
        title=f"As in: {recipe.title}",
        description=f"{recipe.source} This model learned from the same corpora by our own method.",
        corpora=recipe.corpora,
        emotions={name: name if NEUTRAL in emotions else _AS_NEUTRAL.get(name, name) for name in emotions},
        held_out=frozenset(),
        held_out_words=f"every third speaker of {', '.join(recipe.corpora)}",
        selection="Nothing was chosen by looking at these speakers.",
        licence=", ".join(licences),
        use=f"What the licences of its corpora allow: {', '.join(licences)}. {PERFORMED}",
    )


def load_clips(recipe: ModelRecipe, corpora: tuple[str, ...], folder: Path) -> pd.DataFrame:
    """Load the clips whose emotions the model knows, by its own names of them.

    Parameters
    ----------
    recipe : ModelRecipe
    corpora : tuple of str
        Keys of `CORPORA`.
    folder : Path
        Holding a folder per corpus.

    Returns
    -------
    pd.DataFrame
        With the columns of ``corpora.COLUMNS``.

    Raises
    ------
    CorpusError
        A corpus is missing.
    """
    clips = load_corpora(corpora, folder)
    clips["emotion"] = clips["emotion"].map(dict(recipe.emotions))
    return clips.dropna(subset="emotion")


def training_set(clips: pd.DataFrame, described: Sequence[Described]) -> TrainingSet:
    """Give each segment what is known of its clip.

    Parameters
    ----------
    clips : pd.DataFrame
        With the columns of ``corpora.COLUMNS``.
    described : sequence of Described
        Of each clip.

    Returns
    -------
    TrainingSet
        In the order of the clips; `clip` is their number.
    """
    copies = [(clip, *copy) for clip, each in enumerate(described) for copy in each]
    rows = [(clip, condition, line) for clip, condition, line, vectors in copies for _ in vectors]
    segments = clips.iloc[[clip for clip, *_ in rows]].drop(columns="path").reset_index(drop=True)
    segments[["clip", "condition", "line"]] = pd.DataFrame(rows, columns=["clip", "condition", "line"])
    return TrainingSet(segments, np.concatenate([vectors for *_, vectors in copies]))


def _describe_stretches(
    stretches: pd.DataFrame, lengths: tuple[float, float], entry: dict[str, str | int]
) -> list[Described]:
    """Describe stretches of one recording, which are speech from their start to their end."""
    feature_set = FEATURE_SETS[str(entry["name"])]
    path = stretches["path"].iloc[0]
    described = []
    for row, samples in zip(stretches.itertuples(), hear_stretches(path, stretches), strict=True):
        levels = frame_levels(samples)
        whole = np.array([[0, len(levels)]])
        frames = cut_spans(whole, levels, shortest=lengths[0], longest=lengths[1])
        bounds = (frames * FRAME * SAMPLE_RATE).round().astype(int)
        copies = []
        for copy in _copies(samples, f"{path.stem} {row.start}", str(row.speaker)):
            pieces = (feature_set.frames(copy.samples[start:end]) for start, end in bounds)
            copies.append((copy.condition, copy.line, feature_set.summaries(pieces)))
        described.append(copies)
    return described


def _describe(
    path: str,
    size: int,
    speaker: str,
    lengths: tuple[float, float],
    entry: dict[str, str | int],
    *,
    speeds: tuple[float, ...],
) -> list[tuple[str, str, np.ndarray]]:
    """Compute the features of a clip's segments [shape=(segments, features)] in each copy of it.

    They are kept by all arguments, the size of the file and the versions in `entry` among them.
    """
    samples, clip = decode(path).samples[0], Path(path).stem
    own = _copies(samples, clip, speaker)
    others = (_other_voice(samples, clip, speaker, speed) for speed in speeds)
    return [
        (copy.condition, copy.line, describe_speech(copy.samples, copy.segmentation, lengths, entry))
        for copy in chain(own, *others)
    ]


def describe_speech(
    samples: np.ndarray,
    segmentation: Segmentation,
    lengths: tuple[float, float],
    entry: dict[str, str | int],
) -> np.ndarray:
    """Describe the segments of a clip.

    Parameters
    ----------
    samples : np.ndarray [shape=(n,), dtype=int16]
        At `SAMPLE_RATE`.
    segmentation : Segmentation
    lengths : tuple of float
        The shortest and the longest segment [seconds].
    entry : dict
        As of ``FeatureSet.as_entry``.

    Returns
    -------
    np.ndarray [shape=(segments, features), dtype=float32]
    """
    segments = find_segments(samples, segmentation, shortest=lengths[0], longest=lengths[1])
    bounds = (segments.to_numpy() * SAMPLE_RATE).round().astype(int)
    feature_set = FEATURE_SETS[str(entry["name"])]
    return feature_set.summaries(feature_set.frames(samples[start:end]) for start, end in bounds)


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
        line = f"line {copy} {generator.integers(_LINES_OF_A_KIND)}"
        sent = RandomLine.draw(_seeded(f"{speaker} {line}")).send(samples, generator)
        yield _Copy("line", line, sent, Segmentation(speech_pad=generator.uniform(0, 0.5)))


def _other_voice(samples: np.ndarray, clip: str, speaker: str, speed: float) -> Iterator[_Copy]:
    """Make copies of a clip played at another speed, which nobody else in the corpora sounds like.

    Their lines have names of their own, so that a baseline is never taken from both voices.
    """
    generator = _seeded(f"{clip} at {speed}")
    played = at_speed(samples, speed)
    line = f"line {generator.integers(_LINES_OF_A_KIND)} at {speed}"
    sent = RandomLine.draw(_seeded(f"{speaker} {line}")).send(played, generator)
    yield _Copy(OTHER_VOICE, f"clean at {speed}", played, Segmentation())
    yield _Copy(OTHER_VOICE, f"phone at {speed}", phone_channel(played), Segmentation())
    yield _Copy(OTHER_VOICE, line, sent, Segmentation(speech_pad=generator.uniform(0, 0.5)))


def _seeded(text: str) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(text.encode()))


def _calibration(
    training: TrainingSet, recipe: ModelRecipe, corpora_folder: Path
) -> tuple[tuple[float, float], float]:
    """Fit the temperatures, and the confidence under which the answer is "uncertain"."""
    if not recipe.folds:
        return NOT_CALIBRATED
    labels = training.labels()
    if recipe.calibrated_on:
        return calibrate([_judged_in_simulated_calls(training, recipe, corpora_folder)], labels)
    own_voice = (training.segments["condition"] != OTHER_VOICE).to_numpy()
    speakers = training.speakers()
    folds = GroupKFold(min(recipe.folds, len(np.unique(speakers)))).split(speakers, groups=speakers)
    judged = []
    for _, rows in folds:
        unheard = np.isin(np.arange(len(speakers)), rows)
        estimator = recipe.fit(training.where(~unheard))
        judged.append(in_calls(estimator, training.where(unheard & own_voice), labels))
    return calibrate(judged, labels)


def _judged_in_simulated_calls(training: TrainingSet, recipe: ModelRecipe, corpora_folder: Path) -> Judged:
    """Let a model that heard all others judge calls of those that the recipe names for it."""
    heard = training.where(~np.isin(training.speakers(), [*recipe.calibrated_on]))
    card = new_card(recipe, training, NOT_CALIBRATED, protocol="", scores=())
    clips = load_clips(recipe, recipe.corpora, corpora_folder)
    return in_simulated_calls(
        Model(card, recipe.fit(heard)),
        clips[clips["speaker"].isin(recipe.calibrated_on)],
        Surroundings.load(corpora_folder),
    )


def with_other_clips(estimator: Estimator, data: TrainingSet) -> np.ndarray:
    """Predict each segment with all segments that its speaker has on the same line.

    Parameters
    ----------
    estimator : Estimator
    data : TrainingSet
        Of speakers that it was not trained on.

    Returns
    -------
    np.ndarray [shape=(segments, classes)]
    """
    calls = [*data.segments.groupby(["speaker", "line"]).indices.values()]
    told = [estimator.predict_proba(data.features[rows]) for rows in calls]
    return np.concatenate(told)[np.argsort(np.concatenate(calls))]


def alone(estimator: Estimator, data: TrainingSet) -> np.ndarray:
    """Predict each segment as if nothing else of its speaker was heard.

    Parameters
    ----------
    estimator : Estimator
    data : TrainingSet
        Of speakers that it was not trained on.

    Returns
    -------
    np.ndarray [shape=(segments, classes)]
    """
    return np.concatenate([estimator.predict_proba(vector[None]) for vector in data.features])


def _corpora_of(training: TrainingSet) -> tuple[dict[str, object], ...]:
    known = {name: (corpus.title, corpus.licence) for name, corpus in CORPORA.items()}
    known[corrections.NAME] = corrections.TITLE, corrections.LICENCE
    known[OWN] = OWN_TITLE, OWN_LICENCE
    return tuple(
        {
            "name": name,
            "title": known[name][0],
            "licence": known[name][1],
            "speakers": int(part["speaker"].nunique()),
            "segments": len(part),
        }
        for name, part in training.segments.groupby("corpus", sort=False)
    )


def _protocol(recipe: ModelRecipe, test: TrainingSet, *, baselined: bool) -> str:
    unseen = f" All of {' and '.join(recipe.unseen)} was never trained on." if recipe.unseen else ""
    others = len(recipe.calibrated_on)
    on_calls = f" How sure it is was fitted over simulated calls of {others} others." if others else ""
    return (
        f"Speaker-independent, per segment: tested on {len(np.unique(test.speakers()))} speakers, among them "
        f"{recipe.held_out_words}; nobody of them was trained or calibrated on.{unseen}{on_calls} "
        "Clean is as recorded; phone is 300 to 3400 Hz, 8 kHz, 8-bit µ-law; line is drawn at random: a room, "
        "noise 5 to 40 dB below the speech, band, gain up to clipping, one of four codings, width of the "
        "segments. "
        f"{_ON_BASELINES if baselined else ''}{recipe.selection}"
    )


@dataclass(frozen=True, eq=False)
class _Calibrated:
    """An estimator with its calibration."""

    estimator: Estimator
    labels: tuple[str, ...]
    temperatures: tuple[float, float]

    def predict_proba(self, values: np.ndarray) -> np.ndarray:
        return calibrated_call(self.estimator.predict_proba(values), self.labels, self.temperatures)


def told_of_segments(
    estimator: Estimator, test: TrainingSet, labels: tuple[str, ...], temperatures: tuple[float, float]
) -> dict[str, np.ndarray]:
    """Predict segments as they are served, without a baseline and, where one is taken, with one.

    Parameters
    ----------
    estimator : Estimator
    test : TrainingSet
        Of speakers that it was not trained on.
    labels : tuple of str
        Emotions in the order of the probabilities.
    temperatures : tuple of float
        As of ``classifier.ModelCard``.

    Returns
    -------
    dict of str to np.ndarray [shape=(segments, emotions)]
        Calibrated probabilities, by what the baseline is taken from.
    """
    served = _Calibrated(estimator, labels, temperatures)
    told = {NO_BASELINE: alone(served, test)}
    if isinstance(estimator, BaselinedClassifier):
        told[OTHER_CLIPS] = with_other_clips(served, test)
    return told


def score_rows(
    test: TrainingSet, told: Mapping[str, np.ndarray], labels: tuple[str, ...], uncertain_below: float
) -> tuple[dict[str, object], ...]:
    """Score predictions per corpus and condition, as a model's card has it.

    Parameters
    ----------
    test : TrainingSet
    told : mapping of str to np.ndarray
        From `told_of_segments`.
    labels : tuple of str
        Emotions in the order of the probabilities.
    uncertain_below : float
        Confidence under which the answer is "uncertain".

    Returns
    -------
    tuple of dict
        As of ``evaluate.score``.
    """
    rows = []
    for (corpus, condition), part in test.segments.groupby(["corpus", "condition"], sort=False):
        for baseline, probabilities in told.items():
            figures = score(
                part["emotion"].to_numpy(str),
                probabilities[part.index],
                labels,
                speakers=part["speaker"].to_numpy(str),
                uncertain_below=uncertain_below,
            )
            rows.append({"corpus": corpus, "condition": condition, "baseline": baseline, **figures})
    return tuple(rows)
