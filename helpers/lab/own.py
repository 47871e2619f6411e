"""Train your own, from the page: labelled files in; a model, its report and a file to keep it by out.

One ZIP as of ``training.labelled``, or the files of “Download corrections” with the recordings that they are
of. Nothing of them stays on disk. Off unless `SWITCH` is set.
"""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from helpers.classifier import Model, load_model, save_model
from helpers.emotions import UNCERTAIN
from helpers.errors import CorpusError
from helpers.frames import Progress
from helpers.media import SAMPLE_RATE
from helpers.training.labelled import (
    LabelledClips,
    Report,
    labelled_recipe,
    protocol_of,
    read_labelled,
    train_labelled,
)
from helpers.turns import Turns

SWITCH = "ALLOW_TRAINING"
MOST_CLIPS = 1000

_TURNS = Turns(1)


@dataclass(frozen=True, eq=False)
class OwnModel:
    """A model of somebody's own clips.

    Attributes
    ----------
    model : Model
    archive : bytes
        ZIP of the estimator's file and the card.
    report : Report
    problems : tuple of str
        What is wrong with clips that were left out, or unlike the others.
    """

    model: Model
    archive: bytes
    report: Report
    problems: tuple[str, ...]


def training_enabled() -> bool:
    """Tell whether this server trains for who opens the page: ``ALLOW_TRAINING=1`` in its environment."""
    return os.environ.get(SWITCH, "") == "1"


def train_own(files: Mapping[str, bytes], progress: Progress) -> OwnModel:
    """Check labelled files, cross-validate, and train a model.

    Parameters
    ----------
    files : mapping of str to bytes
        By name: a ZIP of clips, or CSV of corrections and their recordings.
    progress : callable
        As of ``labelled.train_labelled``; first with what was found, and the protocol.

    Returns
    -------
    OwnModel

    Raises
    ------
    CorpusError
        They are of no use, or too many.
    MediaError
        A recording that was corrected cannot be read.
    """
    from joblib import parallel_config
    from threadpoolctl import threadpool_limits

    with TemporaryDirectory() as place, _TURNS.turn(lambda before: progress(f"{before} before you", 0.0)):
        folder = Path(place)
        progress("Checking clips", 0.0)
        packed = next((content for name, content in files.items() if name.lower().endswith(".zip")), None)
        found = read_labelled(packed or _packed(files, folder / "corrected"), folder / "clips")
        if len(found.clips) > MOST_CLIPS:
            raise CorpusError(
                f"There are {len(found.clips)} clips, and {MOST_CLIPS} are allowed here: take fewer, or "
                "train on the command line."
            )
        progress(_found(found), 0.0)
        digest = hashlib.sha256(b"".join(files.values())).hexdigest()
        recipe = labelled_recipe(f"own-{digest[:6]}", found.clips)
        with parallel_config(backend="threading", n_jobs=os.cpu_count() or 1), threadpool_limits(1):
            trained = train_labelled(found.clips, recipe, folder / "features", progress)
        result = folder / "result"
        result.mkdir()
        card = save_model(trained.content, trained.card, result)
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
            for path in sorted(result.iterdir()):
                file.write(path, path.name)
        return OwnModel(load_model(card.name, result), archive.getvalue(), trained.report, found.problems)


def _found(found: LabelledClips) -> str:
    counts = found.clips["emotion"].value_counts()
    words = ", ".join(f"{count} {emotion}" for emotion, count in counts.items())
    return f"{len(found.clips)} clips: {words}. Protocol: {protocol_of(found.clips).name}"


def _packed(files: Mapping[str, bytes], folder: Path) -> bytes:
    """Pack what was corrected as labelled clips: each a stretch, each channel of a recording a speaker."""
    import soundfile

    from helpers.training.corrections import hear_stretches, load_corrections

    folder.mkdir()
    for name, content in files.items():
        (folder / Path(name).name).write_bytes(content)
    table = load_corrections(folder)
    table = table[table["emotion"] != UNCERTAIN]
    packed = io.BytesIO()
    rows: list[tuple[str, str, str]] = []
    with zipfile.ZipFile(packed, "w") as archive:
        for path, part in table.groupby("path"):
            for samples, row in zip(hear_stretches(path, part), part.itertuples(), strict=True):
                name, wav = f"{len(rows)}.wav", io.BytesIO()
                soundfile.write(wav, samples, SAMPLE_RATE, format="WAV")
                archive.writestr(name, wav.getvalue())
                rows.append((name, row.emotion, row.speaker))
        labels = pd.DataFrame(rows, columns=["file", "emotion", "speaker"])
        archive.writestr("labels.csv", labels.to_csv(index=False))
    return packed.getvalue()
