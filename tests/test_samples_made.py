import runpy
import shutil
import tomllib
from functools import cache
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

SAMPLES = Path(__file__).parents[1] / "samples"
MEDIA = {".mp3", ".ogg", ".flac", ".wav", ".mp4"}
CALLS = sorted(path for path in SAMPLES.iterdir() if path.suffix in MEDIA)

each_call = pytest.mark.parametrize("path", CALLS, ids=lambda path: path.stem.split("_")[0])


@cache
def decode(path: Path) -> tuple[NDArray[np.float32], int]:
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        planar = av.AudioResampler("fltp")
        frames = [part for frame in container.decode(stream) for part in planar.resample(frame)]
        return np.concatenate([frame.to_ndarray() for frame in frames], axis=1), stream.rate


def power_db(samples: NDArray[np.floating]) -> float:
    return float(10 * np.log10(np.mean(np.square(samples, dtype=np.float64)) + 1e-12))


def test_dialogues_and_calls_belong_together() -> None:
    entries = tomllib.loads((SAMPLES / "dialogues.toml").read_text(encoding="utf-8"))["call"]
    assert len(entries) >= 4
    assert {entry["file"] for entry in entries} == {path.name for path in CALLS}
    assert all(entry["title"] and entry["description"] for entry in entries)


def test_files_are_small() -> None:
    assert sum(path.stat().st_size for path in CALLS) < 3_000_000
    assert max(path.stat().st_size for path in CALLS) < 1_000_000


def test_script_and_text_say_that_the_speech_is_synthetic() -> None:
    for name in ("README.md", "make_samples.py"):
        assert "synthetic speech" in (SAMPLES / name).read_text(encoding="utf-8")


def test_one_call_is_a_video() -> None:
    with av.open(str(next(path for path in CALLS if path.suffix == ".mp4"))) as container:
        video = container.streams.video[0]
        assert (video.codec_context.name, video.width, video.height) == ("h264", 640, 360)
        assert container.streams.audio[0].codec_context.name == "aac"


@each_call
def test_lasts_half_a_minute_to_two(path: Path) -> None:
    samples, rate = decode(path)
    assert 30 <= samples.shape[1] / rate <= 120


@each_call
def test_agent_and_customer_have_channels_of_their_own(path: Path) -> None:
    assert path.stem.endswith("_agent-left_customer-right")
    samples, rate = decode(path)
    assert samples.shape[0] == 2
    assert abs(np.corrcoef(*samples)[0, 1]) < 0.3
    blocks = samples[:, : samples.shape[1] // rate * rate].reshape(2, -1, rate // 10)
    levels = 10 * np.log10(np.mean(np.square(blocks), axis=2) + 1e-12)
    for own, other in ((0, 1), (1, 0)):
        other_speaks = levels[:, levels[other] > -35]
        assert np.percentile(other_speaks[own], 25) < -55


@each_call
def test_is_phone_band_and_neither_clipped_nor_faint(path: Path) -> None:
    samples, rate = decode(path)
    whole_seconds = samples.shape[1] // rate * rate
    spectrum = np.square(np.abs(np.fft.rfft(samples[:, :whole_seconds], axis=1)))
    above = np.fft.rfftfreq(whole_seconds, 1 / rate) > 3600
    share_above = float(spectrum[:, above].sum()) / float(spectrum.sum())
    assert 10 * np.log10(share_above) < -25
    assert np.abs(samples).max() < 0.99
    assert all(-40 < power_db(channel) < -15 for channel in samples)


@pytest.mark.skipif(shutil.which("flite") is None, reason="flite is not installed")
def test_a_line_sounds_the_same_twice_and_an_angry_one_is_louder_faster_and_brighter() -> None:
    pytest.importorskip("pydub")
    pytest.importorskip("moviepy")
    made = runpy.run_path(str(SAMPLES / "make_samples.py"))
    calls, deliveries = made["read_dialogues"](SAMPLES / "dialogues.toml")
    customer = calls[0].speakers["customer"]
    neutral, angry, again = (
        made["speak"]("I want it back.", customer, deliveries[mood]) for mood in ("neutral", "angry", "angry")
    )
    assert angry.raw_data == again.raw_data
    assert 0 <= deliveries["angry"].loudness - (angry.dBFS - neutral.dBFS) < 3
    assert len(angry) < len(neutral)
    quiet, loud = (np.frombuffer(line.raw_data, np.int16) for line in (neutral, angry))
    assert share_above_1_khz(loud) > 2 * share_above_1_khz(quiet)
    assert np.abs(loud).max() <= made["OVERLOAD"] + 1


def share_above_1_khz(samples: NDArray[np.int16]) -> float:
    spectrum = np.square(np.abs(np.fft.rfft(samples.astype(np.float64))))
    return float(spectrum[len(spectrum) // 4 :].sum()) / float(spectrum.sum())


def test_effort_tilts_and_roughness_and_emphasis_move_the_amplitude() -> None:
    pytest.importorskip("pydub")
    pytest.importorskip("moviepy")
    made = runpy.run_path(str(SAMPLES / "make_samples.py"))
    time = np.arange(8000) / 8000
    tone = np.sin(2 * np.pi * 2000 * time)
    for effort in (-4, 0, 4):
        assert power_db(made["_tilt"](tone, effort)) - power_db(tone) == pytest.approx(effort, abs=0.01)
    rough = made["_roughen"](tone, 0.3, seed="line")
    assert np.array_equal(made["_roughen"](tone, 0.0, seed="line"), tone)
    assert power_db(rough - tone) - power_db(tone) == pytest.approx(20 * np.log10(0.3), abs=1)
    steps = tone * np.repeat([1.0, 0.5], 4000)
    loud, soft = np.split(made["_emphasise"](steps, 0.5), 2)
    contrast = power_db(loud[1000:3000]) - power_db(soft[1000:3000])
    assert contrast == pytest.approx(1.5 * 20 * np.log10(2), abs=0.1)
