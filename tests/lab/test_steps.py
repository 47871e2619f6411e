"""A stretch of speech, step by step and changed: pitch and speed do what they say, and each alone."""

from pathlib import Path

import numpy as np
import pytest

from helpers.analysis import analyze
from helpers.classifier import load_model, model_names
from helpers.errors import SpeechError
from helpers.features import PITCH, frame_features
from helpers.lab.steps import (
    AS_RECORDED,
    CHANGED,
    Change,
    functionals,
    loudest_frame,
    mel_spectrogram,
    mfcc,
    stretches,
    told,
    told_by_parts,
    waveform,
)
from helpers.media import SAMPLE_RATE, open_recording
from helpers.samples import SAMPLES
from tests.conftest import bursts, encode

VOICE = bursts((0.1, 1.9), duration=2.0)


def pitch(samples: np.ndarray) -> float:
    return float(np.nanmedian(frame_features(samples)[:, PITCH]))


def test_pitch_is_raised_and_the_length_stays() -> None:
    raised = Change(pitch=4).apply(VOICE)
    assert pitch(raised) - pitch(VOICE) == pytest.approx(4, abs=0.3)
    assert len(raised) == pytest.approx(len(VOICE), rel=0.05)


def test_speed_shortens_and_the_pitch_stays() -> None:
    quick = Change(speed=1.25).apply(VOICE)
    assert len(quick) == pytest.approx(len(VOICE) / 1.25, rel=0.05)
    assert pitch(quick) == pytest.approx(pitch(VOICE), abs=0.3)


def test_noise_lies_as_far_below_the_speech_as_asked() -> None:
    noisy = Change(noise=0).apply(VOICE).astype(float)
    speech = VOICE * (noisy @ VOICE) / (VOICE.astype(float) @ VOICE)
    assert 20 * np.log10(speech.std() / (noisy - speech).std()) == pytest.approx(0, abs=1)


def test_nothing_is_changed_unless_asked() -> None:
    assert Change().apply(VOICE) is VOICE


@pytest.mark.parametrize("name", model_names())
def test_every_step_shows_something_finite(name: str) -> None:
    model = load_model(name)
    tables = [told(VOICE, Change(phone=True), model), told_by_parts(VOICE, model), functionals(VOICE, model)]
    for table in (*tables, waveform(VOICE), loudest_frame(VOICE), mel_spectrogram(VOICE), mfcc(VOICE)):
        assert len(table)
        assert np.isfinite(table.select_dtypes("number")).all(axis=None)
    sums = tables[0].groupby("sound")["probability"].sum()
    assert sums[[AS_RECORDED, CHANGED]].tolist() == pytest.approx([1, 1], abs=1e-3)
    last = tables[1].query("part == 'calibrated'")["probability"]
    assert last.tolist() == tables[0].query("sound == @AS_RECORDED")["probability"].tolist()


def test_the_beginning_of_a_call_is_cut_into_segments() -> None:
    with open_recording(next(SAMPLES.glob("billing*"))) as sound:
        found = stretches(sound, load_model())
    assert len(found) > 5
    assert all(SAMPLE_RATE <= len(samples) <= 4 * SAMPLE_RATE for samples in found)


def test_silence_is_refused_in_a_sentence(tmp_path: Path) -> None:
    path = encode(tmp_path / "silence.wav", np.zeros(SAMPLE_RATE * 2, np.int16), codec="pcm_s16le")
    with open_recording(path) as sound, pytest.raises(SpeechError, match="choose another"):
        stretches(sound, load_model())


def test_the_agent_of_a_call_is_not_judged() -> None:
    path = next(SAMPLES.glob("billing*"))
    with open_recording(path) as sound:
        found = stretches(sound, load_model())
    analysis = analyze(path)
    customer = analysis.segments[analysis.segments["role"] == "customer"]
    lengths = (customer["end"] - customer["start"]).to_numpy()[: len(found) - 1]
    assert np.allclose([len(each) / SAMPLE_RATE for each in found[:-1]], lengths)
