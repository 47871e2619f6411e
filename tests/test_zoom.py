"""Few marks stand for many segments, and for all of their time."""

import numpy as np
import pandas as pd
import pytest

from helpers.zoom import MOST, every_detail, every_loudness, loudest, trend_rows, visible


def segments(count: int) -> pd.DataFrame:
    """Make segments of 2 s, one after the other, on two channels in turn; one channel is not analysed."""
    number = np.arange(count)
    right = number % 2 == 1
    angry = number % 10 < 3
    return pd.DataFrame(
        {
            "channel": np.where(right, "right", "left"),
            "role": np.where(right, "agent", "customer"),
            **{"start": 2.0 * number, "end": 2.0 * number + 2},
            "emotion": pd.Series(np.where(angry, "angry", "neutral"), dtype=object).mask(right, None),
            "confidence": np.where(right, np.nan, np.where(angry, 0.9, 0.6)),
            "baseline": ~right,
            "angry": np.where(right, np.nan, np.where(angry, 0.9, 0.4)),
            "neutral": np.where(right, np.nan, np.where(angry, 0.1, 0.6)),
        }
    )


def test_few_segments_are_shown_as_they_are() -> None:
    table = segments(100)
    shown = visible(table, 31.0, 60.0)
    pd.testing.assert_frame_equal(shown[table.columns], table[15:30])
    assert shown["segment"].tolist() == list(range(15, 30))
    assert (shown["count"] == 1).all()


def test_many_are_joined_and_none_is_lost() -> None:
    shown = visible(segments(12_000), 0.0, 24_000.0)
    assert len(shown) <= 600
    assert shown["count"].sum() == 12_000
    assert set(shown["channel"]) == {"left", "right"}
    for _, lane in shown.groupby("channel"):
        assert (lane["start"].iloc[1:].to_numpy() >= lane["end"].iloc[:-1].to_numpy()).all()
    assert shown["start"].is_monotonic_increasing


def test_a_joined_stretch_has_the_emotion_of_most_of_its_time_and_means_by_time() -> None:
    shown = visible(segments(12_000), 0.0, 24_000.0)
    customer = shown[shown["role"] == "customer"]
    assert (customer["emotion"] == "neutral").all()  # two of five are angry, everywhere
    assert customer["angry"].mean() == pytest.approx(0.4 * 0.9 + 0.6 * 0.4, abs=0.02)
    assert customer[["angry", "neutral"]].sum(axis=1).to_numpy() == pytest.approx(1)
    agent = shown[shown["role"] == "agent"]
    assert agent["emotion"].isna().all()
    assert agent["angry"].isna().all()


def test_a_window_of_a_long_call_shows_its_segments_again() -> None:
    shown = visible(segments(12_000), 10_000.0, 10_000.0 + 2 * MOST - 4)
    assert (shown["count"] == 1).all()


def test_an_empty_window_is_empty() -> None:
    assert visible(segments(10), 500.0, 600.0).empty


def test_the_loudest_of_each_stretch_is_shown() -> None:
    levels = np.full(36_000, -80, np.float32)
    levels[12_345] = -3
    shown = loudest(levels, 0.1, 0.0, 3600.0)
    assert len(shown) <= 600
    assert shown["level"].max() == -3
    assert shown.loc[shown["level"].idxmax(), "time"] == pytest.approx(1234.5, abs=4)
    close = loudest(levels, 0.1, 1230.0, 1240.0)
    assert close.loc[close["level"].idxmax(), "time"] == pytest.approx(1234.55, abs=0.06)
    assert loudest(levels[:10], 0.1, 20.0, 30.0).empty


def test_the_trend_is_the_mean_valence_of_the_speech_around() -> None:
    table = segments(40).drop(columns="neutral").assign(happy=0.0)
    table["angry"], table["happy"] = np.where(table["start"] < 40, [[1.0], [0.0]], [[0.0], [1.0]])
    rows = trend_rows(table, 0.0, 80.0)
    assert set(rows["channel"]) == {"left"}  # the other one is not analysed
    assert rows["valence"].iloc[0] == pytest.approx(-0.51)
    assert rows["valence"].iloc[-1] == pytest.approx(0.81)
    assert (np.diff(rows["valence"]) > -1e-9).all()
    assert rows["valence"].nunique() > 4  # it turns slowly
    assert trend_rows(table[:0], 0.0, 80.0).empty


def test_every_window_finds_its_detail_with_all_of_its_time() -> None:
    table = segments(4_000)
    rows = every_detail(table, 8_000.0)
    details = rows.groupby(["over", "upto"])
    bounds = sorted(details.groups)
    assert bounds[0][0] == 0
    assert bounds[-1][1] == 8_000
    assert [over for over, _ in bounds[1:]] == [upto for _, upto in bounds[:-1]]
    assert (details["count"].sum() == 4_000).all()
    for over, upto in bounds:
        detail = rows[(rows["over"] == over) & (rows["end"] > 1_000) & (rows["start"] < 1_000 + upto)]
        assert len(detail) <= 2 * MOST
    finest = rows[rows["over"] == 0]
    pd.testing.assert_frame_equal(finest[table.columns].reset_index(drop=True), table)


def test_few_segments_have_one_detail() -> None:
    rows = every_detail(segments(100), 200.0)
    assert set(zip(rows["over"], rows["upto"], strict=True)) == {(0, 200)}
    assert len(rows) == 100


def test_loudness_has_the_details_of_the_segments_and_keeps_its_peaks() -> None:
    levels = np.full(80_000, -60.0)
    levels[55_555] = -10.0
    rows = every_loudness(levels, 0.1, 4_000, 8_000.0)
    details = rows.groupby("over")
    assert set(details.groups) == set(every_detail(segments(4_000), 8_000.0)["over"])
    assert (details["level"].max() == -10).all()
    assert details["time"].apply(lambda times: times.is_monotonic_increasing).all()
    assert details.size().is_monotonic_decreasing


def test_a_stretch_in_which_one_was_set_by_hand_says_so_and_takes_the_confidence_of_the_others() -> None:
    table = segments(12_000)
    hand = table.index == 6_000
    table = table.assign(confidence=table["confidence"].mask(hand))
    table.insert(6, "model_emotion", pd.Series("angry", table.index, dtype=object).where(hand, None))
    shown = visible(table, 0.0, 24_000.0)
    customer = shown[shown["channel"] == "left"]
    marked = customer[customer["by_hand"]]
    assert len(marked) == 1
    assert marked["start"].iloc[0] <= 12_000 < marked["end"].iloc[0]
    assert customer["confidence"].between(0.6, 0.9).all()
    few = visible(table, 11_990.0, 12_010.0)
    assert few.loc[few["by_hand"], "segment"].tolist() == [6_000]
