"""Single clips are scored by models that never heard their speakers, and the page says what was reached."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from joblib import parallel_config

from helpers.classifier import NO_BASELINE, OTHER_CLIPS
from helpers.training.clip_scores import (
    BENCHMARKS,
    BY_STATISTICS,
    WHOLE,
    WHOLE_BY_STATISTICS,
    ClipBenchmark,
    ClipScore,
    read_scores,
    score_clips,
    write_scores,
)
from helpers.training.protocols import SpeakerFolds, is_leaky
from helpers.training.results import CLIPS, REPORTS, clip_table
from tests.training.test_models import PITCHES, lay_out

TONES = ClipBenchmark(
    "tones",
    "crema-d",
    ("angry", "happy", "neutral", "sad"),
    SpeakerFolds(3),
    {("clean", NO_BASELINE): 0.9},
    whole=True,
)
BY_MACHINE = {BY_STATISTICS, WHOLE, WHOLE_BY_STATISTICS}


@pytest.fixture(scope="module")
def scores(tmp_path_factory: pytest.TempPathFactory) -> list[ClipScore]:
    folder = tmp_path_factory.mktemp("tones")
    corpora = lay_out(folder / "corpora", held_out_pitches=PITCHES)
    with parallel_config(n_jobs=1):
        return score_clips(TONES, corpora, folder / "cache", jobs=1)


def test_every_clip_is_told_once_in_each_copy_without_and_with_a_baseline(scores: list[ClipScore]) -> None:
    assert {(score.condition, score.baseline) for score in scores} == {
        (condition, baseline)
        for condition in ("clean", "phone", "line")
        for baseline in (NO_BASELINE, OTHER_CLIPS)
    } | {(condition, baseline) for condition in ("clean", "phone") for baseline in BY_MACHINE}
    clips = {score.condition: score.clips for score in scores}
    assert clips["clean"] == clips["phone"] == clips["line"] / 4
    assert {score.speakers for score in scores} == {6}
    assert {score.protocol for score in scores} == {"speaker-independent 3-fold"}


def test_tones_are_told_and_the_interval_lies_around_the_figure(scores: list[ClipScore]) -> None:
    for score in scores:
        low, high = score.uar_interval
        assert 0 <= low <= score.uar <= high <= 1
    clean = {score.baseline: score.uar for score in scores if score.condition == "clean"}
    assert min(clean[OTHER_CLIPS], clean[BY_STATISTICS], clean[WHOLE_BY_STATISTICS]) > 0.8
    assert clean[WHOLE] > 0.4  # voices differ as far as emotions do


def test_margins_are_no_probabilities_and_have_no_calibration_error(scores: list[ClipScore]) -> None:
    assert {score.baseline for score in scores if score.ece is None} == BY_MACHINE


def test_what_is_written_is_read_again(scores: list[ClipScore], tmp_path: Path) -> None:
    assert read_scores(write_scores(TONES, scores, tmp_path / "new")) == scores


def test_the_page_says_whether_a_target_is_reached(scores: list[ClipScore]) -> None:
    assert {score.baseline for score in scores if score.target} == {NO_BASELINE, WHOLE}
    first = next(score for score in scores if score.target is not None)
    table = clip_table({"a": [replace(first, uar=0.95)], "b": [replace(first, uar=0.85)]}).splitlines()
    assert table[2].endswith("90%, reached |")
    assert table[3].endswith("90%, **not** reached |")


def test_no_benchmark_is_leaky() -> None:
    assert not any(is_leaky(benchmark.protocol) for benchmark in BENCHMARKS.values())


@pytest.mark.parametrize("path", sorted((REPORTS / CLIPS).glob("*.json")), ids=lambda path: path.stem)
def test_committed_scores_are_of_benchmarks_and_carry_their_targets(path: Path) -> None:
    benchmark = BENCHMARKS[path.stem]
    scores = read_scores(path)
    assert {score.protocol for score in scores} == {benchmark.protocol.name}
    targets = {(score.condition, score.baseline): score.target for score in scores}
    others = {OTHER_CLIPS: [BY_STATISTICS], NO_BASELINE: []}
    if benchmark.whole:
        others = {OTHER_CLIPS: [BY_STATISTICS, WHOLE_BY_STATISTICS], NO_BASELINE: [WHOLE]}
    wanted = benchmark.targets | {
        (condition, other): target
        for (condition, baseline), target in benchmark.targets.items()
        for other in others[baseline]
    }
    assert {pair: target for pair, target in targets.items() if target} == wanted
    assert np.all([score.clips > 100 for score in scores])
