from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers.errors import CorpusError
from helpers.training.checks import inspect, problems
from helpers.training.corpora import COLUMNS, CORPORA, MIXED, load_corpora, strangers, summarise
from tests.conftest import bursts, encode


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
        tmp_path / "crema-d" / "AudioWAV",
        "1001_DFA_ANG_XX.wav",
        "1001_IEO_DIS_HI.opus",
        "1002_TIE_FEA_LO.WAV",
        "1003_IWL_HAP_MD.mp3",
        "1040_ITH_SAD_X.wav",
        "1091_WSI_NEU_XX.flac",
    )
    assert rows(load_corpora(["crema-d"], tmp_path)) == [
        ("1001_DFA_ANG_XX.wav", "crema-d/1001", "angry"),
        ("1001_IEO_DIS_HI.opus", "crema-d/1001", "disgust"),
        ("1002_TIE_FEA_LO.WAV", "crema-d/1002", "fearful"),
        ("1003_IWL_HAP_MD.mp3", "crema-d/1003", "happy"),
        ("1040_ITH_SAD_X.wav", "crema-d/1040", "sad"),
        ("1091_WSI_NEU_XX.flac", "crema-d/1091", "neutral"),
    ]


def test_ravdess_names_are_read_with_any_audio_extension(tmp_path: Path) -> None:
    names = [f"Actor_0{n}/03-01-0{n}-01-02-01-0{n}.wav" for n in range(1, 8)]
    lay_out(tmp_path / "ravdess", *names, "Actor_24/03-01-08-02-01-02-24.OPUS")
    assert rows(load_corpora(["ravdess"], tmp_path)) == [
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
    assert rows(load_corpora(["ravdess"], ravdess.parent)) == [(f"{clip}.wav", "ravdess/01", "angry")]
    assert rows(load_corpora(["crema-d"], crema_d.parent)) == [
        ("1001_DFA_ANG_XX.wav", "crema-d/1001", "angry")
    ]


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


def test_savee_tess_and_emodb_are_read_with_their_own_words(tmp_path: Path) -> None:
    lay_out(tmp_path / "savee" / "ALL", "DC_a01.wav", "KL_sa15.opus", "JE_su02.wav", "JK_x01.wav")
    lay_out(
        tmp_path / "tess",
        "OAF_Fear/OAF_back_fear.wav",
        "YAF_sad/YAF_hire_sad.wav",
        "OAF_n/OA_bite_neutral.wav",
    )
    lay_out(tmp_path / "tess", "OAF_Pleasant_surprise/OAF_back_ps.wav")
    lay_out(tmp_path / "emodb" / "wav", "03a01Fa.wav", "08b10Lc.wav", "16a02Wb.wav", "07a01Fa.wav")
    clips = load_corpora(["savee", "tess", "emodb"], tmp_path)
    assert [tuple(row) for row in clips[["speaker", "sex", "emotion", "label", "sentence"]].to_numpy()] == [
        ("savee/DC", "male", "angry", "anger", "a01"),
        ("savee/JE", "male", "surprised", "surprise", "su02"),
        ("savee/KL", "male", "sad", "sadness", "sa15"),
        ("tess/OAF", "female", "fearful", "fear", "back"),
        ("tess/OAF", "female", "surprised", "pleasant surprise", "back"),
        ("tess/OAF", "female", "neutral", "neutral", "bite"),
        ("tess/YAF", "female", "sad", "sad", "hire"),
        ("emodb/03", "male", "happy", "Freude", "a01"),
        ("emodb/08", "female", "bored", "Langeweile", "b10"),
        ("emodb/16", "female", "angry", "Ärger", "a02"),
    ]


def test_ravdess_has_sex_intensity_and_sentence(tmp_path: Path) -> None:
    lay_out(tmp_path / "ravdess", "03-01-05-02-01-01-07.wav", "03-01-05-01-02-01-24.wav")
    clips = load_corpora(["ravdess"], tmp_path).sort_values("speaker")
    assert clips[["sex", "intensity", "sentence"]].to_numpy().tolist() == [
        ["male", "strong", "kids"],
        ["female", "normal", "dogs"],
    ]


def test_crema_d_has_age_sex_and_votes_where_the_tables_are(tmp_path: Path) -> None:
    lay_out(tmp_path / "crema-d" / "AudioWAV", "1001_DFA_ANG_HI.wav", "1002_DFA_SAD_XX.wav")
    bare = load_corpora(["crema-d"], tmp_path)
    assert bare["sex"].tolist() == ["", ""]
    assert bare["age"].isna().all()
    folder = tmp_path / "crema-d"
    (folder / "VideoDemographics.csv").write_text('"ActorID","Age","Sex"\n1001,51,"Male"\n1002,21,"Female"\n')
    (folder / "summaryTable.csv").write_text('"","FileName","VoiceVote"\n"1","1001_DFA_ANG_HI","A"\n')
    clips = load_corpora(["crema-d"], tmp_path)
    assert clips["sex"].tolist() == ["male", "female"]
    assert clips["age"].tolist() == [51, 21]
    assert clips["vote"].tolist() == ["A", ""]
    assert clips["intensity"].tolist() == ["high", "unspecified"]


def test_a_folder_of_several_corpora_sorted_by_emotion_gives_each_clip_its_speaker(tmp_path: Path) -> None:
    lay_out(
        tmp_path / MIXED,
        *("Angry/1001_DFA_ANG_XX.wav", "Angry/03-01-05-01-02-01-24.wav", "Angry/DC_a01.wav"),
        *("Angry/OAF_back_angry.wav", "Happy/1002_IEO_HAP_HI.wav", "Happy/holiday.wav"),
    )
    clips = load_corpora([MIXED], tmp_path)
    assert set(clips["speaker"]) == {"crema-d/1001", "ravdess/24", "savee/DC", "tess/OAF", "crema-d/1002"}
    assert set(clips["corpus"]) == {"crema-d", "ravdess", "savee", "tess"}
    assert [path.name for path in strangers([MIXED], tmp_path)] == ["holiday.wav"]


def test_songs_are_left_out_on_purpose_and_are_no_strangers(tmp_path: Path) -> None:
    names = ("03-01-05-01-02-01-01.wav", "03-02-05-01-02-01-01.wav", "03-03-05-01-02-01-01.wav")
    lay_out(tmp_path / "ravdess", *names)
    assert len(load_corpora(["ravdess"], tmp_path)) == 1
    assert [path.name for path in strangers(["ravdess"], tmp_path)] == [names[2]]


def test_every_defect_is_reported_and_none_is_an_error(tmp_path: Path) -> None:
    folder = tmp_path / "crema-d" / "AudioWAV"
    folder.mkdir(parents=True)
    voice = bursts((0.2, 1), duration=1.5)
    for number, name in enumerate(
        ("1001_DFA_ANG_XX", "1002_DFA_ANG_XX", "1003_DFA_ANG_XX", "1040_ITH_SAD_X")
    ):
        encode(folder / f"{name}.wav", np.roll(voice, 100 * number), codec="pcm_s16le")
    encode(folder / "1006_TIE_HAP_XX.wav", voice, codec="pcm_s16le")
    encode(folder / "1007_TIE_ANG_XX.wav", voice, codec="pcm_s16le")
    encode(folder / "1076_MTI_SAD_XX.wav", np.zeros(20_000, np.int16), codec="pcm_s16le")
    encode(folder / "1008_TIE_ANG_XX.wav", np.roll(voice, 999), codec="pcm_s16le", rate=8_000)
    encode(folder / "1009_TIE_ANG_XX.wav", np.stack([voice, np.roll(voice, 77)]), codec="pcm_s16le")
    encode(folder / "1010_TIE_ANG_XX.wav", np.roll(voice, 555), codec="pcm_s16be", container="aiff")
    (folder / "1011_TIE_ANG_XX.wav").write_bytes(b"")
    (folder / "1012_TIE_ANG_XX.wav").write_bytes(b"no sound")
    (folder / "1012_TIE_XXX_XX.wav").write_bytes(b"")
    clips = load_corpora(["crema-d"], tmp_path)
    facts = inspect(clips["path"], jobs=1)
    found = problems(clips, facts, strangers(["crema-d"], tmp_path))
    assert {(path.stem, problem) for path, problem in found.itertuples(index=False)} == {
        ("1040_ITH_SAD_X", "ends in one X instead of two"),
        ("1006_TIE_HAP_XX", "has the sound of 1001_DFA_ANG_XX.wav, with the label angry there"),
        ("1007_TIE_ANG_XX", "has the sound of 1001_DFA_ANG_XX.wav"),
        ("1076_MTI_SAD_XX", "is silent"),
        ("1008_TIE_ANG_XX", "has 8000 Hz, where the corpus has 16000 Hz"),
        ("1009_TIE_ANG_XX", "has 2 channels, where the corpus has 1 channels"),
        ("1010_TIE_ANG_XX", "has the format aiff, where the corpus has the format wav"),
        ("1011_TIE_ANG_XX", "is empty"),
        ("1012_TIE_ANG_XX", "is unreadable"),
        ("1012_TIE_XXX_XX", "has a name that the corpus does not use"),
    }


def test_a_clip_in_the_folder_of_another_emotion_is_reported(tmp_path: Path) -> None:
    lay_out(tmp_path / MIXED, "Happy/1001_DFA_ANG_XX.wav")
    clips = load_corpora([MIXED], tmp_path)
    words = problems(clips, inspect(clips["path"], jobs=1))["problem"].tolist()
    assert "lies in the folder Happy, but its name says angry" in words


def test_the_defects_of_the_official_releases_are_found_in_the_real_corpora(corpora: Path) -> None:
    clips = load_corpora(["crema-d", "ravdess"], corpora)
    defective = ["1040_ITH_SAD_X", "1013_WSI_SAD_XX", "1013_WSI_DIS_XX", "1017_IWW_ANG_XX", "1017_IWW_FEA_XX"]
    defective += ["1006_TIE_HAP_XX", "1006_TIE_NEU_XX"]
    known = clips["path"].map(lambda path: path.stem).isin(defective)
    some = pd.concat([clips[known], clips[clips["corpus"] == "ravdess"][:60]], ignore_index=True)
    found = problems(some, inspect(some["path"]))
    words = found.groupby(found["path"].map(lambda path: path.stem))["problem"].first()
    assert words["1040_ITH_SAD_X"] == "ends in one X instead of two"
    contradictions = words[words.str.contains("with the label")]
    assert len(contradictions) == 3


def test_the_summary_counts_clips_speakers_hours_and_emotions(tmp_path: Path) -> None:
    names = ("05-01-02-01-01", "05-01-02-01-02", "03-01-02-01-02")
    lay_out(tmp_path / "ravdess", *(f"03-01-{name}.wav" for name in names))
    lay_out(tmp_path / "savee", "DC_a01.wav")
    clips = load_corpora(["ravdess", "savee"], tmp_path)
    table = summarise(clips, pd.Series([900.0, 1800.0, 900.0, 360.0])).set_index("corpus")
    columns = ["clips", "speakers", "female", "male", "hours", "angry", "happy"]
    assert table.loc["ravdess", columns].tolist() == [3, 2, 1, 1, 1.0, 2, 1]
    assert table.loc["savee", columns].tolist() == [1, 1, 0, 1, 0.1, 1, 0]


@pytest.mark.parametrize(
    ("name", "clips", "speakers"),
    [("crema-d", 6131, 75), ("ravdess", 1440, 24), ("savee", 480, 4), ("tess", 2800, 2), ("emodb", 535, 10)],
)
def test_no_clip_of_the_real_corpora_is_missed(name: str, clips: int, speakers: int, corpora: Path) -> None:
    loaded = load_corpora((name,), corpora)
    assert (len(loaded), loaded["speaker"].nunique()) == (clips, speakers)
    assert loaded["path"].is_unique
    assert strangers((name,), corpora) == []
    assert set(loaded["sex"]) <= {"female", "male"}
    per_emotion = loaded["emotion"].value_counts()
    if name == "ravdess":
        assert per_emotion.pop("neutral") == 96
        assert per_emotion.tolist() == [192] * 7
    elif name == "crema-d":
        assert sorted(per_emotion.index) == ["angry", "disgust", "fearful", "happy", "neutral", "sad"]
        assert per_emotion.min() > 850
        assert loaded["age"].between(18, 80).all()
        assert loaded["vote"].isin(list("ADFHNS")).mean() > 0.9
    elif name == "tess":
        assert per_emotion.tolist() == [400] * 7
