"""An analysis as a page that stands alone, and the words that it shares with the app's page.

The page is ``report.html``, a Jinja template that escapes whatever it is given, and ``report.js``, which
draws its charts. Its Content-Security-Policy allows no network, and no script but that one, by its hash.
"""

from __future__ import annotations

import base64
import hashlib
import tomllib
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import pandas as pd

from helpers.analysis import CallAnalysis, ChannelSummary
from helpers.charts import NOT_ANALYSED, explorable_overview, explorable_timeline, lane_name
from helpers.conversation import EXPLAINED, conversation, non_talk_time
from helpers.corrections import by_hand
from helpers.drawing import with_vega
from helpers.emotions import EMOTIONS
from helpers.exports import clock, figure_rows, reliability, signs
from helpers.lanes import AGENT, LAW
from helpers.moments import ANGER, explained

_ROOT = Path(__file__).parent.parent
_TEMPLATE = "report.html"
_SCRIPT = "report.js"
_AROUND = 10.0  # seconds, shown before and after a moment
_LEAST_BASELINE = 1.0  # seconds


def to_html(analysis: CallAnalysis) -> str:
    """Write an analysis as one HTML file that needs nothing else.

    Parameters
    ----------
    analysis : CallAnalysis

    Returns
    -------
    str
        A page with everything that is told of the call, an interactive timeline, and nothing of its sound.

    Raises
    ------
    DrawingError
    """
    script = with_vega((Path(__file__).parent / _SCRIPT).read_text(encoding="utf-8"))
    names = {summary.channel: lane_name(summary) for summary in analysis.summary}
    return filled_template(
        Path(__file__).parent / _TEMPLATE,
        analysis=analysis,
        names=names,
        headline=headline(analysis),
        agents=_on_agents(analysis),
        reliability=reliability(analysis.model),
        signs=signs(analysis),
        moments_mean=explained(analysis.thresholds),
        figures=figure_rows(conversation(analysis), list(names.values())),
        figures_mean=EXPLAINED,
        silence=silence(analysis),
        segments=_rows(analysis.segments),
        emotions=EMOTIONS,
        not_analysed=NOT_ANALYSED,
        made_with=_made_with(analysis),
        timeline=explorable_timeline(analysis),
        overview=explorable_overview(analysis),
        script=script,
        script_hash=script_hash(script),
        around=_AROUND,
        judged_against=judged_against,
    )


def filled_template(path: Path, **values: Any) -> str:
    """Fill a page's template, escaping whatever it is given.

    Parameters
    ----------
    path : Path
        Of a Jinja template, which knows the filters ``clock`` and ``percent``, too.
    **values
        What it shows.

    Returns
    -------
    str
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(path.parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"clock": clock, "percent": "{:.0%}".format}
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
    return environment.get_template(path.name).render(**values)


def script_hash(script: str) -> str:
    """Name a script as a Content-Security-Policy does.

    Parameters
    ----------
    script : str

    Returns
    -------
    str
    """
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def headline(analysis: CallAnalysis) -> list[tuple[str, str, str]]:
    """Choose the figures that stand first.

    Parameters
    ----------
    analysis : CallAnalysis

    Returns
    -------
    list of (str, str, str)
        Name, value and meaning of each: length, speech, each speaker's main emotion, sustained anger.
    """
    speech = sum(summary.speech_time for summary in analysis.summary)
    angry = sum(moment.kind == ANGER for moment in analysis.moments)
    return [
        ("Length", clock(analysis.duration), "Of the whole recording."),
        ("Speech", clock(speech), "Of all speakers together."),
        *(
            (
                f"{lane_name(summary)}: main emotion",
                f"{summary.dominant_emotion} {summary.shares[summary.dominant_emotion]:.0%}",
                "Share of this speaker's speech time.",
            )
            for summary in analysis.summary
            if summary.dominant_emotion
        ),
        ("Sustained anger", str(angry), explained(analysis.thresholds)[ANGER]),
    ]


def silence(analysis: CallAnalysis) -> str:
    """Say for how long nobody speaks.

    Parameters
    ----------
    analysis : CallAnalysis

    Returns
    -------
    str
        A sentence.
    """
    silent = non_talk_time(analysis)
    return f"Nobody speaks for {clock(silent)}, {silent / analysis.duration:.0%} of the call."


def judged_against(summary: ChannelSummary) -> str | None:
    """Say what a speaker's emotions are judged against.

    Parameters
    ----------
    summary : ChannelSummary

    Returns
    -------
    str or None
        A sentence; None where no baseline is taken.
    """
    if summary.baseline_time is None:
        return None
    if summary.baseline_time < _LEAST_BASELINE:
        return "Hardly any speech here seems neutral, so this speaker is judged against the average voice."
    return (
        f"Judged against how this speaker usually sounds here, from {summary.baseline_time:.0f} s of speech "
        "that seems neutral."
    )


def _on_agents(analysis: CallAnalysis) -> str:
    """Say whether an agent was analysed, which the law restricts."""
    analysed = {summary.role: bool(summary.shares) for summary in analysis.summary}
    if AGENT in analysed:
        told = "The agent was analysed, too." if analysed[AGENT] else "The agent's emotion was left out."
    elif len(analysis.summary) > 1:
        told = "Nothing says who the customer is, so everybody was analysed, an agent too."
    else:
        told = "All speakers are on one channel and were analysed together, an agent too."
    return f"{told} {LAW}."


def _rows(segments: pd.DataFrame) -> list[dict[Hashable, Any]]:
    table = segments.assign(by_hand=by_hand(segments)).fillna({"emotion": NOT_ANALYSED})
    return table.to_dict("records")


def _made_with(analysis: CallAnalysis) -> dict[str, str]:
    """Name the program, the model and the settings that lead to this analysis again."""
    card, settings, thresholds = analysis.model, analysis.settings, analysis.thresholds
    segmentation = settings.segmentation
    corpora = ", ".join(f"{corpus['name']} ({corpus['licence']})" for corpus in card.corpora)
    return {
        "Program": f"Call Emotions {_version()}",
        "Model": f"{card.name}, {card.title}, of {card.created}",
        "SHA-256 of the model": card.sha256,
        "Tells apart": ", ".join(card.labels),
        "Learned from": corpora,
        "Licence of the model": f"{card.licence}. {card.use}",
        "Protocol of its scores": card.protocol,
        "Channels": settings.channels,
        "Customer": settings.customer or "by file name",
        "Agent's emotion": "analysed" if settings.include_agent else "left out, where there is an agent",
        "Speech": f"{segmentation.threshold:g} dB above the noise, from {segmentation.min_speech:g} s; "
        f"silence from {segmentation.min_silence:g} s; {segmentation.speech_pad:g} s added at both ends",
        "Smoothing": settings.smoothing,
        "Set by hand": f"{by_hand(analysis.segments).sum()} of {len(analysis.segments)} segments",
        "Moments": f"sustained from {thresholds.sustained:g} s of speech, recovery from "
        f"{thresholds.calm_again:g} s, turn from {thresholds.turn:g} of valence, talk-over from "
        f"{thresholds.talk_over:g} s, silence from {thresholds.silence:g} s",
    }


def _version() -> str:
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])
