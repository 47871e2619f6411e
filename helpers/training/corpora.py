"""Corpora of labelled speech, read from the layouts in which they are published, with any audio extension.

A corpus is recognised by the names of its files alone, wherever they lie under its folder, so that copies
that were sorted anew still give every clip its speaker. All loaders give one tidy table, a row per clip, with
the columns `COLUMNS`: `emotion` is a word of one taxonomy, `label` is the corpus's own. A speaker's name
begins with the corpus, so that speakers of different corpora never meet in a split.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from helpers.errors import CorpusError
from helpers.media import EXTENSIONS

COLUMNS = [
    *("path", "corpus", "speaker", "sex", "emotion", "label", "intensity", "sentence"),
    *("age", "vote"),  # known of CREMA-D alone
]
MIXED = "audio-emotions"
OWN, OWN_TITLE, OWN_LICENCE = "own", "Somebody's own labelled clips", "that of the clips"

_FEMALE, _MALE = "female", "male"
_CREMA_D_INTENSITIES = {"LO": "low", "MD": "medium", "HI": "high", "XX": "unspecified", "X": "unspecified"}
_CREMA_D_SEX = {"Female": _FEMALE, "Male": _MALE}
_EMODB_MEN = {"03", "10", "11", "12", "15"}
_RAVDESS_SONG = re.compile(r"03-02(-\d\d){5}")
_TESS_MISSPELT = {"OA": "OAF"}
_RAVDESS_SENTENCES = {"01": "kids", "02": "dogs"}

Match = re.Match[str]


@dataclass(frozen=True)
class Corpus:
    """A corpus that can be trained on.

    Attributes
    ----------
    name, title : str
        The folder that it is looked for in, and its full name.
    licence : str
        Under which it is published.
    source : str
        Of the publication.
    pattern : re.Pattern
        Of its files' names without extension, with the groups `speaker` and `emotion`.
    labels : dict of str to (str, str)
        From the code in a file's name to the corpus's own word and the emotion of the taxonomy.
    describe : callable
        From a match of `pattern` to sex, intensity and sentence.
    """

    name: str
    title: str
    licence: str
    source: str
    pattern: re.Pattern[str]
    labels: dict[str, tuple[str, str]]
    describe: Callable[[Match], tuple[str, str, str]]


def _same(*emotions: str) -> dict[str, tuple[str, str]]:
    """Label clips whose names have the words of the taxonomy."""
    return {emotion: (emotion, emotion) for emotion in emotions}


def _describe_ravdess(match: Match) -> tuple[str, str, str]:
    sex = _FEMALE if int(match["speaker"]) % 2 == 0 else _MALE
    return sex, "strong" if match["intensity"] == "02" else "normal", _RAVDESS_SENTENCES[match["sentence"]]


CORPORA = {
    corpus.name: corpus
    for corpus in (
        Corpus(
            name="crema-d",
            title="Crowd-sourced Emotional Multimodal Actors Dataset",
            licence="ODbL 1.0",
            source="Cao et al. 2014",
            pattern=re.compile(
                r"(?P<speaker>1\d{3})_(?P<sentence>[A-Z]{3})_(?P<emotion>[A-Z]{3})_(?P<intensity>[A-Z]{1,2})"
            ),
            labels={
                **{"ANG": ("anger", "angry"), "DIS": ("disgust", "disgust"), "FEA": ("fear", "fearful")},
                **{"HAP": ("happy", "happy"), "NEU": ("neutral", "neutral"), "SAD": ("sad", "sad")},
            },
            describe=lambda match: (
                "",
                _CREMA_D_INTENSITIES.get(match["intensity"], "unspecified"),
                match["sentence"],
            ),
        ),
        Corpus(
            name="ravdess",
            title="Ryerson Audio-Visual Database of Emotional Speech and Song",
            licence="CC BY-NC-SA 4.0",
            source="Livingstone and Russo 2018",
            pattern=re.compile(
                r"03-01-(?P<emotion>\d\d)-(?P<intensity>\d\d)-(?P<sentence>0[12])-\d\d-(?P<speaker>\d\d)"
            ),
            labels={
                f"0{number + 1}": (emotion, emotion)
                for number, emotion in enumerate(
                    ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
                )
            },
            describe=_describe_ravdess,
        ),
        Corpus(
            name="savee",
            title="Surrey Audio-Visual Expressed Emotion",
            licence="research use",
            source="Haq and Jackson 2010",
            pattern=re.compile(r"(?P<speaker>DC|JE|JK|KL)_(?P<emotion>sa|su|[adfhn])(?P<sentence>\d\d)"),
            labels={
                **{"a": ("anger", "angry"), "d": ("disgust", "disgust"), "f": ("fear", "fearful")},
                **{"h": ("happiness", "happy"), "n": ("neutral", "neutral"), "sa": ("sadness", "sad")},
                "su": ("surprise", "surprised"),
            },
            describe=lambda match: (_MALE, "unspecified", match["emotion"] + match["sentence"]),
        ),
        Corpus(
            name="tess",
            title="Toronto Emotional Speech Set",
            licence="CC BY-NC-ND 4.0",
            source="Pichora-Fuller and Dupuis 2020",
            pattern=re.compile(r"(?P<speaker>OAF|YAF|OA)_(?P<sentence>\w+?)_(?P<emotion>[a-z]+)"),
            labels={
                **{
                    "angry": ("angry", "angry"),
                    "disgust": ("disgust", "disgust"),
                    "fear": ("fear", "fearful"),
                },
                **{"happy": ("happy", "happy"), "neutral": ("neutral", "neutral"), "sad": ("sad", "sad")},
                "ps": ("pleasant surprise", "surprised"),
            },
            describe=lambda match: (_FEMALE, "unspecified", match["sentence"].lower()),
        ),
        Corpus(
            name="emodb",
            title="Berlin Database of Emotional Speech",
            licence="free with citation",
            source="Burkhardt et al. 2005",
            pattern=re.compile(
                r"(?P<speaker>0[389]|1[0-6])(?P<sentence>[ab]\d\d)(?P<emotion>[WLEAFTN])[a-h]"
            ),
            labels={
                **{"W": ("Ärger", "angry"), "L": ("Langeweile", "bored"), "E": ("Ekel", "disgust")},
                **{"A": ("Angst", "fearful"), "F": ("Freude", "happy"), "T": ("Trauer", "sad")},
                "N": ("neutral", "neutral"),
            },
            describe=lambda match: (
                _MALE if match["speaker"] in _EMODB_MEN else _FEMALE,
                "unspecified",
                match["sentence"],
            ),
        ),
    )
}

_WORDS = {
    word.casefold(): emotion
    for corpus in CORPORA.values()
    for label, emotion in corpus.labels.values()
    for word in (label, emotion)
}


def load_corpora(names: Iterable[str], folder: Path) -> pd.DataFrame:
    """Read several corpora, each from the folder of its name.

    Parameters
    ----------
    names : iterable of str
        Keys of `CORPORA`, or `MIXED` for a folder of clips of several corpora, sorted by emotion.
    folder : Path
        Holding a folder per corpus.

    Returns
    -------
    pd.DataFrame
        With `COLUMNS`.

    Raises
    ------
    CorpusError
        One of them is missing, or has no clip with a name as published.
    """
    return pd.concat([_load(name, folder / name) for name in names], ignore_index=True)


def strangers(names: Iterable[str], folder: Path) -> list[Path]:
    """List the audio files whose names are not those of the corpus.

    Parameters
    ----------
    names : iterable of str
        As of `load_corpora`.
    folder : Path
        Holding a folder per corpus.

    Returns
    -------
    list of Path
        RAVDESS's songs are none, they are left out on purpose.
    """
    return [
        path
        for name in names
        for path in _audio_files(folder / name, name)
        if not _recognised(path, name) and not _RAVDESS_SONG.fullmatch(path.stem)
    ]


def speaker_by_name(path: Path) -> str:
    """Name the speaker of a clip that is called as in one of the `CORPORA`; empty where none does so."""
    known = _recognised(path, MIXED)
    return _speaker(*known) if known else ""


def emotion_by_word(word: str) -> str:
    """Find the emotion of the taxonomy that a word stands for, in any of the `CORPORA`; empty where none."""
    return _WORDS.get(word.strip().casefold(), "")


def summarise(clips: pd.DataFrame, durations: pd.Series | None = None) -> pd.DataFrame:
    """Count what each corpus has.

    Parameters
    ----------
    clips : pd.DataFrame
        From `load_corpora`.
    durations : pd.Series, optional
        Length of each clip [seconds], as from ``checks.inspect``.

    Returns
    -------
    pd.DataFrame
        A row per corpus: clips, speakers, women and men among them, hours, and clips per emotion.
    """
    by_corpus = clips.groupby("corpus", sort=False)
    people = clips.drop_duplicates("speaker").groupby(["corpus", "sex"]).size().unstack(fill_value=0)
    table = pd.DataFrame({"clips": by_corpus.size(), "speakers": by_corpus["speaker"].nunique()})
    for sex in (_FEMALE, _MALE):
        table[sex] = people.get(sex, 0)
    if durations is not None:
        table["hours"] = durations.groupby(clips["corpus"]).sum() / 3600
    emotions = clips.groupby(["corpus", "emotion"]).size().unstack(fill_value=0)
    return table.fillna(0).join(emotions).reset_index()


def _load(name: str, folder: Path) -> pd.DataFrame:
    found = [(path, _recognised(path, name)) for path in _audio_files(folder, name)]
    rows = [_row(path, *known) for path, known in found if known]
    if not rows:
        raise CorpusError(f"No clip of {name} was found in {folder}: check the folder and its layout.")
    table = pd.DataFrame(rows, columns=COLUMNS)
    return _with_crema_d_tables(table, folder) if name == "crema-d" else table


def _audio_files(folder: Path, name: str) -> list[Path]:
    """List a corpus's audio files; CREMA-D has the same clips in other formats beside ``AudioWAV``."""
    inner = folder / "AudioWAV"
    root = inner if name == "crema-d" and inner.is_dir() else folder
    files = (path for path in root.rglob("*.*") if path.suffix[1:].lower() in EXTENSIONS)
    return sorted(path for path in files if not path.name.startswith("."))


def _recognised(path: Path, name: str) -> tuple[Corpus, Match] | None:
    """Find the corpus whose names the file's is like, among all of them in a mixed folder."""
    for corpus in CORPORA.values() if name == MIXED else [CORPORA[name]]:
        match = corpus.pattern.fullmatch(path.stem)
        if match and match["emotion"] in corpus.labels:
            return corpus, match
    return None


def _row(path: Path, corpus: Corpus, match: Match) -> tuple[object, ...]:
    label, emotion = corpus.labels[match["emotion"]]
    sex, intensity, sentence = corpus.describe(match)
    described = (sex, emotion, label, intensity, sentence)
    return (path, corpus.name, _speaker(corpus, match), *described, float("nan"), "")


def _speaker(corpus: Corpus, match: Match) -> str:
    return f"{corpus.name}/{_TESS_MISSPELT.get(match['speaker'], match['speaker'])}"


def _with_crema_d_tables(clips: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """Add sex, age and the crowd's vote on the voice, as far as the tables are there."""
    for place in (folder, folder / "meta"):
        people = _table(place / "VideoDemographics.csv", "ActorID", "Sex", "Age")
        votes = _table(place / "summaryTable.csv", "FileName", "VoiceVote")
        if people is not None:
            people.index = "crema-d/" + people.index.astype(str)
            clips["sex"] = clips["speaker"].map(people["Sex"].map(_CREMA_D_SEX)).fillna("")
            clips["age"] = clips["speaker"].map(people["Age"]).astype(float)
        if votes is not None:
            clips["vote"] = clips["path"].map(lambda path: path.stem).map(votes["VoiceVote"]).fillna("")
    return clips


def _table(path: Path, key: str, *columns: str) -> pd.DataFrame | None:
    """Read a table, if it is there and has these columns."""
    if not path.is_file():
        return None
    table = pd.read_csv(path, on_bad_lines="skip")
    return table.set_index(key)[[*columns]] if {key, *columns} <= set(table) else None
