"""The models: how good each is, on what, and how it compares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from helpers.pages.figures import show_figure
from helpers.pages.session import arrive

if TYPE_CHECKING:
    import pandas as pd

    from helpers.classifier import ModelCard

WHY_LEAKY = (
    "Where clips of one speaker lie in training and in test, a model is right when it knows the voice; with "
    "speakers held apart it must know the emotion, and that is what a call asks of it, whose speakers nobody "
    "has heard before."
)


def page() -> None:
    """Lay out the page."""
    from helpers.lab.charts import interval_chart
    from helpers.lab.scores import cards, headline_table, model_rows

    arrive("models")
    known = cards()
    st.title("Models")
    st.markdown(
        "How good is each model, on what speech, and over which line? All figures are of speakers that the "
        "model never heard; in brackets, 95 % intervals over speakers."
    )
    st.dataframe(
        model_rows(known.values()),
        hide_index=True,
        column_config={"MB": st.column_config.NumberColumn(format="%.1f")},
    )
    heads = headline_table(known.values())
    show_figure(
        "All models",
        interval_chart(heads.rename(columns={"model": "group"}), colour="condition"),
        heads,
        "the cards, models/*.json",
        "Unweighted average recall on the first corpus of each card. Models that tell more emotions apart "
        "have the harder task: compare each with its chance, in the table above.",
    )
    left, right = st.columns(2)
    name = left.selectbox(
        "Model", list(known), format_func=lambda name: known[name].title, key="card", bind="query-params"
    )
    others = [other for other in known if other != name]
    beside = right.selectbox(
        "Compare with",
        others,
        index=None,
        format_func=lambda name: known[name].title,
        placeholder="Another model",
    )
    if beside:
        show_comparison(known[name], known[beside])
    show_card(known[name])
    show_predictions(known[name])
    show_leak(known[name])


def show_comparison(card: ModelCard, other: ModelCard) -> None:
    """Lay two models side by side."""
    from helpers.lab.charts import interval_chart
    from helpers.lab.reports import has_predictions
    from helpers.lab.scores import by_condition, headline_table, model_rows

    st.subheader(f"{card.title}, and {other.title}", anchor=False)
    pair = [card, other]
    st.dataframe(model_rows(pair).set_index("model").T.astype(str))
    if all(map(has_predictions, pair)):
        table = by_condition(pair)
        source = "models/reports/lab/predictions-*.parquet"
    else:
        table, source = headline_table(pair).rename(columns={"condition": "group"}), "both cards"
    show_figure(
        "Two models by line",
        interval_chart(table, colour="model"),
        table,
        source,
        "On the first corpus of each card, against the speaker's clips where the model can.",
    )


def show_card(card: ModelCard) -> None:
    """Show a card as a page."""
    st.header(card.title, anchor=False)
    st.markdown(card.description)
    facts = {
        "Emotions": ", ".join(card.labels),
        "Made": card.created,
        "Licence": card.licence,
        "Use": card.use,
        "Hears": f"parts of {card.shortest:g} to {card.longest:g} s, features “{card.feature_set['name']}”",
        "Uncertain": f"below a confidence of {card.uncertain_below:.0%}",
        "Learned from": "; ".join(
            f"{corpus['title']} ({corpus['speakers']} speakers, {corpus['segments']} segments, "
            f"{corpus['licence']})"
            for corpus in card.corpora
        ),
        "Protocol": card.protocol,
    }
    with st.container(border=True):
        st.markdown("\n\n".join(f"**{name}.** {words}" for name, words in facts.items()))


@st.fragment
def show_predictions(card: ModelCard) -> None:
    """Show what follows from what the model answered for speakers held out."""
    from helpers.lab.reports import has_predictions, predictions_path, read_predictions

    if not has_predictions(card):
        st.info("No predictions of this model are stored: `python -m helpers lab` makes them.")
        return
    table = read_predictions(card.name, card.labels)
    corpus, condition, baseline = choose_conditions(table)
    told = table[
        (table["corpus"] == corpus) & (table["condition"] == condition) & (table["baseline"] == baseline)
    ]
    source = f"models/reports/lab/{predictions_path(card.name).name}"
    st.caption(
        f"{len(told)} segments of {told['speaker'].nunique()} speakers of {corpus}, nobody of whom it heard."
    )
    show_errors(told, card, source)
    show_confidence(told, card, source)
    show_groups(table, corpus, condition, baseline, source)


def choose_conditions(table: pd.DataFrame) -> tuple[str, str, str]:
    """Let the reader say what is scored."""
    from helpers.classifier import OTHER_CLIPS

    places = st.columns(3)
    names = {"corpus": "Corpus", "condition": "Line", "baseline": "Baseline from"}
    chosen = []
    for place, (column, name) in zip(places, names.items(), strict=True):
        options = [*dict.fromkeys(table[column])]
        if column == "baseline":
            options = [option for option in options if "segments" not in option]
        first = options.index(OTHER_CLIPS) if OTHER_CLIPS in options else 0
        chosen.append(place.selectbox(name, options, index=first, key=f"models {column}"))
    return chosen[0], chosen[1], chosen[2]


def show_errors(told: pd.DataFrame, card: ModelCard, source: str) -> None:
    """Show what is taken for what."""
    from helpers.lab.charts import class_chart, confusion_chart, curves_chart
    from helpers.lab.scores import class_scores, confusion, precision_recall, roc

    st.subheader("What is taken for what", anchor=False)
    matrix = confusion(told, card.labels)
    for column, value, text in zip(
        st.columns(2), ("rate", "count"), ("Rows add up to 100 %.", "Numbers of segments."), strict=True
    ):
        with column:
            show_figure(f"Confusion, {value}s", confusion_chart(matrix, value), matrix, source, text)
    classes = class_scores(told, card.labels)
    show_figure(
        "Precision and recall",
        class_chart(classes),
        classes,
        source,
        "Precision: of what is told as an emotion, how much is. Recall: of an emotion, how much is told. "
        "F1 joins both.",
    )
    left, right = st.columns(2)
    with left:
        table = roc(told, card.labels)
        show_figure(
            "ROC",
            curves_chart(table, "false alarms", "recall"),
            table,
            source,
            "Each emotion against all others; in the legend, the area under the curve.",
        )
    with right:
        table = precision_recall(told, card.labels)
        show_figure(
            "Precision over recall",
            curves_chart(table, "recall", "precision"),
            table,
            source,
            "What a higher recall costs; in the legend, the average precision.",
        )


def show_confidence(told: pd.DataFrame, card: ModelCard, source: str) -> None:
    """Show how far the confidence can be believed."""
    from helpers.lab.charts import coverage_chart, reliability_chart
    from helpers.lab.scores import coverage, reliability

    st.subheader("How far its confidence can be believed", anchor=False)
    left, right = st.columns(2)
    with left:
        table, error = reliability(told, card.labels)
        show_figure(
            "Reliability",
            reliability_chart(table),
            table,
            source,
            f"Expected calibration error {error:.3f}. Under the dashed line, it promises too much.",
        )
    with right:
        table = coverage(told, card.labels)
        show_figure(
            "Coverage against accuracy",
            coverage_chart(table, card.uncertain_below),
            table,
            source,
            f"The dot is the card's threshold of “uncertain”, {card.uncertain_below:.0%}.",
        )


def show_groups(table: pd.DataFrame, corpus: str, condition: str, baseline: str, source: str) -> None:
    """Show for whom, and over which line, it is better or worse."""
    from helpers.lab.charts import interval_chart
    from helpers.lab.scores import by_group, by_segments_heard

    st.subheader("For whom, and over which line", anchor=False)
    st.caption(
        "Where intervals overlap widely, a difference may be chance: there are few speakers in a group. "
        "Where they do not, it is a bias of the model, or of its corpora."
    )
    same = table[(table["baseline"] == baseline) & (table["corpus"] == corpus)]
    told = same[same["condition"] == condition]
    figures = {
        "By line": (same, "condition", "Noise, so many dB below the speech; codings of telephony."),
        "By corpus": (
            table[(table["baseline"] == baseline) & (table["condition"] == condition)],
            "corpus",
            "Whatever corpus is missing here, it has no speakers to spare.",
        ),
        "By sex": (told, "sex", "As the corpus gives it."),
        "By age": (told.sort_values("age"), "group", "Known of CREMA-D alone."),
    }
    for column, (title, (part, by, text)) in zip(
        [*st.columns(2), *st.columns(2)], figures.items(), strict=True
    ):
        with column:
            scored = by_group(part, by)
            show_figure(title, interval_chart(scored), scored, source, text)
    heard = by_segments_heard(table[table["corpus"] == corpus])
    if len(heard) > 1:
        show_figure(
            "By number of segments",
            interval_chart(heard),
            heard,
            source,
            "From how many segments of the speaker the baseline is taken, as recorded: what live analysis "
            "gains while it listens.",
        )


def show_leak(card: ModelCard) -> None:
    """Show what the published way of splitting would have claimed."""
    from helpers.lab.charts import interval_chart
    from helpers.lab.reports import LEAKS, read_table
    from helpers.lab.scores import by_group

    st.subheader("Leaky, and with speakers apart", anchor=False)
    told = read_table(LEAKS)
    scored = by_group(told[told["model"] == card.name], "protocol")
    st.markdown(WHY_LEAKY)
    show_figure(
        "Leaky and speaker-independent",
        interval_chart(scored),
        scored,
        f"models/reports/lab/{LEAKS}",
        "One support vector machine on the clips and emotions of this model; only the split differs.",
    )
