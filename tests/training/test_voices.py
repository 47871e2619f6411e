"""What tells voices apart is learned from speakers and not from moods, and its error is that of NIST."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers.classifier import load_model
from helpers.errors import CorpusError
from helpers.feature_sets import ACOUSTIC
from helpers.media import SAMPLE_RATE
from helpers.speakers import ANY_PAIR, ONE_SPEAKER, read_projection, read_scores, tell_apart
from helpers.training import voices
from helpers.training.calls import Surroundings
from helpers.training.fitting import TrainingSet
from helpers.training.results import voice_table
from helpers.training.voices import (
    OTHER_SEX,
    SAME_SEX,
    fit_projection,
    projected_features,
    score_voices,
    speaker_error,
    write_projection,
    write_scores,
)
from tests.conftest import encode
from tests.test_speakers import DEEP, HIGH, voice

SURROUNDINGS = Surroundings((np.random.default_rng(0).normal(0, 0.1, SAMPLE_RATE),), (np.array([1.0]),))


def truth(*rows: tuple[str, float, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["speaker", "start", "end"])


def told(*rows: tuple[str, float, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["channel", "start", "end"])


def test_the_error_is_the_speech_of_the_wrong_speaker_under_the_better_assignment() -> None:
    call = truth(("x", 0, 4), ("y", 5, 9), ("x", 10, 12))
    right = told(("mono B", 0, 4), ("mono A", 5, 9), ("mono B", 10, 12))
    assert speaker_error(call, right) == pytest.approx((0, 10))
    wrong = told(("mono B", 0, 4), ("mono A", 5, 9), ("mono A", 10, 12))
    assert speaker_error(call, wrong) == pytest.approx((2, 10))


def test_silence_and_missed_speech_do_not_count_and_of_two_at_once_either_is_right() -> None:
    call = truth(("x", 0, 4), ("y", 3, 6))
    segments = told(("mono A", 1, 3.5), ("mono B", 4, 8))
    assert speaker_error(call, segments) == pytest.approx((0, 2.5 + 2))


@pytest.fixture(scope="module")
def training() -> TrainingSet:
    """Speakers who differ in one feature, and each of whom differs far more in another."""
    generator = np.random.default_rng(0)
    rows = [
        (f"x/{speaker}", line, line) for speaker in range(8) for line in ("clean", "phone") for _ in range(30)
    ]
    segments = pd.DataFrame(rows, columns=["speaker", "line", "condition"])
    features = pd.DataFrame(
        generator.normal(0, 1, (len(rows), len(ACOUSTIC.names()))), columns=ACOUSTIC.names()
    )
    features["mfcc_3 mean"] += 6 * segments["speaker"].factorize()[0]
    features["pitch mean"] *= 50
    features["mfcc_5 mean"] += 100 * (segments["line"] == "phone")
    return TrainingSet(segments, features.to_numpy(np.float32))


def test_a_projection_shows_speakers_and_neither_moods_nor_lines(training: TrainingSet) -> None:
    projection = fit_projection(training)
    assert (projection.speakers, projection.segments) == (8, 480)
    weights = pd.DataFrame(projection.weights, index=projection.features)[0].abs()
    assert weights.idxmax() == "mfcc_3 mean"
    assert weights["pitch mean"] < 0.05 * weights.max()
    of_two = training.where(training.segments["speaker"].isin(["x/1", "x/6"]).to_numpy())
    found = tell_apart(of_two.where((of_two.segments["line"] == "clean").to_numpy()).features, projection)
    assert found is not None
    assert found.tolist() == [0] * 30 + [1] * 30


def test_what_is_written_is_read_again(training: TrainingSet, tmp_path: Path) -> None:
    projection = fit_projection(training)
    write_projection(projection, tmp_path / "new" / "projection.json")
    assert read_projection(tmp_path / "new" / "projection.json") == projection
    write_scores(read_scores(), tmp_path / "other" / "scores.json")
    assert read_scores(tmp_path / "other" / "scores.json") == read_scores()


def test_the_committed_projection_is_of_training_speakers_and_has_its_features() -> None:
    projection = read_projection()
    assert projection.features == projected_features()
    assert np.shape(projection.weights)[0] == len(projection.features)
    assert projection.speakers == 60  # of the 75 actors at hand, of whom 15 are held out


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    folder = tmp_path_factory.mktemp("voices")
    generator = np.random.default_rng(0)
    rows = []
    for number, (sex, speaks) in enumerate([("male", DEEP), ("female", HIGH)] * 2):
        for emotion in ("angry", "happy", "neutral", "sad"):
            for take in range(3):
                path = folder / f"{number}-{emotion}-{take}.wav"
                encode(path, voice(*speaks, generator), codec="pcm_s16le")
                rows.append((path, f"x/{number}", sex, emotion))
    return pd.DataFrame(rows, columns=["path", "speaker", "sex", "emotion"])


def test_calls_of_a_woman_and_a_man_are_told_apart_and_the_table_says_so(
    clips: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voices, "_LINES", ("clean",))
    monkeypatch.setattr(voices, "_CLIPS", 8)
    scores = {score.pair: score for score in score_voices(load_model(), clips, SURROUNDINGS, jobs=1)}
    assert [*scores] == [ANY_PAIR, SAME_SEX, OTHER_SEX, ONE_SPEAKER]
    assert scores[ANY_PAIR].calls == scores[SAME_SEX].calls + scores[OTHER_SEX].calls == 8
    score = scores[OTHER_SEX]
    assert score.told_apart == 1
    assert score.confusion is not None and score.confusion_interval is not None
    assert 0 <= score.confusion_interval[0] <= score.confusion <= score.confusion_interval[1] < 0.1
    assert score.uar_together is not None and score.uar_apart is not None
    rows = voice_table(scores.values()).splitlines()
    assert rows[4].startswith("| clean | woman and man | 4 | 100% |")
    assert rows[5].endswith("| – | – | – | – |")


def test_somebody_without_anybody_to_call_is_said(clips: pd.DataFrame) -> None:
    with pytest.raises(CorpusError, match="x/0 has nobody to call"):
        score_voices(load_model(), clips[clips["speaker"] == "x/0"], SURROUNDINGS, jobs=1)
