"""The list of preloaded recordings."""

from pathlib import Path

import pytest

from helpers.samples import FOLDER_VARIABLE, list_samples, local_path, synthetic_calls


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
