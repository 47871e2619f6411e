"""A spread of the corpus, and that what is wrong would be noticed; `make fuzz` tries all of it."""

import hashlib
import io
import os
from pathlib import Path

import av
import pytest

from tests.fuzz.corpus import NEIGHBOUR, cases
from tests.fuzz.trials import MOST_MEMORY, failures, run
from tests.fuzz.worker import was_opened, watch_openings

EACH = 300  # of so many cases one is tried here
CASES = cases()


def test_every_upload_ends_in_a_result_or_one_of_our_sentences() -> None:
    names = [*CASES][::EACH]
    outcomes = run(["unknown", *names], workers=os.cpu_count() or 1)
    crash = outcomes.pop("unknown")  # ends the process, and the next case goes on in another one
    assert crash["outcome"].startswith("crash")
    assert len(CASES) >= 2_000
    assert failures(outcomes) == {}
    assert {"result", "MediaError"} <= {outcome["outcome"] for outcome in outcomes.values()}
    for name in names[::10]:  # each case is the same bytes in every process
        assert outcomes[name]["sha256"] == hashlib.sha256(CASES[name].make()).hexdigest()


@pytest.mark.parametrize(
    "case",
    [
        {"outcome": "hang"},
        {"outcome": "wrong: KeyError"},
        {"outcome": "result", "opened": True},
        {"outcome": "result", "MiB": MOST_MEMORY + 1},
    ],
)
def test_what_went_wrong_is_no_success(case: dict[str, object]) -> None:
    assert failures({"case": case})


def test_a_file_that_is_opened_by_a_library_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a playlist would have FFmpeg do if nothing stopped it."""
    monkeypatch.chdir(tmp_path)
    Path(NEIGHBOUR).write_bytes(CASES["odd/wav full scale"].make())
    watch = watch_openings(tmp_path)
    playlist = io.BytesIO(f"ffconcat version 1.0\nfile '{NEIGHBOUR}'\n".encode())
    assert not was_opened(watch)
    av.open(playlist, format="concat", container_options={"protocol_whitelist": "file"}).close()
    assert was_opened(watch)
    os.close(watch)
