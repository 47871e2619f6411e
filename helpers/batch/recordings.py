"""Where the recordings of a batch are: folders of this machine, or storage that fsspec knows.

Conventions: an address is what a recording is named by: an absolute path, or a URL such as
``s3://bucket/call.wav``.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from helpers.errors import BatchError, MediaError
from helpers.media import EXTENSIONS

Opened = io.BytesIO | io.BufferedReader

_ATTEMPTS = 3
_PAUSE = 1.0  # seconds, before the second attempt; twice as long before each further one


def is_remote(source: str) -> bool:
    """Tell whether something is the URL of a storage."""
    return "://" in source


def name_of(address: str) -> str:
    """Give the file name of an address."""
    return address.rpartition("/")[2]


def find_recordings(sources: Sequence[str], *, recursive: bool) -> list[str]:
    """List the recordings of folders.

    Parameters
    ----------
    sources : sequence of str
        Paths and URLs of folders and recordings; in folders, what has the extension of a recording counts.
    recursive : bool
        Look into the folders of folders, too.

    Returns
    -------
    list of str
        Addresses, sorted, each once.

    Raises
    ------
    BatchError
        A source is not there or cannot be listed, or there is no recording.
    """
    found = sorted({address for source in sources for address in _listed(source, recursive)})
    if not found:
        below = "" if recursive else " (--recursive looks into the folders below, too)"
        raise BatchError(f"There is no recording in {', '.join(sources)}: choose another folder{below}.")
    return found


@contextmanager
def opened(address: str) -> Iterator[Opened]:
    """Open a recording; one of a storage is read at once, and read again where that fails.

    Parameters
    ----------
    address : str

    Yields
    ------
    binary file
        That can be read from any place.

    Raises
    ------
    MediaError
    """
    if is_remote(address):
        yield io.BytesIO(_fetched(address))
        return
    try:
        with Path(address).open("rb") as file:
            yield file
    except OSError as error:
        raise MediaError(
            f"{name_of(address)} cannot be read ({error.strerror}): choose a file that you may open."
        ) from None


def _listed(source: str, recursive: bool) -> list[str]:
    from fsspec.core import url_to_fs

    if is_remote(source) and _is_recording(source):
        return [source]
    if not is_remote(source) and not Path(source).exists():
        raise BatchError(f"{source} does not exist: check the path.")
    if Path(source).is_file():
        return [str(Path(source).resolve())]
    try:
        storage, folder = url_to_fs(source)
        found = storage.find(folder, maxdepth=None if recursive else 1)
    except Exception as error:  # each storage has errors of its own
        raise BatchError(
            f"{source} cannot be listed ({type(error).__name__}): check the address, your rights, and that "
            "the package of this storage is installed, such as s3fs or gcsfs."
        ) from error
    recordings = filter(_is_recording, found)
    return [storage.unstrip_protocol(path) if is_remote(source) else path for path in recordings]


def _is_recording(path: str) -> bool:
    return path.rpartition(".")[2].lower() in EXTENSIONS


def _fetched(address: str) -> bytes:
    from fsspec.core import url_to_fs

    for attempt in range(_ATTEMPTS):
        try:
            storage, path = url_to_fs(address)
            return storage.cat_file(path)
        except (FileNotFoundError, PermissionError) as error:
            cause: Exception = error
            break
        except Exception as error:  # each storage has errors of its own
            cause = error
            time.sleep(_PAUSE * 2**attempt)
    raise MediaError(
        f"{name_of(address)} cannot be fetched ({type(cause).__name__}): check the address and your rights."
    ) from cause
