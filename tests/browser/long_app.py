"""The result of a call of ten hours with 12,000 segments, which no test can wait for to be analysed."""

from dataclasses import replace

import numpy as np
import pandas as pd
import streamlit as st

from helpers.analysis import CallAnalysis, analyze
from helpers.moments import find_moments
from helpers.pages.result import show_result
from helpers.samples import local_path, synthetic_calls
from helpers.workspace import RecordingFile

HOURS = 10
SEGMENTS = 12_000


def stretched(analysis: CallAnalysis) -> CallAnalysis:
    """Repeat the segments of a call."""
    times = -(-SEGMENTS // len(analysis.segments))
    length = HOURS * 3600 / times
    scale = length / analysis.duration
    parts = [analysis.segments.assign(part=number) for number in range(times)]
    segments = pd.concat(parts, ignore_index=True)[:SEGMENTS]
    offset = segments.pop("part") * length
    segments[["start", "end"]] = segments[["start", "end"]].mul(scale).add(offset, axis=0)
    levels = {channel: np.tile(level, round(times * scale)) for channel, level in analysis.levels.items()}
    return replace(
        analysis,
        name="ten hours.wav",
        duration=HOURS * 3600.0,
        segments=segments,
        levels=levels,
        moments=find_moments(segments, analysis.thresholds),
    )


path = local_path(synthetic_calls()[0])
if "analysis" not in st.session_state:
    st.session_state["analysis"] = stretched(analyze(path))
if st.toggle("Show"):
    show_result(RecordingFile.from_path(path), st.session_state["analysis"])
