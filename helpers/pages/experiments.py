"""The published experiments: what was claimed, what we get, and what remains when speakers are apart."""

from __future__ import annotations

from typing import Any

import streamlit as st

from helpers.pages.figures import show_figure
from helpers.pages.models import WHY_LEAKY
from helpers.pages.session import arrive


def page() -> None:
    """Lay out the page."""
    from helpers.lab.experiments import cases
    from helpers.lab.reports import read_experiments

    arrive("experiments")
    reports = read_experiments()
    st.title("Experiments")
    st.markdown(f"Published experiments, run again as they were published, and honestly. {WHY_LEAKY}")
    left, right = st.columns(2)
    recipe = left.selectbox(
        "Experiment",
        list(reports),
        format_func=lambda name: reports[name]["title"],
        key="recipe",
        bind="query-params",
    )
    report = reports[recipe]
    case = right.selectbox("Emotions", cases(report), key=f"case {recipe}")
    show_claims(report, case)
    show_methods(report, case)
    show_oversampling(reports)
    show_searches(reports)
    show_learning()


def show_claims(report: dict[str, Any], case: str) -> None:
    """Show what was claimed, and what is left."""
    from helpers.lab.charts import interval_chart
    from helpers.lab.experiments import METRICS, claims, verdict

    table = claims(report, case)
    st.markdown(f"**What was published.** {report['source']}")
    st.info(verdict(table), icon=":material/balance:")
    show_figure(
        "Claimed, repeated, and with speakers apart",
        interval_chart(table, value="score", title=METRICS[report["metric"]], colour="figure"),
        table,
        source(report),
        "Classifiers and features of the literature, then ours; lines are a standard deviation over splits.",
    )


def show_methods(report: dict[str, Any], case: str) -> None:
    """Show one method under both protocols."""
    from helpers.lab.charts import confusion_chart
    from helpers.lab.experiments import claims, run_of
    from helpers.lab.reports import read_experiment_predictions
    from helpers.lab.scores import confusion

    methods = [*dict.fromkeys(claims(report, case)["group"])]
    method = st.selectbox(
        "Look into", methods, index=len(methods) - 1, key=f"method {report['recipe']} {case}"
    )
    told = read_experiment_predictions(report["recipe"])
    for column, leaky in zip(st.columns(2), (True, False), strict=True):
        run = run_of(report, case, method, leaky=leaky)
        own = (told["case"] == case) & (told["method"] == method) & (told["protocol"] == run["protocol"])
        matrix = confusion(told[own], list(run["classes"]))
        with column:
            show_figure(
                "Confusion, leaky" if leaky else "Confusion, speakers apart",
                confusion_chart(matrix, "rate"),
                matrix,
                f"models/reports/{report['recipe']}/predictions.parquet",
                f"{run['protocol']}; {int(own.sum())} answers.",
            )


def show_oversampling(reports: dict[str, dict[str, Any]]) -> None:
    """Show what SMOTE brings."""
    from helpers.lab.charts import interval_chart
    from helpers.lab.experiments import oversampling

    st.subheader("SMOTE, with and without", anchor=False)
    table = oversampling(reports)
    show_figure(
        "SMOTE",
        interval_chart(table, value="score", title="accuracy", colour="oversampling"),
        table,
        "models/reports/ravdess-observed-mlp/metrics.json",
        "Synthetic clips of rare emotions, made inside the training clips of each split alone. The corpus is "
        "nearly balanced: there is little for it to do.",
    )


@st.fragment
def show_searches(reports: dict[str, dict[str, Any]]) -> None:
    """Show what searches of parameters tried."""
    from helpers.lab.charts import grid_chart, parallel_chart
    from helpers.lab.experiments import search_axes, searches, varied

    st.subheader("Searches of parameters", anchor=False)
    found = searches(reports)
    search = found[st.selectbox("Search", list(found), key="search")]
    table = varied(search)
    place = "models/reports/*/metrics.json"
    show_figure(
        "Settings",
        parallel_chart(search_axes(search)),
        table,
        place,
        "A line per setting that was tried, from its parameters to its score within the training clips.",
    )
    parameters = [name for name in table if name != "score"]
    first, second = parameters[:2]
    pairs = table.groupby([first, second], as_index=False, sort=False)["score"].mean()
    show_figure(
        "Two parameters",
        grid_chart(pairs, first, second),
        pairs,
        place,
        f"Mean score by {first} and {second}.",
    )


def show_learning() -> None:
    """Show what more speakers bring."""
    from helpers.lab.charts import learning_chart
    from helpers.lab.reports import LEARNING, read_table

    st.subheader("More speakers", anchor=False)
    table = read_table(LEARNING)
    show_figure(
        "Learning curves",
        learning_chart(table),
        table,
        f"models/reports/lab/{LEARNING}",
        "All emotions of a corpus, told by a support vector machine that learned from so many of its "
        "speakers, drawn up to three times; always tested on the same others.",
    )


def source(report: dict[str, Any]) -> str:
    """Name the file of a report."""
    return f"models/reports/{report['recipe']}/metrics.json"
