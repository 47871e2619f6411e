"""What the page of the corpora shows follows from what was kept, and that holds no recording."""

import numpy as np
import pandas as pd
import pytest

from helpers.lab.corpora import average_spectrogram, correlations, durations, importances, sizes, spread
from helpers.lab.making import STEPS, average_spectrograms
from helpers.lab.reports import FEATURES, LAB, LEAKS, MELS, STUDIED, read_experiments, read_table

KNOWN = {
    "crema-d": (6131, 75),
    "ravdess": (1440, 24),
    "savee": (480, 4),
    "tess": (2800, 2),
    "emodb": (535, 10),
}


def test_every_clip_of_every_corpus_is_counted() -> None:
    table = sizes(read_table(STUDIED)).set_index("corpus")
    assert {name: (row.clips, row.speakers) for name, row in table.iterrows()} == KNOWN
    assert table.loc["ravdess", ["women", "men"]].tolist() == [12, 12]


def test_women_speak_higher_than_men_whatever_the_emotion() -> None:
    table = spread(read_table(STUDIED), "pitch mean").set_index(["emotion", "sex"])["p50"].unstack()
    assert (table["female"] > table["male"] + 3).all()


def test_features_correlate_with_themselves() -> None:
    table = correlations(read_table(STUDIED))
    own = table[table["row"] == table["column"]]
    assert len(own) == len(FEATURES)
    assert (own["correlation"] == 1).all()
    assert durations(read_table(STUDIED)).groupby("corpus")["share"].sum().to_numpy() == pytest.approx(
        1, abs=1e-2
    )


def test_a_speaker_of_many_clips_counts_no_more_than_one_of_few() -> None:
    clips = pd.DataFrame({"corpus": "c", "emotion": "sad", "speaker": ["many", "many", "many", "few"]})
    mels = np.zeros((4, 64, STEPS))
    mels[3] = -40
    assert set(average_spectrograms(clips, mels)["level"]) == {-20}


def test_spectrograms_are_averages_over_many_clips() -> None:
    clips = read_table(STUDIED)
    counts = clips[clips[[*FEATURES]].notna().all(axis=1)].groupby(["corpus", "emotion"]).size()
    assert counts.min() >= 30
    assert len(average_spectrogram("emodb", "bored")) == 64 * STEPS
    assert set(read_table(MELS)) == {"band", "step", "level", "corpus", "emotion"}


def test_women_and_men_have_importances() -> None:
    for measure in ("importances", "permutation"):
        assert set(importances(read_experiments(), measure)["voices"]) == {"women", "men"}


def test_speakers_apart_are_harder_than_leaky_for_every_model() -> None:
    told = read_table(LEAKS)
    right = (told["emotion"] == told["predicted"]).groupby([told["model"], told["protocol"]]).mean().unstack()
    assert (right.filter(like="leaky").to_numpy() > right.filter(like="independent").to_numpy()).all()


def test_the_reports_stay_small() -> None:
    assert sum(path.stat().st_size for path in LAB.iterdir()) < 3 * 2**20
