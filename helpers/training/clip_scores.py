"""Single clips, told by models that never heard their speakers: the protocol that the literature scores by.

Whole calls (``call_scores``) are what the models are made for; clips are what others publish figures of. So
beside the baseline of the app there is one that only clips offer: the mean and deviation of a speaker's
clips, whose emotions are as evenly mixed as those of the speakers who were trained on.
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
from helpers.training.fitting import TrainingSet, speakers_on_lines
from helpers.training.models import (
    MODELS,
    ModelRecipe,
    alone,
    extract,
    load_clips,
    with_other_clips,
)
from helpers.training.protocols import LeaveOneOut, Protocol, SpeakerFolds
from helpers.training.recipes import make_ours
from helpers.training.study import against_speaker

BY_STATISTICS = "the speaker's mean and deviation"

_SIX = ("angry", "disgust", "fearful", "happy", "neutral", "sad")
_EIGHT = ("calm", *_SIX, "surprised")
_FOUR = ("angry", "happy", "neutral", "sad")
_STUDIED = ("clean", "phone")
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
        are for `BY_STATISTICS`, too.
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
    by_margins = baseline == BY_STATISTICS
    return ClipScore(
        condition=condition,
        baseline=baseline,
        protocol=benchmark.protocol.name,
        clips=len(part),
        speakers=len(np.unique(speakers)),
        uar=round(unweighted_average_recall(labels, predicted), 4),
        uar_interval=[round(float(bound), 4) for bound in interval],
        ece=None if by_margins else round(expected_calibration_error(labels, told, classes), 4),
        target=benchmark.targets.get((condition, OTHER_CLIPS if by_margins else baseline)),
    )
