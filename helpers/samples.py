"""The preloaded recordings: synthetic calls, clips of actors that are fetched, and the user's own folder."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path

from helpers.errors import MediaError
from helpers.media import EXTENSIONS

SAMPLES = Path(__file__).parent.parent / "samples"
FOLDER_VARIABLE = "SAMPLES_DIR"

_CREMA_D = "https://media.githubusercontent.com/media/CheyneyComputerScience/CREMA-D/master/AudioWAV/"
_CREMA_D_CREDIT = (
    "An actor's clip from CREMA-D (Cao et al. 2014), under the Open Database License 1.0, fetched from its "
    "repository. The model was trained on this actor, too: expect it to do better here than on other voices."
)
_CREMA_D_CLIPS = (
    (
        *("1001_DFA_ANG_XX", "Acted anger, a man", "“Don't forget a jacket.”"),
        "c6f94b2592487c7556bd86df7df6e8f4420d1b9c11414aeec9d8e5e640b51495",
    ),
    (
        *("1002_IEO_HAP_HI", "Acted happiness, a woman", "“It's eleven o'clock.”"),
        "8d8c76573357ec717225c45d0358db1f189033b2a147978d37049230d224dc32",
    ),
    (
        *("1003_IEO_NEU_XX", "Acted neutrality, a woman", "“It's eleven o'clock.”"),
        "59f13a2d789048a438a899d7c6449a2240f28129abe578fbcdbb98ffd89b83d9",
    ),
    (
        *("1012_IEO_SAD_HI", "Acted sadness, a woman", "“It's eleven o'clock.”"),
        "661c45c98add26d59129f15a206ef8081bec87e906b3173516cecf559bc022a6",
    ),
)
_TIMEOUT = 10.0


@dataclass(frozen=True)
class Download:
    """A file that is fetched on first use.

    Attributes
    ----------
    url : str
    sha256 : str
        Of its content, which is checked each time.
    """

    url: str
    sha256: str


@dataclass(frozen=True)
class Sample:
    """A preloaded recording.

    Attributes
    ----------
    source : Path or Download
    title, description : str
    credit : str
        Who made it, under which licence, and what that means for the result; empty for the project's own.
    """

    source: Path | Download
    title: str
    description: str
    credit: str = ""


def list_samples() -> list[Sample]:
    """List the synthetic calls, the clips of actors, then the media files of the folder ``SAMPLES_DIR``.

    Returns
    -------
    list of Sample
        The user's own by file name; a folder that does not exist counts as empty.
    """
    folder = os.environ.get(FOLDER_VARIABLE)
    return [*synthetic_calls(), *acted_clips(), *(_own_samples(Path(folder)) if folder else [])]


def synthetic_calls() -> list[Sample]:
    """List the calls that come with the app.

    Returns
    -------
    list of Sample
    """
    calls = tomllib.loads((SAMPLES / "dialogues.toml").read_text(encoding="utf-8"))["call"]
    return [Sample(SAMPLES / call["file"], call["title"], call["description"]) for call in calls]


def acted_clips() -> list[Sample]:
    """List the clips of actors.

    Returns
    -------
    list of Sample
    """
    return [
        Sample(Download(f"{_CREMA_D}{name}.wav", sha256), title, sentence, _CREMA_D_CREDIT)
        for name, title, sentence, sha256 in _CREMA_D_CLIPS
    ]


def local_path(sample: Sample, *, cache: Path | None = None) -> Path:
    """Give the file of a sample, after fetching it where it is not there yet.

    Parameters
    ----------
    sample : Sample
    cache : Path, optional
        Folder for what is fetched; by default that of this user for this app.

    Returns
    -------
    Path

    Raises
    ------
    MediaError
        It cannot be fetched, or is not the file that it should be.
    """
    if isinstance(sample.source, Path):
        return sample.source
    import logging

    import pooch

    pooch.get_logger().setLevel(logging.WARNING)
    try:
        fetched = pooch.retrieve(
            sample.source.url,
            known_hash=f"sha256:{sample.source.sha256}",
            fname=sample.source.url.rpartition("/")[2],
            path=cache or pooch.os_cache("call-emotions"),
            downloader=pooch.HTTPDownloader(timeout=_TIMEOUT),
        )
    except OSError:  # as all of requests' exceptions are
        raise MediaError(
            f"“{sample.title}” could not be fetched: connect to the internet, or choose a synthetic call."
        ) from None
    except ValueError:
        raise MediaError(
            f"“{sample.title}” is not what it should be at its source: choose another sample."
        ) from None
    return Path(fetched)


def _own_samples(folder: Path) -> list[Sample]:
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    media = [path for path in paths if path.is_file() and path.suffix[1:].lower() in EXTENSIONS]
    return [Sample(path, path.name, "From your own folder.") for path in media]
