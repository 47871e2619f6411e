"""Running a recipe: every method on every case, under the published protocol and with speakers apart.

All that is fitted (scaling, oversampling, the search of parameters) is fitted on the training clips of each
split alone, because it stands inside the estimator. Taking features against the speaker's own statistics is
the one exception, and no leak of labels: it uses clips of the speaker that is tested, without their emotions.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    confusion_matrix,
    f1_score,
    precision_recall_fscore_support,
    roc_auc_score,
)

from helpers.training.corpora import load_corpora
from helpers.training.evaluate import speaker_interval, unweighted_average_recall
from helpers.training.figures import write_figures
from helpers.training.protocols import LeakyRandom, Protocol, Split, checked_splits, is_leaky
from helpers.training.recipes import ACCURACY, MACRO_F1, Case, Method, Recipe, clips_of
from helpers.training.results import recipe_page
from helpers.training.study import describe_clips

METRICS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    ACCURACY: lambda true, predicted: float(accuracy_score(true, predicted)),
    MACRO_F1: lambda true, predicted: float(f1_score(true, predicted, average="macro", zero_division=0)),
    "uar": unweighted_average_recall,
}

_DRAWS = 5
_SHOWN_IMPORTANCES = 15

Progress = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Run:
    """A method on a case under a protocol.

    Attributes
    ----------
    case, method, protocol : str
        Names.
    leaky : bool
        Whether speakers are on both sides.
    metric : str
    published : float or None
        Under this protocol.
    target : float or None
        What our method must reach here.
    scores : dict of str to list of float
        Per metric, one per split.
    predictions : pd.DataFrame
        A row per tested clip: split, corpus, speaker, clip, emotion, predicted, and a column per emotion with
        its probability, or its distance from the margin.
    parameters : list of dict
        What a search of parameters found, per split.
    importances : dict of str to float
        Of the features that count most, mean over the splits; empty where the estimator has none.
    """

    case: str
    method: str
    protocol: str
    leaky: bool
    metric: str
    published: float | None
    target: float | None
    scores: dict[str, list[float]]
    predictions: pd.DataFrame
    parameters: list[dict[str, Any]]
    importances: dict[str, float]

    @property
    def mean(self) -> float:
        """Mean of the recipe's metric over the splits."""
        return float(np.mean(self.scores[self.metric]))


def reproduce(
    recipe: Recipe, corpora_folder: Path, cache: Path, *, progress: Progress, jobs: int = -1
) -> list[Run]:
    """Run a recipe.

    Parameters
    ----------
    recipe : Recipe
    corpora_folder : Path
        Holding a folder per corpus.
    cache : Path
        Folder in which features are kept.
    progress : callable
        Called with a line before each run.
    jobs : int
        Processes that compute features.

    Returns
    -------
    list of Run

    Raises
    ------
    CorpusError
        A corpus is missing, or a protocol does not hold what its name says.
    """
    clips = load_corpora(recipe.corpora, corpora_folder)
    described = {
        feature_set: describe_clips(clips["path"], feature_set, cache, jobs=jobs)
        for feature_set in dict.fromkeys(method.feature_set for method in recipe.methods)
    }
    runs = []
    for case in recipe.cases:
        for method in recipe.methods:
            values = described[method.feature_set]
            if method.by_speaker:
                taken = against_speaker(values.to_numpy(), clips["speaker"].to_numpy())
                values = pd.DataFrame(taken, columns=values.columns)
            for protocol in (recipe.leaky, recipe.apart):
                progress(f"{case.name}: {method.name}, {protocol.name}")
                runs.append(run(case, method, protocol, clips, values, metric=recipe.metric))
    return runs


def run(
    case: Case, method: Method, protocol: Protocol, clips: pd.DataFrame, values: pd.DataFrame, *, metric: str
) -> Run:
    """Run one method on one case under one protocol.

    Parameters
    ----------
    case : Case
    method : Method
    protocol : Protocol
    clips : pd.DataFrame
        From ``corpora.load_corpora``.
    values : pd.DataFrame [shape=(clips, features)]
    metric : str
        Of the recipe.

    Returns
    -------
    Run
    """
    leaky = is_leaky(protocol)
    limit = (case.repetitions or method.repetitions) if leaky else None
    matrix, emotions = values.to_numpy(), clips["emotion"].to_numpy()
    tables, parameters, importances = [], [], []
    for number, (training, test) in enumerate(islice(_splits(case, method, protocol, clips), limit)):
        estimator = method.make()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            estimator.fit(matrix[training], emotions[training])
        tested = clips.iloc[test][["corpus", "speaker", "emotion"]]
        names = clips["path"].iloc[test].map(lambda path: path.stem)
        told = tested.assign(split=number, clip=names, predicted=estimator.predict(matrix[test]))
        tables.append(told.join(_class_scores(estimator, matrix[test], tested.index)))
        parameters.append(getattr(estimator, "best_params_", {}))
        importances.append(getattr(estimator, "feature_importances_", None))
    predictions = pd.concat(tables, ignore_index=True)
    return Run(
        case=case.name,
        method=method.name,
        protocol=protocol.name if not limit else f"{protocol.name} (the first {limit})",
        leaky=leaky,
        metric=metric,
        published=(method.published if leaky else method.published_apart).get(case.name),
        target=(case.target if leaky else case.held_out_target) if method.name.startswith("ours") else None,
        scores={name: _per_split(predictions, score) for name, score in METRICS.items()},
        predictions=predictions,
        parameters=[found for found in parameters if found],
        importances=_most_important(importances, list(values.columns)),
    )


def against_speaker(values: np.ndarray, speakers: np.ndarray) -> np.ndarray:
    """Take features against the mean and deviation of their speaker's clips.

    Parameters
    ----------
    values : np.ndarray [shape=(clips, features)]
    speakers : np.ndarray [shape=(clips,)]

    Returns
    -------
    np.ndarray [shape=(clips, features)]
    """
    taken = np.empty_like(values)
    for speaker in np.unique(speakers):
        own = speakers == speaker
        taken[own] = (values[own] - values[own].mean(axis=0)) / (values[own].std(axis=0) + 1e-6)
    return taken


def as_object(recipe: Recipe, runs: list[Run]) -> dict[str, Any]:
    """Turn the runs of a recipe into what JSON can hold.

    Parameters
    ----------
    recipe : Recipe
    runs : list of Run

    Returns
    -------
    dict
    """
    return {
        "recipe": recipe.name,
        "title": recipe.title,
        "source": recipe.source,
        "corpora": list(recipe.corpora),
        "metric": recipe.metric,
        "runs": [_run_object(each) for each in runs],
    }


def write_report(report: dict[str, Any], runs: list[Run], folder: Path) -> None:
    """Write the metrics as JSON, all predictions as Parquet, figures, and a page of Markdown.

    Parameters
    ----------
    report : dict
        From `as_object`.
    runs : list of Run
        The same.
    folder : Path
        Made if it is not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(report, indent=1, ensure_ascii=False)
    (folder / "metrics.json").write_text(text + "\n", encoding="utf-8")
    columns = ["case", "method", "protocol"]
    tables = [each.predictions.assign(**{name: getattr(each, name) for name in columns}) for each in runs]
    table = pd.concat(tables, ignore_index=True)
    texts = table.select_dtypes(exclude="number").columns
    table.astype(dict.fromkeys(texts, "category")).to_parquet(folder / "predictions.parquet", index=False)
    write_figures(report, table, folder)
    (folder / "README.md").write_text(recipe_page(report), encoding="utf-8")


def _splits(case: Case, method: Method, protocol: Protocol, clips: pd.DataFrame) -> Iterator[Split]:
    """Yield row numbers of `clips`; a case of few clips draws them anew for each repetition."""
    pool = clips_of(replace(case, sex="") if method.both_sexes else case, clips)
    right_sex = np.ones(len(clips), bool) if not case.sex else (clips["sex"] == case.sex).to_numpy()
    if case.clips_per_emotion is None:
        draws, each = [pool], protocol
    else:
        repetitions = protocol.repetitions if isinstance(protocol, LeakyRandom) else _DRAWS
        draws = [
            pool.groupby("emotion").sample(case.clips_per_emotion, random_state=seed)
            for seed in range(repetitions)
        ]
        each = replace(protocol, repetitions=1) if isinstance(protocol, LeakyRandom) else protocol
    for drawn in draws:
        rows = drawn.index.to_numpy()
        for training, test in checked_splits(each, drawn):
            asked = rows[test][right_sex[rows[test]]]
            if len(asked):
                yield rows[training], asked


def _class_scores(estimator: Any, values: np.ndarray, index: pd.Index) -> pd.DataFrame:
    """Score the emotions of each clip, in [0, 1] where the estimator has probabilities."""
    if hasattr(estimator, "predict_proba"):
        scores = estimator.predict_proba(values)
    elif hasattr(estimator, "decision_function"):
        scores = estimator.decision_function(values)
        scores = np.stack([-scores, scores], axis=1) if scores.ndim == 1 else scores
    else:
        return pd.DataFrame(index=index)
    return pd.DataFrame(scores.round(3).astype(np.float32), index=index, columns=estimator.classes_)


def _most_important(importances: list[Any], names: list[str]) -> dict[str, float]:
    if not importances or importances[0] is None:
        return {}
    mean = pd.Series(np.mean(importances, axis=0), index=names)
    return {str(name): round(float(share), 5) for name, share in mean.nlargest(_SHOWN_IMPORTANCES).items()}


def _ranking(predictions: pd.DataFrame, emotion: str) -> dict[str, float]:
    """Say how well an emotion's score ranks the clips: area under the ROC curve, and average precision."""
    if emotion not in predictions or predictions[emotion].isna().any():
        return {}
    is_true = predictions["emotion"] == emotion
    scores = predictions[emotion].to_numpy()
    return {
        "roc_auc": round(float(roc_auc_score(is_true, scores)), 4),
        "average_precision": round(float(average_precision_score(is_true, scores)), 4),
    }


def _per_split(predictions: pd.DataFrame, score: Callable[[np.ndarray, np.ndarray], float]) -> list[float]:
    return [
        round(score(part["emotion"].to_numpy(), part["predicted"].to_numpy()), 4)
        for _, part in predictions.groupby("split")
    ]


def _run_object(run: Run) -> dict[str, Any]:
    true, predicted = run.predictions["emotion"].to_numpy(), run.predictions["predicted"].to_numpy()
    emotions = sorted(set(true))
    precision, recall, f1, count = precision_recall_fscore_support(
        true, predicted, labels=emotions, zero_division=0
    )
    described = {
        **{"case": run.case, "method": run.method, "protocol": run.protocol, "leaky": run.leaky},
        **{"published": run.published, "target": run.target, "splits": len(run.scores[run.metric])},
        "mean": {name: round(float(np.mean(values)), 4) for name, values in run.scores.items()},
        "deviation": {name: round(float(np.std(values)), 4) for name, values in run.scores.items()},
        "scores": run.scores,
        "classes": {
            emotion: {
                "precision": round(float(precision[row]), 4),
                "recall": round(float(recall[row]), 4),
                "f1": round(float(f1[row]), 4),
                "clips": int(count[row]),
                **_ranking(run.predictions, emotion),
            }
            for row, emotion in enumerate(emotions)
        },
        "confusion": confusion_matrix(true, predicted, labels=emotions).tolist(),
        "parameters": run.parameters,
        "importances": run.importances,
    }
    if not run.leaky:
        interval = speaker_interval(true, predicted, run.predictions["speaker"].to_numpy())
        described["uar_interval"] = [round(bound, 4) for bound in interval]
    return described
