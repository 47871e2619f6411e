"""Single clips, told by models that never heard their speakers: the protocol that the literature scores by.

Whole calls (``call_scores``) are what the models are made for; clips are what others publish figures of.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from helpers.classifier import NO_BASELINE, OTHER_CLIPS
from helpers.training.evaluate import expected_calibration_error, speaker_interval, unweighted_average_recall
from helpers.training.fitting import TrainingSet
from helpers.training.models import (
    MODELS,
    ModelRecipe,
    alone,
    extract,
    load_clips,
    with_other_clips,
)
from helpers.training.protocols import LeaveOneOut, Protocol, SpeakerFolds

_SIX = ("angry", "disgust", "fearful", "happy", "neutral", "sad")
_EIGHT = ("calm", *_SIX, "surprised")
_FOUR = ("angry", "happy", "neutral", "sad")
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
        What we set out to reach, by condition and baseline: unweighted average recall.
    """

    name: str
    corpus: str
    emotions: tuple[str, ...]
    protocol: Protocol
    targets: dict[tuple[str, str], float]


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
        ),
        ClipBenchmark("emodb-seven", "emodb", _BORED, LeaveOneOut("speaker"), {("clean", OTHER_CLIPS): 0.86}),
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
    uar, ece : float
        Unweighted average recall, expected calibration error.
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
    ece: float
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
        MODELS["emotions"], corpora=(benchmark.corpus,), emotions={name: name for name in benchmark.emotions}
    )
    data = extract(load_clips(recipe, recipe.corpora, corpora_folder), recipe, cache)
    everybody = np.arange(len(data.segments))
    parts = Parallel(jobs)(
        delayed(_told)(recipe, data.where(np.isin(everybody, train)), data.where(np.isin(everybody, test)))
        for train, test in benchmark.protocol.splits(data.segments)
    )
    told = pd.concat(parts, ignore_index=True)
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


def _told(recipe: ModelRecipe, train: TrainingSet, test: TrainingSet) -> pd.DataFrame:
    """Give the probabilities of each clip in each copy of it, without and with a baseline."""
    estimator = recipe.fit(train)
    tables = []
    for baseline, predict in ((NO_BASELINE, alone), (OTHER_CLIPS, with_other_clips)):
        probabilities = pd.DataFrame(predict(estimator, test), columns=np.unique(train.emotions()))
        named = test.segments[["clip", "condition", "line", "speaker", "emotion"]]
        joined = pd.concat([named, probabilities], axis=1)
        means = joined.groupby([*named.columns], sort=False, as_index=False).mean()
        tables.append(means.assign(baseline=baseline))
    return pd.concat(tables, ignore_index=True)


def _score(part: pd.DataFrame, condition: str, baseline: str, benchmark: ClipBenchmark) -> ClipScore:
    classes = sorted(benchmark.emotions)
    labels, probabilities = part["emotion"].to_numpy(str), part[classes].to_numpy()
    predicted = np.array(classes)[probabilities.argmax(axis=1)]
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
        ece=round(expected_calibration_error(labels, probabilities, classes), 4),
        target=benchmark.targets.get((condition, baseline)),
    )
