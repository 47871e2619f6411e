"""The benchmark measures what it says."""

import json

import pytest

from helpers import benchmark as module
from helpers.__main__ import main
from helpers.benchmark import Benchmark, benchmark, live_latencies
from helpers.classifier import load_model
from helpers.media import Recording
from tests.conftest import bursts


def test_every_stage_is_much_faster_than_real_time_and_live_is_within_a_second() -> None:
    measured = benchmark(live_seconds=12.0)
    assert measured.recording > 60
    assert set(measured.stages) == {"decode", "speech", "features", "emotions"}
    assert all(0 < factor < 0.1 for factor in measured.stages.values())
    assert measured.shown["segments"] == measured.settled["segments"] >= 3
    assert 0 < measured.shown["median"] < 1.0
    assert measured.shown["median"] <= measured.settled["median"] < 3.0


def test_a_slow_analysis_shows_as_latency(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("helpers.microphone._TICK", 1.5)
    samples = bursts((0.5, 2), (3, 4.5), duration=6)
    shown, settled = live_latencies(Recording("a.wav", samples[None]), load_model())
    assert len(shown) == len(settled) == 2
    assert max(shown) > 0.5


def test_the_command_prints_a_table_or_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    latency = {"median": 0.25, "longest": 0.5, "segments": 7.0}
    measured = Benchmark(60.0, {"decode": 0.01}, latency, latency)
    monkeypatch.setattr(module, "benchmark", lambda: measured)
    assert main(["benchmark"]) == 0
    table = capsys.readouterr().out
    assert "decode       0.600" in table
    assert "0.25 s after its end (median of 7 segments, at most 0.50 s)" in table
    assert main(["benchmark", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["stages"] == {"decode": 0.01}
