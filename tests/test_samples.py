"""The list of preloaded recordings."""

import hashlib
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from helpers.errors import MediaError
from helpers.samples import (
    FOLDER_VARIABLE,
    Download,
    Sample,
    acted_clips,
    list_samples,
    local_path,
    synthetic_calls,
)
from helpers.training.models import MODELS

CLIP = bytes(range(256)) * 20


def test_the_shipped_calls_have_titles_and_descriptions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    samples = list_samples()
    assert len(samples) >= 4
    assert all(sample.title and sample.description for sample in samples)
    assert all(local_path(sample).is_file() for sample in synthetic_calls())
    assert len({sample.title for sample in samples}) == len(samples)


def test_media_of_the_users_own_folder_come_after_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("b.MP3", "a.wav", "notes.txt", ".hidden"):
        (tmp_path / name).touch()
    (tmp_path / "folder.wav").mkdir()
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    samples = list_samples()
    assert [sample.title for sample in samples[-2:]] == ["a.wav", "b.MP3"]
    assert [sample.source for sample in samples[-2:]] == [tmp_path / "a.wav", tmp_path / "b.MP3"]


def test_a_folder_that_does_not_exist_adds_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shipped = len(list_samples())
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "nothing"))
    assert len(list_samples()) == shipped


# Clips that are fetched


@pytest.fixture
def clip_server() -> Iterator[tuple[str, list[str]]]:
    """Serve one clip, and note what is asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None: ...

        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200 if self.path == "/clip.wav" else 404)
            self.end_headers()
            self.wfile.write(CLIP)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def clip(url: str, content: bytes = CLIP) -> Sample:
    return Sample(Download(url, hashlib.sha256(content).hexdigest()), "A clip", "Acted.", "By somebody.")


def test_a_clip_is_fetched_once_checked_and_kept(clip_server: tuple[str, list[str]], tmp_path: Path) -> None:
    address, asked = clip_server
    for _ in range(2):
        path = local_path(clip(f"{address}/clip.wav"), cache=tmp_path)
        assert path.read_bytes() == CLIP
        assert path.name == "clip.wav"
    assert asked == ["/clip.wav"]


def test_a_clip_that_changed_on_disk_is_fetched_again(
    clip_server: tuple[str, list[str]], tmp_path: Path
) -> None:
    address, asked = clip_server
    local_path(clip(f"{address}/clip.wav"), cache=tmp_path).write_bytes(b"something else")
    assert local_path(clip(f"{address}/clip.wav"), cache=tmp_path).read_bytes() == CLIP
    assert len(asked) == 2


def test_another_content_is_refused_and_not_kept(clip_server: tuple[str, list[str]], tmp_path: Path) -> None:
    address, _ = clip_server
    with pytest.raises(MediaError, match="“A clip” is not what it should be at its source"):
        local_path(clip(f"{address}/clip.wav", b"expected"), cache=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_clip_that_is_not_there_is_said_to_be_out_of_reach(
    clip_server: tuple[str, list[str]], tmp_path: Path
) -> None:
    with pytest.raises(MediaError, match="“A clip” could not be fetched: connect to the internet"):
        local_path(clip(f"{clip_server[0]}/other.wav"), cache=tmp_path)


def test_offline_it_says_so_at_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    before = time.monotonic()
    with pytest.raises(MediaError, match="connect to the internet, or choose a synthetic call"):
        local_path(clip(f"http://127.0.0.1:{port}/clip.wav"), cache=tmp_path)
    assert time.monotonic() - before < 5


def test_acted_clips_name_their_source_licence_and_that_the_model_knows_their_actors() -> None:
    clips = acted_clips()
    assert {sample.title.split()[1].strip(",") for sample in clips} == {
        "anger",
        "happiness",
        "neutrality",
        "sadness",
    }
    held_out = MODELS["calls"].held_out
    for sample in clips:
        assert isinstance(sample.source, Download)
        assert len(sample.source.sha256) == 64
        assert sample.source.url.startswith("https://media.githubusercontent.com/")
        assert "CREMA-D" in sample.credit
        assert "Open Database License" in sample.credit
        speaker = sample.source.url.rpartition("/")[2].partition("_")[0]
        assert not any(speaker in name for name in held_out)


def test_the_acted_clips_are_the_corpus_own(corpora: Path) -> None:
    """The names exist there, and their emotion is the one of the title."""
    emotions = {"ANG": "anger", "HAP": "happiness", "NEU": "neutrality", "SAD": "sadness"}
    for sample in acted_clips():
        assert isinstance(sample.source, Download)
        name = sample.source.url.rpartition("/")[2].removesuffix(".wav")
        assert list((corpora / "crema-d" / "AudioWAV").glob(f"{name}.*"))
        assert emotions[name.split("_")[2]] in sample.title
