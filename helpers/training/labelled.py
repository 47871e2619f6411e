"""Somebody's own labelled clips: a ZIP in, a model with its card and its report out.

In the ZIP either lies a folder per emotion, or a CSV with the columns ``file``, ``emotion`` and, if they are
known, ``speaker``. Speakers are also known where the clips are called as in a published corpus. Where at
least `LEAST_SPEAKERS` are, nobody is on both sides of the cross-validation; else the protocol's name says
that it is leaky. Nothing in the ZIP decides where a file is written, and it cannot unfold to more than the
limits.
"""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix, f1_score

from helpers.classifier import NO_BASELINE, ModelCard
from helpers.emotions import NEUTRAL
from helpers.errors import CorpusError
from helpers.estimators import SKOPS, to_skops
from helpers.feature_sets import ACOUSTIC_AND_EMBEDDED
from helpers.frames import Progress
from helpers.media import EXTENSIONS, LONGEST_CLIP
from helpers.training.calibration import calibrate, in_calls
from helpers.training.checks import inspect, problems
from helpers.training.corpora import COLUMNS, OWN, OWN_LICENCE, emotion_by_word, speaker_by_name
from helpers.training.evaluate import unweighted_average_recall
from helpers.training.fitting import TrainingSet, fit_alone, fit_baselined
from helpers.training.models import (
    LEAST_SPEAKERS,
    PERFORMED,
    SPEAKER_NETWORK_USE,
    ModelRecipe,
    extract,
    model_recipe,
    new_card,
    score_rows,
    told_of_segments,
)
from helpers.training.protocols import LeakyFolds, Protocol, SpeakerFolds, Split, checked_splits, is_leaky

LEAST_CLIPS = 5  # of an emotion
MOST_CLIPS = 20_000
LARGEST_CLIP = 50 * 2**20  # bytes
LARGEST = 2 * 2**30  # bytes, of all clips
LARGEST_RATIO = 100  # of the content to the ZIP, which sound never reaches

_FOLDS = 5
_AT_ONCE = 64  # clips between two reports of progress
_DESCRIBED, _VALIDATED = 0.6, 0.9  # shares of the work
_SURE = 0.9  # confidence that is enough, however easily the clips are told apart
_LONGEST_NAME = 60  # characters, for file systems allow 255 bytes
_CSV_COLUMNS = {"file", "emotion"}
_LARGEST_CSV = 10 * 2**20
_LAYOUT = "put a folder per emotion into it, or a CSV with the columns file, emotion and speaker"


@dataclass(frozen=True, eq=False)
class LabelledClips:
    """Clips that can be trained on.

    Attributes
    ----------
    clips : pd.DataFrame
        With ``corpora.COLUMNS``; the speaker is empty where nobody knows.
    problems : tuple of str
        A sentence's end on each clip that was left out or is unlike the others, after its name.
    """

    clips: pd.DataFrame
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """How good a model is, by models that were trained on the other folds.

    Attributes
    ----------
    protocol : str
        Its name; it begins with "leaky" where speakers may be on both sides.
    labels : tuple of str
        Emotions.
    clips, speakers : int
        That were tested on; 0 speakers where nobody knows.
    macro_f1, recall : tuple of float
        Of each fold, over clips as recorded: macro F1 and unweighted average recall.
    confusion : tuple of tuple of int
        Clips of all folds by true emotion (rows) and by what was told (columns).
    """

    protocol: str
    labels: tuple[str, ...]
    clips: int
    speakers: int
    macro_f1: tuple[float, ...]
    recall: tuple[float, ...]
    confusion: tuple[tuple[int, ...], ...]

    @property
    def mean(self) -> float:
        """Mean of the macro F1 over the folds."""
        return float(np.mean(self.macro_f1))

    @property
    def deviation(self) -> float:
        """Standard deviation of the macro F1 over the folds."""
        return float(np.std(self.macro_f1, ddof=1))


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """What was trained: ``classifier.save_model(content, card, folder)`` keeps it.

    Attributes
    ----------
    card : ModelCard
    content : bytes
        Of the estimator's file, in skops's layout, which executes no code.
    report : Report
    """

    card: ModelCard
    content: bytes
    report: Report


def read_labelled(source: bytes | BinaryIO, folder: Path) -> LabelledClips:
    """Unpack and check labelled clips.

    Parameters
    ----------
    source : bytes or binary file
        Of a ZIP; see the module's conventions.
    folder : Path
        Where the clips are unpacked; whoever names it removes it.

    Returns
    -------
    LabelledClips
        Without what cannot be read, is silent or too long, or has the sound of another clip.

    Raises
    ------
    CorpusError
        It is no such ZIP, or unfolds to too much, or names an emotion that there is not, or is too little.
    """
    try:
        with zipfile.ZipFile(BytesIO(source) if isinstance(source, bytes) else source) as archive:
            members = _members(archive)
            labels = _labels(archive, members)
            rows = [
                (_unpacked(archive, members[name], folder / str(number)), *label)
                for number, (name, label) in enumerate(labels.items())
            ]
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, RuntimeError):
        raise CorpusError("This is no ZIP that can be unpacked: pack it anew, without a password.") from None
    clips = pd.DataFrame(rows, columns=["path", "emotion", "speaker"])
    return _checked(clips.assign(corpus=OWN).reindex(columns=COLUMNS))


def protocol_of(clips: pd.DataFrame) -> Protocol:
    """Choose how clips are cross-validated: by speaker, where enough of them are known.

    Parameters
    ----------
    clips : pd.DataFrame
        With speaker and emotion.

    Returns
    -------
    Protocol
    """
    speakers = clips["speaker"].nunique()
    if (clips["speaker"] != "").all() and speakers >= LEAST_SPEAKERS:
        return SpeakerFolds(min(_FOLDS, speakers))
    return LeakyFolds(_FOLDS)


def labelled_recipe(name: str, clips: pd.DataFrame) -> ModelRecipe:
    """Make the recipe of a model of somebody's own clips.

    Parameters
    ----------
    name : str
        The model gets.
    clips : pd.DataFrame
        From `read_labelled`.

    Returns
    -------
    ModelRecipe
        With a baseline where the clips have something neutral and their speakers are known.
    """
    emotions = sorted(clips["emotion"].unique())
    baselined = NEUTRAL in emotions and not is_leaky(protocol_of(clips))
    words = f"{', '.join(emotions[:-1])} and {emotions[-1]}"
    return ModelRecipe(
        name=name,
        title=f"{len(emotions)} emotions of own clips",
        description=f"Tells {words} speech apart. It learned from {len(clips)} clips that were labelled and "
        "uploaded, each also sent over a simulated telephone and over random lines.",
        corpora=(OWN,),
        emotions={emotion: emotion for emotion in emotions},
        held_out=frozenset(),
        held_out_words="",
        selection="Nothing was chosen by looking at the scores.",
        licence=OWN_LICENCE,
        use=f"What the rights in the clips allow. {PERFORMED} {SPEAKER_NETWORK_USE}",
        feature_set=ACOUSTIC_AND_EMBEDDED,
        fit=fit_baselined if baselined else fit_alone,
        to_bytes=to_skops,
        layout=SKOPS,
    )


def corpus_recipe(name: str, recipe: str) -> ModelRecipe:
    """Make the recipe of a model of published corpora, to be cross-validated as own clips are.

    Parameters
    ----------
    name : str
        The model gets.
    recipe : str
        As of ``models.model_recipe``.

    Returns
    -------
    ModelRecipe

    Raises
    ------
    CorpusError
        There is no such recipe, or its parts have heard some of the clips before.
    """
    found = model_recipe(recipe)
    if found.fit is not fit_baselined:
        raise CorpusError(
            f"Recipe {recipe} has parts that were trained before: train it on the command line instead."
        )
    return replace(found, name=name, speeds=(), to_bytes=to_skops, layout=SKOPS)


def train_labelled(clips: pd.DataFrame, recipe: ModelRecipe, cache: Path, progress: Progress) -> TrainedModel:
    """Cross-validate on labelled clips, then train on all of them.

    Parameters
    ----------
    clips : pd.DataFrame
        From `read_labelled` or ``models.load_clips``.
    recipe : ModelRecipe
        From `labelled_recipe` or `corpus_recipe`.
    cache : Path
        Folder in which the features of clips are kept.
    progress : callable
        Called with the name of each stage and the share of all the work done before it, in [0, 1], every few
        seconds; it may raise to give up.

    Returns
    -------
    TrainedModel

    Raises
    ------
    CorpusError
        There is too little speech in the clips, or a fold lacks an emotion.
    """
    protocol = protocol_of(clips)
    clips = clips.reset_index(drop=True)
    if is_leaky(protocol):  # a baseline of who knows whom would be none
        clips = clips.assign(speaker=[f"{OWN}/{number}" for number in clips.index])
    _splits(clips, protocol)  # fails before the long work
    training = _described(clips, recipe, cache, progress)
    _demand_enough(training.segments.drop_duplicates("clip"), "with speech in them ")
    labels = training.labels()
    folds = []
    for number, (known, test) in enumerate(_folds(training, protocol)):
        progress("Cross-validating", _DESCRIBED + (_VALIDATED - _DESCRIBED) * number / _FOLDS)
        folds.append((recipe.fit(known), test))
    judged = [in_calls(estimator, test, labels) for estimator, test in folds]
    temperatures, uncertain_below = calibrate(judged, labels)
    uncertain_below = min(uncertain_below, _SURE)
    first, *rest = (part for _, part in folds)
    test = first.joined(*rest)
    told = [told_of_segments(estimator, part, labels, temperatures) for estimator, part in folds]
    together = {baseline: np.concatenate([each[baseline] for each in told]) for baseline in told[0]}
    progress("Training", _VALIDATED)
    card = new_card(
        recipe,
        training,
        (temperatures, uncertain_below),
        protocol=_protocol_words(protocol),
        scores=score_rows(test, together, labels, uncertain_below),
    )
    report = _report(protocol, labels, folds, told)
    return TrainedModel(card, recipe.to_bytes(recipe.fit(training)), report)


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """List the files by their names, within the limits; what they declare, zipfile never goes beyond."""
    files = {
        info.filename: info
        for info in archive.infolist()
        if not info.is_dir() and not any(part.startswith((".", "__MACOSX")) for part in _parts(info.filename))
    }
    size = sum(info.file_size for info in files.values())
    packed = sum(info.compress_size for info in files.values())
    if len(files) > MOST_CLIPS:
        raise CorpusError(f"The ZIP holds {len(files)} files and {MOST_CLIPS} are allowed: make it smaller.")
    if size > LARGEST or size > LARGEST_RATIO * max(packed, 1):
        raise CorpusError(
            f"The ZIP unfolds to {size / 2**20:.0f} MB, more than is allowed for its size: pack it anew."
        )
    return files


def _labels(archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo]) -> dict[str, tuple[str, str]]:
    """Give emotion and speaker of each clip by its name in the ZIP."""
    tables = [name for name in members if name.lower().endswith(".csv")]
    if len(tables) > 1:
        raise CorpusError(f"There are {len(tables)} CSV files in the ZIP: leave the one with the labels.")
    if tables:
        return _labels_of_table(_table(archive, members[tables[0]]), PurePosixPath(tables[0]), members)
    names = [name for name in members if name.rpartition(".")[2].lower() in EXTENSIONS]
    lost = next((name for name in names if len(_parts(name)) < 2), None)
    if not names or lost:
        raise CorpusError(f"There is no folder around {lost or 'any clip in the ZIP'}: {_LAYOUT}.")
    return {name: (_emotion(_parts(name)[-2]), speaker_by_name(Path(name))) for name in names}


def _table(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> pd.DataFrame:
    if member.file_size > _LARGEST_CSV:
        raise CorpusError("The CSV in the ZIP is too large: leave the columns file, emotion and speaker.")
    try:
        with archive.open(member) as file:
            table = pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except ValueError:
        raise CorpusError(f"The CSV in the ZIP cannot be read: {_LAYOUT}.") from None
    if not set(table) >= _CSV_COLUMNS:
        raise CorpusError(f"The CSV in the ZIP lacks the columns file and emotion: {_LAYOUT}.")
    return table


def _labels_of_table(
    table: pd.DataFrame, place: PurePosixPath, members: dict[str, zipfile.ZipInfo]
) -> dict[str, tuple[str, str]]:
    speakers = table.get("speaker", pd.Series("", table.index)).str.strip()
    labels: dict[str, tuple[str, str]] = {}
    for file, word, speaker in zip(table["file"], table["emotion"], speakers, strict=True):
        name = str(place.parent / file)
        if name not in members or name.rpartition(".")[2].lower() not in EXTENSIONS:
            raise CorpusError(f"The CSV names {file!r}, and no such recording is in the ZIP: add it.")
        label = _emotion(word), f"{OWN}/{speaker}" if speaker else ""
        if labels.setdefault(name, label) != label:
            raise CorpusError(f"The CSV names {file!r} twice, with different labels: keep one.")
    return labels


def _emotion(word: str) -> str:
    emotion = emotion_by_word(word)
    if not emotion:
        raise CorpusError(
            f"{word!r} is no emotion that is known here: name it angry, bored, calm, disgust, fearful, "
            "happy, neutral, sad or surprised."
        )
    return emotion


def _unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> Path:
    """Write a clip under the last part of its name, into a folder that the ZIP has no say in."""
    name = _parts(member.filename)[-1]
    if member.file_size > LARGEST_CLIP:
        raise CorpusError(f"{name} has more than {LARGEST_CLIP / 2**20:.0f} MB: cut it into clips.")
    folder.mkdir(parents=True)
    path = folder / name[-_LONGEST_NAME:]
    with archive.open(member) as packed, path.open("xb") as file:
        shutil.copyfileobj(packed, file)
    return path


def _parts(name: str) -> tuple[str, ...]:
    return PurePosixPath(name).parts


def _checked(clips: pd.DataFrame) -> LabelledClips:
    """Leave out what cannot be trained on."""
    facts = inspect(clips["path"], jobs=1)
    found = problems(clips, facts)
    long = facts["duration"] > LONGEST_CLIP
    again = facts.duplicated("digest") & (facts["digest"] != "")
    kept = clips[((facts["problem"] == "") & ~long & ~again).to_numpy()].reset_index(drop=True)
    _demand_enough(kept, "")
    words = [f"{path.name} {problem}" for path, problem in found.itertuples(index=False)]
    words += [f"{path.name} is longer than {LONGEST_CLIP:g} s" for path in facts.loc[long, "path"]]
    return LabelledClips(kept, tuple(words))


def _demand_enough(clips: pd.DataFrame, which: str) -> None:
    counts = clips["emotion"].value_counts()
    if len(counts) < 2:
        raise CorpusError(f"There are clips {which}of fewer than two emotions: add clips of others.")
    if counts.min() < LEAST_CLIPS:
        raise CorpusError(
            f"There are {counts.min()} clips {which}of {counts.idxmin()}, and {LEAST_CLIPS} are needed: "
            "add some."
        )


def _described(clips: pd.DataFrame, recipe: ModelRecipe, cache: Path, progress: Progress) -> TrainingSet:
    """Compute the features of all clips, a few at a time."""
    parts = []
    for start in range(0, len(clips), _AT_ONCE):
        progress("Computing features", _DESCRIBED * start / len(clips))
        part = extract(clips[start : start + _AT_ONCE], recipe, cache)
        part.segments["clip"] += start
        parts.append(part)
    return parts[0].joined(*parts[1:])


def _splits(clips: pd.DataFrame, protocol: Protocol) -> list[Split]:
    """Part clips so that every emotion is trained on each time."""
    splits = list(checked_splits(protocol, clips))
    for training, _ in splits:
        lacking = set(clips["emotion"]) - set(clips["emotion"].iloc[training])
        if lacking:
            raise CorpusError(
                f"Too few speakers have clips of {', '.join(sorted(lacking))}: add such clips of others."
            )
    return splits


def _folds(data: TrainingSet, protocol: Protocol) -> Iterable[tuple[TrainingSet, TrainingSet]]:
    """Part the segments by their clips, so that all copies of a clip are on one side."""
    clips = data.segments.drop_duplicates("clip").reset_index(drop=True)
    for split in _splits(clips, protocol):
        parts = (data.segments["clip"].isin(clips["clip"].iloc[rows]) for rows in split)
        known, unheard = (data.where(rows.to_numpy()) for rows in parts)
        yield known, unheard


def _report(
    protocol: Protocol,
    labels: tuple[str, ...],
    folds: list[tuple[object, TrainingSet]],
    told: list[dict[str, np.ndarray]],
) -> Report:
    """Score each fold by its clips as recorded, each judged alone by the mean over its segments."""
    tables = []
    for (_, test), each in zip(folds, told, strict=True):
        rows = (test.segments["condition"] == "clean").to_numpy()
        clips = pd.DataFrame(each[NO_BASELINE][rows]).groupby(test.segments["clip"][rows].to_numpy()).mean()
        known = test.segments[rows].drop_duplicates("clip").set_index("clip").loc[clips.index]
        predicted = np.array(labels)[clips.to_numpy().argmax(axis=1)]
        tables.append(known[["emotion", "speaker"]].assign(told=predicted))
    whole = pd.concat(tables)
    scores = [
        (
            f1_score(table["emotion"], table["told"], average="macro", zero_division=0),
            unweighted_average_recall(table["emotion"].to_numpy(str), table["told"].to_numpy(str)),
        )
        for table in tables
    ]
    macro_f1, recall = (
        tuple(round(float(value), 4) for value in column) for column in zip(*scores, strict=True)
    )
    confusion = confusion_matrix(whole["emotion"], whole["told"], labels=[*labels]).tolist()
    return Report(
        protocol=protocol.name,
        labels=labels,
        clips=len(whole),
        speakers=0 if is_leaky(protocol) else whole["speaker"].nunique(),
        macro_f1=macro_f1,
        recall=recall,
        confusion=tuple(map(tuple, confusion)),
    )


def _protocol_words(protocol: Protocol) -> str:
    name = protocol.name[0].upper() + protocol.name[1:]
    return (
        f"{name}, per segment: each clip was told by a model of the other folds. The calibration was fitted "
        "on the same predictions, so its error is somewhat optimistic. Clean is as recorded; phone is 300 to "
        "3400 Hz, 8 kHz, 8-bit µ-law; line is drawn at random."
    )
