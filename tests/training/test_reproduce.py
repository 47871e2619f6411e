"""Recipes from end to end: on tones in seconds, and a fold of each on real clips."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from helpers.__main__ import main
from helpers.media import SAMPLE_RATE
from helpers.training import recipes as module
from helpers.training import reproduce as reproducing
from helpers.training.corpora import load_corpora
from helpers.training.protocols import LeakyRandom, SpeakerFolds
from helpers.training.recipes import RECIPES, Case, Method, Recipe, clips_of, make_searched_mlp
from helpers.training.reproduce import as_object, reproduce, run, write_report
from helpers.training.results import PAGE, REPORTS, recipe_section, results_page
from tests.conftest import encode

PITCHES = {"05": 300.0, "04": 110.0}  # angry and sad of RAVDESS


def tones(folder: Path, speakers: int = 6) -> Path:
    """Make a corpus laid out as RAVDESS, whose emotions are pitches."""
    generator = np.random.default_rng(0)
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    for speaker in range(1, speakers + 1):
        for code, pitch in PITCHES.items():
            for take in (1, 2):
                tone = np.sin(2 * np.pi * pitch * (1 + 0.02 * speaker) * time) + generator.normal(
                    0, 0.05, len(time)
                )
                path = folder / "ravdess" / f"03-01-{code}-01-0{take}-01-{speaker:02}.wav"
                path.parent.mkdir(parents=True, exist_ok=True)
                encode(path, (tone * 8_000).astype(np.int16), codec="pcm_s16le")
    return folder


RECIPE = Recipe(
    name="tones",
    title="Tones",
    source="Made in the test.",
    corpora=("ravdess",),
    metric="accuracy",
    cases=(
        Case("all", ("angry", "sad"), target=0.9, held_out_target=0.9),
        Case("women", ("angry", "sad"), sex="female"),
        Case("few", ("angry", "sad"), clips_per_emotion=4),
    ),
    methods=(
        Method("tree", "acoustic", lambda: DecisionTreeClassifier(random_state=0), published={"all": 0.5}),
        Method("ours", "acoustic", module.make_ours, both_sexes=True),
    ),
    leaky=LeakyRandom(0.25, 2),
    apart=SpeakerFolds(2),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tones(tmp_path_factory.mktemp("tones"))


def test_a_recipe_runs_and_its_report_has_every_figure_with_its_protocol(
    folder: Path, tmp_path: Path
) -> None:
    lines: list[str] = []
    done = reproduce(RECIPE, folder, tmp_path / "cache", progress=lines.append)
    assert len(done.runs) == len(lines) == 3 * 2 * 2
    write_report(done, tmp_path / "tones")
    report = json.loads((tmp_path / "tones" / "metrics.json").read_text())
    for each in report["runs"]:
        assert each["protocol"].startswith("leaky" if each["leaky"] else "speaker-independent")
        assert ("uar_interval" in each) != each["leaky"]
        assert each["mean"]["accuracy"] == pytest.approx(np.mean(each["scores"]["accuracy"]), abs=1e-4)
        assert sum(map(sum, each["confusion"])) == sum(row["clips"] for row in each["classes"].values())
    ours = [each for each in report["runs"] if each["method"] == "ours" and each["case"] == "all"]
    assert [each["mean"]["accuracy"] for each in ours] == [1.0, 1.0]
    folder = tmp_path / "tones"
    assert (folder / "all.svg").read_text(encoding="utf-8").startswith("<svg")
    assert "| true, told as | angry | sad |" in (folder / "README.md").read_text(encoding="utf-8")
    section = recipe_section(report)
    assert "50.0% (leaky)" in section
    assert "target of 90.0% is reached" in section
    predictions = pd.read_parquet(tmp_path / "tones" / "predictions.parquet")
    assert set(predictions["case"]) == {"all", "women", "few"}
    projection = pd.read_parquet(tmp_path / "tones" / "projection.parquet")
    assert projection.groupby("case", observed=True).size().to_dict() == {"all": 24, "few": 24, "women": 12}


def test_a_case_of_one_sex_is_tested_on_that_sex_alone(folder: Path, tmp_path: Path) -> None:
    clips = load_corpora(["ravdess"], folder)
    values = pd.DataFrame(np.random.default_rng(0).normal(size=(len(clips), 3)))
    tree, ours = RECIPE.methods
    for method, trained in ((tree, 8), (ours, 16)):
        estimator = Counting()
        counted = replace(method, make=partial(_same, estimator))
        done = run(RECIPE.cases[1], counted, SpeakerFolds(3), clips, values, metric="accuracy")
        assert set(done.predictions["speaker"]) == {"ravdess/02", "ravdess/04", "ravdess/06"}
        assert estimator.seen[0] == trained


def _same(estimator: "Counting") -> "Counting":
    return estimator


class Counting(ClassifierMixin, BaseEstimator):
    """Notes how many clips it learns from."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def fit(self, values: np.ndarray, labels: np.ndarray) -> "Counting":
        self.seen.append(len(values))
        return self

    def predict(self, values: np.ndarray) -> np.ndarray:
        return np.full(len(values), "sad")


def test_few_clips_are_drawn_anew_for_each_repetition(folder: Path) -> None:
    clips = load_corpora(["ravdess"], folder)
    values = pd.DataFrame(np.zeros((len(clips), 2)))
    done = run(RECIPE.cases[2], RECIPE.methods[0], LeakyRandom(0.25, 5), clips, values, metric="accuracy")
    assert done.predictions.groupby("split").size().tolist() == [2] * 5
    assert done.predictions["clip"].nunique() > 2


def test_what_is_fitted_never_sees_the_test(folder: Path) -> None:
    """The labels are noise, so only features that were chosen with the test clips seem to tell them."""
    clips = load_corpora(["ravdess"], folder)
    generator = np.random.default_rng(0)
    clips["emotion"] = generator.permutation(["angry", "sad"] * (len(clips) // 2))
    values = pd.DataFrame(generator.normal(size=(len(clips), 500)))
    honest = Method("honest", "acoustic", lambda: make_pipeline(StandardScaler(), SelectBest()))
    scores = run(RECIPE.cases[0], honest, LeakyRandom(0.25, 20), clips, values, metric="accuracy").mean
    labels = (clips["emotion"] == "angry").to_numpy()
    chosen = (values[labels].mean() - values[~labels].mean()).abs().nlargest(5).index
    leaked = run(
        RECIPE.cases[0], honest, LeakyRandom(0.25, 20), clips, values[chosen], metric="accuracy"
    ).mean
    assert scores < 0.65
    assert leaked > 0.75


class SelectBest(ClassifierMixin, BaseEstimator):
    """Chooses five features on what it is given, and takes the nearer mean."""

    def fit(self, values: np.ndarray, labels: np.ndarray) -> "SelectBest":
        self.classes_ = np.unique(labels)
        means = np.stack([values[labels == label].mean(axis=0) for label in self.classes_])
        self.chosen_ = np.abs(means[0] - means[1]).argsort()[-5:]
        self.means_ = means[:, self.chosen_]
        return self

    def predict(self, values: np.ndarray) -> np.ndarray:
        distances = np.linalg.norm(values[:, None, self.chosen_] - self.means_, axis=2)
        return self.classes_[distances.argmin(axis=1)]


def test_oversampling_and_search_stand_inside_of_the_estimator() -> None:
    search = make_searched_mlp(oversampled=True)
    assert list(search.estimator.named_steps) == ["smote", "mlp"]
    assert list(make_searched_mlp(oversampled=False).estimator.named_steps) == ["mlp"]


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_names_its_source_its_protocols_and_a_published_figure(name: str) -> None:
    recipe = RECIPES[name]
    assert recipe.name == name
    assert recipe.source.startswith("Demonstrations")
    assert recipe.leaky.name.startswith("leaky")
    assert recipe.apart.name.startswith("speaker-independent")
    assert any(method.published for method in recipe.methods)
    assert recipe.methods[-1].name.startswith("ours")
    cases = {case.name for case in recipe.cases}
    for method in recipe.methods:
        assert {*method.published, *method.published_apart} <= cases


@pytest.mark.parametrize("name", RECIPES)
def test_a_fold_of_each_recipe_runs_on_real_clips(name: str, corpora: Path, tmp_path: Path) -> None:
    recipe = RECIPES[name]
    case = recipe.cases[0]
    clips = load_corpora(recipe.corpora, corpora)
    speakers = clips_of(case, clips)["speaker"].unique()[:4]
    some = clips_of(case, clips)
    some = some[some["speaker"].isin(speakers)].groupby(["speaker", "emotion"]).head(4).reset_index(drop=True)
    from helpers.training.study import describe_clips

    method = recipe.methods[-1]
    values = describe_clips(some["path"], method.feature_set, tmp_path, progress=False)
    whole = replace(case, clips_per_emotion=None, sex="")
    done = run(whole, method, LeakyRandom(0.25, 1), some, values, metric=recipe.metric)
    assert done.mean > 1.3 / len(case.emotions)


def test_the_committed_page_of_results_is_that_of_the_committed_reports() -> None:
    assert PAGE.read_text(encoding="utf-8") == results_page()


def test_every_recipe_has_its_report() -> None:
    assert {path.parent.name for path in REPORTS.glob("*/metrics.json")} == set(RECIPES)


def test_the_commands_know_what_they_do_not_know(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["reproduce", "nothing", "--corpora", str(tmp_path)]) == 2
    assert "choose one of audio-emotions-mlp" in capsys.readouterr().err
    assert main(["corpora", "nothing", "--corpora", str(tmp_path)]) == 2
    assert "choose from crema-d" in capsys.readouterr().err
    assert (
        main(["features", "nothing", "ravdess", "--corpora", str(tmp_path), "--output", str(tmp_path)]) == 2
    )
    assert "choose statistics" in capsys.readouterr().err


def test_the_commands_report_and_describe_a_corpus(
    folder: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["corpora", "ravdess", "--corpora", str(folder)]) == 0
    assert "ravdess" in capsys.readouterr().out
    output = ["--cache", str(tmp_path / "cache"), "--output", str(tmp_path / "out"), "--jobs", "1"]
    assert main(["features", "acoustic", "ravdess", "--corpora", str(folder), *output]) == 0
    assert len(pd.read_csv(tmp_path / "out" / "acoustic-ravdess.csv")) == 24


def test_a_report_has_no_path_of_this_machine(folder: Path, tmp_path: Path) -> None:
    done = reproduce(RECIPE, folder, tmp_path / "cache", progress=lambda line: None)
    assert str(folder) not in json.dumps(as_object(done))
    for table in (done.runs[0].predictions, done.projection):
        assert not any(str(folder) in str(value) for value in table.to_numpy().ravel())


def test_an_interrupted_run_is_resumed_and_a_new_one_is_not(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def interrupted(*arguments: object, **settings: object) -> object:
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append("run")
        return run(*arguments, **settings)  # type: ignore[arg-type]

    def counted(*arguments: object, **settings: object) -> object:
        done.append("run")
        return run(*arguments, **settings)  # type: ignore[arg-type]

    monkeypatch.setattr(reproducing, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        reproduce(RECIPE, folder, tmp_path, progress=lambda line: None)
    done[:] = []
    monkeypatch.setattr(reproducing, "run", counted)
    resumed = reproduce(RECIPE, folder, tmp_path, progress=lambda line: None, resume=True)
    assert (len(done), len(resumed.runs)) == (12 - 3, 12)
    again = reproduce(RECIPE, folder, tmp_path, progress=lambda line: None, resume=True)
    assert len(done) == 9 + 12  # what was finished is forgotten
    assert as_object(again) == as_object(resumed)


def test_a_search_is_reported_setting_by_setting(folder: Path) -> None:
    clips = load_corpora(["ravdess"], folder)
    values = pd.DataFrame({"pitch mean": (clips["emotion"] == "angry") + 0.0, "mel_1 std": 0.0})
    grid = partial(GridSearchCV, DecisionTreeClassifier(), {"max_depth": [1, 2]}, cv=2)
    done = run(
        RECIPE.cases[0], Method("m", "acoustic", grid), SpeakerFolds(2), clips, values, metric="accuracy"
    )
    assert [row["score"] for row in done.search] == [1.0, 1.0]
    assert {row["max_depth"] for row in done.search} == {1, 2}
    assert done.parameters[0]["max_depth"] in {1, 2}
    assert done.permutation["pitch"] > 0.3
    assert done.permutation["mel"] == 0
