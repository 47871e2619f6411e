"""The lag of the live page is measured as it is."""

import pytest

from helpers.benchmark.live import live_benchmark, live_latencies
from helpers.classifier import load_model
from helpers.media import Recording
from tests.conftest import bursts


def test_live_is_within_a_second() -> None:
    shown, settled = live_benchmark(seconds=12.0)
    assert shown["segments"] == settled["segments"] >= 3
    assert 0 < shown["median"] < 1.0
    assert shown["median"] <= settled["median"] < 3.0


def test_a_slow_analysis_shows_as_latency(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("helpers.microphone._TICK", 1.5)
    samples = bursts((0.5, 2), (3, 4.5), duration=6)
    shown, settled = live_latencies(Recording("a.wav", samples[None]), load_model())
    assert len(shown) == len(settled) == 2
    assert max(shown) > 0.5
