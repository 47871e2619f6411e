"""What a batch has found so far, and the tables of it, in one folder.

``parts/calls`` and ``parts/segments`` hold the results in Parquet files that are only ever added, by the day
of the analysis, a result once per key. The tables name every recording of a run with the result of its key.
Every file is written under another name first, so that whoever reads finds all of it or none.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.batch.calls import Analysed

if TYPE_CHECKING:
    import pandas as pd

CALLS, SEGMENTS, FAILURES = "calls", "segments", "failures.csv"

_MOST = 500  # results in a part
_LONGEST = 10.0  # seconds between two parts


class Results:
    """The results in a folder.

    Parameters
    ----------
    folder : Path
        Made where it is not there. One batch at a time may write there.
    """

    def __init__(self, folder: Path) -> None:
        self._parts = folder / "parts"
        self._remove_halves()
        self._waiting: list[Analysed] = []
        self._written = time.monotonic()
        self.keys = self._read_keys()

    def add(self, result: Analysed) -> None:
        """Keep a result; it is on disk some seconds later, or after `flush`."""
        if result.key not in self.keys:
            self.keys.add(result.key)
            self._waiting.append(result)
        if len(self._waiting) >= _MOST or time.monotonic() - self._written > _LONGEST:
            self.flush()

    def flush(self) -> None:
        """Write what is waiting; the same again after an interruption gives the same file."""
        import pandas as pd

        self._written = time.monotonic()
        if not self._waiting:
            return
        name = hashlib.sha256("".join(each.key for each in self._waiting).encode()).hexdigest()[:16]
        day = f"day={datetime.now(UTC):%Y-%m-%d}"
        for kind in (SEGMENTS, CALLS):  # a result counts from its call on
            path = self._parts / kind / day / f"{name}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic(path) as temporary:
                table = pd.concat([getattr(each, kind) for each in self._waiting], ignore_index=True)
                table.to_parquet(temporary, index=False)
        self._waiting = []

    def parts(self, kind: str) -> list[Path]:
        """List the files of calls or of segments."""
        return sorted((self._parts / kind).glob("*/*.parquet"))

    def _read_keys(self) -> set[str]:
        import pandas as pd

        keys = (pd.read_parquet(path, columns=["key"])["key"] for path in self.parts(CALLS))
        return {key for each in keys for key in each}

    def _remove_halves(self) -> None:
        """Remove segments whose calls an interruption left unwritten."""
        for path in self.parts(SEGMENTS):
            if not (self._parts / CALLS / path.parent.name / path.name).exists():
                path.unlink()


def write_tables(results: Results, keys: Mapping[str, str], folder: Path) -> None:
    """Write the calls and the segments of recordings.

    Parameters
    ----------
    results : Results
        With nothing waiting.
    keys : mapping of str to str
        Of the recordings, by their addresses.
    folder : Path
        Gets ``calls.parquet``, ``calls.csv`` and ``segments.parquet``.
    """
    import pandas as pd

    from helpers.exports import neutralised

    names = pd.DataFrame({"recording": pd.array([*keys], "str"), "key": pd.array([*keys.values()], "str")})
    calls = [part for part in _named(names, results.parts(CALLS)) if len(part)]
    table = pd.concat(calls).sort_values("recording", ignore_index=True) if calls else names
    with atomic(folder / f"{CALLS}.parquet") as temporary:
        table.to_parquet(temporary, index=False)
    with atomic(folder / f"{CALLS}.csv") as temporary:
        neutralised(table).to_csv(temporary, index=False, lineterminator="\n")
    _write_segments(names, results.parts(SEGMENTS), folder / f"{SEGMENTS}.parquet")


def write_failures(failures: Mapping[str, str], folder: Path) -> None:
    """Write the recordings that have no result, each with the reason."""
    import pandas as pd

    from helpers.exports import neutralised

    table = pd.DataFrame({"recording": [*failures], "error": [*failures.values()]}, dtype="str")
    with atomic(folder / FAILURES) as temporary:
        neutralised(table).to_csv(temporary, index=False, lineterminator="\n")


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Give a place to write a file, which is then put in the place of another at once."""
    temporary = path.with_name(f".{path.name}.unfinished")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _named(names: pd.DataFrame, parts: list[Path]) -> Iterator[pd.DataFrame]:
    """Give the rows of each part as often as recordings have their key."""
    import pandas as pd

    for path in parts:
        yield names.merge(pd.read_parquet(path), on="key")


def _write_segments(names: pd.DataFrame, parts: list[Path], path: Path) -> None:
    """Write part by part, as all of them together may not fit into memory."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with atomic(path) as temporary:
        writer = None
        for table in _named(names, parts):
            if not len(table):
                continue
            rows = pa.Table.from_pandas(table, preserve_index=False)
            writer = writer or pq.ParquetWriter(temporary, rows.schema)
            writer.write_table(rows.cast(writer.schema))
        if writer:
            writer.close()
        else:
            names.iloc[:0].to_parquet(temporary, index=False)
