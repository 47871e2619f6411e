"""Recordings are found and read wherever they are, also where that fails at first."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from helpers.batch.recordings import find_recordings, opened
from helpers.errors import BatchError, MediaError

CONTENT = b"of a call"


class BusyServer(BaseHTTPRequestHandler):
    """Lists two files, and gives each when it is asked for the second time."""

    asked: ClassVar[set[str]] = set()

    def do_GET(self) -> None:
        known = {
            "/calls/": b'<a href="/calls/a.WAV">a</a> <a href="/calls/b.txt">b</a>',
            "/calls/a.WAV": CONTENT,
        }
        busy = self.path.endswith(".WAV") and self.path not in self.asked
        self.asked.add(self.path)
        self.send_response(503 if busy else 200 if self.path in known else 404)
        self.end_headers()
        self.wfile.write(b"" if busy else known.get(self.path, b""))

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), BusyServer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_page_of_links_is_a_folder_and_a_busy_server_is_asked_again(server: str) -> None:
    (address,) = find_recordings([f"{server}/calls/"], recursive=False)
    assert address == f"{server}/calls/a.WAV"
    with opened(address) as file:
        assert file.read() == CONTENT


def test_what_is_not_there_is_said(server: str, tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"none\.wav cannot be fetched"), opened(f"{server}/none.wav"):
        pass
    with pytest.raises(MediaError, match=r"none\.wav cannot be read"), opened(str(tmp_path / "none.wav")):
        pass
    with pytest.raises(BatchError, match="does not exist"):
        find_recordings([str(tmp_path / "none")], recursive=True)
    with pytest.raises(BatchError, match="cannot be listed"):
        find_recordings(["unknown://calls"], recursive=True)


def test_folders_below_are_looked_into_on_demand(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name in ("a.mp3", "deep/b.MP3", "c.txt"):
        (tmp_path / name).write_bytes(CONTENT)
    above, below = str(tmp_path / "a.mp3"), str(tmp_path / "deep" / "b.MP3")
    assert find_recordings([str(tmp_path), above], recursive=False) == [above]
    assert find_recordings([str(tmp_path)], recursive=True) == [above, below]
