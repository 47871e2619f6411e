"""The command line: what it prints, writes and exits with."""

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers.__main__ import main
from tests.conftest import bursts, encode, sample_on_one_channel

LEFT = bursts((1.0, 3.0), duration=5)
RIGHT = bursts((3.2, 4.8), duration=5)


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return encode(tmp_path_factory.mktemp("calls") / "call.flac", np.stack([LEFT, RIGHT]), codec="flac")


def test_a_process_prints_a_table_and_exits_with_0(call: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "helpers", "analyze", str(call)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("call.flac: 0:05.0, model calls")
    assert done.stderr == ""


def test_json_is_an_object_for_one_file_and_a_list_for_several(
    call: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["analyze", str(call), "--format", "json"]) == 0
    one = json.loads(capsys.readouterr().out)
    assert main(["analyze", str(call), str(call), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == [one, one]


def test_json_of_several_files_is_a_list_also_where_some_failed(
    call: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = str(tmp_path / "none.wav")
    assert main(["analyze", str(call), missing, "--format", "json"]) == 1
    assert [entry["recording"]["name"] for entry in json.loads(capsys.readouterr().out)] == ["call.flac"]
    assert main(["analyze", missing, missing, "--format", "json"]) == 1
    assert json.loads(capsys.readouterr().out) == []


def test_customer_and_agent_are_told_apart(call: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def analysed(*options: str) -> set[str]:
        assert main(["analyze", str(call), "--format", "csv", *options]) == 0
        table = pd.read_csv(io.StringIO(capsys.readouterr().out))
        return set(table.loc[table["emotion"].notna(), "channel"])

    assert analysed() == {"left", "right"}
    assert analysed("--customer", "left") == {"left"}
    assert analysed("--customer", "left", "--include-agent") == {"left", "right"}
    assert analysed("--channels", "mix") == {"mono"}


def test_two_voices_on_one_channel_are_told_apart_on_demand(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = encode(tmp_path / "mono.wav", sample_on_one_channel(), codec="pcm_s16le")
    assert main(["analyze", str(path), "--channels", "voices", "--customer", "second"]) == 0
    printed = capsys.readouterr().out
    assert "  mono B (customer): " in printed
    assert "  mono A (agent): " in printed
    assert "Note: Two speakers on one channel were told apart" in printed


def test_one_bad_file_is_named_and_the_others_are_written(
    call: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.mp3"
    bad.write_bytes(b"no media")
    output = tmp_path / "out" / "deep"
    code = main(["analyze", str(bad), str(call), "--format", "csv", "--output", str(output)])
    errors = capsys.readouterr().err.splitlines()
    assert code == 1
    assert len(errors) == 1
    assert errors[0].startswith("bad.mp3 is not an audio or video file")
    assert [path.name for path in output.iterdir()] == ["call.flac.csv"]


def test_files_of_one_name_do_not_overwrite_each_other(call: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / call.name
    other.parent.mkdir()
    other.write_bytes(call.read_bytes())
    assert (
        main(["analyze", str(call), str(other), "--format", "json", "--output", str(tmp_path / "out")]) == 0
    )
    assert len(list((tmp_path / "out").iterdir())) == 2


@pytest.mark.parametrize(
    ("layout", "start"), [("html", b"<!DOCTYPE html>"), ("png", b"\x89PNG"), ("pdf", b"%PDF-")]
)
def test_a_report_and_pictures_are_files_of_one_recording_each(
    call: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], layout: str, start: bytes
) -> None:
    assert main(["analyze", str(call), "--format", layout, "--output", str(tmp_path)]) == 0
    (written,) = tmp_path.iterdir()
    assert written.name == f"call.flac.{layout}"
    assert written.read_bytes().startswith(start)
    assert main(["analyze", str(call), str(call), "--format", layout]) == 2
    assert "--output" in capsys.readouterr().err


def test_a_document_of_one_recording_is_printed(
    call: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(["analyze", str(call), "--format", "png"]) == 0
    printed = capsysbinary.readouterr().out
    assert printed.startswith(b"\x89PNG")
    assert printed.endswith(b"IEND\xaeB`\x82")


def test_nothing_but_bad_files_prints_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", str(tmp_path / "none.wav")]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "does not exist" in printed.err


def test_an_unknown_model_exits_with_2(call: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", str(call), "--model", "best"]) == 2
    assert "choose one of calls" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [[], ["analyze"], ["analyze", "a.wav", "--format", "xml"], ["analyze", "a.wav", "--customer", "middle"]],
)
def test_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2


def test_an_unknown_recipe_exits_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "best", "--corpora", str(tmp_path), "--output", str(tmp_path / "out")]) == 2
    assert "choose one of calls" in capsys.readouterr().err


def test_a_missing_corpus_exits_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "calls", "--corpora", str(tmp_path), "--output", str(tmp_path / "out")]) == 1
    assert "crema-d" in capsys.readouterr().err


def test_models_shows_each_score_with_its_protocol(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    printed = capsys.readouterr().out
    assert "calls: " in printed
    assert "Speaker-independent" in printed
    assert "crema-d, phone, baseline none: unweighted average recall" in printed


def test_corrections_that_are_of_no_use_are_said_before_anything_is_trained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--corpora", str(tmp_path), "--output", str(tmp_path), "--corrections", str(tmp_path)]
    assert main(["train", "calls", *options]) == 1
    assert capsys.readouterr().err == (
        f"There is no CSV of corrections in {tmp_path}: put it there, with its recordings.\n"
    )
