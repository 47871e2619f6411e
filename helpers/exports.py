"""An analysis as CSV, JSON and text; the page and the command line write the same."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields, replace
from typing import Any

import pandas as pd

from helpers.analysis import CallAnalysis, ChannelSummary
from helpers.classifier import NO_BASELINE, ModelCard
from helpers.conversation import SpeakerFigures, conversation
from helpers.corrections import Correction, by_hand
from helpers.emotions import UNCERTAIN
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


def signs(analysis: CallAnalysis) -> str:
    """Say what the signs of a timeline mean.

    Parameters
    ----------
    analysis : CallAnalysis

    Returns
    -------
    str
        A sentence, or two where something was set by hand.
    """
    uncertain = f"“?” is uncertain: the model is less than {analysis.model.uncertain_below:.0%} sure."
    return f"{uncertain} “▼” was set by hand." if by_hand(analysis.segments).any() else uncertain


def reliability(card: ModelCard) -> str:
    """Say how far to trust a model, with the protocol that the figures come from.

    Parameters
    ----------
    card : ModelCard

    Returns
    -------
    str
        Sentences.
    """
    figures = [f"{share:.0%} ({words})" for words, share in headline_scores(card).items()]
    where = "simulated calls of actors" if card.call_scores else "clips of people"
    leaky = card.protocol.startswith("Leaky")
    known, protocol = ("may have", "leaky") if leaky else ("had never", "speaker-independent")
    return (
        f"How far to trust it: of the emotions in {where} it {known} heard, model “{card.name}” gets "
        f"{', '.join(figures)} right, where guessing gets {1 / len(card.labels):.0%} ({protocol}, "
        "unweighted average recall); less on other recordings. It knows how emotions are performed, not what "
        "somebody feels."
    )


def to_webvtt(analysis: CallAnalysis) -> str:
    """Write the emotions as subtitles, which players show while a recording plays.

    Parameters
    ----------
    analysis : CallAnalysis

    Returns
    -------
    str
        WebVTT (W3C), a cue per segment that was analysed; speakers are voices.
    """
    cues = []
    for row in _told(analysis).itertuples():
        who = row.channel if row.role == SPEAKER else row.role
        times = f"{_subtitle_time(row.start)} --> {_subtitle_time(row.end)}"
        cues.append(f"{times}\n<v {who}>{verdict(row.emotion, row.confidence)}\n")
    return "\n".join(["WEBVTT\n", *cues])


def to_audacity(analysis: CallAnalysis) -> str:
    """Write the emotions and the moments as a label track of Audacity.

    Parameters
    ----------
    analysis : CallAnalysis

    Returns
    -------
    str
        A line per label: start, end [seconds] and text, parted by tabs.
    """
    labels = [
        (row.start, row.end, f"{row.channel}: {verdict(row.emotion, row.confidence)}")
        for row in _told(analysis).itertuples()
    ]
    labels += [(moment.start, moment.end, f"{moment.channel}: {moment.kind}") for moment in analysis.moments]
    return "".join(f"{start:.2f}\t{end:.2f}\t{text}\n" for start, end, text in sorted(labels))


def _told(analysis: CallAnalysis) -> pd.DataFrame:
    """Give the segments whose emotion was analysed."""
    return analysis.segments[analysis.segments["emotion"].notna()]


def _subtitle_time(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest / 1000:06.3f}"


def to_corrections(corrections: Iterable[Correction]) -> str:
    """Write corrections as a table that training reads; see ``training.corrections``.

    Parameters
    ----------
    corrections : iterable of Correction
        Of any number of recordings.

    Returns
    -------
    str
        A header and a line per correction, with the fields of `Correction`; names as in `to_csv`.
    """
    rows = [asdict(replace(each, recording=_neutralised(each.recording))) for each in corrections]
    table = pd.DataFrame(rows, columns=[field.name for field in fields(Correction)])
    return _rounded(table).to_csv(index=False, lineterminator="\n")


def neutralised(table: pd.DataFrame) -> pd.DataFrame:
    """Precede every text of a table that a spreadsheet would take for a formula by an apostrophe.

    Parameters
    ----------
    table : pd.DataFrame

    Returns
    -------
    pd.DataFrame
    """
    texts = table.select_dtypes("str")
    return table.assign(**{name: texts[name].map(_neutralised, na_action="ignore") for name in texts})


def call_rows(analyses: Sequence[CallAnalysis]) -> pd.DataFrame:
    """Put several calls side by side, by who is analysed first in each: the customer, where it is known.

    Parameters
    ----------
    analyses : sequence of CallAnalysis

    Returns
    -------
    pd.DataFrame
        A row per call: its name, length [seconds], main emotion, shares of anger and of uncertain speech,
        escalations, emotion at the end, and number of moments; NaN where nobody was analysed.
    """
    return pd.DataFrame([_call_row(analysis) for analysis in analyses])


def _call_row(analysis: CallAnalysis) -> dict[str, Any]:
    told = {figures.channel: figures for figures in conversation(analysis)}
    summary = next((each for each in analysis.summary if each.shares), None)
    figures = told[summary.channel] if summary else None
    shares = summary.shares if summary else {}
    return {
        "Recording": analysis.name,
        "Length": analysis.duration,
        "Main emotion": summary.dominant_emotion if summary else None,
        "Anger": shares.get("angry"),
        "Uncertain": shares.get(UNCERTAIN),
        "Escalations": figures.escalations if figures else None,
        "At the end": figures.end_emotion if figures else None,
        "Moments": len(analysis.moments),
    }


def figure_rows(figures: Sequence[SpeakerFigures], names: Sequence[str]) -> pd.DataFrame:
    """Write the figures of the speakers as people read them.

    Parameters
    ----------
    figures : sequence of SpeakerFigures
    names : sequence of str
        Of the speakers.

    Returns
    -------
    pd.DataFrame [dtype=str]
        A row per figure, named as in ``conversation.EXPLAINED``, and a column per speaker; what is not known
        is a dash.
    """
    columns = {name: _figure_words(each) for name, each in zip(names, figures, strict=True)}
    return pd.DataFrame(columns)


def _figure_words(each: SpeakerFigures) -> dict[str, str]:
    return {
        "Talk time": clock(each.talk_time),
        "Talk share": f"{each.talk_share:.0%}",
        "Longest monologue": clock(each.longest_monologue),
        "Interruptions": str(each.interruptions),
        "Talk-over": f"{each.talk_over:.0%}",
        "Response time": _or_dash("{:.1f} s", each.response_time),
        "Loudness": _or_dash("{:.0f} dBFS", each.loudness),
        "Speaking rate": _or_dash("{:.1f} per s", each.speaking_rate),
        "Escalations": _or_dash("{}", each.escalations),
        "First third": _main_share(each.first_third),
        "Last third": _main_share(each.last_third),
        "At the end": _or_dash("{}", each.end_emotion),
    }


def _or_dash(form: str, value: float | str | None) -> str:
    return "–" if value is None else form.format(value)


def _main_share(shares: dict[str, float]) -> str:
    """Name the emotion of most of the time."""
    if not shares:
        return "–"
    emotion = max(shares, key=lambda name: shares[name])
    return f"{emotion} {shares[emotion]:.0%}"


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
        told = verdict(segment.emotion, segment.confidence) if segment.emotion else "not analysed"
        lines.append(f"  {clock(segment.start)} to {clock(segment.end)}  {segment.channel:<6} {told}")
    return lines


def verdict(emotion: str, confidence: float) -> str:
    """Write what is said of a segment: ``angry 71%``, ``angry, set by hand``.

    Parameters
    ----------
    emotion : str
    confidence : float
        Of the model; NaN where the emotion was set by hand.

    Returns
    -------
    str
    """
    return f"{emotion}, set by hand" if pd.isna(confidence) else f"{emotion} {confidence:.0%}"


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
        With the keys recording, model, segments, summary, moments, conversation and warnings.
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
        "conversation": [_rounded_figures(figures) for figures in conversation(analysis)],
        "warnings": list(analysis.warnings),
    }


def _segment_objects(segments: pd.DataFrame, labels: tuple[str, ...]) -> list[dict[str, Any]]:
    rows = []
    for row in segments.to_dict("records"):
        probabilities = {label: row.pop(label) for label in labels}
        rows.append(
            {
                **row,
                "confidence": None if pd.isna(row["confidence"]) else row["confidence"],
                "probabilities": None if row["emotion"] is None else probabilities,
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


def _rounded_figures(figures: SpeakerFigures) -> dict[str, Any]:
    def rounded(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: rounded(share) for name, share in value.items()}
        return round(value, _PROBABILITY_DIGITS) if isinstance(value, float) else value

    return rounded(asdict(figures))


def _rounded(segments: pd.DataFrame) -> pd.DataFrame:
    return segments.round(dict.fromkeys(segments.select_dtypes("floating").columns, _PROBABILITY_DIGITS))


def _neutralised(name: str) -> str:
    return f"'{name}" if name.startswith(_FORMULA_STARTS) else name
