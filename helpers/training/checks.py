"""What is wrong with a corpus's files: reported, never raised."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from joblib import Parallel, delayed

from helpers.errors import HelpersError

_SILENT = 10  # of 32768
_FOLDERS = {
    **{"angry": "angry", "disgusted": "disgust", "disgust": "disgust", "fearful": "fearful"},
    **{"happy": "happy", "neutral": "neutral", "sad": "sad", "surprised": "surprised"},
    "suprised": "surprised",  # as some copies spell it
}


@dataclass(frozen=True)
class Facts:
    """What a file holds.

    Attributes
    ----------
    duration : float
        Length [seconds]; 0 where it cannot be read.
    rate : int
        Sampling rate [Hz].
    channels : int
    digest : str
        Equal for equal sound.
    container : str
        FFmpeg's name of the format.
    problem : str
        Why it cannot be read, or that it is silent; empty where all is well.
    """

    duration: float = 0.0
    rate: int = 0
    channels: int = 0
    digest: str = ""
    container: str = ""
    problem: str = ""


def inspect(paths: Iterable[Path], *, jobs: int = -1) -> pd.DataFrame:
    """Look into files.

    Parameters
    ----------
    paths : iterable of Path
    jobs : int
        Processes.

    Returns
    -------
    pd.DataFrame
        A row per file, with `path` and the fields of `Facts`.
    """
    paths = list(paths)
    facts = Parallel(n_jobs=jobs, batch_size=32)(delayed(_facts)(path) for path in paths)
    return pd.DataFrame([vars(fact) for fact in facts]).assign(path=paths)


def problems(clips: pd.DataFrame, facts: pd.DataFrame, strangers: Iterable[Path] = ()) -> pd.DataFrame:
    """Say what is wrong with the clips of a corpus.

    Parameters
    ----------
    clips : pd.DataFrame
        From ``corpora.load_corpora``.
    facts : pd.DataFrame
        From `inspect`, of the same clips in the same order.
    strangers : iterable of Path
        From ``corpora.strangers``.

    Returns
    -------
    pd.DataFrame
        Columns `path` and `problem`, a row for each problem.
    """
    bad = facts[facts["problem"] != ""]
    rows = [(path, f"is {problem}") for path, problem in zip(bad["path"], bad["problem"], strict=True)]
    rows += [(path, "has a name that the corpus does not use") for path in strangers]
    rows += _odd_names(clips)
    readable = facts[facts["digest"] != ""].join(clips[["corpus", "emotion"]])
    for column, words in (("rate", "{} Hz"), ("channels", "{} channels"), ("container", "the format {}")):
        rows += _deviants(readable, column, words)
    rows += _duplicates(readable)
    return pd.DataFrame(rows, columns=["path", "problem"])


def _facts(path: Path) -> Facts:
    import av

    from helpers.media import decode

    if path.stat().st_size == 0:
        return Facts(problem="empty")
    try:
        recording = decode(path)
        with av.open(str(path)) as container:
            stream = container.streams.audio[0]
            rate, channels, form = stream.rate, stream.channels, container.format.name
    except HelpersError:
        return Facts(problem="unreadable")
    samples = recording.samples
    return Facts(
        duration=recording.duration,
        rate=rate,
        channels=channels,
        digest=hashlib.sha256(samples.tobytes()).hexdigest(),
        container=form,
        problem="silent" if (abs(samples.astype(int)) < _SILENT).all() else "",
    )


def _odd_names(clips: pd.DataFrame) -> list[tuple[Path, str]]:
    """Find clips whose names are readable, but not as published, and folders that contradict the name."""
    rows = []
    for path, corpus, emotion in clips[["path", "corpus", "emotion"]].itertuples(index=False):
        if corpus == "crema-d" and path.stem.endswith("_X"):
            rows.append((path, "ends in one X instead of two"))
        if corpus == "tess" and path.stem.startswith("OA_"):
            rows.append((path, "begins with OA instead of OAF"))
        folder = _FOLDERS.get(path.parent.name.lower())
        if folder and folder != emotion:
            rows.append((path, f"lies in the folder {path.parent.name}, but its name says {emotion}"))
    return rows


def _deviants(readable: pd.DataFrame, column: str, words: str) -> list[tuple[Path, str]]:
    """Find the clips that differ from most of their corpus."""
    usual = readable.groupby("corpus")[column].transform(lambda values: values.mode().iloc[0])
    different = readable[readable[column] != usual]
    return [
        (path, f"has {words.format(value)}, where the corpus has {words.format(common)}")
        for path, value, common in zip(
            different["path"], different[column], usual[different.index], strict=True
        )
    ]


def _duplicates(readable: pd.DataFrame) -> list[tuple[Path, str]]:
    rows = []
    for _, same in readable.groupby("digest"):
        first = same.iloc[0]
        for path, emotion in same[["path", "emotion"]].iloc[1:].itertuples(index=False):
            against = "" if emotion == first["emotion"] else f", with the label {first['emotion']} there"
            rows.append((path, f"has the sound of {first['path'].name}{against}"))
    return rows
