"""Change bytes of real files where that reaches new code of ours: ``make fuzz-guided SECONDS=600``.

Atheris measures the coverage of decode → segments → features → model. Any exception that is not one of ours,
a crash or a stop of more than a minute ends it, and leaves the file in the working directory. Takes the
options of libFuzzer, such as ``-max_total_time=60``.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import atheris

with atheris.instrument_imports(include=["helpers"]):
    from helpers.analysis import analyze

from helpers.errors import HelpersError
from tests.fuzz.corpus import cases

# The tool itself grows by half a MiB a try; without it the same files, again and again, make nothing grow.
LIMITS = ("-timeout=60", "-rss_limit_mb=8192", "-max_len=65536")


def attempt(content: bytes) -> None:
    """Analyse bytes; only our errors may come out."""
    with suppress(HelpersError):
        analyze(content, name="upload")


def main() -> None:
    """Begin with a whole file of each kind."""
    with TemporaryDirectory() as folder:
        for number, case in enumerate(cases().values()):
            if case.name.startswith("whole"):
                (Path(folder) / str(number)).write_bytes(case.make())
        atheris.Setup([*sys.argv, *LIMITS, folder], attempt)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
