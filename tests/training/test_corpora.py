from pathlib import Path

import pandas as pd
import pytest

from helpers.errors import CorpusError
from helpers.training.corpora import COLUMNS, CORPORA, load_corpora, load_crema_d, load_ravdess


def lay_out(folder: Path, *names: str) -> Path:
    """Make files with these names; what is in them, no loader looks at."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"sound")
    return folder


def rows(clips: pd.DataFrame) -> list[tuple[str, str, str]]:
    assert clips.columns.tolist() == COLUMNS
    return [(clip.path.name, clip.speaker, clip.emotion) for clip in clips.itertuples()]


def test_crema_d_names_are_read_with_any_audio_extension_and_the_known_defect(tmp_path: Path) -> None:
    lay_out(
        tmp_path / "AudioWAV",
        "1001_DFA_ANG_XX.wav",
        "1001_IEO_DIS_HI.opus",
        "1002_TIE_FEA_LO.WAV",
        "1003_IWL_HAP_MD.mp3",
        "1040_ITH_SAD_X.wav",
        "1091_WSI_NEU_XX.flac",
    )
    assert rows(load_crema_d(tmp_path)) == [
        ("1001_DFA_ANG_XX.wav", "crema-d/1001", "angry"),
        ("1001_IEO_DIS_HI.opus", "crema-d/1001", "disgust"),
        ("1002_TIE_FEA_LO.WAV", "crema-d/1002", "fearful"),
        ("1003_IWL_HAP_MD.mp3", "crema-d/1003", "happy"),
        ("1040_ITH_SAD_X.wav", "crema-d/1040", "sad"),
        ("1091_WSI_NEU_XX.flac", "crema-d/1091", "neutral"),
    ]


def test_ravdess_names_are_read_with_any_audio_extension(tmp_path: Path) -> None:
    names = [f"Actor_0{n}/03-01-0{n}-01-02-01-0{n}.wav" for n in range(1, 8)]
    lay_out(tmp_path, *names, "Actor_24/03-01-08-02-01-02-24.OPUS")
    assert rows(load_ravdess(tmp_path)) == [
        ("03-01-01-01-02-01-01.wav", "ravdess/01", "neutral"),
        ("03-01-02-01-02-01-02.wav", "ravdess/02", "calm"),
        ("03-01-03-01-02-01-03.wav", "ravdess/03", "happy"),
        ("03-01-04-01-02-01-04.wav", "ravdess/04", "sad"),
        ("03-01-05-01-02-01-05.wav", "ravdess/05", "angry"),
        ("03-01-06-01-02-01-06.wav", "ravdess/06", "fearful"),
        ("03-01-07-01-02-01-07.wav", "ravdess/07", "disgust"),
        ("03-01-08-02-01-02-24.OPUS", "ravdess/24", "surprised"),
    ]


def test_songs_videos_without_sound_and_stray_files_are_no_clips(tmp_path: Path) -> None:
    clip = "03-01-05-01-02-01-01"
    ravdess = lay_out(
        tmp_path / "ravdess",
        f"Actor_01/{clip}.wav",
        f"Actor_01/03-02-{clip[6:]}.wav",
        f"Actor_01/02-01-{clip[6:]}.mp4",
        f"Actor_01/._{clip}.wav",
        f"Actor_01/{clip}.txt",
        f"Actor_01/{clip} (copy).wav",
        f"Actor_01/{clip}",
        "Actor_01/03-01-09-01-02-01-01.wav",
        "README.md",
        ".DS_Store",
    )
    crema_d = lay_out(
        tmp_path / "crema-d",
        "AudioWAV/1001_DFA_ANG_XX.wav",
        "AudioWAV/1001_DFA_BOR_XX.wav",
        "AudioWAV/._1001_DFA_ANG_XX.wav",
        "AudioWAV/1001_DFA_ANG_XX.csv",
        "AudioWAV/11001_DFA_ANG_XX.wav",
        "AudioMP3/1002_DFA_ANG_XX.mp3",
        "VideoDemographics.csv",
    )
    assert rows(load_ravdess(ravdess)) == [(f"{clip}.wav", "ravdess/01", "angry")]
    assert rows(load_crema_d(crema_d)) == [("1001_DFA_ANG_XX.wav", "crema-d/1001", "angry")]


@pytest.mark.parametrize("name", CORPORA)
def test_a_missing_or_empty_corpus_is_an_error_that_names_its_folder(name: str, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=f"No clip of {name} was found in .*{name}.*: check"):
        load_corpora((name,), tmp_path)
    lay_out(tmp_path / name, "README.md", "AudioWAV/notes.txt")
    with pytest.raises(CorpusError, match=f"No clip of {name} was found in .*{name}.*: check"):
        load_corpora((name,), tmp_path)


def test_one_missing_corpus_of_two_is_an_error_and_not_half_a_training_set(tmp_path: Path) -> None:
    lay_out(tmp_path / "crema-d" / "AudioWAV", "1001_DFA_ANG_XX.wav")
    with pytest.raises(CorpusError, match="ravdess"):
        load_corpora(("crema-d", "ravdess"), tmp_path)


def test_speakers_of_two_corpora_never_share_a_name_or_a_row_number(tmp_path: Path) -> None:
    lay_out(tmp_path / "crema-d" / "AudioWAV", "1001_DFA_ANG_XX.wav", "1002_DFA_ANG_XX.wav")
    lay_out(tmp_path / "ravdess" / "Actor_01", "03-01-05-01-02-01-01.wav")
    clips = load_corpora(("ravdess", "crema-d"), tmp_path)
    assert clips["speaker"].tolist() == ["ravdess/01", "crema-d/1001", "crema-d/1002"]
    assert clips["corpus"].tolist() == ["ravdess", "crema-d", "crema-d"]
    assert clips.index.tolist() == [0, 1, 2]
    assert all(path.is_file() for path in clips["path"])


@pytest.mark.parametrize(("name", "clips", "speakers"), [("crema-d", 6131, 75), ("ravdess", 1440, 24)])
def test_no_clip_of_the_real_corpora_is_missed(name: str, clips: int, speakers: int, corpora: Path) -> None:
    loaded = load_corpora((name,), corpora)
    assert (len(loaded), loaded["speaker"].nunique()) == (clips, speakers)
    assert loaded["path"].is_unique
    per_emotion = loaded["emotion"].value_counts()
    if name == "ravdess":
        assert per_emotion.pop("neutral") == 96
        assert per_emotion.tolist() == [192] * 7
    else:
        assert sorted(per_emotion.index) == ["angry", "disgust", "fearful", "happy", "neutral", "sad"]
        assert per_emotion.min() > 850
