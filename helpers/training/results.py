"""The results of all recipes side by side, made from their reports."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from helpers.classifier import ModelCard, model_names, read_card
from helpers.exports import headline_rows
from helpers.speakers import VoiceScore
from helpers.speakers import read_scores as read_voice_scores
from helpers.training.clip_scores import ClipScore, read_scores

REPORTS = Path(__file__).parents[2] / "models" / "reports"
CLIPS = "clips"
PAGE = Path(__file__).parents[2] / "docs" / "results.md"

_CALLS_HEAD = """
# Whole calls

Calls put together from clips of speakers that the model never heard, recording in, timeline out, weighted by
time; see `helpers/training/calls.py`. Made by `python -m helpers evaluate MODEL`. Clips says how many the
customer speaks; intervals are 95 % over speakers. Anger: precision and recall of the moments at which
sustained anger begins, within 5 s. Coverage is the share of time with an answer other than “uncertain”.
ECE is the gap between confidence and accuracy; by chance is what a perfectly calibrated model would show on
as many answers, so that an ECE near it cannot be told from none. UAR without baseline is of the same calls;
gain is the 95 % interval over speakers of the points that a baseline brings, so that where 0 lies between,
neither is known to be better.
"""
_CLIPS_HEAD = """
# Single clips, by our method

Each clip told by models that never heard its speaker, as recorded, over the phone and over random lines. Made
by `python -m helpers clips BENCHMARK`. The baseline is taken from the clip alone (none) or from all clips of
the speaker on the same line, whose emotions are evenly mixed, which no call is: as in the app, or as their
mean and deviation, by a support vector machine that learned from clean and phone copies alone.
"""
_VOICES_HEAD = """
# Two voices on one channel

Simulated calls of two actors on one channel, whose voices are told apart (`--channels voices`). Nothing
was learned from them. Made by `python -m helpers voices`. To the wrong speaker: share of the speech of the
calls that were told apart, under the better assignment of the two (the speaker error of NIST's diarization
error rate), with its 95 % interval over calls. UAR is that of both speakers' emotions in all of the calls, by
model `calls`, weighted by time. A speaker alone should not be told apart.
"""
_METRICS = {"accuracy": "accuracy", "macro_f1": "macro F1"}
_HEAD = """# Published experiments, reproduced

Made by `python -m helpers results` from the reports in `models/reports/`. Figures are mean ± deviation over
the splits of the protocol. “Published” stands where a figure was published for that very method; under a
protocol whose name begins with “leaky”, clips of one speaker are in training and in test. “Ours, by speaker”
takes each clip against the mean and deviation of its speaker's clips, which are known without labels, but not
from a single clip. Intervals are 95 % over speakers, of the unweighted average recall.
"""


def results_page(reports: Path = REPORTS) -> str:
    """Write the page.

    Parameters
    ----------
    reports : Path
        Holding a folder per recipe.

    Returns
    -------
    str
        Markdown.
    """
    parts = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(reports.glob("*/metrics.json"))]
    scored = [card for card in (read_card(name) for name in model_names()) if card.call_scores]
    calls = [
        part for card in scored for part in (f"## `{card.name}`: {card.title}", "", call_table(card), "")
    ]
    clips = clip_table({path.stem: read_scores(path) for path in sorted((reports / CLIPS).glob("*.json"))})
    voices = voice_table(read_voice_scores())
    return "\n".join(
        [
            _HEAD,
            *map(recipe_section, parts),
            _CALLS_HEAD,
            *calls,
            _VOICES_HEAD,
            voices,
            _CLIPS_HEAD,
            clips,
            "",
        ]
    )


def voice_table(scores: Iterable[VoiceScore]) -> str:
    """Write how well voices are told apart as a table.

    Parameters
    ----------
    scores : iterable of VoiceScore

    Returns
    -------
    str
        Markdown.
    """
    names = ["line", "speakers", "calls", "told apart", "to the wrong speaker", "interval"]
    return "\n".join(_table([*names, "UAR as one speaker", "UAR told apart"], map(_voice_cells, scores)))


def _voice_cells(score: VoiceScore) -> list[str]:
    low, high = score.confusion_interval or (None, None)
    return [
        *(score.line, score.pair, str(score.calls), f"{score.told_apart:.0%}", _or_dash(score.confusion)),
        "–" if low is None else f"{low:.1%} to {high:.1%}",
        *(_or_dash(score.uar_together), _or_dash(score.uar_apart)),
    ]


def _or_dash(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def clip_table(scores: Mapping[str, Sequence[ClipScore]]) -> str:
    """Write the scores of our method over single clips as a table.

    Parameters
    ----------
    scores : mapping of str to sequence of ClipScore
        By benchmark.

    Returns
    -------
    str
        Markdown.
    """
    names = ["benchmark", "protocol", "clips", "speakers", "condition", "baseline", "UAR", "interval", "ECE"]
    rows = [_clip_cells(name, score) for name, each in scores.items() for score in each]
    return "\n".join(_table([*names, "target"], rows))


def _clip_cells(name: str, score: ClipScore) -> list[str]:
    low, high = score.uar_interval
    target = "–" if score.target is None else f"{score.target:.0%}"
    if score.target is not None:
        target += ", reached" if score.uar >= score.target else ", **not** reached"
    return [
        *(
            f"`{name}`",
            score.protocol,
            str(score.clips),
            str(score.speakers),
            score.condition,
            score.baseline,
        ),
        *(f"{score.uar:.1%}", f"{low:.1%} to {high:.1%}"),
        *("–" if score.ece is None else f"{score.ece:.3f}", target),
    ]


def call_table(card: ModelCard) -> str:
    """Write the scores of a model over whole calls as a table.

    Parameters
    ----------
    card : ModelCard

    Returns
    -------
    str
        Markdown.
    """
    names = ["line", "mixture", "clips", "UAR", "interval", "without baseline", "gain"]
    names += ["macro F1", "ECE", "by chance", "coverage", "anger precision", "recall"]
    lines = _table(names, map(_call_cells, card.call_scores))
    quoted = headline_rows(card)
    if quoted:
        shares = list(quoted[0]["accuracy_by_coverage"])
        lines += ["", "Accuracy of the most confident answers, by the share of time that is answered:", ""]
        lines += _table(
            ["line", *(f"{float(share):.0%}" for share in shares)],
            (
                [row["line"], *(f"{row['accuracy_by_coverage'][share]:.1%}" for share in shares)]
                for row in quoted
            ),
        )
    return "\n".join(lines)


def _call_cells(row: dict[str, Any]) -> list[str]:
    low, high = row["uar_interval"]
    return [
        row["line"] + (", one channel" if row["mixed"] else ""),
        *(row["mixture"], str(row["clips"]), f"{row['uar']:.1%}", f"{low:.1%} to {high:.1%}"),
        *(_share(row, "uar_without_baseline"), _gain(row), f"{row['macro_f1']:.1%}"),
        *(f"{row['ece']:.3f}", f"{row['ece_by_chance']:.3f}", f"{row['coverage']:.0%}"),
        *(_share(row, "anger_precision"), _share(row, "anger_recall")),
    ]


def _gain(row: dict[str, Any]) -> str:
    """Say by how many points a baseline changes the recall, at least and at most."""
    if "gain_interval" not in row:
        return "–"
    low, high = row["gain_interval"]
    return f"{100 * low:+.1f} to {100 * high:+.1f}"


def _table(names: Sequence[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """Write the lines of a table in Markdown."""
    return [f"| {' | '.join(cells)} |" for cells in (names, ["---"] * len(names), *rows)]


def _share(row: dict[str, Any], name: str) -> str:
    return f"{row[name]:.1%}" if name in row else "–"


def recipe_section(report: dict[str, Any]) -> str:
    """Write the section of one recipe.

    Parameters
    ----------
    report : dict
        From ``reproduce.as_object``.

    Returns
    -------
    str
        Markdown.
    """
    metric = report["metric"]
    lines = [
        f"## {report['title']} (`{report['recipe']}`)",
        "",
        f"{report['source']} Corpora: {', '.join(report['corpora'])}. Metric: {_METRICS[metric]}.",
        "",
    ]
    pairs: dict[tuple[str, str], dict[bool, dict[str, Any]]] = {}
    for run in report["runs"]:
        pairs.setdefault((run["case"], run["method"]), {})[run["leaky"]] = run
    names = ["case", "method", "published", "leaky", "speakers apart", "UAR apart, interval"]
    rows = ([*named, *_figure_cells(runs[True], runs[False], metric)] for named, runs in pairs.items())
    lines += _table(names, rows)
    protocols = {run["protocol"] for run in report["runs"]}
    lines += ["", f"Protocols: {'; '.join(sorted(protocols))}.", "", *_verdicts(report), ""]
    return "\n".join(lines)


def _figure_cells(leaky: dict[str, Any], apart: dict[str, Any], metric: str) -> list[str]:
    low, high = apart["uar_interval"]
    interval = f"{apart['mean']['uar']:.1%}, {low:.1%} to {high:.1%}"
    return [_published(leaky, apart), _figure(leaky, metric), _figure(apart, metric), interval]


def recipe_page(report: dict[str, Any]) -> str:
    """Write the page of one recipe: its section, and per method with speakers apart what lies behind it.

    Parameters
    ----------
    report : dict
        From ``reproduce.as_object``.

    Returns
    -------
    str
        Markdown; figures lie beside it.
    """
    parts = [recipe_section(report)]
    for case in dict.fromkeys(run["case"] for run in report["runs"]):
        parts += [
            f"## {case}",
            "",
            f"![Confusion, ROC and precision-recall curves, principal components]({figure_name(case)})",
            "",
        ]
        apart = [run for run in report["runs"] if run["case"] == case and not run["leaky"]]
        for run in apart:
            parts += [f"### {run['method']}, {run['protocol']}", "", *_class_table(run), ""]
            parts += [*_confusion_table(run), "", *_settings(run)]
    return "\n".join(parts)


def figure_name(case: str) -> str:
    """Name the file of a case's figures.

    Parameters
    ----------
    case : str

    Returns
    -------
    str
    """
    return f"{re.sub(r'[^a-z0-9]+', '-', case.lower())}.svg"


def _class_table(run: dict[str, Any]) -> list[str]:
    names = list(dict.fromkeys(name for row in run["classes"].values() for name in row))
    rows = [
        [
            emotion,
            *(f"{row[name]:.3f}" if name != "clips" else str(row[name]) for name in names if name in row),
        ]
        for emotion, row in run["classes"].items()
    ]
    return _table(["emotion", *(name.replace("_", " ") for name in names)], rows)


def _confusion_table(run: dict[str, Any]) -> list[str]:
    emotions = list(run["classes"])
    rows = zip(emotions, run["confusion"], strict=True)
    return _table(["true, told as", *emotions], ([emotion, *map(str, counts)] for emotion, counts in rows))


def _settings(run: dict[str, Any]) -> list[str]:
    lines = []
    if run["parameters"]:
        lines += ["Found by the search, per split:", ""]
        lines += [f"- {json.dumps(found)}" for found in run["parameters"]] + [""]
    if run["search"]:
        names = list(run["search"][0])
        lines += ["Tried by the search, with the mean score within the training clips:", ""]
        lines += [*_table(names, (map(str, row.values()) for row in run["search"])), ""]
    if run["permutation"]:
        named = ", ".join(f"{name} {fall:.1%}" for name, fall in run["permutation"].items())
        lines += [f"Accuracy lost when all features of a kind are shuffled: {named}.", ""]
    if run["importances"]:
        named = ", ".join(f"{name} ({share:.2%})" for name, share in run["importances"].items())
        lines += [f"Features that count most: {named}.", ""]
    return lines


def _published(leaky: dict[str, Any], apart: dict[str, Any]) -> str:
    figures = [
        f"{run['published']:.1%} {words}"
        for run, words in ((leaky, "(leaky)"), (apart, "(apart)"))
        if run["published"] is not None
    ]
    return ", ".join(figures) or "–"


def _figure(run: dict[str, Any], metric: str) -> str:
    return f"{run['mean'][metric]:.1%} ± {run['deviation'][metric]:.1%}"


def _verdicts(report: dict[str, Any]) -> list[str]:
    """Say of every target whether one of our methods reaches it."""
    metric = report["metric"]
    best: dict[tuple[str, bool], dict[str, Any]] = {}
    for run in report["runs"]:
        if run["target"] is None:
            continue
        key = run["case"], run["leaky"]
        if key not in best or run["mean"][metric] > best[key]["mean"][metric]:
            best[key] = run
    lines = []
    for (case, leaky), run in best.items():
        reached = run["mean"][metric] >= run["target"]
        words = "is reached" if reached else "is **not** reached"
        where = "the published protocol" if leaky else "speakers apart"
        lines.append(
            f"- {case}, {where}: the target of {run['target']:.1%} {words} (“{run['method']}”, "
            f"{run['mean'][metric]:.1%})."
        )
    return lines
