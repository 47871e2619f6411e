"""Corpora of labelled speech, read from their official layouts with any audio extension.

Every loader gives a row per clip with the columns `COLUMNS`; a speaker's name begins with the corpus, so that
speakers of different corpora never meet in a split.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from helpers.errors import CorpusError
from helpers.media import EXTENSIONS

COLUMNS = ["path", "corpus", "speaker", "emotion"]

_CREMA_D_NAME = re.compile(r"(?P<speaker>\d{4})_[A-Z]{3}_(?P<emotion>[A-Z]{3})_[A-Z]{1,2}")
_CREMA_D_EMOTIONS = {
    **{"ANG": "angry", "DIS": "disgust", "FEA": "fearful"},
    **{"HAP": "happy", "NEU": "neutral", "SAD": "sad"},
}
_RAVDESS_SPEECH = re.compile(r"03-01-(?P<emotion>\d\d)-\d\d-\d\d-\d\d-(?P<speaker>\d\d)")
_RAVDESS_EMOTIONS = {
    **{"01": "neutral", "02": "calm", "03": "happy", "04": "sad"},
    **{"05": "angry", "06": "fearful", "07": "disgust", "08": "surprised"},
}


@dataclass(frozen=True)
class Corpus:
    """A corpus that can be trained on.

    Attributes
    ----------
    name, title : str
        The folder that it is looked for in, and its full name.
    licence : str
        Under which it is published.
    load : callable
        From the corpus's folder to a DataFrame with `COLUMNS`.
    """

    name: str
    title: str
    licence: str
    load: Callable[[Path], pd.DataFrame]


def load_crema_d(folder: Path) -> pd.DataFrame:
    """Read CREMA-D (Cao et al. 2014): ``AudioWAV/1001_DFA_ANG_XX.wav``.

    Parameters
    ----------
    folder : Path
        Holding ``AudioWAV``.

    Returns
    -------
    pd.DataFrame
        With `COLUMNS`; six emotions.

    Raises
    ------
    CorpusError
        There is no clip with such a name.
    """
    return _load(folder / "AudioWAV", "crema-d", _CREMA_D_NAME, _CREMA_D_EMOTIONS)


def load_ravdess(folder: Path) -> pd.DataFrame:
    """Read the speech of RAVDESS (Livingstone and Russo 2018): ``Actor_01/03-01-05-01-02-01-01.wav``.

    Parameters
    ----------
    folder : Path
        Holding ``Actor_01`` and so on.

    Returns
    -------
    pd.DataFrame
        With `COLUMNS`; eight emotions, "calm" among them. Songs are left out.

    Raises
    ------
    CorpusError
        There is no clip with such a name.
    """
    return _load(folder, "ravdess", _RAVDESS_SPEECH, _RAVDESS_EMOTIONS)


CORPORA = {
    corpus.name: corpus
    for corpus in (
        Corpus("crema-d", "Crowd-sourced Emotional Multimodal Actors Dataset", "ODbL 1.0", load_crema_d),
        Corpus(
            "ravdess",
            "Ryerson Audio-Visual Database of Emotional Speech and Song",
            "CC BY-NC-SA 4.0",
            load_ravdess,
        ),
    )
}


def load_corpora(names: tuple[str, ...], folder: Path) -> pd.DataFrame:
    """Read several corpora, each from the folder of its name.

    Parameters
    ----------
    names : tuple of str
        Keys of `CORPORA`.
    folder : Path
        Holding a folder per corpus.

    Returns
    -------
    pd.DataFrame
        With `COLUMNS`.

    Raises
    ------
    CorpusError
        One of them is missing, or not laid out as published.
    """
    return pd.concat([CORPORA[name].load(folder / name) for name in names], ignore_index=True)


def _load(folder: Path, corpus: str, pattern: re.Pattern[str], emotions: dict[str, str]) -> pd.DataFrame:
    paths = sorted(path for path in folder.rglob("*.*") if path.suffix[1:].lower() in EXTENSIONS)
    named = [(path, pattern.fullmatch(path.stem)) for path in paths]
    rows = [
        (path, corpus, f"{corpus}/{match['speaker']}", emotions[match["emotion"]])
        for path, match in named
        if match and match["emotion"] in emotions
    ]
    if not rows:
        raise CorpusError(f"No clip of {corpus} was found in {folder}: check the folder and its layout.")
    return pd.DataFrame(rows, columns=COLUMNS)
