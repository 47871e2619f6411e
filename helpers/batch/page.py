"""The calls of a batch as a page that stands alone: ``index.html``, a Jinja template, and ``index.js``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from helpers.batch.recordings import is_remote, name_of
from helpers.batch.results import CALLS, SEGMENTS, atomic
from helpers.charts import NOT_ANALYSED
from helpers.emotions import EMOTIONS
from helpers.exports import clock
from helpers.lanes import LAW
from helpers.miniature import drawn
from helpers.report import filled_template, script_hash

PAGE = "index.html"

_MOST = 1000  # calls or failures on the page


def write_page(folder: Path, failures: Mapping[str, str]) -> None:
    """Write the page of the tables in a folder.

    Parameters
    ----------
    folder : Path
        With the tables of ``results.write_tables``; gets ``index.html``.
    failures : mapping of str to str
        Why recordings have no result, by their addresses.
    """
    calls = pd.read_parquet(folder / f"{CALLS}.parquet")
    script = (Path(__file__).parent / "index.js").read_text(encoding="utf-8")
    content = filled_template(
        Path(__file__).parent / PAGE,
        rows=_rows(calls, folder) if len(calls) else [],
        count=len(calls),
        length=clock(calls["duration"].sum()) if len(calls) else clock(0),
        emotions=EMOTIONS,
        failures=[(name_of(address), sentence) for address, sentence in failures.items()][:_MOST],
        failed=len(failures),
        most=_MOST,
        not_analysed=NOT_ANALYSED,
        law=LAW,
        script=script,
        script_hash=script_hash(script),
    )
    with atomic(folder / PAGE) as temporary:
        temporary.write_text(content, encoding="utf-8")


def _rows(calls: pd.DataFrame, folder: Path) -> list[dict[str, Any]]:
    """Choose the calls with most anger, with the pictures of their timelines."""
    anger = calls["share_angry"] if "share_angry" in calls else calls["duration"]
    shown = calls.loc[anger.sort_values(ascending=False, kind="stable", na_position="last").index[:_MOST]]
    told = pd.read_parquet(folder / f"{SEGMENTS}.parquet", filters=[("key", "in", set(shown["key"]))])
    pictures = dict(tuple(told.groupby("recording")))
    return [_row(call, pictures[call["recording"]]) for call in shown.to_dict("records")]


def _row(call: dict[Any, Any], segments: pd.DataFrame) -> dict[str, Any]:
    channels = [
        call[prefix + "channel"]
        for prefix in ("", "other_")
        if not pd.isna(call[prefix + "channel"]) and not pd.isna(call[prefix + "dominant_emotion"])
    ]
    known = {name: None if pd.isna(value) else value for name, value in call.items()}
    shares = dict.fromkeys(("share_angry", "share_uncertain")) | known
    return shares | {
        "name": name_of(call["recording"]),
        "link": _link(call["recording"]),
        "picture": drawn(segments, call["duration"], channels),
    }


def _link(address: str) -> str | None:
    """Give what a browser opens a recording by, where it can."""
    if is_remote(address):
        return address if address.startswith(("http://", "https://")) else None
    return Path(address).as_uri()
