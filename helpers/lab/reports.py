"""The reports of the lab, in ``models/reports/lab/``: where they are, how they are read.

Conventions: tables are tidy; `making` says what their columns are. ``python -m helpers lab`` makes them.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from helpers.classifier import MODELS, ModelCard

REPORTS = MODELS / "reports"
LAB = REPORTS / "lab"
STUDIED = "clips.parquet"
MELS = "spectrograms.parquet"
PROJECTIONS = "projections.parquet"
LEAKS = "leaks.parquet"
LEARNING = "learning.csv"
QUANTUM = 1e-4  # of a probability
AS_MEASURED, AGAINST_SPEAKER = "as measured", "against the speaker's own"

FEATURES = {
    "pitch mean": "pitch [semitones above 100 Hz]",
    "pitch std": "variation of pitch [semitones]",
    "pitch change": "movement of pitch [semitones per step]",
    "pitch voiced": "share of voiced frames",
    "level std": "variation of loudness [dB]",
    "level change": "movement of loudness [dB per frame]",
    "centroid mean": "brightness: spectral centroid [Hz]",
    "rolloff mean": "roll-off [Hz]",
    "flatness mean": "noisiness: flatness [dB]",
    "zero_crossings mean": "zero crossings [share]",
    "voicing mean": "harmonics to noise [dB]",
    "mfcc_1 mean": "tilt of the spectrum: MFCC 1",
    "mfcc_2 mean": "shape of the spectrum: MFCC 2",
}

_GROUPS = {"unknown age": 0, "under 30": 1, "30 to 49": 30, "50 and over": 50}  # from which age on


def segments_heard(count: int) -> str:
    """Name the baseline that is taken from so many segments of a speaker."""
    return f"{count} segments"


def predictions_path(name: str, folder: Path = LAB) -> Path:
    """Say where the predictions of a model lie."""
    return folder / f"predictions-{name}.parquet"


@cache
def read_table(name: str) -> pd.DataFrame:
    """Read a table of the lab; not to be changed.

    Parameters
    ----------
    name : str
        Of the file in `LAB`.

    Returns
    -------
    pd.DataFrame
    """
    path = LAB / name
    table = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    return _plain(table)


@cache
def read_predictions(card_name: str, labels: tuple[str, ...]) -> pd.DataFrame:
    """Read what a model answered for speakers held out; not to be changed.

    Parameters
    ----------
    card_name : str
    labels : tuple of str
        As of the card.

    Returns
    -------
    pd.DataFrame
        A row per segment, condition and baseline: corpus, speaker, sex, age, emotion, clip, and a column per
        label with its probability; `predicted`, `confidence` and `group`, of age.
    """
    table = _plain(pd.read_parquet(predictions_path(card_name)))
    probabilities = table[[*labels]].to_numpy() * QUANTUM
    table[[*labels]] = probabilities
    return table.assign(
        predicted=np.array(labels, object)[probabilities.argmax(axis=1)],
        confidence=probabilities.max(axis=1),
        group=pd.cut(table["age"], [*_GROUPS.values(), np.inf], right=False, labels=[*_GROUPS]).astype(
            object
        ),
    )


def has_predictions(card: ModelCard) -> bool:
    """Tell whether the report holds what a model answered."""
    return predictions_path(card.name).is_file()


@cache
def read_experiments() -> dict[str, dict[str, Any]]:
    """Read the reports of the published experiments, by recipe; not to be changed."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(REPORTS.glob("*/metrics.json"))]
    return {report["recipe"]: report for report in found}


@cache
def read_experiment_predictions(recipe: str) -> pd.DataFrame:
    """Read what was told of each clip in a published experiment; as of ``reproduce.write_report``."""
    return _plain(pd.read_parquet(REPORTS / recipe / "predictions.parquet"))


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    """Give texts as objects: categories make empty groups."""
    texts = table.select_dtypes("category").columns
    return table.astype(dict.fromkeys(texts, object))
