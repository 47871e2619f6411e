"""The benchmark measures what it says, and its page is that of its figures."""

from pathlib import Path

import pytest

from helpers.__main__ import main
from helpers.benchmark import recordings, report
from helpers.benchmark.recordings import KINDS, Kind, make_recording
from helpers.benchmark.report import (
    DOCS,
    Benchmark,
    Measured,
    from_json,
    measure,
    performance_page,
    to_json,
    write_documents,
)
from helpers.media import decode

LATENCY = {"median": 0.25, "longest": 0.5, "segments": 7.0}
MEASURED = Benchmark(
    "2 cores, Python 3.11.7",
    [
        Measured("phone WAV, one channel", 1.0, "bare decode", 0.5, 0.6, 40.0, {"decode": 0.5}),
        Measured("phone WAV, one channel", 1.0, "ours", 1.0, 2.0, 200.0, {"decode": 0.6, "charts": 0.4}),
    ],
    LATENCY,
    LATENCY,
)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("encoded", [600.0, 30.0], ids=["encoded whole", "repeated"])
def test_a_recording_is_of_its_kind_and_length_and_holds_speech(
    kind: Kind, encoded: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recordings, "_ENCODED", encoded)
    recording = decode(make_recording(kind, 70.0, tmp_path))
    assert recording.warnings == ()
    assert recording.duration == pytest.approx(70, abs=0.2)
    assert len(recording.channels) == kind.channels
    assert recording.samples[:, 60 * 16_000 :].std() > 100


def test_each_task_is_measured_in_a_process_of_its_own(tmp_path: Path) -> None:
    path = make_recording(KINDS["phone WAV, one channel"], 30.0, tmp_path)
    tasks = ("bare decode", "ours", "naive")
    bare, ours, naive = (measure(task, path, "phone WAV", 1.0, runs=1) for task in tasks)
    assert set(bare.stages) == {"decode"}
    assert {"Reading the recording", "Computing features", "Predicting emotions", "charts"} <= set(
        ours.stages
    )
    assert set(naive.stages) == {"decode", "split", "features and prediction"}
    assert 0 < bare.seconds < min(ours.seconds, naive.seconds)
    assert 20 < bare.peak < ours.peak < 450
    assert all(0 < each.processors < 200 for each in (bare, ours, naive))


def test_the_page_has_ratios_to_the_bare_decode() -> None:
    page = performance_page(MEASURED)
    assert "| phone WAV, one channel | 1 | ours | 1.00 | 2.0 | 2.0 | 200 | decode 0.60, charts 0.40 |" in page
    assert "0.25 s after its end (median of 7 segments, at most 0.50 s)" in page
    assert from_json(to_json(MEASURED)) == MEASURED


def test_the_command_prints_the_page_or_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(report, "benchmark", lambda minutes, against, progress: MEASURED)
    assert main(["benchmark"]) == 0
    assert capsys.readouterr().out == performance_page(MEASURED)
    assert main(["benchmark", "--json"]) == 0
    assert capsys.readouterr().out == to_json(MEASURED)


def test_documents_get_the_figures_between_their_marks(tmp_path: Path) -> None:
    head, tail = "# How fast\n\n<!-- figures: begin -->", "<!-- figures: end -->\n\nMore.\n"
    (tmp_path / "performance.md").write_text(f"{head} old {tail}")
    for _ in range(2):
        write_documents(MEASURED, tmp_path)
        text = (tmp_path / "performance.md").read_text()
        assert text == f"{head}\n\n{performance_page(MEASURED)}\n{tail}"
        assert from_json((tmp_path / "performance.json").read_text()) == MEASURED


def test_opensmile_is_measured_where_it_is_installed(tmp_path: Path) -> None:
    pytest.importorskip("opensmile")
    path = make_recording(KINDS["phone WAV, one channel"], 20.0, tmp_path)
    assert measure("openSMILE", path, "phone WAV", 1.0, runs=1).stages["eGeMAPS"] > 0


def test_the_committed_page_is_that_of_the_committed_figures() -> None:
    measured = from_json((DOCS / "performance.json").read_text(encoding="utf-8"))
    assert performance_page(measured) in (DOCS / "performance.md").read_text(encoding="utf-8")
