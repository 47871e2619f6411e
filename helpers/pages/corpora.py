"""The corpora: who speaks in them, how emotions differ, and why corpora do not mix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from helpers.pages.figures import in_rows, show_figure
from helpers.pages.session import arrive

if TYPE_CHECKING:
    import pandas as pd


def page() -> None:
    """Lay out the page."""
    from helpers.lab.reports import STUDIED, read_table

    arrive("corpora")
    clips = read_table(STUDIED)
    st.title("Corpora")
    st.markdown(
        "All models learned from actors. Who speaks, how do emotions differ in what is measured, and why "
        "does a model of one corpus do worse on the next? Nothing here is a recording."
    )
    show_sizes(clips)
    show_features(clips)
    show_projections()
    show_spectrograms(clips)
    show_importances()


def show_sizes(clips: pd.DataFrame) -> None:
    """Show how large the corpora are."""
    from helpers.lab.charts import bar_chart, lines_chart
    from helpers.lab.corpora import durations, emotion_counts, sizes

    st.dataframe(sizes(clips), hide_index=True)
    left, right = st.columns(2)
    with left:
        counts = emotion_counts(clips)
        show_figure("Clips by emotion", bar_chart(counts, "clips", "clips", "emotion"), counts, kept())
    with right:
        lengths = durations(clips)
        show_figure("Length of clips", lines_chart(lengths, "seconds", "share", "corpus"), lengths, kept())


@st.fragment
def show_features(clips: pd.DataFrame) -> None:
    """Show how features are spread, and which go together."""
    from helpers.lab.charts import heat_chart, spread_chart
    from helpers.lab.corpora import correlations, spread
    from helpers.lab.reports import FEATURES

    st.subheader("What is measured", anchor=False)
    measured = clips.dropna(subset=list(FEATURES))["corpus"].value_counts()
    st.caption(
        f"On {measured.sum():,} of {len(clips):,} clips, drawn at random, at most {measured.max():,} of a "
        "corpus; so are the spectrograms."
    )
    left, right = st.columns(2)
    feature = left.selectbox("Feature", list(FEATURES), format_func=FEATURES.__getitem__, key="feature")
    corpus = right.selectbox("Of", ["all corpora", *sorted(set(clips["corpus"]))], key="feature corpus")
    chosen = clips if corpus == "all corpora" else clips[clips["corpus"] == corpus]
    table = spread(chosen, feature)
    show_figure(
        "Feature by emotion and sex",
        spread_chart(table, FEATURES[feature]),
        table,
        kept(),
        "Boxes hold the middle half of the clips, lines nine tenths. Women and men differ more in pitch than "
        "emotions do: so a voice is judged against itself.",
    )
    table = correlations(clips)
    show_figure(
        "Correlation",
        heat_chart(table, "correlation"),
        table,
        kept(),
        "Within each corpus, averaged over the corpora. What correlates strongly tells nearly the same.",
    )


@st.fragment
def show_projections() -> None:
    """Show clips on planes."""
    from helpers.lab.charts import scatter_chart
    from helpers.lab.reports import AGAINST_SPEAKER, AS_MEASURED, PROJECTIONS, read_table

    st.subheader("Why corpora do not mix", anchor=False)
    left, right = st.columns(2)
    colour = left.segmented_control(
        "Colour by", ["corpus", "emotion", "speaker", "sex"], default="corpus", required=True, key="colour"
    )
    features = right.segmented_control(
        "Features", [AS_MEASURED, AGAINST_SPEAKER], default=AS_MEASURED, required=True, key="taken"
    )
    st.caption(
        "As measured, clips lie together by corpus (microphone, room, sentences), then by voice, hardly by "
        "emotion. Against the mean and deviation of their speaker, emotions come forward: that is what the "
        "baseline of the app is for."
    )
    table = read_table(PROJECTIONS)
    table = table[table["features"] == features]
    clips = len(table) // table["method"].nunique()
    st.caption(f"{clips:,} clips, drawn at random from all corpora.")
    texts = {
        "PCA": "The two directions in which 900 features vary most.",
        "t-SNE": "Neighbours stay neighbours; distances between heaps mean nothing.",
    }
    for column, (method, text) in zip(st.columns(2), texts.items(), strict=True):
        part = table[table["method"] == method]
        with column:
            show_figure(method, scatter_chart(part, colour), part, f"models/reports/lab/{PROJECTIONS}", text)


@st.fragment
def show_spectrograms(clips: pd.DataFrame) -> None:
    """Show the typical spectrogram of each emotion."""
    from helpers.lab.charts import in_order, spectrogram_chart
    from helpers.lab.corpora import LOOK_FOR, average_spectrogram
    from helpers.lab.reports import MELS

    st.subheader("What emotions look like", anchor=False)
    names = sorted(set(clips["corpus"]))
    corpus = st.selectbox("Corpus", names, index=names.index("ravdess"), key="pictured")
    emotions = in_order(clips.loc[clips["corpus"] == corpus, "emotion"])
    st.caption(
        "Mel spectrograms from the first loud frame to the last, averaged over the clips of each speaker, "
        "then over speakers; dB below the maximum of a clip."
    )
    for place, emotion in zip(in_rows(len(emotions), 3), emotions, strict=True):
        table = average_spectrogram(corpus, emotion)
        with place:
            show_figure(
                emotion.capitalize(),
                spectrogram_chart(table),
                table,
                f"models/reports/lab/{MELS}",
                LOOK_FOR[emotion],
            )


def show_importances() -> None:
    """Show which features count for women and men."""
    from helpers.lab.charts import grouped_bar_chart
    from helpers.lab.corpora import importances
    from helpers.lab.reports import read_experiments

    st.subheader("What counts for female and male voices", anchor=False)
    texts = {
        "permutation": (
            "Kinds of features",
            "accuracy lost",
            "When all of a kind are shuffled among clips of speakers held out.",
        ),
        "importances": ("Single features", "importance", "In a random forest; the fifteen largest of each."),
    }
    for column, (measure, (title, axis, text)) in zip(st.columns(2), texts.items(), strict=True):
        table = importances(read_experiments(), measure)
        with column:
            show_figure(
                title,
                grouped_bar_chart(table, "share", axis, "voices"),
                table,
                "models/reports/ravdess-by-sex/metrics.json",
                text,
            )


def kept() -> str:
    """Name the file of what was kept of clips."""
    from helpers.lab.reports import STUDIED

    return f"models/reports/lab/{STUDIED}"
