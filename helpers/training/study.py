"""Features for study, beside those of the app: what the literature uses, computed by librosa, and kept.

Features belong to a set with a name and a version, and to a clip by its content, so that what was computed
once is not computed again, in whatever folder the clip lies. An interrupted computation goes on where it was.
"""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from helpers.errors import CorpusError
from helpers.feature_sets import ACOUSTIC, IMAGE, FeatureSet
from helpers.media import SAMPLE_RATE, decode

LITERATURE = {"mfcc": 40, "chroma": 12, "mel": 128, "contrast": 7, "tonnetz": 6}
STATISTICS = ("mean", "median", "std", "min", "max", "skew", "kurtosis")

_AT_ONCE = 100  # clips, between two looks at an interruption
_N_MFCC = 20
_IMAGE_START = 0.5  # seconds


@dataclass(frozen=True)
class StudySet:
    """Features that a clip is described by.

    Attributes
    ----------
    name : str
    version : int
        Counted up when the same clip gets other values.
    describe : callable
        From a file to named values.
    """

    name: str
    version: int
    describe: Callable[[Path], dict[str, float]]


def literature_features(path: Path, parts: Iterable[str] = ("mfcc", "chroma", "mel")) -> dict[str, float]:
    """Describe a clip by means over time, at the file's own sampling rate, as most demonstrations do.

    Parameters
    ----------
    path : Path
    parts : iterable of str
        Keys of `LITERATURE`; the first three give the 180 values of the literature.

    Returns
    -------
    dict of str to float
    """
    frames = _librosa_frames(path, n_mfcc=LITERATURE["mfcc"])
    return {
        f"{part}_{index}": float(value)
        for part in parts
        for index, value in enumerate(frames[part].mean(axis=1))
    }


def statistics_features(path: Path) -> dict[str, float]:
    """Describe a clip by `STATISTICS` of its frames; what is not finite becomes 0.

    Parameters
    ----------
    path : Path

    Returns
    -------
    dict of str to float
        Of MFCC and its first two deltas, chroma, mel, contrast, tonnetz, RMS, zero crossings, centroid,
        bandwidth, roll-off and flatness.
    """
    from scipy.stats import kurtosis, skew

    named: dict[str, float] = {}
    for part, values in _librosa_frames(path, n_mfcc=_N_MFCC).items():
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # of values that never change
            columns = (
                *(values.mean(axis=1), np.median(values, axis=1), values.std(axis=1)),
                *(values.min(axis=1), values.max(axis=1), skew(values, axis=1), kurtosis(values, axis=1)),
            )
        for statistic, column in zip(STATISTICS, columns, strict=True):
            clean = np.nan_to_num(column, nan=0.0, posinf=0.0, neginf=0.0)
            named |= {f"{part}_{index} {statistic}": float(value) for index, value in enumerate(clean)}
    return named


def image_features(path: Path) -> dict[str, float]:
    """Describe a clip by the picture of its MFCC, from 0.5 s on.

    Parameters
    ----------
    path : Path

    Returns
    -------
    dict of str to float
        As of ``images.mfcc_image``.
    """
    return _served(IMAGE, decode(path).samples[0, round(_IMAGE_START * SAMPLE_RATE) :])


def acoustic_features(path: Path) -> dict[str, float]:
    """Describe a clip by the features of the app, over all of it.

    Parameters
    ----------
    path : Path

    Returns
    -------
    dict of str to float
    """
    return _served(ACOUSTIC, decode(path).samples[0])


STUDY_SETS = {
    each.name: each
    for each in (
        StudySet("statistics", 1, statistics_features),
        StudySet(IMAGE.name, IMAGE.version, image_features),
        StudySet(ACOUSTIC.name, ACOUSTIC.version, acoustic_features),
    )
}


def feature_set_named(name: str) -> StudySet:
    """Find a feature set, or put one together from parts of the literature's extractor.

    Parameters
    ----------
    name : str
        Key of `STUDY_SETS`, or keys of `LITERATURE` joined by "+", as in "mfcc+chroma+mel".

    Returns
    -------
    StudySet

    Raises
    ------
    CorpusError
        There is none of this name.
    """
    if name in STUDY_SETS:
        return STUDY_SETS[name]
    parts = tuple(name.split("+"))
    if not set(parts) <= LITERATURE.keys():
        known = f"{', '.join(STUDY_SETS)}, or any of {'+'.join(LITERATURE)}"
        raise CorpusError(f"There is no feature set {name!r}: choose {known}.")
    return StudySet(name, 1, partial(literature_features, parts=parts))


def describe_clips(
    paths: Iterable[Path], feature_set: str, cache: Path, *, jobs: int = -1, progress: bool = True
) -> pd.DataFrame:
    """Describe clips, computing only what was never computed.

    Parameters
    ----------
    paths : iterable of Path
    feature_set : str
        As of `feature_set_named`.
    cache : Path
        Folder in which features are kept.
    jobs : int
        Processes.
    progress : bool
        Show a bar.

    Returns
    -------
    pd.DataFrame
        A row per clip in the order of `paths`, a named column per feature.
    """
    from tqdm import tqdm

    chosen = feature_set_named(feature_set)
    folder = cache / f"{chosen.name}-{chosen.version}"
    folder.mkdir(parents=True, exist_ok=True)
    paths = list(paths)
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    known = _kept(folder)
    tables = [known]
    missing = {digest: path for digest, path in zip(digests, paths, strict=True) if digest not in known.index}
    if missing:
        first, *_ = missing.values()
        chosen.describe(first)  # compiles librosa's functions in one process: two at once can spoil its cache
    todo = list(missing)
    with tqdm(total=len(todo), desc=chosen.name, disable=not progress or not todo) as bar:
        for start in range(0, len(todo), _AT_ONCE):
            batch = todo[start : start + _AT_ONCE]
            rows = Parallel(n_jobs=jobs)(delayed(_describe)(feature_set, missing[digest]) for digest in batch)
            tables.append(pd.DataFrame(rows, index=pd.Index(batch, name="digest")).astype("float32"))
            _keep(tables[-1], folder)
            bar.update(len(batch))
    return pd.concat(tables).loc[digests].reset_index(drop=True)


def write_table(clips: pd.DataFrame, described: pd.DataFrame, path: Path) -> None:
    """Write clips with their features as CSV and as Parquet.

    Parameters
    ----------
    clips : pd.DataFrame
        From ``corpora.load_corpora``.
    described : pd.DataFrame
        From `describe_clips`.
    path : Path
        Of both files, without extension.
    """
    table = pd.concat([clips.assign(path=clips["path"].map(str)), described], axis=1)
    table.to_csv(path.with_suffix(".csv"), index=False)
    table.to_parquet(path.with_suffix(".parquet"), index=False)


def _served(feature_set: FeatureSet, samples: np.ndarray) -> dict[str, float]:
    return dict(zip(feature_set.names(), map(float, feature_set.describe(samples)), strict=True))


def _describe(feature_set: str, path: Path) -> dict[str, float]:
    return feature_set_named(feature_set).describe(path)


def _kept(folder: Path) -> pd.DataFrame:
    tables = [pd.read_parquet(path) for path in sorted(folder.glob("*.parquet"))]
    return pd.concat(tables) if tables else pd.DataFrame(index=pd.Index([], name="digest"))


def _keep(table: pd.DataFrame, folder: Path) -> None:
    """Write a table whole or not at all."""
    path = folder / f"{table.index[0]}.parquet"
    unfinished = path.with_suffix(f".{os.getpid()}")
    table.to_parquet(unfinished)
    unfinished.replace(path)


def _librosa_frames(path: Path, *, n_mfcc: int) -> dict[str, Any]:
    """Compute the features of frames from one spectrum [shape=(values, frames) each]."""
    import librosa

    signal, rate = librosa.load(path, sr=None)
    if len(signal) < 2048:
        signal = np.pad(signal, (0, 2048 - len(signal)))
    magnitude = np.abs(librosa.stft(signal))
    mel = librosa.feature.melspectrogram(S=magnitude**2, sr=rate)
    mfcc = librosa.feature.mfcc(S=librosa.power_to_db(mel), n_mfcc=n_mfcc)
    chroma = librosa.feature.chroma_stft(S=magnitude**2, sr=rate, tuning=0)
    width = min(9, (mfcc.shape[1] - 1) // 2 * 2 + 1)
    deltas = [librosa.feature.delta(mfcc, order=order, width=width, mode="nearest") for order in (1, 2)]
    return {
        "mfcc": mfcc,
        **{"mfcc_delta": deltas[0], "mfcc_delta2": deltas[1]},
        "chroma": chroma,
        "mel": mel,
        "contrast": librosa.feature.spectral_contrast(S=magnitude, sr=rate),
        "tonnetz": librosa.feature.tonnetz(chroma=chroma),
        "rms": librosa.feature.rms(S=magnitude),
        "zero_crossings": librosa.feature.zero_crossing_rate(signal),
        "centroid": librosa.feature.spectral_centroid(S=magnitude, sr=rate),
        "bandwidth": librosa.feature.spectral_bandwidth(S=magnitude, sr=rate),
        "rolloff": librosa.feature.spectral_rolloff(S=magnitude, sr=rate),
        "flatness": librosa.feature.spectral_flatness(S=magnitude),
    }


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
