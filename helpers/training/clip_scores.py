"""Single clips, told by models that never heard their speakers: the protocol that the literature scores by.

Whole calls (``call_scores``) are what the models are made for; clips are what others publish figures of. So
beside the baseline of the app there is one that only clips offer: the mean and deviation of a speaker's
clips, whose emotions are as evenly mixed as those of the speakers who were trained on. And where a corpus is
small, its clips are also told as a whole, by what a network that tells speakers apart hears in them.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Memory, Parallel, delayed

from helpers.classifier import NO_BASELINE, OTHER_CLIPS
from helpers.embeddings import embeddings
from helpers.features import kept_frames
from helpers.media import decode
from helpers.training.augment import phone_channel
from helpers.training.evaluate import expected_calibration_error, speaker_interval, unweighted_average_recall
from helpers.training.fitting import TrainingSet, speakers_on_lines
from helpers.training.models import (
    MODELS,
    ModelRecipe,
    alone,
    extract,
    load_clips,
    training_set,
    with_other_clips,
)
from helpers.training.protocols import LeaveOneOut, Protocol, SpeakerFolds
from helpers.training.recipes import make_ours
from helpers.training.study import against_speaker

BY_STATISTICS = "the speaker's mean and deviation"
WHOLE = "none, the whole clip"
WHOLE_BY_STATISTICS = f"{BY_STATISTICS}, the whole clip"

_SIX = ("angry", "disgust", "fearful", "happy", "neutral", "sad")
_EIGHT = ("calm", *_SIX, "surprised")
_FOUR = ("angry", "happy", "neutral", "sad")
_STUDIED = ("clean", "phone")
_COMPARED = {BY_STATISTICS: OTHER_CLIPS, WHOLE: NO_BASELINE, WHOLE_BY_STATISTICS: OTHER_CLIPS}
_BORED = ("angry", "bored", "disgust", "fearful", "happy", "neutral", "sad")


@dataclass(frozen=True)
class ClipBenchmark:
    """Emotions of a corpus, to be told by the method of our models.

    Attributes
    ----------
    name : str
    corpus : str
        Key of ``corpora.CORPORA``.
    emotions : tuple of str
    protocol : Protocol
        How speakers are parted.
    targets : dict of (str, str) to float
        What we set out to reach, by condition and baseline: unweighted average recall. Those of `OTHER_CLIPS`
        are for `BY_STATISTICS`, too, and both also for the whole clip.
    whole : bool
        Whether clips are also told as a whole.
    """

    name: str
    corpus: str
    emotions: tuple[str, ...]
    protocol: Protocol
    targets: dict[tuple[str, str], float]
    whole: bool = False


BENCHMARKS = {
    benchmark.name: benchmark
    for benchmark in (
        ClipBenchmark(
            "crema-d-six",
            "crema-d",
            _SIX,
            SpeakerFolds(5),
            {
                ("clean", NO_BASELINE): 0.56,
                ("phone", NO_BASELINE): 0.53,
                ("clean", OTHER_CLIPS): 0.65,
                ("phone", OTHER_CLIPS): 0.62,
            },
        ),
        ClipBenchmark(
            "crema-d-four",
            "crema-d",
            _FOUR,
            SpeakerFolds(5),
            {("clean", OTHER_CLIPS): 0.80, ("phone", OTHER_CLIPS): 0.78},
        ),
        ClipBenchmark(
            "ravdess-eight",
            "ravdess",
            _EIGHT,
            SpeakerFolds(6),
            {("clean", NO_BASELINE): 0.62, ("clean", OTHER_CLIPS): 0.72},
            whole=True,
        ),
        ClipBenchmark(
            "emodb-seven",
            "emodb",
            _BORED,
            LeaveOneOut("speaker"),
            {("clean", OTHER_CLIPS): 0.86},
            whole=True,
        ),
    )
}


@dataclass(frozen=True)
class ClipScore:
    """How well clips are told under one condition.

    Attributes
    ----------
    condition, baseline : str
        As of a model's card.
    protocol : str
        Its name.
    clips, speakers : int
    uar : float
        Unweighted average recall.
    ece : float or None
        Expected calibration error, of what gives probabilities.
    uar_interval : list of float
        95 % over speakers.
    target : float or None
    """

    condition: str
    baseline: str
    protocol: str
    clips: int
    speakers: int
    uar: float
    uar_interval: list[float]
    ece: float | None
    target: float | None


def score_clips(
    benchmark: ClipBenchmark, corpora_folder: Path, cache: Path, *, jobs: int = -1
) -> list[ClipScore]:
    """Tell every clip of a corpus by models that did not hear its speaker.

    Parameters
    ----------
    benchmark : ClipBenchmark
    corpora_folder : Path
        Holding a folder per corpus.
    cache : Path
        Folder in which the features of clips are kept.
    jobs : int
        Processes.

    Returns
    -------
    list of ClipScore
        A clip has the mean probabilities of its segments.

    Raises
    ------
    CorpusError
        The corpus is missing.
    """
    recipe = replace(
        MODELS["calls-research"],
        corpora=(benchmark.corpus,),
        emotions={name: name for name in benchmark.emotions},
    )
    clips = load_clips(recipe, recipe.corpora, corpora_folder)
    data = extract(clips, recipe, cache)
    parts = Parallel(jobs)(delayed(_told)(recipe, *split) for split in _splits(benchmark, data))
    if benchmark.whole:
        parts.append(tell_whole(benchmark, clips, cache, jobs=jobs))
    return scores_of(benchmark, pd.concat(parts, ignore_index=True))


def tell_whole(benchmark: ClipBenchmark, clips: pd.DataFrame, cache: Path, *, jobs: int = -1) -> pd.DataFrame:
    """Tell whole clips by a support vector machine that learned from clean and phone copies.

    Parameters
    ----------
    benchmark : ClipBenchmark
    clips : pd.DataFrame
        With the columns of ``corpora.COLUMNS``.
    cache : Path
        Folder in which the features of clips are kept.
    jobs : int
        Processes.

    Returns
    -------
    pd.DataFrame
        A row per clip, condition and baseline, with the margin of each emotion.
    """
    describe = Memory(cache, verbose=0).cache(_describe_whole)
    described = Parallel(batch_size=16)(
        delayed(describe)(str(path), path.stat().st_size) for path in clips["path"]
    )
    whole = training_set(clips, described)
    parts = Parallel(jobs)(delayed(_told_whole)(*split) for split in _splits(benchmark, whole))
    return pd.concat(parts, ignore_index=True)


def scores_of(benchmark: ClipBenchmark, told: pd.DataFrame) -> list[ClipScore]:
    """Score what was told of clips, by condition and baseline.

    Parameters
    ----------
    benchmark : ClipBenchmark
    told : pd.DataFrame
        A row per clip, condition and baseline: speaker, true emotion, and a column per emotion told.

    Returns
    -------
    list of ClipScore
    """
    return [
        _score(part, str(condition), str(baseline), benchmark)
        for (condition, baseline), part in told.groupby(["condition", "baseline"], sort=False)
    ]


def write_scores(benchmark: ClipBenchmark, scores: list[ClipScore], folder: Path) -> Path:
    """Write the scores of a benchmark as JSON.

    Parameters
    ----------
    benchmark : ClipBenchmark
    scores : list of ClipScore
    folder : Path
        Which is made where it is missing.

    Returns
    -------
    Path
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{benchmark.name}.json"
    path.write_text(json.dumps([asdict(score) for score in scores], indent=1) + "\n", encoding="utf-8")
    return path


def read_scores(path: Path) -> list[ClipScore]:
    """Read what `write_scores` wrote.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of ClipScore
    """
    return [ClipScore(**row) for row in json.loads(path.read_text(encoding="utf-8"))]


def _splits(benchmark: ClipBenchmark, data: TrainingSet) -> list[tuple[TrainingSet, TrainingSet]]:
    """Part the speakers, for training and for test."""
    everybody = np.arange(len(data.segments))
    return [
        (data.where(np.isin(everybody, train)), data.where(np.isin(everybody, test)))
        for train, test in benchmark.protocol.splits(data.segments)
    ]


def _told(recipe: ModelRecipe, train: TrainingSet, test: TrainingSet) -> pd.DataFrame:
    """Say how far each clip, in each copy of it, is of each emotion, by baseline."""
    estimator, labels = recipe.fit(train), np.unique(train.emotions())
    tables = [
        _of_clips(test, alone(estimator, test), labels, NO_BASELINE),
        _of_clips(test, with_other_clips(estimator, test), labels, OTHER_CLIPS),
        _by_statistics(train, test),
    ]
    return pd.concat(tables, ignore_index=True)


def _by_statistics(train: TrainingSet, test: TrainingSet) -> pd.DataFrame:
    """As `_told`, by a support vector machine on clean and phone copies alone."""
    train, test = (part.where(part.segments["condition"].isin(_STUDIED).to_numpy()) for part in (train, test))
    machine = make_ours().fit(_against_speaker(train), train.emotions())
    margins = machine.decision_function(_against_speaker(test))
    return _of_clips(test, margins, machine.classes_, BY_STATISTICS)


def _describe_whole(path: str, size: int) -> list[tuple[str, str, np.ndarray]]:
    """Describe a clip as recorded and over the phone [shape=(1, features)].

    It is kept by all arguments, the size of the file among them.
    """
    clean = decode(path).samples[0]
    copies = zip(_STUDIED, (clean, phone_channel(clean)), strict=True)
    return [(condition, condition, embeddings([kept_frames(sent)])) for condition, sent in copies]


def _told_whole(train: TrainingSet, test: TrainingSet) -> pd.DataFrame:
    """As `_told`, of whole clips."""
    values = {
        WHOLE: (train.features, test.features),
        WHOLE_BY_STATISTICS: (_against_speaker(train), _against_speaker(test)),
    }
    tables = []
    for baseline, (known, unknown) in values.items():
        machine = make_ours().fit(known, train.emotions())
        tables.append(_of_clips(test, machine.decision_function(unknown), machine.classes_, baseline))
    return pd.concat(tables, ignore_index=True)


def _against_speaker(data: TrainingSet) -> np.ndarray:
    return against_speaker(data.features, speakers_on_lines(data.segments))


def _of_clips(test: TrainingSet, told: np.ndarray, labels: np.ndarray, baseline: str) -> pd.DataFrame:
    """Average what was told of the segments of each clip."""
    named = test.segments[["clip", "condition", "line", "speaker", "emotion"]]
    joined = pd.concat([named, pd.DataFrame(told, columns=labels)], axis=1)
    return joined.groupby([*named.columns], sort=False, as_index=False).mean().assign(baseline=baseline)


def _score(part: pd.DataFrame, condition: str, baseline: str, benchmark: ClipBenchmark) -> ClipScore:
    classes = sorted(benchmark.emotions)
    labels, told = part["emotion"].to_numpy(str), part[classes].to_numpy()
    predicted = np.array(classes)[told.argmax(axis=1)]
    speakers = part["speaker"].to_numpy(str)
    interval = speaker_interval(labels, predicted, speakers)
    return ClipScore(
        condition=condition,
        baseline=baseline,
        protocol=benchmark.protocol.name,
        clips=len(part),
        speakers=len(np.unique(speakers)),
        uar=round(unweighted_average_recall(labels, predicted), 4),
        uar_interval=[round(float(bound), 4) for bound in interval],
        ece=None if baseline in _COMPARED else round(expected_calibration_error(labels, told, classes), 4),
        target=benchmark.targets.get((condition, _COMPARED.get(baseline, baseline))),
    )
