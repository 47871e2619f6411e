"""Training reads what the page gives, and says what it cannot use."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from helpers.corrections import Correction
from helpers.emotions import UNCERTAIN
from helpers.errors import CorpusError, MediaError
from helpers.exports import to_corrections
from helpers.feature_sets import ACOUSTIC
from helpers.features import feature_names
from helpers.media import SAMPLE_RATE, Recording, to_wav
from helpers.training.corrections import hear_stretches, load_corrections
from helpers.training.models import CONDITIONS, MODELS, extract_corrections

LOW, HIGH = 110.0, 240.0  # Hz
COPIES = 6  # of a stretch: clean, phone, four lines


def said(
    start: float, end: float, emotion: str, channel: str = "left", recording: str = "call.wav"
) -> Correction:
    return Correction(recording, channel, start, end, emotion, "neutral", 0.7123, "calls")


def voice(pitch: float, seconds: float) -> np.ndarray:
    """Speak without a pause, so that nothing but the correction says where a segment ends."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    wave = np.sum([np.sin(2 * np.pi * k * pitch * time + k) / k for k in range(1, 15)], axis=0)
    return (3_000 * wave * (1 + 0.5 * np.sin(2 * np.pi * 4 * time))).astype(np.int16)


def save(path: Path, *channels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(to_wav(Recording(path.name, np.stack(channels))))
    return path


def write(path: Path, *corrections: Correction) -> None:
    path.write_text(to_corrections(corrections), encoding="utf-8")


@pytest.fixture
def call(tmp_path: Path) -> Path:
    """A call of 12 s, deep on the left and high on the right."""
    return save(tmp_path / "calls" / "call.wav", voice(LOW, 12), voice(HIGH, 12))


def test_the_file_of_the_page_is_read_beside_its_recordings(call: Path, tmp_path: Path) -> None:
    formula = save(tmp_path / "=sum.wav", voice(LOW, 3))
    write(tmp_path / "a.csv", said(1, 4, "angry"), said(5, 8, "happy", "right"))
    write(tmp_path / "b.csv", said(1, 4, "angry"), said(0, 2, "sad", "mono", formula.name))
    (tmp_path / "._a.csv").write_bytes(b"\x00")
    clips = load_corrections(tmp_path)
    assert clips[["path", "channel", "start", "end", "emotion"]].to_numpy().tolist() == [
        [call, "left", 1, 4, "angry"],
        [call, "right", 5, 8, "happy"],
        [formula, "mono", 0, 2, "sad"],
    ]
    assert clips["speaker"].nunique() == 3
    assert set(clips["corpus"]) == {"corrections"}


def test_a_file_that_a_spreadsheet_saved_with_its_mark_is_read(call: Path, tmp_path: Path) -> None:
    content = to_corrections([said(1, 4, "angry")])
    (tmp_path / "a.csv").write_text(content, encoding="utf-8-sig")
    assert len(load_corrections(tmp_path)) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "a.csv cannot be read as CSV: take the file"),
        ("\x00\xff", "a.csv lacks the column"),
        ("recording;channel;start\n", "a.csv lacks the column recording, channel, start, end"),
        (to_corrections([said(1, 4, "furious")]), "line 2, has the emotion 'furious': write one of angry"),
        (to_corrections([said(4, 1, "angry")]), "a.csv, line 2, has no start before its end"),
        (to_corrections([said(1, 4, "sad")]).replace(",1,", ",one,"), "has no start before its end"),
        (to_corrections([said(1, 4, "sad", recording="no.wav")]), "no.wav is missing: put it there"),
        (to_corrections([said(1, 4, "sad", recording="../x.wav")]), "../x.wav is missing"),
        (to_corrections([said(1, 4, "sad"), said(1, 4, "angry")]), "call.wav is sad and angry from 1 to 4 s"),
    ],
)
def test_a_file_that_is_of_no_use_is_one_sentence(
    call: Path, tmp_path: Path, content: str, message: str
) -> None:
    (tmp_path / "a.csv").write_text(content, encoding="utf-8")
    with pytest.raises(CorpusError, match=message):
        load_corrections(tmp_path)


def test_no_file_and_two_recordings_of_one_name_are_said(call: Path, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="There is no CSV of corrections"):
        load_corrections(tmp_path)
    write(tmp_path / "a.csv", said(1, 4, "angry"))
    save(tmp_path / "others" / call.name, voice(LOW, 1))
    with pytest.raises(CorpusError, match=r"call\.wav is there 2 times: keep one"):
        load_corrections(tmp_path)


def test_a_stretch_is_what_is_heard_there_on_its_channel(call: Path, tmp_path: Path) -> None:
    spans = [said(1, 3, "sad"), said(2, 4, "sad", "right"), said(0, 1, "sad", "mono")]
    write(tmp_path / "a.csv", *spans)
    left, right, both = hear_stretches(call, load_corrections(tmp_path))
    low, high = voice(LOW, 12), voice(HIGH, 12)
    np.testing.assert_array_equal(left, low[SAMPLE_RATE : 3 * SAMPLE_RATE])
    np.testing.assert_array_equal(right, high[2 * SAMPLE_RATE : 4 * SAMPLE_RATE])
    mean = (low[:SAMPLE_RATE].astype(int) + high[:SAMPLE_RATE]) / 2
    np.testing.assert_allclose(both, mean, atol=1)


@pytest.mark.parametrize(
    ("correction", "message"),
    [
        (said(1, 4, "sad", "channel 3"), r"call\.wav has no channel 'channel 3'"),
        (said(20, 24, "sad"), r"call\.wav ends before"),
    ],
)
def test_a_recording_that_was_another_one_is_said(
    call: Path, tmp_path: Path, correction: Correction, message: str
) -> None:
    write(tmp_path / "a.csv", correction)
    with pytest.raises((CorpusError, MediaError), match=message):
        hear_stretches(call, load_corrections(tmp_path))


def test_stretches_become_segments_in_all_copies_with_their_own_labels(call: Path, tmp_path: Path) -> None:
    recipe = replace(MODELS["calls"], feature_set=ACOUSTIC)
    write(
        tmp_path / "a.csv",
        said(1, 4, "angry"),
        said(4, 7, UNCERTAIN),
        said(7, 12, "calm"),
        said(2, 5, "happy", "right"),
        said(5, 8, "bored", "right"),
    )
    data = extract_corrections(recipe, tmp_path)
    counts = data.segments.groupby(["speaker", "emotion"]).size().to_dict()
    speaker = "corrections/call.wav/{}".format
    assert counts == {
        (speaker("left"), "angry"): COPIES,
        (speaker("left"), "neutral"): 2 * COPIES,  # longer than a segment
        (speaker("right"), "happy"): COPIES,
    }
    assert set(data.segments["condition"]) == set(CONDITIONS)
    pitch = data.features[:, feature_names().index("pitch p50")]
    high = (data.segments["emotion"] == "happy").to_numpy()
    assert np.median(pitch[high]) > np.median(pitch[~high]) + 6


def test_nothing_that_the_model_knows_is_said(call: Path, tmp_path: Path) -> None:
    write(tmp_path / "a.csv", said(1, 4, "disgust"))
    with pytest.raises(CorpusError, match="was corrected to what calls tells apart"):
        extract_corrections(MODELS["calls"], tmp_path)
