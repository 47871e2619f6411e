"""A process that has one thread makes no others, and finds the same."""

import os
import subprocess
import sys

from helpers import analyze
from helpers.samples import SAMPLES
from helpers.threads import ONE_THREAD, AtOnce

CALL = SAMPLES / "neutral-enquiry_agent-left_customer-right.flac"
PROGRAM = """
import sys, threading
from helpers import analyze
started = []
threading.Thread.start = lambda thread: started.append(thread.name)
print(analyze(sys.argv[1]).segments.to_csv(index=False), end="")
assert not started, started
"""


def test_an_analysis_on_one_thread_finds_the_same() -> None:
    environment = os.environ | ONE_THREAD
    command = [sys.executable, "-c", PROGRAM, str(CALL)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == analyze(CALL).segments.to_csv(index=False)


def test_what_fails_at_once_fails_where_it_is_asked_for() -> None:
    assert isinstance(AtOnce().submit(int, "x").exception(), ValueError)
