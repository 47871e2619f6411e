"""The lab's figures: recomputed from what is stored, they are those of the cards and reports."""

import numpy as np
import pandas as pd
import pytest

from helpers.classifier import model_names, read_card
from helpers.lab.experiments import APART, SAME, cases, claims, run_of, search_axes, searches, varied
from helpers.lab.reports import (
    has_predictions,
    read_experiment_predictions,
    read_experiments,
    read_predictions,
)
from helpers.lab.scores import by_group, class_scores, confusion, coverage, precision_recall, reliability, roc
from helpers.training.reproduce import METRICS

LABELS = ["angry", "sad"]


def told(*rows: tuple[str, float]) -> pd.DataFrame:
    """Make answers of the emotion that was performed and the probability of anger."""
    emotions, angry = zip(*rows, strict=True)
    table = pd.DataFrame({"emotion": emotions, "angry": angry, "sad": 1 - np.array(angry)})
    predicted = np.where(table["angry"] >= 0.5, "angry", "sad")
    return table.assign(predicted=predicted, speaker=[f"s{row % 2}" for row in range(len(table))])


@pytest.mark.parametrize("name", model_names())
def test_stored_predictions_give_the_scores_of_the_card(name: str) -> None:
    card = read_card(name)
    assert has_predictions(card)
    table = read_predictions(card.name, card.labels)
    parts = table.groupby(["corpus", "condition", "baseline"])
    compared = 0
    for score in card.scores:
        key = score["corpus"], score["condition"], score["baseline"]
        if key not in parts.groups:
            assert score["condition"] == "line"
            continue
        part, compared = parts.get_group(key), compared + 1
        (row,) = by_group(part, "corpus").itertuples()
        assert (row.segments, row.speakers) == (score["segments"], score["speakers"])
        assert row.uar == pytest.approx(score["uar"], abs=3e-3)
        if row.speakers > 1:
            assert [row.low, row.high] == pytest.approx(score["uar_interval"], abs=1e-2)
        counts = confusion(part, card.labels)["count"].to_numpy().reshape(len(card.labels), -1)
        assert np.abs(counts - np.array(score["confusion"])).sum() <= 4
        assert reliability(part, card.labels)[1] == pytest.approx(score["ece"], abs=6e-3)
    assert compared


@pytest.mark.parametrize(("recipe", "method"), [("emodb-svm", "ours"), ("ravdess-by-sex", "MLP")])
def test_stored_predictions_give_the_figures_of_an_experiment(recipe: str, method: str) -> None:
    report = read_experiments()[recipe]
    case = cases(report)[0]
    figures = claims(report, case).query("group == @method").set_index("figure")["score"]
    table = read_experiment_predictions(recipe).query("case == @case and method == @method")
    for figure, leaky in ((SAME, True), (APART, False)):
        run = run_of(report, case, method, leaky=leaky)
        own = table[table["protocol"] == run["protocol"]]
        splits = [
            METRICS[report["metric"]](part["emotion"], part["predicted"]) for _, part in own.groupby("split")
        ]
        assert figures[figure] == pytest.approx(np.mean(splits), abs=1e-3)
        counts = confusion(own, list(run["classes"]))["count"].to_numpy()
        assert counts.tolist() == np.ravel(run["confusion"]).tolist()


def test_curves_of_a_perfect_ranking_and_of_none() -> None:
    perfect = told(("angry", 0.9), ("angry", 0.8), ("sad", 0.3), ("sad", 0.1))
    for trace in (roc, precision_recall):
        assert set(trace(perfect, LABELS)["area"]) == {1.0}
    useless = told(("angry", 0.6), ("sad", 0.6), ("angry", 0.6), ("sad", 0.6))
    assert set(roc(useless, LABELS)["area"]) == {0.5}


def test_an_emotion_that_was_never_performed_has_no_curve_and_no_recall() -> None:
    one = told(("angry", 0.9), ("angry", 0.2))
    assert set(class_scores(one, LABELS)["emotion"]) == {"angry"}


def test_confidence_against_accuracy() -> None:
    table, error = reliability(told(("angry", 0.95), ("sad", 0.95), ("sad", 0.05), ("sad", 0.05)), LABELS)
    (row,) = table.itertuples()
    assert (row.confidence, row.accuracy, row.segments) == (0.95, 0.75, 4)
    assert error == pytest.approx(0.2)


def test_the_fewer_answers_the_better_they_are() -> None:
    table = coverage(told(("angry", 0.99), ("sad", 0.2), ("sad", 0.4), ("sad", 0.55)), LABELS)
    assert table["accuracy"].tolist() == [1, 1, 1, 0.75]
    assert table["coverage"].tolist() == [0.25, 0.5, 0.75, 1]


def test_one_speaker_has_no_interval() -> None:
    table = told(("angry", 0.9), ("sad", 0.1)).assign(speaker="s0", sex="female")
    (row,) = by_group(table, "sex").itertuples()
    assert row.uar == 1
    assert np.isnan([row.low, row.high]).all()


def test_searches_vary_something_and_lie_on_their_axes() -> None:
    found = searches(read_experiments())
    assert len(found) > 3
    for search in found.values():
        axes = search_axes(search)
        assert axes["place"].between(0, 1).all()
        assert set(axes["axis"]) == set(varied(search))
        best = axes[axes["axis"] == "score"].nlargest(1, "place")
        assert best["score"].item() == max(tried["score"] for tried in search)
