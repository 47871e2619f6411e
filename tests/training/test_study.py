"""Features for study: what they hold, and that they are computed once."""

from pathlib import Path

import librosa
import numpy as np
import pandas as pd
import pytest

from helpers import features
from helpers.errors import CorpusError
from helpers.training import study
from helpers.training.study import (
    LITERATURE,
    STATISTICS,
    STUDY_SETS,
    StudySet,
    against_speaker,
    describe_clips,
    feature_set_named,
    image_features,
    literature_features,
    statistics_features,
    write_table,
)
from tests.conftest import bursts, encode


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return encode(tmp_path / "a.wav", bursts((0.2, 1.2), duration=1.5), codec="pcm_s16le", rate=22_050)


def test_the_literature_s_180_values_are_means_at_the_file_s_own_rate(clip: Path) -> None:
    named = literature_features(clip)
    assert len(named) == 180
    signal, rate = librosa.load(clip, sr=None)
    assert rate == 22_050
    expected = librosa.feature.mfcc(y=signal, sr=rate, n_mfcc=40).mean(axis=1)
    np.testing.assert_allclose(
        [named[f"mfcc_{index}"] for index in range(40)], expected, rtol=1e-3, atol=1e-2
    )
    mel = librosa.feature.melspectrogram(y=signal, sr=rate).mean(axis=1)
    np.testing.assert_allclose([named[f"mel_{index}"] for index in range(128)], mel, rtol=1e-3)


@pytest.mark.parametrize("part", LITERATURE)
def test_every_part_can_be_had_by_itself(clip: Path, part: str) -> None:
    named = feature_set_named(part).describe(clip)
    assert list(named) == [f"{part}_{index}" for index in range(LITERATURE[part])]


def test_statistics_are_finite_even_of_silence_and_of_a_moment(tmp_path: Path, clip: Path) -> None:
    silence = encode(tmp_path / "s.wav", np.zeros(16_000, np.int16), codec="pcm_s16le")
    moment = encode(tmp_path / "m.wav", bursts((0, 0.03), duration=0.03), codec="pcm_s16le")
    tables = [statistics_features(path) for path in (clip, silence, moment)]
    assert tables[0].keys() == tables[1].keys() == tables[2].keys()
    for table in tables:
        assert np.isfinite(list(table.values())).all()
    assert {name.split()[1] for name in tables[0]} == set(STATISTICS)
    assert {name.rsplit("_", 1)[0] for name in tables[0]} == {
        *("mfcc", "mfcc_delta", "mfcc_delta2", "chroma", "mel", "contrast", "tonnetz", "rms"),
        *("zero_crossings", "centroid", "bandwidth", "rolloff", "flatness"),
    }


def test_any_parts_can_be_had_together_and_no_others(clip: Path) -> None:
    assert len(feature_set_named("mfcc+chroma+mel").describe(clip)) == 180
    assert len(feature_set_named("contrast+tonnetz").describe(clip)) == 13
    with pytest.raises(CorpusError, match="There is no feature set 'mfcc\\+loudness'"):
        feature_set_named("mfcc+loudness")


def test_the_picture_of_mfcc_has_its_published_size_and_is_filled_up(tmp_path: Path, clip: Path) -> None:
    long = encode(tmp_path / "long.wav", bursts((0, 4), duration=4), codec="pcm_s16le")
    for path in (clip, long):
        assert len(image_features(path)) == 39 * 216


def test_the_app_s_features_are_those_of_the_app(clip: Path) -> None:
    assert list(STUDY_SETS[features.NAME].describe(clip)) == features.feature_names()


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """A feature set that notes what it is asked for."""
    asked: list[Path] = []

    def describe(path: Path) -> dict[str, float]:
        asked.append(path)
        if path.stem == "interrupt":
            raise KeyboardInterrupt
        return {"size": float(path.stat().st_size)}

    monkeypatch.setitem(STUDY_SETS, "counted", StudySet("counted", 1, describe))
    return asked


def lay_out(folder: Path, *sizes: int) -> list[Path]:
    paths = [folder / f"{size}.wav" for size in sizes]
    for path, size in zip(paths, sizes, strict=True):
        path.write_bytes(bytes(size))
    return paths


def test_what_was_computed_is_not_computed_again_wherever_it_lies(
    tmp_path: Path, counted: list[Path]
) -> None:
    paths = lay_out(tmp_path, 3, 5)
    cache = tmp_path / "cache"
    first = describe_clips(paths, "counted", cache, jobs=1, progress=False)
    assert first["size"].tolist() == [3, 5]
    counted.clear()
    moved = [path.rename(path.with_name(f"moved {path.name}")) for path in reversed(paths)]
    again = describe_clips(moved, "counted", cache, jobs=1, progress=False)
    assert again["size"].tolist() == [5, 3]
    assert counted == []


def test_another_version_is_computed_anew(
    tmp_path: Path, counted: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = lay_out(tmp_path, 3)
    describe_clips(paths, "counted", tmp_path / "cache", jobs=1, progress=False)
    newer = StudySet("counted", 2, STUDY_SETS["counted"].describe)
    monkeypatch.setitem(STUDY_SETS, "counted", newer)
    counted.clear()
    describe_clips(paths, "counted", tmp_path / "cache", jobs=1, progress=False)
    assert counted


def test_an_interrupted_computation_goes_on_where_it_was(
    tmp_path: Path, counted: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study, "_AT_ONCE", 1)
    paths = lay_out(tmp_path, 3, 5)
    bad = tmp_path / "interrupt.wav"
    bad.write_bytes(b"bad")
    with pytest.raises(KeyboardInterrupt):
        describe_clips([*paths, bad], "counted", tmp_path / "cache", jobs=1, progress=False)
    counted.clear()
    assert describe_clips(paths, "counted", tmp_path / "cache", jobs=1, progress=False)["size"].tolist() == [
        3,
        5,
    ]
    assert counted == []


def test_the_table_is_written_as_csv_and_parquet_with_named_columns(tmp_path: Path) -> None:
    clips = pd.DataFrame({"path": [Path("a.wav")], "emotion": ["angry"]})
    write_table(clips, pd.DataFrame({"mfcc_0": [1.5]}), tmp_path / "table")
    for table in (pd.read_csv(tmp_path / "table.csv"), pd.read_parquet(tmp_path / "table.parquet")):
        assert table.to_dict("records") == [{"path": "a.wav", "emotion": "angry", "mfcc_0": 1.5}]


def test_features_against_the_speaker_have_no_level_of_the_speaker_left() -> None:
    speakers = np.repeat(["a", "b"], 50)
    values = np.random.default_rng(0).normal(size=(100, 3)) * [1, 2, 3] + (speakers == "b")[:, None] * 10
    taken = against_speaker(values, speakers)
    for speaker in "ab":
        np.testing.assert_allclose(taken[speakers == speaker].mean(axis=0), 0, atol=1e-9)
        np.testing.assert_allclose(taken[speakers == speaker].std(axis=0), 1, atol=1e-4)
