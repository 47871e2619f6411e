"""The preloaded recordings: the synthetic calls in ``samples/``, and those of the user's own folder."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path

from helpers.media import EXTENSIONS

SAMPLES = Path(__file__).parent.parent / "samples"
FOLDER_VARIABLE = "SAMPLES_DIR"


@dataclass(frozen=True)
class Sample:
    """A preloaded recording."""

    path: Path
    title: str
    description: str


def list_samples() -> list[Sample]:
    """List the synthetic calls, then the media files of the folder that ``SAMPLES_DIR`` names.

    Returns
    -------
    list of Sample
        The user's own by file name; a folder that does not exist counts as empty.
    """
    calls = tomllib.loads((SAMPLES / "dialogues.toml").read_text(encoding="utf-8"))["call"]
    shipped = [Sample(SAMPLES / call["file"], call["title"], call["description"]) for call in calls]
    folder = os.environ.get(FOLDER_VARIABLE)
    return shipped + (_own_samples(Path(folder)) if folder else [])


def _own_samples(folder: Path) -> list[Sample]:
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    media = [path for path in paths if path.is_file() and path.suffix[1:].lower() in EXTENSIONS]
    return [Sample(path, path.name, "From your own folder.") for path in media]
