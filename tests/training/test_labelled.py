"""Own labelled clips: what a ZIP may hold, who is on which side of a split, and what comes out."""

import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers.classifier import load_model, save_model
from helpers.errors import CorpusError
from helpers.exports import reliability
from helpers.media import SAMPLE_RATE, Recording, to_wav
from helpers.training.corpora import OWN
from helpers.training.labelled import (
    LEAST_CLIPS,
    LabelledClips,
    TrainedModel,
    corpus_recipe,
    labelled_recipe,
    protocol_of,
    read_labelled,
    train_labelled,
)

PITCHES = {"angry": 280.0, "neutral": 130.0}  # the emotion sounds as this pitch [Hz]
SPEAKERS = ("Ann", "Bob", "Cem", "Dee")


def clip(pitch: float, seed: int, seconds: float = 1.4) -> bytes:
    """Make a WAV of something like a voice, and no two alike."""
    generator = np.random.default_rng(seed)
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    phase = 2 * np.pi * pitch * generator.uniform(0.97, 1.03) * time
    voice = np.sum([np.sin(k * phase + generator.uniform(0, 6)) / k for k in range(1, 15)], axis=0)
    voice[: SAMPLE_RATE // 5] = voice[-SAMPLE_RATE // 5 :] = 0
    samples = 3_000 * voice + generator.normal(0, 20, len(time))
    return to_wav(Recording("clip", samples.astype(np.int16)[None]))


def packed(files: dict[str, bytes | str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def own_clips() -> dict[str, bytes | str]:
    """Make clips of four speakers, two of each emotion, sorted by emotion."""
    return {
        f"{emotion}/{speaker}{take}.wav": clip(pitch, seed=100 * take + 10 * row + column)
        for row, speaker in enumerate(SPEAKERS)
        for column, (emotion, pitch) in enumerate(PITCHES.items())
        for take in (1, 2)
    }


def table(files: dict[str, bytes | str]) -> str:
    """Write the CSV that says what the folders say, and who speaks."""
    rows = [f"{name},{name.split('/')[0]},{Path(name).stem[:-1]}" for name in files]
    return "\n".join(["file,emotion,speaker", *rows])


@pytest.fixture(scope="module")
def sorted_clips() -> dict[str, bytes | str]:
    return own_clips()


@pytest.fixture(scope="module")
def read(sorted_clips: dict[str, bytes | str], tmp_path_factory: pytest.TempPathFactory) -> LabelledClips:
    content = packed({"clips/" + name: content for name, content in sorted_clips.items()}
                     | {"clips/labels.csv": table(sorted_clips), "__MACOSX/clips/._x.wav": "x"})  # fmt: skip
    return read_labelled(content, tmp_path_factory.mktemp("read"))


@pytest.fixture(scope="module")
def trained(
    read: LabelledClips, tmp_path_factory: pytest.TempPathFactory
) -> tuple[TrainedModel, list[float]]:
    shares: list[float] = []
    recipe = labelled_recipe("mine", read.clips)
    cache = tmp_path_factory.mktemp("cache")
    return train_labelled(read.clips, recipe, cache, lambda stage, share: shares.append(share)), shares


def test_a_csv_gives_each_clip_its_emotion_and_its_speaker(read: LabelledClips) -> None:
    assert read.problems == ()
    assert set(read.clips["corpus"]) == {OWN}
    counts = read.clips.groupby(["speaker", "emotion"]).size()
    assert counts.to_dict() == {(f"{OWN}/{who}", emotion): 2 for who in SPEAKERS for emotion in PITCHES}
    assert protocol_of(read.clips).name == "speaker-independent 4-fold"


def test_what_was_trained_is_served_and_says_how_it_was_scored(
    trained: tuple[TrainedModel, list[float]], tmp_path: Path
) -> None:
    """Labels that came off their clips on the way would leave chance, a half."""
    model, shares = trained
    report = model.report
    assert (report.protocol, report.clips, report.speakers) == ("speaker-independent 4-fold", 16, 4)
    assert len(report.macro_f1) == len(report.recall) == 4
    assert report.mean > 0.8
    assert report.deviation == pytest.approx(np.std(report.macro_f1, ddof=1))
    assert [sum(row) for row in report.confusion] == [8, 8]
    assert shares == sorted(shares) and shares[0] == 0 and 0.8 < shares[-1] < 1
    save_model(model.content, model.card, tmp_path)
    served = load_model("mine", tmp_path)
    assert served.takes_baseline
    assert served.card.labels == ("angry", "neutral")
    assert served.card.libraries.keys() == {"scikit-learn", "numpy", "skops"}
    assert "leaky" not in served.card.protocol.lower()
    assert all(row["uar"] > 0.7 for row in served.card.scores if row["condition"] == "clean")


def test_where_nobody_knows_who_speaks_the_protocol_is_leaky_and_no_baseline_is_learned(
    sorted_clips: dict[str, bytes | str], tmp_path: Path
) -> None:
    labelled = read_labelled(io.BytesIO(packed(sorted_clips)), tmp_path / "clips")
    assert set(labelled.clips["speaker"]) == {""}
    recipe = labelled_recipe("mine", labelled.clips)
    model = train_labelled(labelled.clips, recipe, tmp_path / "cache", lambda stage, share: None)
    assert model.report.protocol == "leaky stratified 5-fold"
    assert model.card.protocol.startswith("Leaky")
    assert model.report.speakers == 0
    save_model(model.content, model.card, tmp_path)
    assert not load_model("mine", tmp_path).takes_baseline


def test_giving_up_ends_the_training(read: LabelledClips, tmp_path: Path) -> None:
    def give_up(stage: str, share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_labelled(read.clips, labelled_recipe("mine", read.clips), tmp_path, give_up)


def test_names_as_in_a_published_corpus_tell_the_speakers(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {
        f"{word}/{speaker}_{sentence}_{code}_XX.wav": clip(200, seed=seed)
        for seed, (word, code, sentence, speaker) in enumerate(
            (word, code, sentence, speaker)
            for word, code in (("Anger", "ANG"), ("happiness", "HAP"))
            for sentence in ("DFA", "IEO")
            for speaker in range(1001, 1005)
        )
    }
    clips = read_labelled(packed(files), tmp_path).clips
    assert sorted(set(clips["speaker"])) == [f"crema-d/{number}" for number in range(1001, 1005)]
    assert set(clips["emotion"]) == {"angry", "happy"}


def test_unusable_clips_are_left_out_and_named(sorted_clips: dict[str, bytes | str], tmp_path: Path) -> None:
    silence = to_wav(Recording("x", np.zeros((1, SAMPLE_RATE), np.int16)))
    bad = {
        "sad/broken.wav": b"RIFF",
        "sad/silent.wav": silence,
        "sad/long.wav": clip(100, seed=1, seconds=61),
        "sad/again.wav": sorted_clips["angry/Ann1.wav"],
    }
    labelled = read_labelled(packed(sorted_clips | bad), tmp_path)
    assert len(labelled.clips) == len(sorted_clips)
    for name in bad:
        assert any(problem.startswith(Path(name).name) for problem in labelled.problems)


@pytest.mark.parametrize("name", ["../../evil.wav", "/tmp/evil.wav", "sad/../../evil.wav"])  # noqa: S108
def test_no_name_in_a_zip_leads_out_of_the_folder(name: str, tmp_path: Path) -> None:
    inside = tmp_path / "deep" / "inside"
    files: dict[str, bytes | str] = {f"sad/{number}.wav": clip(100, number) for number in range(LEAST_CLIPS)}
    with pytest.raises(CorpusError):
        read_labelled(packed(files | {name: clip(100, seed=99)}), inside)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and inside not in path.parents]
    assert not Path("/tmp/evil.wav").exists()  # noqa: S108


def numbered(**counts: int) -> bytes:
    """Pack so many clips of each emotion."""
    return packed(
        {
            f"{emotion}/{number}.wav": clip(100, 10 * row + number)
            for row, (emotion, count) in enumerate(counts.items())
            for number in range(count)
        }
    )


def bomb() -> bytes:
    return packed({"sad/bomb.wav": bytes(30 * 2**20)})


def encrypted() -> bytes:
    content = bytearray(packed({"sad/a.wav": clip(100, 1)}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + offset] |= 1
    return bytes(content)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: b"no zip", "no ZIP"),
        (lambda: numbered(sad=2)[:-30], "no ZIP"),
        (encrypted, "password"),
        (bomb, "unfolds to 30 MB"),
        (lambda: packed({"a.wav": b"x"}), "no folder around a.wav"),
        (lambda: packed({"sad/readme.txt": "x"}), "no folder around any"),
        (lambda: packed({"hopeful/a.wav": b"x"}), "'hopeful' is no emotion"),
        (lambda: packed({"a.csv": "file,emotion\n../x.wav,sad"}), "names '../x.wav'"),
        (lambda: packed({"a.csv": "name,emotion\n"}), "lacks the columns"),
        (lambda: packed({"a.csv": "file,emotion", "b.csv": ""}), "2 CSV files"),
        (lambda: numbered(sad=5), "fewer than two"),
        (lambda: numbered(sad=5, happy=4), "4 clips of happy"),
    ],
)
def test_what_cannot_be_trained_on_is_refused_with_a_sentence(
    make: Callable[[], bytes], words: str, tmp_path: Path
) -> None:
    with pytest.raises(CorpusError, match=words) as caught:
        read_labelled(make(), tmp_path)
    assert str(tmp_path) not in str(caught.value)


def test_an_emotion_of_one_speaker_alone_cannot_be_validated(read: LabelledClips, tmp_path: Path) -> None:
    clips = read.clips.copy()
    ann = clips["speaker"] == f"{OWN}/Ann"
    clips.loc[ann, "emotion"] = "happy"
    with pytest.raises(CorpusError, match="Too few speakers have clips of happy"):
        train_labelled(clips, labelled_recipe("mine", clips), tmp_path, lambda stage, share: None)


def test_recipes_whose_parts_heard_the_clips_are_not_cross_validated() -> None:
    with pytest.raises(CorpusError, match="command line"):
        corpus_recipe("mine", "calls")
    recipe = corpus_recipe("mine", "emodb-svm")
    assert (recipe.name, recipe.layout, recipe.corpora) == ("mine", "skops", ("emodb",))


def test_the_speaker_of_a_fold_never_taught_its_model(read: LabelledClips) -> None:
    """The table alone decides; a speaker more or less changes the folds."""
    one_less = read.clips[read.clips["speaker"] != f"{OWN}/Ann"]
    assert protocol_of(one_less).name.startswith("leaky")
    unknown = pd.concat([read.clips, read.clips.head(1).assign(speaker="")])
    assert protocol_of(unknown).name.startswith("leaky")


def test_what_is_said_of_a_leaky_model_does_not_promise_strangers(
    trained: tuple[TrainedModel, list[float]],
) -> None:
    card = trained[0].card
    assert "never heard" in reliability(card)
    leaky = reliability(replace(card, protocol="Leaky stratified 5-fold"))
    assert "may have heard" in leaky and "(leaky," in leaky and "independent" not in leaky
