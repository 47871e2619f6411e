"""What is kept between two looks at a recording, and what is not."""

from collections.abc import Hashable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cachetools import LRUCache

from helpers import workspace
from helpers.errors import MediaError
from helpers.frames import CallFrames
from helpers.lanes import Settings
from helpers.media import RecordingStream, decode, open_recording
from helpers.speech import Segmentation
from helpers.workspace import ANALYSES, FRAMES, PICTURES, STRETCHES, WAVS, RecordingFile, Workspace
from tests.conftest import bursts, encode, sample_on_one_channel


def quietly(stage: str, done: float) -> None:
    """Ignore progress."""


@pytest.fixture
def desk() -> Iterator[Workspace]:
    desk = Workspace()
    yield desk
    desk.close()


@pytest.fixture
def file(tmp_path: Path) -> RecordingFile:
    path = encode(tmp_path / f"{tmp_path.name}.wav", bursts((1, 3), duration=4), codec="pcm_s16le")
    return RecordingFile.from_bytes(path.name, path.read_bytes())


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The names of what is really decoded."""
    names: list[str | None] = []

    def counting(source: bytes, **options: Any) -> AbstractContextManager[RecordingStream]:
        names.append(str(options["name"]))
        return open_recording(source, **options)

    monkeypatch.setattr(workspace, "open_recording", counting)
    return names


def test_the_same_settings_are_not_computed_twice(
    desk: Workspace, file: RecordingFile, decoded: list[str]
) -> None:
    first = desk.analysis(file, Settings(), quietly)
    again = desk.analysis(RecordingFile.from_bytes(file.name, bytes(file.content)), Settings(), quietly)
    assert again is first
    assert len(decoded) == 1


def test_other_segmentation_does_not_decode_again(
    desk: Workspace, tmp_path: Path, decoded: list[str]
) -> None:
    path = encode(tmp_path / "a.wav", bursts((1, 2.5), (3, 4.5), duration=5), codec="pcm_s16le")
    file = RecordingFile.from_path(path)
    assert len(desk.analysis(file, Settings(), quietly).segments) == 2
    joined = desk.analysis(file, Settings(segmentation=Segmentation(min_silence=1)), quietly)
    assert len(joined.segments) == 1
    assert len(decoded) == 1


def test_telling_voices_apart_does_not_decode_again(
    desk: Workspace, tmp_path: Path, decoded: list[str]
) -> None:
    path = encode(tmp_path / "a.wav", sample_on_one_channel(), codec="pcm_s16le")
    file = RecordingFile.from_path(path)
    summaries = [
        desk.analysis(file, settings, quietly).summary
        for settings in (Settings(), Settings("voices"), Settings("voices", "second"))
    ]
    assert [len(summary) for summary in summaries] == [1, 2, 2]
    assert len(decoded) == 1


def test_settings_wider_than_those_of_the_page_are_heard_for_themselves(
    desk: Workspace, file: RecordingFile, decoded: list[str]
) -> None:
    first = desk.analysis(file, Settings(), quietly)
    other = desk.analysis(file, Settings(segmentation=Segmentation(speech_pad=0.3)), quietly)
    assert other.segments["start"][0] < first.segments["start"][0]
    assert len(decoded) == 2


def test_another_model_on_the_same_features_does_not_decode_again(
    desk: Workspace, file: RecordingFile, decoded: list[str]
) -> None:
    first = desk.analysis(file, Settings(), quietly)
    other = desk.analysis(file, Settings(), quietly, "emotions")
    assert other.model.name != first.model.name
    assert len(decoded) == 1


def test_the_same_content_under_another_name_is_shown_under_that_name(
    desk: Workspace, file: RecordingFile
) -> None:
    desk.analysis(file, Settings(), quietly)
    renamed = RecordingFile.from_bytes("other.wav", file.content)  # type: ignore[arg-type]
    assert desk.analysis(renamed, Settings(), quietly).name == "other.wav"


def test_a_file_that_changed_on_disk_is_read_again(
    desk: Workspace, tmp_path: Path, decoded: list[str]
) -> None:
    path = encode(tmp_path / "a.wav", bursts((1, 3), duration=4), codec="pcm_s16le")
    desk.analysis(RecordingFile.from_path(path), Settings(), quietly)
    encode(path, bursts((1, 3), duration=6), codec="pcm_s16le")
    assert desk.analysis(RecordingFile.from_path(path), Settings(), quietly).duration == 6
    assert len(decoded) == 2


def test_an_error_is_not_kept_as_a_result(desk: Workspace, tmp_path: Path) -> None:
    bad = RecordingFile.from_bytes("bad.wav", b"no media")
    for _ in range(2):
        with pytest.raises(MediaError):
            desk.analysis(bad, Settings(), quietly)


def test_frames_of_all_sessions_are_kept_up_to_a_number_of_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    small: LRUCache[tuple[Hashable, ...], CallFrames] = LRUCache(600_000, FRAMES.getsizeof)
    monkeypatch.setattr(workspace, "FRAMES", small)
    for number in range(4):
        path = encode(tmp_path / f"{number}.wav", bursts((1, 11), duration=20), codec="pcm_s16le")
        Workspace().analysis(RecordingFile.from_path(path), Settings(), quietly)
        sizes.append(small.currsize)
    assert sizes[1] == 2 * sizes[0]
    assert sizes[3] == sizes[2] <= 600_000
    assert FRAMES.maxsize == 192 * 2**20


def test_a_recording_beyond_the_limit_is_analysed_all_the_same(
    desk: Workspace, file: RecordingFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workspace, "FRAMES", LRUCache(10, FRAMES.getsizeof))
    assert len(desk.analysis(file, Settings(), quietly).segments) == 1


def test_nothing_remains_of_a_session_that_ended(file: RecordingFile) -> None:
    first, other = Workspace(), Workspace()
    for desk in (first, other):
        analysis = desk.analysis(file, Settings(), quietly)
        desk.wav(file)
        desk.stretch(file, 1.0, 2.0)
        desk.pictures(file, analysis, lambda share: None)
    first.close()
    for cache in (FRAMES, WAVS, ANALYSES, STRETCHES, PICTURES):
        owners = {key[0] for key in cache}
        assert first not in owners
        assert other in owners
    other.close()


def test_the_wav_is_the_recording(desk: Workspace, file: RecordingFile) -> None:
    assert isinstance(file.content, bytes)
    np.testing.assert_array_equal(decode(desk.wav(file)).samples, decode(file.content).samples)


def test_progress_goes_from_reading_to_predicting(desk: Workspace, file: RecordingFile) -> None:
    reports: list[tuple[str, float]] = []
    desk.analysis(file, Settings(), lambda stage, done: reports.append((stage, done)))
    shares = [done for _, done in reports]
    assert shares == sorted(shares)
    assert reports[-1][0] == "Predicting emotions"
