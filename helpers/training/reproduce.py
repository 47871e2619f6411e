"""Running a recipe: every method on every case, under the published protocol and with speakers apart.

All that is fitted (scaling, oversampling, the search of parameters) is fitted on the training clips of each
split alone, because it stands inside the estimator. Taking features against the speaker's own statistics is
the one exception, and no leak of labels: it uses clips of the speaker that is tested, without their emotions.
"""

from __future__ import annotations

import json
import pickle
import re
import shutil
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice, product
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    confusion_matrix,
    f1_score,
    precision_recall_fscore_support,
    roc_auc_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from helpers.training.corpora import load_corpora
from helpers.training.evaluate import speaker_interval, unweighted_average_recall
from helpers.training.figures import write_figures
from helpers.training.protocols import LeakyRandom, Protocol, Split, checked_splits, is_leaky
from helpers.training.recipes import ACCURACY, MACRO_F1, Case, Method, Recipe, clips_of
from helpers.training.results import recipe_page
from helpers.training.study import against_speaker, describe_clips

METRICS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    ACCURACY: lambda true, predicted: float(accuracy_score(true, predicted)),
    MACRO_F1: lambda true, predicted: float(f1_score(true, predicted, average="macro", zero_division=0)),
    "uar": unweighted_average_recall,
}

_DRAWS = 5
_SHOWN_IMPORTANCES = 15
_SHOWN_CLIPS = 1000
_MOST_KINDS = 30
_KIND = re.compile(r"_\d+( .*)?$| .*$")

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
    search : list of dict
        Of a search of parameters: each setting that was tried with its mean score in the training clips.
    importances : dict of str to float
        Of the features that count most, mean over the splits; empty where the estimator has none.
    permutation : dict of str to float
        With speakers apart: by how much the accuracy falls when all features of one kind are shuffled among
        the tested clips (Breiman 2001), mean over the splits.
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
    search: list[dict[str, Any]]
    importances: dict[str, float]
    permutation: dict[str, float]

    @property
    def mean(self) -> float:
        """Mean of the recipe's metric over the splits."""
        return float(np.mean(self.scores[self.metric]))


@dataclass(frozen=True, eq=False)
class Reproduction:
    """What running a recipe gave.

    Attributes
    ----------
    recipe : Recipe
    runs : list of Run
    projection : pd.DataFrame
        Clips on the two principal components of our features: case, corpus, speaker, clip, emotion, x, y.
    """

    recipe: Recipe
    runs: list[Run]
    projection: pd.DataFrame


def reproduce(
    recipe: Recipe,
    corpora_folder: Path,
    cache: Path,
    *,
    progress: Progress,
    jobs: int = -1,
    resume: bool = False,
) -> Reproduction:
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
        Processes that compute features and search parameters.
    resume : bool
        Take the runs that an interrupted reproduction of this recipe finished as they are, if they were of
        the same clips, features, cases and protocols; changes of the code are not noticed.

    Returns
    -------
    Reproduction

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
    finished = _Finished(cache / "runs" / recipe.name, resume=resume)
    for case, method in product(recipe.cases, recipe.methods):
        values = described[method.feature_set]
        if method.by_speaker:
            taken = against_speaker(values.to_numpy(), clips["speaker"].to_numpy())
            values = pd.DataFrame(taken, columns=values.columns)
        for protocol in (recipe.leaky, recipe.apart):
            progress(f"{case.name}: {method.name}, {protocol.name}")
            once = partial(run, case, method, protocol, clips, values, metric=recipe.metric)
            key = joblib.hash((case, method.name, protocol, clips["emotion"].to_numpy(), values.to_numpy()))
            with joblib.parallel_config(n_jobs=jobs):
                runs.append(finished.get(key, once))
    finished.forget()
    ours = described[recipe.methods[-1].feature_set]
    return Reproduction(recipe, runs, pd.concat([project(case, clips, ours) for case in recipe.cases]))


def project(case: Case, clips: pd.DataFrame, values: pd.DataFrame) -> pd.DataFrame:
    """Show the clips of a case on the two principal components of their standardised features.

    Parameters
    ----------
    case : Case
    clips : pd.DataFrame
        From ``corpora.load_corpora``.
    values : pd.DataFrame [shape=(clips, features)]

    Returns
    -------
    pd.DataFrame
        At most 1,000 clips, as of `Reproduction`.
    """
    shown = clips_of(case, clips)
    shown = shown.sample(min(len(shown), _SHOWN_CLIPS), random_state=0).sort_index()
    plane = make_pipeline(StandardScaler(), PCA(2, random_state=0))
    places = plane.fit_transform(values.to_numpy()[shown.index]).astype(np.float32).round(3)
    table = shown[["corpus", "speaker", "emotion"]].assign(clip=shown["path"].map(lambda path: path.stem))
    return table.assign(case=case.name, x=places[:, 0], y=places[:, 1])


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
    fewer = [case.repetitions, method.repetitions] if leaky else [method.folds]
    limit = min((count for count in fewer if count), default=None)
    matrix, emotions = values.to_numpy(), clips["emotion"].to_numpy()
    tables, parameters, searches, importances, permutations = [], [], [], [], []
    for number, (training, test) in enumerate(islice(_splits(case, method, protocol, clips), limit)):
        estimator = method.make()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            estimator.fit(matrix[training], emotions[training])
        tested = clips.iloc[test][["corpus", "speaker", "emotion"]]
        names = clips["path"].iloc[test].map(lambda path: path.stem)
        told = tested.assign(split=number, clip=names, predicted=estimator.predict(matrix[test]))
        tables.append(told.join(_class_scores(estimator, matrix[test], tested.index)))
        parameters.append(_plain(getattr(estimator, "best_params_", {})))
        searches.append(_tried(estimator))
        importances.append(getattr(estimator, "feature_importances_", None))
        if not leaky:
            permutations.append(_permuted(estimator, values.iloc[test], emotions[test]))
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
        search=_mean_search(searches),
        importances=_most_important(importances, list(values.columns)),
        permutation=_mean_of(permutations),
    )


def as_object(reproduction: Reproduction) -> dict[str, Any]:
    """Turn what running a recipe gave into what JSON can hold.

    Parameters
    ----------
    reproduction : Reproduction

    Returns
    -------
    dict
    """
    recipe = reproduction.recipe
    return {
        "recipe": recipe.name,
        "title": recipe.title,
        "source": recipe.source,
        "corpora": list(recipe.corpora),
        "metric": recipe.metric,
        "runs": [_run_object(each) for each in reproduction.runs],
    }


def write_report(reproduction: Reproduction, folder: Path) -> None:
    """Write metrics as JSON, predictions and projection as Parquet, figures, and a page of Markdown.

    Parameters
    ----------
    reproduction : Reproduction
    folder : Path
        Made if it is not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    report = as_object(reproduction)
    text = json.dumps(report, indent=1, ensure_ascii=False)
    (folder / "metrics.json").write_text(text + "\n", encoding="utf-8")
    columns = ["case", "method", "protocol"]
    tables = [
        each.predictions.assign(**{name: getattr(each, name) for name in columns})
        for each in reproduction.runs
    ]
    table = pd.concat(tables, ignore_index=True)
    _write_parquet(table, folder / "predictions.parquet")
    _write_parquet(reproduction.projection, folder / "projection.parquet")
    write_figures(report, table, reproduction.projection, folder)
    (folder / "README.md").write_text(recipe_page(report), encoding="utf-8")


class _Finished:
    """The runs that are finished already, kept in a folder until all are.

    Parameters
    ----------
    folder : Path
    resume : bool
        Keep what an interrupted reproduction left there.
    """

    def __init__(self, folder: Path, *, resume: bool) -> None:
        self._folder = folder
        if not resume:
            self.forget()

    def get(self, key: str, compute: Callable[[], Run]) -> Run:
        """Give a run, computing it if it is not finished."""
        path = self._folder / f"{key}.pickle"
        if path.exists():
            # Written below, in the user's own cache.
            return pickle.loads(path.read_bytes())  # noqa: S301
        done = compute()
        self._folder.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        unfinished.write_bytes(pickle.dumps(done))
        unfinished.replace(path)
        return done

    def forget(self) -> None:
        """Remove what was kept."""
        shutil.rmtree(self._folder, ignore_errors=True)


def _write_parquet(table: pd.DataFrame, path: Path) -> None:
    texts = table.select_dtypes(exclude="number").columns
    table.astype(dict.fromkeys(texts, "category")).to_parquet(path, index=False)


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


def _tried(estimator: Any) -> list[dict[str, Any]]:
    """List the settings that a search tried, with the mean score of each within the training clips."""
    results = getattr(estimator, "cv_results_", None)
    if results is None:
        return []
    pairs = zip(results["params"], results["mean_test_score"], strict=True)
    return [{"setting": _plain(params), "score": float(score)} for params, score in pairs]


def _plain(params: dict[str, Any]) -> dict[str, Any]:
    """Name parameters without the step of the pipeline that they belong to, in values that JSON has."""
    return {
        name.split("__")[-1]: getattr(value, "item", lambda v=value: v)() for name, value in params.items()
    }


def _mean_search(searches: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Average the scores of equal settings over the splits, the best first."""
    rows = [(json.dumps(tried["setting"]), tried["score"]) for search in searches for tried in search]
    if not rows:
        return []
    means = pd.DataFrame(rows, columns=["setting", "score"]).groupby("setting")["score"].mean()
    return [
        {**json.loads(str(setting)), "score": round(float(score), 4)}
        for setting, score in means.sort_values(ascending=False).items()
    ]


def _permuted(estimator: Any, values: pd.DataFrame, emotions: np.ndarray) -> dict[str, float]:
    """Measure how much the accuracy falls when all features of one kind are shuffled among the clips."""
    kinds = np.array([_KIND.sub("", str(name)) for name in values.columns])
    if len(set(kinds)) > _MOST_KINDS or len(set(kinds)) == 1:
        return {}
    matrix = values.to_numpy()
    order = np.random.default_rng(0).permutation(len(matrix))
    whole = accuracy_score(emotions, estimator.predict(matrix))
    falls = {}
    for kind in dict.fromkeys(kinds):
        shuffled = matrix.copy()
        shuffled[:, kinds == kind] = matrix[order][:, kinds == kind]
        falls[str(kind)] = float(whole - accuracy_score(emotions, estimator.predict(shuffled)))
    return falls


def _mean_of(tables: list[dict[str, float]]) -> dict[str, float]:
    mean = pd.DataFrame(tables).mean().sort_values(ascending=False)
    return {str(name): round(float(value), 4) for name, value in mean.items()}


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
        "search": run.search,
        "importances": run.importances,
        "permutation": run.permutation,
    }
    if not run.leaky:
        interval = speaker_interval(true, predicted, run.predictions["speaker"].to_numpy())
        described["uar_interval"] = [round(bound, 4) for bound in interval]
    return described
