"""From a recording to segments, summary and moments."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers import analyze
from helpers.analysis import (
    LEFT_AS_ONE,
    LEVEL_STEP,
    SEGMENT_COLUMNS,
    TOLD_APART,
    analyze_recording,
    smoothed,
    with_corrections,
)
from helpers.classifier import load_model
from helpers.corrections import Correction
from helpers.errors import MediaError, ModelError, SpeechError
from helpers.lanes import SMOOTHINGS, Settings
from helpers.media import SAMPLE_RATE, Recording, decode
from helpers.moments import ANGER, Thresholds
from helpers.samples import SAMPLES
from helpers.speech import SILENCE
from helpers.training.evaluate import unweighted_average_recall
from helpers.training.models import MODELS
from helpers.training.voices import speaker_error
from tests.conftest import bursts, encode, sample_on_one_channel

LEFT = bursts((1.0, 3.0), (6.0, 8.0), duration=12)
RIGHT = bursts((3.5, 5.5), (8.5, 11.0), duration=12)


def two_channels(name: str = "call.wav") -> Recording:
    return Recording(name, np.stack([LEFT, RIGHT]))


def run(recording: Recording, settings: Settings | None = None) -> pd.DataFrame:
    return analyze_recording(recording, load_model(), settings or Settings()).segments


def test_a_file_gives_segments_with_all_columns(tmp_path: Path) -> None:
    path = encode(tmp_path / "call.mp3", LEFT, codec="libmp3lame")
    analysis = analyze(path)
    labels = list(load_model().card.labels)
    assert list(analysis.segments.columns) == [*SEGMENT_COLUMNS, *labels]
    assert analysis.name == "call.mp3"
    assert analysis.duration == pytest.approx(12, abs=0.1)
    np.testing.assert_allclose(analysis.segments[labels].sum(axis=1), 1)
    np.testing.assert_allclose(analysis.segments["start"], [0.9, 5.9], atol=0.15)
    np.testing.assert_allclose(analysis.segments["end"], [3.1, 8.1], atol=0.15)


def test_bytes_and_an_open_file_give_the_same_as_the_path(tmp_path: Path) -> None:
    path = encode(tmp_path / "call.wav", LEFT, codec="pcm_s16le")
    expected = analyze(path).segments
    pd.testing.assert_frame_equal(analyze(path.read_bytes()).segments, expected)
    with path.open("rb") as file:
        pd.testing.assert_frame_equal(analyze(file).segments, expected)


def test_two_different_channels_are_analysed_apart() -> None:
    analysis = analyze_recording(two_channels(), load_model(), Settings())
    assert [summary.channel for summary in analysis.summary] == ["left", "right"]
    by_channel = analysis.segments.groupby("channel")["start"].apply(list)
    np.testing.assert_allclose(by_channel["left"], [0.9, 5.9], atol=0.15)
    np.testing.assert_allclose(by_channel["right"], [3.4, 8.4], atol=0.15)
    assert analysis.segments["emotion"].notna().all()
    assert analysis.segments["start"].is_monotonic_increasing


def test_a_channel_alone_gives_what_it_gives_in_the_call() -> None:
    together = run(two_channels())
    alone = run(Recording("left.wav", LEFT[None]))
    left = together[together["channel"] == "left"].reset_index(drop=True)
    columns = ["start", "end", "emotion", "confidence"]
    pd.testing.assert_frame_equal(left[columns], alone[columns])


def test_two_channels_of_one_scene_are_mixed() -> None:
    stereo = np.stack([LEFT, (LEFT * 0.5).astype(np.int16)])
    assert set(run(Recording("stereo.wav", stereo))["channel"]) == {"mono"}
    assert set(run(Recording("stereo.wav", stereo), Settings(channels="split"))["channel"]) == {
        "left",
        "right",
    }
    assert set(run(two_channels(), Settings(channels="mix"))["channel"]) == {"mono"}


def test_the_agent_is_left_out_until_asked_for() -> None:
    analysis = analyze_recording(two_channels(), load_model(), Settings(customer="right"))
    agent = analysis.segments[analysis.segments["role"] == "agent"]
    customer = analysis.segments[analysis.segments["role"] == "customer"]
    assert len(agent) == len(customer) == 2
    assert agent["emotion"].isna().all()
    assert agent[["confidence", *analysis.model.labels]].isna().all(axis=None)
    assert customer["emotion"].notna().all()
    assert [summary.role for summary in analysis.summary] == ["customer", "agent"]
    assert analysis.summary[1].shares == {}
    assert analysis.summary[1].speech_time > 0

    everybody = run(two_channels(), Settings(customer="right", include_agent=True))
    assert everybody["emotion"].notna().all()


def test_the_analyst_knows_better_than_the_file_name() -> None:
    segments = run(two_channels("agent-left.wav"), Settings(customer="left"))
    assert set(segments.loc[segments["role"] == "customer", "channel"]) == {"left"}


def test_shares_are_shares_of_speech_time() -> None:
    analysis = analyze_recording(Recording("call.wav", LEFT[None]), load_model(), Settings())
    (summary,) = analysis.summary
    lengths = analysis.segments["end"] - analysis.segments["start"]
    assert summary.speech_time == pytest.approx(lengths.sum())
    assert sum(summary.shares.values()) == pytest.approx(1)
    for emotion, share in summary.shares.items():
        own = lengths[analysis.segments["emotion"] == emotion].sum()
        assert share == pytest.approx(own / lengths.sum())


def test_progress_names_stages_and_never_goes_back() -> None:
    reports: list[tuple[str, float]] = []
    analyze_recording(
        two_channels(), load_model(), Settings(), progress=lambda stage, done: reports.append((stage, done))
    )
    assert [*dict.fromkeys(stage for stage, _ in reports)] == [
        *("Reading the recording", "Finding speech", "Computing features", "Predicting emotions")
    ]
    shares = [done for _, done in reports]
    assert shares == sorted(shares)
    assert 0 <= shares[0] <= shares[-1] <= 1


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros((1, 5 * SAMPLE_RATE), np.int16), "only silence"),
        (np.zeros((2, 5 * SAMPLE_RATE), np.int16), "only silence"),
        (bursts(duration=5, noise=-50)[None], "No speech was found"),
        (bursts((0, 0.5), duration=0.5)[None], "0.5 s long"),
        (np.zeros((1, 1), np.int16), "0.0 s long"),
    ],
)
def test_nothing_to_analyse_is_said_in_one_sentence(samples: np.ndarray, message: str) -> None:
    with pytest.raises(SpeechError, match=message) as caught:
        run(Recording("quiet.wav", samples))
    assert "quiet.wav" in str(caught.value)


def test_one_silent_channel_leaves_the_other() -> None:
    recording = Recording("call.wav", np.stack([LEFT, np.zeros_like(LEFT)]))
    analysis = analyze_recording(recording, load_model(), Settings())
    assert set(analysis.segments["channel"]) == {"left"}
    assert [summary.speech_time > 0 for summary in analysis.summary] == [True, False]
    assert analysis.summary[1].dominant_emotion is None


def test_files_that_cannot_be_read_and_models_that_are_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"nothing.wav does not exist"):
        analyze(tmp_path / "nothing.wav")
    with pytest.raises(ModelError, match="no model 'best'"):
        analyze(encode(tmp_path / "a.wav", LEFT, codec="pcm_s16le"), model="best")


def test_two_voices_on_one_channel_are_told_apart() -> None:
    apart = decode(SAMPLES / "neutral-enquiry_agent-left_customer-right.flac")
    truth = run(apart, Settings("split", include_agent=True))
    analysis = analyze_recording(
        Recording("mono.wav", sample_on_one_channel()), load_model(), Settings("voices")
    )
    assert [(each.channel, each.role) for each in analysis.summary] == [
        ("mono A", "speaker"),
        ("mono B", "speaker"),
    ]
    assert analysis.channels == 1
    assert analysis.warnings == (TOLD_APART,)
    assert all(each.shares and each.baseline_time for each in analysis.summary)
    wrong, scored = speaker_error(truth.assign(speaker=truth["channel"]), analysis.segments)
    assert wrong < 0.05 * scored
    for channel, levels in analysis.levels.items():
        others = analysis.segments[analysis.segments["channel"] != channel]
        for start, end in (others[["start", "end"]] / LEVEL_STEP).to_numpy():
            assert (levels[int(start) + 1 : int(end)] == SILENCE).all()


@pytest.mark.parametrize("model", ["calls", "ravdess-savee-conv2d"])
def test_of_two_voices_only_the_customer_is_analysed_once_it_is_known_who_it_is(model: str) -> None:
    recording = Recording("mono.wav", sample_on_one_channel())
    analysis = analyze_recording(recording, load_model(model), Settings("voices", "second"))
    assert [(each.channel, each.role) for each in analysis.summary] == [
        ("mono B", "customer"),
        ("mono A", "agent"),
    ]
    told = analysis.segments["emotion"].notna()
    assert set(analysis.segments.loc[told, "role"]) == {"customer"}
    assert set(analysis.segments.loc[~told, "role"]) == {"agent"}
    assert analysis.segments["start"].is_monotonic_increasing


def test_one_voice_stays_one_speaker_and_that_is_said() -> None:
    agent = decode(SAMPLES / "neutral-enquiry_agent-left_customer-right.flac").samples[:1]
    for samples in (agent, LEFT[None]):
        recording = Recording("mono.wav", samples)
        left = analyze_recording(recording, load_model(), Settings("voices", "first"))
        assert left.warnings == (LEFT_AS_ONE,)
        pd.testing.assert_frame_equal(left.segments, run(recording))


def test_real_clips_in_a_row_are_found_where_they_are_and_recognised(corpora: Path, tmp_path: Path) -> None:
    """Forty clips of actors that the model never heard, 1 s of silence between, as an MP3."""
    recipe = MODELS["calls"]
    held_out = sorted({speaker.split("/")[1] for speaker in recipe.held_out if speaker.startswith("crema-d")})
    emotions = {"ANG": "angry", "HAP": "happy", "NEU": "neutral", "SAD": "sad"}
    pieces, truth, position = [], [], 1.0
    silence = np.zeros(SAMPLE_RATE, np.int16)
    for number in range(40):
        speaker, code = held_out[number % 10], list(emotions)[number // 10]
        clip = next((corpora / "crema-d" / "AudioWAV").glob(f"{speaker}_ITS_{code}_*"))
        samples = decode(clip).samples[0]
        pieces += [silence, samples]
        truth.append((position, position + len(samples) / SAMPLE_RATE, emotions[code]))
        position += len(samples) / SAMPLE_RATE + 1
    whole = np.concatenate([*pieces, silence])
    segments = analyze(encode(tmp_path / "row.mp3", whole, codec="libmp3lame")).segments

    centres = (segments["start"] + segments["end"]) / 2
    labels = []
    for start, end, emotion in truth:
        inside = segments[(centres > start) & (centres < end)]
        assert len(inside) >= 1, f"nothing found in the clip at {start:.1f} s"
        assert inside["start"].min() > start - 0.3
        assert inside["end"].max() < end + 0.3
        labels.append((emotion, inside[list(emotions.values())].mean().idxmax()))
    assert len(segments) == sum(((centres > start) & (centres < end)).sum() for start, end, _ in truth)
    recall = unweighted_average_recall(*map(np.array, zip(*labels, strict=True)))
    assert recall > 0.5, f"chance is 0.25, the card says about 0.69, this run {recall:.2f}"


def test_neighbours_smooth_a_single_outlier_but_not_over_a_long_pause() -> None:
    told = np.array([[0.9, 0.1], [0.9, 0.1], [0.1, 0.9], [0.9, 0.1], [0.1, 0.9]])
    times = pd.DataFrame({"start": [0, 2, 4, 6, 30], "end": [2, 4, 6, 8, 32]}, dtype=float)
    result = smoothed(told, times)
    assert result.sum(axis=1) == pytest.approx(1)
    assert result[0] == pytest.approx([0.9, 0.1])
    assert result[2, 0] == pytest.approx((0.1 + 0.45 + 0.45) / 2)
    assert result[4] == pytest.approx([0.1, 0.9])


def test_smoothing_is_a_setting_that_keeps_the_segments() -> None:
    plain, smooth = (run(two_channels(), Settings(smoothing=how)) for how in SMOOTHINGS)
    columns = ["channel", "start", "end"]
    pd.testing.assert_frame_equal(plain[columns], smooth[columns])
    assert not plain["angry"].equals(smooth["angry"])


def test_what_is_set_by_hand_counts_in_shares_and_moments() -> None:
    analysis = analyze_recording(two_channels("agent-left.wav"), load_model(), Settings())
    own = analysis.segments[analysis.segments["channel"] == "right"]
    corrections = [
        Correction("a", "right", row.start, row.end, emotion, row.emotion, row.confidence, "calls")
        for row in own.itertuples()
        for emotion in ["bored" if row.Index == own.index[0] else "angry"]
    ]
    told = with_corrections(analysis, corrections)
    customer, agent = told.summary
    lengths = own["end"] - own["start"]
    assert customer.shares["bored"] == pytest.approx(lengths.iloc[0] / lengths.sum())
    assert sum(customer.shares.values()) == pytest.approx(1)
    assert customer.dominant_emotion == "angry"
    assert agent == analysis.summary[1]
    assert set(told.emotions) == {*analysis.model.labels, "bored"}
    assert customer.speaking_rate == analysis.summary[0].speaking_rate
    sustained = replace(analysis, settings=Settings(thresholds=Thresholds(sustained=1.0)))
    assert ANGER in {moment.kind for moment in with_corrections(sustained, corrections).moments}


def test_without_corrections_that_fit_an_analysis_stays_as_it_is() -> None:
    analysis = analyze_recording(two_channels(), load_model(), Settings())
    late = Correction("a", "left", 100, 104, "angry", "sad", 0.8, "calls")
    assert with_corrections(analysis, [late]) is analysis
    assert analysis.emotions == analysis.model.labels


def test_an_analysis_leaves_nothing_on_the_disk_of_its_user(tmp_path: Path) -> None:
    """A library kept what it did in the user's folder, to send it to its maker."""
    folders = {name: str(tmp_path) for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_DATA_HOME")}
    inherited = {name: value for name, value in os.environ.items() if name != "CI"}  # where it keeps nothing
    program = f"from helpers.analysis import analyze; analyze({str(next(SAMPLES.glob('*.mp3')))!r})"
    subprocess.run([sys.executable, "-c", program], check=True, env=inherited | folders)
    assert [*tmp_path.rglob("*")] == []
