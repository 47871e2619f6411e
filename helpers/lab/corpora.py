"""What the corpora are like, as tables for charts, from what was kept of their clips.

Conventions: `clips` is the table `reports.STUDIED`: a row per clip with corpus, speaker, sex, emotion,
duration and the columns `reports.FEATURES`, which are missing where a clip was not drawn to be heard.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from helpers.lab.reports import FEATURES, MELS, read_table

UNKNOWN_SEX = "unknown"
LOOK_FOR = {  # lowest is bands 0 to 5, against neutral, mean over the corpora
    "angry": "The lowest bands lie 10 dB further below the maximum than in neutral: energy moves up.",
    "happy": "As in anger, the lowest bands fall back, by 8 dB; the rest is hardly weaker.",
    "fearful": "The lowest bands fall back by 8 dB, and less energy is lost towards the end than in neutral.",
    "surprised": "The lowest bands fall back by 8 dB, and the upper ones stay strong to the end.",
    "disgust": "Halfway to anger: the lowest bands fall back by 5 dB.",
    "sad": "The lowest bands stay as strong as in neutral, and what lies above is 2 to 3 dB weaker.",
    "bored": "Within 1 dB of neutral: averaged so, the two look alike; other things tell them apart.",
    "calm": "As sad: all above the lowest bands is 1 to 3 dB weaker.",
    "neutral": "The measure of all others: its energy is in the lowest bands, and it fades to the end.",
}

_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_BIN = 0.5  # seconds
_LONGEST = 7.0  # seconds
_LEAST_CLIPS = 8
_BY_SEX = "ravdess-by-sex"


def sizes(clips: pd.DataFrame) -> pd.DataFrame:
    """Count what each corpus has.

    Parameters
    ----------
    clips : pd.DataFrame

    Returns
    -------
    pd.DataFrame
        A row per corpus, for people.
    """
    people = clips.drop_duplicates("speaker").groupby("corpus")["sex"]
    groups = clips.groupby("corpus")
    return pd.DataFrame(
        {
            "clips": groups.size(),
            "hours": (groups["duration"].sum() / 3600).round(2),
            "mean length [s]": groups["duration"].mean().round(2),
            "speakers": groups["speaker"].nunique(),
            "women": people.apply(lambda sex: int((sex == "female").sum())),
            "men": people.apply(lambda sex: int((sex == "male").sum())),
            "emotions": groups["emotion"].nunique(),
        }
    ).reset_index()


def emotion_counts(clips: pd.DataFrame) -> pd.DataFrame:
    """Count the clips of each emotion: group (the corpus), emotion, clips."""
    counted = clips.rename(columns={"corpus": "group"}).groupby(["group", "emotion"])
    return counted.size().rename("clips").reset_index()


def durations(clips: pd.DataFrame) -> pd.DataFrame:
    """Give the share of a corpus's clips that are about so long: corpus, seconds, share."""
    rounded = (clips["duration"].clip(upper=_LONGEST) / _BIN).round() * _BIN
    counts = pd.crosstab(clips["corpus"], rounded.rename("seconds"), normalize="index")
    return counts.stack().rename("share").round(4).reset_index()


def spread(clips: pd.DataFrame, feature: str) -> pd.DataFrame:
    """Give quantiles of a feature by emotion and sex.

    Parameters
    ----------
    clips : pd.DataFrame
    feature : str
        Key of `FEATURES`, or "duration".

    Returns
    -------
    pd.DataFrame
        emotion, sex, p5, p25, p50, p75, p95.
    """
    groups = clips[clips["sex"] != ""].groupby(["emotion", "sex"])[feature]
    known = groups.quantile([*_QUANTILES]).unstack()[groups.count() >= _LEAST_CLIPS]
    known.columns = [f"p{share:.0%}"[:-1] for share in _QUANTILES]
    return known.round(3).reset_index()


def correlations(clips: pd.DataFrame) -> pd.DataFrame:
    """Correlate the features within each corpus, and average that: row, column, correlation."""
    tables = [part[[*FEATURES]].corr() for _, part in clips.groupby("corpus")]
    mean = np.mean(tables, axis=0).round(3)
    names = [words.split(" [")[0] for words in FEATURES.values()]
    rows, columns = np.meshgrid(names, names, indexing="ij")
    return pd.DataFrame({"row": rows.ravel(), "column": columns.ravel(), "correlation": mean.ravel()})


def average_spectrogram(corpus: str, emotion: str) -> pd.DataFrame:
    """Give the average spectrogram of an emotion: band, step, level [dB]."""
    table = read_table(MELS)
    return table[(table["corpus"] == corpus) & (table["emotion"] == emotion)]


def importances(reports: dict[str, dict[str, Any]], measure: str) -> pd.DataFrame:
    """Say which features count for female and for male voices.

    Parameters
    ----------
    reports : dict
        The published experiments, by recipe.
    measure : {'importances', 'permutation'}
        Of single features in a random forest, or the accuracy lost when all features of a kind are shuffled
        among speakers held out.

    Returns
    -------
    pd.DataFrame
        group (the feature), share, voices; those that count most first.
    """
    rows = [
        {"group": name, "share": share, "voices": run["case"].split(",")[0]}
        for run in reports[_BY_SEX]["runs"]
        if run["method"] == "random forest" and not run["leaky"] and "7" in run["case"]
        for name, share in run[measure].items()
    ]
    table = pd.DataFrame(rows)
    order = table.groupby("group")["share"].max().sort_values(ascending=False).index
    return table.sort_values("group", key=order.get_indexer, kind="stable")
