"""The reports that the pages of the lab show: made once, committed, and never made while somebody looks.

They hold what models answered for speakers held out, how much a leaky protocol flatters, what the corpora are
like, and what more speakers bring. Nothing in them gives a recording back: a few figures per clip, and
spectrograms that are averaged over speakers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Memory, Parallel, delayed
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from helpers.classifier import Model, load_model, model_names
from helpers.feature_sets import ACOUSTIC
from helpers.features import ACTIVE_RANGE, LEVEL, MEL, N_MELS, SegmentFrames, feature_names, functionals
from helpers.lab.reports import (
    AGAINST_SPEAKER,
    AS_MEASURED,
    FEATURES,
    LEAKS,
    LEARNING,
    MELS,
    PROJECTIONS,
    QUANTUM,
    STUDIED,
    predictions_path,
    segments_heard,
)
from helpers.media import decode
from helpers.speech import Segmentation
from helpers.training.augment import CODECS, RandomLine, coded, phone_channel, to_int16
from helpers.training.corpora import CORPORA, load_corpora
from helpers.training.evaluate import unweighted_average_recall
from helpers.training.fitting import TrainingSet
from helpers.training.models import (
    MODELS,
    ModelRecipe,
    describe_speech,
    held_out_speakers,
    load_clips,
    told_of_segments,
    training_set,
)
from helpers.training.protocols import LeakyFolds, SpeakerFolds, checked_splits
from helpers.training.recipes import make_ours
from helpers.training.study import against_speaker

STEPS = 40  # of an average spectrogram, from the first loud frame to the last
RANGE = 60.0  # dB, below the maximum of a clip

_NOISES = (20, 10, 0)  # dB
_SEGMENTS_HEARD = (2, 5, 10, 20)
_MOST_CLIPS = 1500  # that a leaky protocol is tried on
_MOST_HEARD = 1000  # of a corpus, whose features are computed
_MOST_SHOWN = 400  # of a corpus in a projection
_COMPONENTS = 30
_DRAWS = 3
_CURVES = {"crema-d": (2, 5, 10, 20, 40, 60), "ravdess": (2, 4, 8, 16)}
_CODED = dict(zip(("A-law", "AMR", "Opus"), CODECS[1:], strict=True))  # µ-law is that of "phone"

Progress = Callable[[str], None]


def write_lab(corpora_folder: Path, cache: Path, folder: Path, *, progress: Progress) -> None:
    """Make all reports of the lab.

    Parameters
    ----------
    corpora_folder : Path
        Holding a folder per corpus.
    cache : Path
        Folder in which what was heard in clips is kept.
    folder : Path
        For the reports; made if it is not there.
    progress : callable
        Called with a line before each part.

    Raises
    ------
    CorpusError
        A corpus is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    served = [name for name in model_names() if name in MODELS]
    for name in served:
        progress(f"predictions of {name}")
        told = predictions(load_model(name), MODELS[name], corpora_folder, cache)
        _write(told, predictions_path(name, folder))
    progress("all clips")
    every = load_corpora(CORPORA, corpora_folder)
    drawn = every.sample(frac=1, random_state=0).groupby("corpus").head(_MOST_HEARD).sort_index()
    hear = Memory(cache, verbose=0).cache(_hear)
    heard = Parallel(batch_size=32)(delayed(hear)(str(path), path.stat().st_size) for path in drawn["path"])
    values, mels = (np.array(part) for part in zip(*heard, strict=True))
    _write(_studied(every, drawn.index, values), folder / STUDIED)
    clips = drawn.reset_index(drop=True)
    _write(average_spectrograms(clips, mels), folder / MELS)
    progress("projections")
    _write(projections(clips, values), folder / PROJECTIONS)
    progress("learning curves")
    learning_curves(clips, values).to_csv(folder / LEARNING, index=False)
    progress("leaks")
    _write(pd.concat(leaks(MODELS[name], clips, values) for name in served), folder / LEAKS)


def predictions(model: Model, recipe: ModelRecipe, corpora_folder: Path, cache: Path) -> pd.DataFrame:
    """Ask a model about the speakers held out, over several lines, with more or less heard of them.

    Parameters
    ----------
    model : Model
    recipe : ModelRecipe
        That it was made by.
    corpora_folder, cache : Path
        As of `write_lab`.

    Returns
    -------
    pd.DataFrame
        A row per segment, condition and baseline: corpus, speaker, sex, age, emotion, clip, and a column per
        label with its probability, in units of `QUANTUM`.
    """
    clips = load_clips(recipe, (*recipe.corpora, *recipe.unseen), corpora_folder)
    tested = clips["speaker"].isin(held_out_speakers(recipe, clips)) | clips["corpus"].isin(recipe.unseen)
    clips = clips[tested]
    entry, lengths = recipe.feature_set.as_entry(), (recipe.shortest, recipe.longest)
    describe = Memory(cache, verbose=0).cache(_over_lines)
    described = Parallel(batch_size=8)(
        delayed(describe)(str(path), path.stat().st_size, lengths, entry) for path in clips["path"]
    )
    data = training_set(clips, described)
    labels = list(model.card.labels)
    tables = []
    for baseline, rows, probabilities in _asked(model, data):
        named = data.segments.iloc[rows][["corpus", "speaker", "sex", "age", "emotion", "clip", "condition"]]
        quantised = pd.DataFrame((probabilities / QUANTUM).round().astype(np.uint16), named.index, labels)
        tables.append(named.assign(baseline=baseline).join(quantised))
    told = pd.concat(tables, ignore_index=True)
    return told.assign(age=told["age"].fillna(0).astype(np.uint8), clip=told["clip"].astype(np.uint16))


def leaks(recipe: ModelRecipe, clips: pd.DataFrame, values: np.ndarray) -> pd.DataFrame:
    """Tell a model's emotions apart by one method under a leaky protocol, and with speakers apart.

    Parameters
    ----------
    recipe : ModelRecipe
        Whose corpora and emotions are taken.
    clips : pd.DataFrame
        From ``corpora.load_corpora``.
    values : np.ndarray [shape=(clips, features)]

    Returns
    -------
    pd.DataFrame
        A row per clip and protocol: model, protocol, corpus, speaker, emotion, predicted.
    """
    emotions = clips["emotion"].map(dict(recipe.emotions)).where(clips["corpus"].isin(recipe.corpora))
    chosen = clips.assign(emotion=emotions).dropna(subset="emotion")
    chosen = chosen.sample(min(len(chosen), _MOST_CLIPS), random_state=0)
    matrix, labels = values[chosen.index], chosen["emotion"].to_numpy(str)
    tables = []
    for protocol in (LeakyFolds(5), SpeakerFolds(5)):
        for training, test in checked_splits(protocol, chosen):
            predicted = make_ours().fit(matrix[training], labels[training]).predict(matrix[test])
            tested = chosen.iloc[test][["corpus", "speaker", "emotion"]]
            tables.append(tested.assign(model=recipe.name, protocol=protocol.name, predicted=predicted))
    return pd.concat(tables, ignore_index=True)


def average_spectrograms(clips: pd.DataFrame, mels: np.ndarray) -> pd.DataFrame:
    """Average the spectrograms of an emotion over the clips of a speaker, then over the speakers.

    Parameters
    ----------
    clips : pd.DataFrame
        From ``corpora.load_corpora``.
    mels : np.ndarray [shape=(clips, N_MELS, STEPS)]
        Relative to the maximum of each clip [dB].

    Returns
    -------
    pd.DataFrame
        A row per corpus, emotion, band and step, with its level [dB].
    """
    tables = []
    for (corpus, emotion), part in clips.groupby(["corpus", "emotion"]):
        speakers = [mels[rows.index].mean(axis=0) for _, rows in part.groupby("speaker")]
        band, step = np.indices((N_MELS, STEPS), np.uint8)
        level = np.mean(speakers, axis=0).round().astype(np.int8)
        cells = {"band": band.ravel(), "step": step.ravel(), "level": level.ravel()}
        tables.append(pd.DataFrame(cells).assign(corpus=corpus, emotion=emotion))
    return pd.concat(tables, ignore_index=True)


def projections(clips: pd.DataFrame, values: np.ndarray) -> pd.DataFrame:
    """Show clips on planes: by principal components, and by t-SNE (van der Maaten and Hinton 2008).

    Parameters
    ----------
    clips : pd.DataFrame
        From ``corpora.load_corpora``.
    values : np.ndarray [shape=(clips, features)]

    Returns
    -------
    pd.DataFrame
        Of some clips of each corpus: corpus, speaker, sex, emotion; features, as measured or against the
        speaker's own; method; x and y.
    """
    shown = clips.groupby("corpus").sample(frac=1, random_state=0).groupby("corpus").head(_MOST_SHOWN)
    taken = {
        AS_MEASURED: values,
        AGAINST_SPEAKER: against_speaker(values, clips["speaker"].to_numpy()),
    }
    tables = []
    for name, matrix in taken.items():
        plane = make_pipeline(StandardScaler(), PCA(_COMPONENTS, random_state=0))
        components = plane.fit_transform(matrix[shown.index])
        neighbours = TSNE(2, init="pca", random_state=0).fit_transform(components)
        for method, places in (("PCA", components[:, :2]), ("t-SNE", neighbours)):
            x, y = places.astype(np.float32).round(2).T
            named = shown[["corpus", "speaker", "sex", "emotion"]]
            tables.append(named.assign(features=name, method=method, x=x, y=y))
    return pd.concat(tables, ignore_index=True)


def learning_curves(clips: pd.DataFrame, values: np.ndarray) -> pd.DataFrame:
    """Learn from more and more speakers, and test on those held out.

    Parameters
    ----------
    clips : pd.DataFrame
        From ``corpora.load_corpora``.
    values : np.ndarray [shape=(clips, features)]

    Returns
    -------
    pd.DataFrame
        A row per corpus, number of speakers and draw, with the clips learned from and the unweighted average
        recall.
    """
    rows = []
    held_out = MODELS["emotions"].held_out
    for corpus, counts in _CURVES.items():
        part = clips[clips["corpus"] == corpus]
        test = part[part["speaker"].isin(held_out)]
        learners = part.loc[~part["speaker"].isin(held_out), "speaker"].unique()
        for count in counts:
            for draw in range(_DRAWS if count < len(learners) else 1):
                drawn = np.random.default_rng(draw).choice(learners, count, replace=False)
                training = part[part["speaker"].isin(drawn)]
                machine = make_ours().fit(values[training.index], training["emotion"].to_numpy(str))
                predicted = machine.predict(values[test.index])
                uar = round(unweighted_average_recall(test["emotion"].to_numpy(str), predicted), 4)
                rows.append((corpus, count, draw, len(training), uar))
    return pd.DataFrame(rows, columns=["corpus", "speakers", "draw", "clips", "uar"])


def _studied(clips: pd.DataFrame, heard: pd.Index, values: np.ndarray) -> pd.DataFrame:
    """Keep of each clip what the page of the corpora shows; features of those heard."""
    import soundfile

    columns = [feature_names().index(name) for name in FEATURES]
    figures = pd.DataFrame(values[:, columns].astype(np.float32).round(2), heard, [*FEATURES])
    lengths = [soundfile.info(path).duration for path in clips["path"]]
    named = clips[["corpus", "speaker", "sex", "emotion"]]
    return named.assign(duration=np.array(lengths, np.float32).round(2)).join(figures)


def _asked(model: Model, data: TrainingSet) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield baseline, rows and their probabilities."""
    told = told_of_segments(model.estimator, data, model.card.labels, model.card.temperatures)
    for baseline, probabilities in told.items():
        yield baseline, np.arange(len(data.segments)), probabilities
    if not model.takes_baseline:
        return
    clean = np.flatnonzero(data.segments["condition"] == "clean")
    speakers, generator = data.speakers(), np.random.default_rng(0)
    others = {name: clean[speakers[clean] == name] for name in np.unique(speakers)}
    for count in _SEGMENTS_HEARD:
        drawn = [[row, *generator.choice(others[speakers[row]], count - 1)] for row in clean]
        first = [model.predict(data.features[call])[0] for call in drawn]
        yield segments_heard(count), clean, np.array(first)


def _over_lines(
    path: str, size: int, lengths: tuple[float, float], entry: dict[str, str | int]
) -> list[tuple[str, str, np.ndarray]]:
    """Describe a clip's segments over each line; kept by all arguments, the size of the file among them."""
    return [
        (condition, condition, describe_speech(samples, Segmentation(), lengths, entry))
        for condition, samples in _lines(decode(path).samples[0])
    ]


def _lines(samples: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    yield "clean", samples
    yield "phone", phone_channel(samples)
    for ratio in _NOISES:
        yield f"noise {ratio} dB", RandomLine.noisy(ratio).send(samples, np.random.default_rng(len(samples)))
    for name, codec in _CODED.items():
        yield name, to_int16(coded(samples / 32768, *codec))


def _hear(path: str, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Give a clip's features, and its spectrogram at `STEPS` times [shape=(N_MELS, STEPS)]."""
    samples = decode(path).samples[0]
    frames = ACOUSTIC.frames(samples)
    loud = np.flatnonzero(frames[:, LEVEL] > frames[:, LEVEL].max() - ACTIVE_RANGE)
    mel = frames[loud[0] : loud[-1] + 1, MEL].astype(np.float32)
    mel = np.maximum(mel - np.max(mel), -RANGE)
    steps = np.linspace(0, len(mel) - 1, STEPS)
    before = steps.astype(int)
    after, share = np.minimum(before + 1, len(mel) - 1), (steps - before)[:, None]
    picture = mel[before] * (1 - share) + mel[after] * share
    return functionals(SegmentFrames.of(frames)), picture.T.astype(np.float16)


def _write(table: pd.DataFrame, path: Path) -> None:
    texts = table.select_dtypes(exclude="number").columns
    table.astype(dict.fromkeys(texts, "category")).to_parquet(path, index=False, compression="zstd")
