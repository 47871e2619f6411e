"""A folder of recordings becomes tables and a page, and what is done is not done again."""

import re
import signal
import subprocess
import sys
from concurrent.futures import BrokenExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers import analyze
from helpers.__main__ import main
from helpers.batch.calls import Request
from helpers.batch.engine import Workers
from helpers.batch.run import Summary, run_batch
from helpers.classifier import read_card
from helpers.errors import BatchError
from helpers.lanes import Settings
from tests.conftest import bursts, encode
from tests.test_report import Page

CALL = np.stack([bursts((1.0, 3.0), duration=5), bursts((3.2, 4.8), duration=5)])
CALLS = 10  # so many that they are not done before Ctrl-C arrives
FORMULA = "=<b>call<b>_customer-right.flac"


def run(folder: Path, output: Path, settings: Settings | None = None) -> Summary:
    request = Request("calls", read_card("calls").sha256, settings or Settings())
    with ThreadPoolExecutor(1) as executor:
        this_process = Workers(lambda: executor, lambda: 1, (BrokenExecutor,))
        return run_batch([str(folder)], output, request, this_process, recursive=True)


def parts(output: Path) -> set[Path]:
    return set(output.glob("parts/*/*/*.parquet"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two calls, one of them further down and of a mischievous name, and what is no recording."""
    folder = tmp_path / "calls"
    (folder / "deep").mkdir(parents=True)
    encode(folder / "plain.flac", CALL, codec="flac")
    encode(folder / "deep" / FORMULA, CALL[:, 8_000:], codec="flac")
    (folder / "bad.mp3").write_bytes(b"no media")
    (folder / "notes.txt").write_text("of another kind")
    return folder


def test_tables_and_page_say_what_an_analysis_says(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    assert run(folder, output) == Summary(3, 2, 0, 1, interrupted=False)
    calls = pd.read_parquet(output / "calls.parquet").set_index("recording")
    plain, other = str(folder / "plain.flac"), str(folder / "deep" / FORMULA)
    assert set(calls.index) == {plain, other}
    shares = calls.filter(regex="^share_")
    assert shares.sum(axis=1).tolist() == pytest.approx([1, 1], abs=1e-3)
    assert calls.loc[other, ["role", "other_role"]].tolist() == ["customer", "agent"]
    assert calls.loc[other].filter(regex="^other_(share|dominant|end)").isna().all()  # the law on employees
    assert calls.loc[plain, "other_talk_time"] == pytest.approx(1.6, abs=0.3)
    segments = pd.read_parquet(output / "segments.parquet")
    own = segments[segments["recording"] == plain].drop(columns=["recording", "key"])
    expected = analyze(plain).segments.round(4)
    pd.testing.assert_frame_equal(own.reset_index(drop=True), expected, check_dtype=False)
    assert len(pd.read_csv(output / "calls.csv")) == 2
    failures = pd.read_csv(output / "failures.csv")
    assert failures["recording"].tolist() == [str(folder / "bad.mp3")]
    assert failures["error"][0].startswith("bad.mp3 is not an audio or video file")
    page = Page((output / "index.html").read_text())
    assert not [tag for tag, _ in page.elements if tag == "b"]
    assert {Path(text).name for text in page.texts["a"]} >= {"plain.flac", FORMULA}
    links = [each["href"] for tag, each in page.elements if tag == "a"]
    assert (folder / "plain.flac").as_uri() in links
    assert not list(output.glob("**/.*"))


def test_what_is_done_by_content_is_not_done_again(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    run(folder, output)
    before = parts(output)
    (folder / "plain.flac").rename(folder / "renamed.flac")
    (folder / "copy.flac").write_bytes((folder / "renamed.flac").read_bytes())
    assert run(folder, output) == Summary(4, 3, 3, 1, interrupted=False)
    assert parts(output) == before
    names = [Path(each).name for each in pd.read_parquet(output / "calls.parquet")["recording"]]
    assert names == ["copy.flac", FORMULA, "renamed.flac"]
    (folder / "copy.flac").rename(folder / "customer-left.flac")  # which changes who is analysed
    assert run(folder, output).before == 2
    assert run(folder, output, Settings(smoothing="neighbours")).before == 0


def test_segments_whose_calls_were_not_written_are_written_again_once(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    run(folder, output)
    complete = pd.read_parquet(output / "parts" / "segments")
    for part in (output / "parts" / "calls").glob("*/*"):
        part.unlink()
    assert run(folder, output).before == 0
    again = pd.read_parquet(output / "parts" / "segments")
    assert len(again) == len(complete)


def test_ctrl_c_leaves_what_is_finished_and_the_same_command_goes_on(tmp_path: Path) -> None:
    folder, output = tmp_path / "calls", tmp_path / "out"
    folder.mkdir()
    for number in range(CALLS):
        encode(folder / f"{number}.wav", np.roll(np.tile(CALL, 12), 100 * number, axis=1), codec="pcm_s16le")
    command = [
        sys.executable,
        "-m",
        "helpers",
        "analyze",
        str(folder),
        "--jobs",
        "2",
        "--output",
        str(output),
    ]
    heeds = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # what runs in the background ignores it
    with subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heeds,  # noqa: PLW1509 - one thread
    ) as process:
        assert process.stderr is not None
        said = ""
        while not re.search(rf" [1-9]\d*/{CALLS}", said):
            said += process.stderr.read(1)
        process.send_signal(signal.SIGINT)
        said += process.stderr.read()
    assert process.returncode == 1
    assert said.rstrip().endswith("Interrupted: the same command goes on from here.")
    assert not list(output.glob("**/.*"))
    done = len(pd.read_parquet(output / "calls.parquet"))
    assert 1 <= done < CALLS
    summary = run(folder, output)
    assert (summary.done, summary.before) == (CALLS, done)
    segments = pd.read_parquet(output / "segments.parquet")
    assert not segments.duplicated(["recording", "channel", "start"]).any()


def test_a_folder_without_recordings_is_said(tmp_path: Path) -> None:
    with pytest.raises(BatchError, match="There is no recording in"):
        run(tmp_path, tmp_path / "out")


def test_a_batch_wants_to_know_where_to_write(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", str(tmp_path)]) == 2
    assert "add --output DIR" in capsys.readouterr().err
