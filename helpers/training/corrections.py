"""Corrections as a corpus: the files of “Download corrections” beside the recordings that they are of.

A clip is a stretch of a recording, and a speaker is a channel of one, so that all that was corrected there is
on one side of a split. Who speaks in two recordings counts as two, for nothing says so.
"""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.clips import cut
from helpers.corrections import Correction
from helpers.emotions import EMOTIONS
from helpers.errors import CorpusError
from helpers.media import channel_names, mean_of_channels, open_recording

NAME = "corrections"
TITLE = "Segments corrected by hand"
LICENCE = "that of the recordings"

_OF_A_FILE = re.compile(r"left|right|channel \d+")
_STRETCH = ["recording", "channel", "start", "end"]
_AGAIN = "take the file that “Download corrections” gives"


def load_corrections(folder: Path) -> pd.DataFrame:
    """Read the corrections of a folder.

    Parameters
    ----------
    folder : Path
        Holding CSV files as of ``exports.to_corrections``, and the recordings, anywhere in it.

    Returns
    -------
    pd.DataFrame
        Path, channel, start, end [seconds], corpus, speaker and emotion of each stretch, once if it stands in
        two files.

    Raises
    ------
    CorpusError
        There is no such file, or one of them is damaged, names an emotion that there is not or a recording
        that is not there, or contradicts another.
    """
    files = sorted(path for path in folder.rglob("*.csv") if not path.name.startswith("."))
    if not files:
        raise CorpusError(f"There is no CSV of corrections in {folder}: put it there, with its recordings.")
    table = pd.concat([_read(path) for path in files], ignore_index=True)
    table = table.drop_duplicates([*_STRETCH, "emotion"], ignore_index=True)
    _refuse_contradictions(table)
    paths = _recordings(folder, table["recording"])
    speakers = f"{NAME}/" + table["recording"] + "/" + table["channel"]
    return pd.DataFrame(
        {
            "path": table["recording"].map(paths),
            **{name: table[name] for name in ("channel", "start", "end")},
            **{"corpus": NAME, "speaker": speakers, "emotion": table["emotion"]},
        }
    )


def hear_stretches(path: Path, stretches: pd.DataFrame) -> list[np.ndarray]:
    """Cut stretches out of a recording.

    Parameters
    ----------
    path : Path
    stretches : pd.DataFrame
        Of this recording, with channel, start and end [seconds].

    Returns
    -------
    list of np.ndarray [shape=(n,), dtype=int16]
        At ``media.SAMPLE_RATE``, one channel of each.

    Raises
    ------
    MediaError
        The recording cannot be read, or ends before.
    CorpusError
        It does not have such a channel.
    """
    spans = [*stretches[["start", "end"]].itertuples(index=False, name=None)]
    with open_recording(path) as stream:
        pieces = cut(stream, spans)
    return [_channel(piece, name, path) for piece, name in zip(pieces, stretches["channel"], strict=True)]


def _read(path: Path) -> pd.DataFrame:
    """Read a file of corrections, and check what can be checked without the recordings."""
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except ValueError:
        raise CorpusError(f"{path.name} cannot be read as CSV: {_AGAIN}.") from None
    lacking = [field.name for field in fields(Correction) if field.name not in table]
    if lacking:
        raise CorpusError(f"{path.name} lacks the column {', '.join(lacking)}: {_AGAIN}.")
    for edge in ("start", "end"):
        table[edge] = pd.to_numeric(table[edge], errors="coerce")
    for row in table.itertuples():
        line = f"{path.name}, line {row.Index + 2}"
        if not 0 <= row.start < row.end:
            raise CorpusError(f"{line}, has no start before its end: {_AGAIN}.")
        if row.emotion not in EMOTIONS:
            raise CorpusError(f"{line}, has the emotion {row.emotion!r}: write one of {', '.join(EMOTIONS)}.")
    return table


def _refuse_contradictions(table: pd.DataFrame) -> None:
    """Refuse a stretch with two emotions, as of an older and a newer file."""
    twice = table[table.duplicated(_STRETCH, keep=False)]
    if len(twice):
        first = twice.iloc[0]
        same = twice[(twice[_STRETCH] == first[_STRETCH]).all(axis=1)]
        raise CorpusError(
            f"{first['recording']} is {' and '.join(same['emotion'])} from {first['start']:g} to "
            f"{first['end']:g} s: keep the newer of the files that say so."
        )


def _recordings(folder: Path, names: pd.Series) -> dict[str, Path]:
    """Find recordings by their names, before which an apostrophe may have been put."""
    there: dict[str, list[Path]] = {}
    for path in folder.rglob("*"):
        there.setdefault(path.name, []).append(path)
    found = {}
    for name in names.unique():
        paths = there.get(name) or there.get(name.removeprefix("'"), [])
        if len(paths) != 1:
            problem = f"is there {len(paths)} times: keep one" if paths else "is missing: put it there"
            raise CorpusError(f"Of the recordings corrected in {folder}, {name} {problem}.")
        found[name] = paths[0]
    return found


def _channel(piece: np.ndarray, name: str, path: Path) -> np.ndarray:
    """Take a channel out of a piece [shape=(n, channels)]; what is no channel of a file is heard in all."""
    names = channel_names(piece.shape[1])
    if not _OF_A_FILE.fullmatch(name):
        return mean_of_channels(piece)
    if name not in names:
        raise CorpusError(f"{path.name} has no channel {name!r}: is it the recording that was corrected?")
    return piece[:, names.index(name)]
