"""A process that tries cases one after the other: their names come in by lines, what became of them goes out.

Its working directory holds `NEIGHBOUR`, which a case may name and nothing may open. What a session of the
page does with an upload is done: analyse, export, make a WAV to play, cut a moment, of a film its pictures.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import re
import resource
import sys
import time
from pathlib import Path

import numpy as np

from helpers.errors import HelpersError
from helpers.exports import to_csv, to_json
from helpers.lanes import Settings
from helpers.media import declared_duration
from helpers.workspace import RecordingFile, Workspace
from tests.conftest import bursts, encode
from tests.fuzz.corpus import NEIGHBOUR, Case, cases

MOST_ADDRESSES = 6 << 30  # bytes, so that a bomb does not take the machine with it
_IN_OPEN, _IN_NONBLOCK = 0x20, 0x800


def main() -> None:
    """Answer each name with a line of JSON."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_ADDRESSES, MOST_ADDRESSES))
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # nothing that is printed on the way may pass for an answer
    encode(Path(NEIGHBOUR), bursts((1, 2), duration=3), codec="pcm_s16le")
    watch = watch_openings(Path.cwd())
    known = cases()
    attempt(Case("warm", "a.wav", Path(NEIGHBOUR).read_bytes))
    for line in sys.stdin:
        was_opened(watch)
        answers.write(json.dumps(attempt(known[line.strip()]) | {"opened": was_opened(watch)}) + "\n")


def attempt(case: Case) -> dict[str, object]:
    """Upload a case, and give its outcome, the time [s] and the memory [MiB] that it took."""
    content = case.make()
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before, begin = _memory("VmRSS"), time.monotonic()
    outcome = outcome_of(case.file, content)
    seconds = time.monotonic() - begin
    return {
        "outcome": outcome,
        "sha256": hashlib.sha256(content).hexdigest(),
        "seconds": round(seconds, 3),
        "MiB": round(_memory("VmHWM") - before),
    }


def outcome_of(name: str, content: bytes) -> str:
    """Say how an upload ends: "result", the class of our error, or what is wrong with either."""
    desk = Workspace()
    try:
        declared_duration(content[:65_536])
        file = RecordingFile.from_bytes(name, content)
        analysis = desk.analysis(file, Settings(), lambda stage, done: None)
        json.loads(to_json(analysis), parse_constant=_refuse)
        to_csv([analysis])
        start, end = analysis.segments[["start", "end"]].iloc[0]
        if not 0 <= start < end <= analysis.duration + 0.01:
            return f"wrong: a segment from {start} to {end} s of {analysis.duration} s"
        if any(not np.isfinite(levels).all() for levels in analysis.levels.values()):
            return "wrong: levels that are not finite"
        desk.clip(file, [(start, end)], "wav")
        desk.wav(file)
        if analysis.has_pictures:
            desk.video_clip(file, start, end)
    except HelpersError as error:
        return type(error).__name__ if _is_for_users(str(error), name) else f"wrong words: {error}"
    except Exception as error:
        return f"wrong: {type(error).__name__}: {error}"
    finally:
        desk.close()
    return "result"


def _is_for_users(message: str, name: str) -> bool:
    """Tell whether a message is one sentence without a path."""
    rest = message.replace(name, "")
    return rest.endswith(".") and ". " not in rest and not re.search(r"/\w|0x|Error", rest)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} in JSON")


def _memory(field: str) -> float:
    return int(Path("/proc/self/status").read_text().split(f"{field}:")[1].split()[0]) / 1024


def watch_openings(folder: Path) -> int:
    """Have the kernel tell of every file of a folder that is opened, by whatever code."""
    libc = ctypes.CDLL(None)
    watch = int(libc.inotify_init1(_IN_NONBLOCK))
    libc.inotify_add_watch(watch, os.fsencode(folder), _IN_OPEN)
    return watch


def was_opened(watch: int) -> bool:
    """Tell whether the neighbour was opened since the last question."""
    try:
        return b"neighbour" in os.read(watch, 65_536)
    except BlockingIOError:
        return False


if __name__ == "__main__":
    main()
