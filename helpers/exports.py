"""An analysis as CSV, JSON and text; the page and the command line write the same."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from helpers.analysis import CallAnalysis, ChannelSummary
from helpers.classifier import NO_BASELINE, ModelCard
from helpers.lanes import SPEAKER
from helpers.media import SAMPLE_RATE

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_PROBABILITY_DIGITS = 4
_HEADLINE = ("80 % neutral", 20, False)


def to_csv(analyses: Sequence[CallAnalysis]) -> str:
    """Write the segments of one or more analyses as one table.

    Parameters
    ----------
    analyses : sequence of CallAnalysis
        All by models with the same emotions, or the missing columns stay empty.

    Returns
    -------
    str
        A header and a line per segment: recording, then the columns of the segments; times in seconds. A name
        that a spreadsheet would take for a formula is preceded by an apostrophe.
    """
    tables = [analysis.segments.assign(recording=_neutralised(analysis.name)) for analysis in analyses]
    if not tables:
        return ""
    table = pd.concat(tables, ignore_index=True)
    table = _rounded(table[["recording", *table.columns.drop("recording")]])
    return table.to_csv(index=False, lineterminator="\n")


def to_json(result: CallAnalysis | Sequence[CallAnalysis]) -> str:
    """Write an analysis as an object, a sequence of them as a list of objects.

    Parameters
    ----------
    result : CallAnalysis or sequence of CallAnalysis

    Returns
    -------
    str
        Indented JSON; times in seconds from the start of the recording.
    """
    content = as_object(result) if isinstance(result, CallAnalysis) else [as_object(one) for one in result]
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def headline_rows(card: ModelCard) -> list[dict[str, Any]]:
    """Choose the scores over simulated calls that are quoted: mostly neutral ones, two channels, per line."""
    return [row for row in card.call_scores if (row["mixture"], row["clips"], row["mixed"]) == _HEADLINE]


def headline_scores(card: ModelCard) -> dict[str, float]:
    """Choose the few scores that say how far a model is to be trusted.

    Parameters
    ----------
    card : ModelCard

    Returns
    -------
    dict of str to float
        Unweighted average recall by condition: over simulated calls, mostly neutral, per line;
        where there are none, over the clips of its first corpus, each alone.
    """
    calls = headline_rows(card)
    if calls:
        return {row["line"]: row["uar"] for row in calls}
    corpus = card.scores[0]["corpus"]
    alone = [row for row in card.scores if row["corpus"] == corpus and row["baseline"] == NO_BASELINE]
    return {f"{corpus}, {row['condition']}": row["uar"] for row in alone}


def to_text(analyses: Sequence[CallAnalysis]) -> str:
    """Write analyses for a terminal: a headline, the shares per channel, the moments and the segments.

    Parameters
    ----------
    analyses : sequence of CallAnalysis

    Returns
    -------
    str
        Lines of text.
    """
    return "".join(f"{line}\n" for analysis in analyses for line in _text_lines(analysis))


def _text_lines(analysis: CallAnalysis) -> list[str]:
    lines = [f"{analysis.name}: {clock(analysis.duration)}, model {analysis.model.name}"]
    lines += [f"  Note: {warning}" for warning in analysis.warnings]
    for channel in analysis.summary:
        shares = ", ".join(f"{emotion} {share:.0%}" for emotion, share in channel.shares.items() if share)
        who = channel.channel if channel.role == SPEAKER else f"{channel.channel} ({channel.role})"
        lines.append(f"  {who}: {channel.speech_time:.1f} s of speech; {shares or 'emotion not analysed'}")
    lines += [
        f"  {clock(moment.start)} to {clock(moment.end)} {moment.channel} {moment.kind}: {moment.description}"
        for moment in analysis.moments
    ]
    for segment in analysis.segments.itertuples():
        verdict = f"{segment.emotion} {segment.confidence:.0%}" if segment.emotion else "not analysed"
        lines.append(f"  {clock(segment.start)} to {clock(segment.end)}  {segment.channel:<6} {verdict}")
    return lines


def clock(seconds: float) -> str:
    """Write a time as people read it: ``1:05.3``, ``1:01:05.3``.

    Parameters
    ----------
    seconds : float >= 0

    Returns
    -------
    str
    """
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest / 10:04.1f}" if hours else f"{minutes}:{rest / 10:04.1f}"


def as_object(analysis: CallAnalysis) -> dict[str, Any]:
    """Turn an analysis into what JSON can hold.

    Parameters
    ----------
    analysis : CallAnalysis

    Returns
    -------
    dict
        With the keys recording, model, segments, summary, moments and warnings.
    """
    card = analysis.model
    return {
        "recording": {
            "name": analysis.name,
            "duration": round(analysis.duration, 3),
            "channels": analysis.channels,
            "sample_rate": SAMPLE_RATE,
        },
        "model": {
            "name": card.name,
            "labels": list(card.labels),
            "protocol": card.protocol,
            "licence": card.licence,
            "sha256": card.sha256,
        },
        "segments": _segment_objects(_rounded(analysis.segments), card.labels),
        "summary": {channel.channel: _summary_object(channel) for channel in analysis.summary},
        "moments": [asdict(moment) for moment in analysis.moments],
        "warnings": list(analysis.warnings),
    }


def _segment_objects(segments: pd.DataFrame, labels: tuple[str, ...]) -> list[dict[str, Any]]:
    rows = []
    for row in segments.to_dict("records"):
        probabilities = {label: row.pop(label) for label in labels}
        analysed = row["emotion"] is not None
        rows.append(
            {
                **row,
                "confidence": row["confidence"] if analysed else None,
                "probabilities": probabilities if analysed else None,
            }
        )
    return rows


def _summary_object(channel: ChannelSummary) -> dict[str, Any]:
    return {
        "role": channel.role,
        "speech_time": channel.speech_time,
        "shares": {emotion: round(share, _PROBABILITY_DIGITS) for emotion, share in channel.shares.items()},
        "dominant_emotion": channel.dominant_emotion,
        "baseline_time": channel.baseline_time,
    }


def _rounded(segments: pd.DataFrame) -> pd.DataFrame:
    return segments.round(dict.fromkeys(segments.select_dtypes("floating").columns, _PROBABILITY_DIGITS))


def _neutralised(name: str) -> str:
    return f"'{name}" if name.startswith(_FORMULA_STARTS) else name
