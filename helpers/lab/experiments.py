"""The published experiments, as tables for charts: what was claimed, and what is left of it.

Conventions: `report` is what is in a recipe's ``metrics.json``, as of ``reproduce.as_object``; a `run` is
one of its runs. Scores are in the recipe's metric; low and high are a standard deviation over splits away.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

CLAIMED, SAME, APART = "claimed", "repeated", "speakers apart"
OVERSAMPLED = ", SMOTE"
METRICS = {"accuracy": "accuracy", "macro_f1": "macro F1"}

_SCORE = "score"


def cases(report: dict[str, Any]) -> list[str]:
    """List the cases of an experiment."""
    return [*dict.fromkeys(run["case"] for run in report["runs"])]


def claims(report: dict[str, Any], case: str) -> pd.DataFrame:
    """Lay what was claimed beside what we get, with the speakers on both sides and apart.

    Parameters
    ----------
    report : dict
    case : str

    Returns
    -------
    pd.DataFrame
        A row per method and kind of figure: group (the method), figure, score, low, high, protocol.
    """
    rows = []
    for run in report["runs"]:
        if run["case"] != case:
            continue
        mean, deviation = run["mean"][report["metric"]], run["deviation"][report["metric"]]
        named = {"group": run["method"], "protocol": run["protocol"]}
        if run["published"] is not None:
            figure = CLAIMED if run["leaky"] else f"{CLAIMED}, {APART}"
            rows.append({**named, "figure": figure, _SCORE: run["published"], "low": np.nan, "high": np.nan})
        figure = SAME if run["leaky"] else APART
        ends = {"low": mean - deviation, "high": mean + deviation}
        rows.append({**named, "figure": figure, _SCORE: mean, **ends})
    return pd.DataFrame(rows).round(4)


def verdict(table: pd.DataFrame) -> str:
    """Say in a sentence how much of the best leaky figure is left with speakers apart.

    Parameters
    ----------
    table : pd.DataFrame
        From `claims`.

    Returns
    -------
    str
    """
    means = table.pivot_table(index="group", columns="figure", values=_SCORE)
    best = means[SAME].idxmax()
    change = means.loc[best, APART] - means.loc[best, SAME]
    return (
        f"The best figure under the published protocol, {means.loc[best, SAME]:.1%} by “{best}”, becomes "
        f"{means.loc[best, APART]:.1%} once nobody is on both sides ({change * 100:+.1f} points)."
    )


def run_of(report: dict[str, Any], case: str, method: str, *, leaky: bool) -> dict[str, Any]:
    """Find a run."""
    return next(
        run for run in report["runs"] if (run["case"], run["method"], run["leaky"]) == (case, method, leaky)
    )


def oversampling(reports: dict[str, dict[str, Any]]) -> pd.DataFrame:
    """Lay methods with SMOTE beside the same without, under both protocols.

    Parameters
    ----------
    reports : dict
        By recipe.

    Returns
    -------
    pd.DataFrame
        As of `claims`, with the column oversampling; group is the kind of figure.
    """
    tables = []
    for report in reports.values():
        for case in cases(report):
            table = claims(report, case)
            pairs = {method.removesuffix(OVERSAMPLED) for method in table["group"] if OVERSAMPLED in method}
            chosen = table[table["group"].str.removesuffix(OVERSAMPLED).isin(pairs)]
            smote = np.where(chosen["group"].str.contains(OVERSAMPLED), "with SMOTE", "without")
            tables.append(chosen.assign(oversampling=smote, method=chosen["group"], group=chosen["figure"]))
    return pd.concat(tables, ignore_index=True)


def searches(reports: dict[str, dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """List what searches of parameters tried, each setting with its score in the training clips."""
    return {
        f"{run['method']}: {run['case']}, {run['protocol']}": run["search"]
        for report in reports.values()
        for run in report["runs"]
        if run["search"]
    }


def varied(search: list[dict[str, Any]]) -> pd.DataFrame:
    """Lay out a search: a row per setting, its score and the parameters that it varied, in short."""
    table = pd.DataFrame([{name: _short(value) for name, value in tried.items()} for tried in search])
    return table[[name for name in table if name == _SCORE or table[name].nunique() > 1]]


def search_axes(search: list[dict[str, Any]]) -> pd.DataFrame:
    """Place each setting of a search on parallel axes.

    Parameters
    ----------
    search : list of dict

    Returns
    -------
    pd.DataFrame
        As of ``charts.parallel_chart``: numbers by their logarithm, words in equal steps.
    """
    table = varied(search)
    names = [*(name for name in table if name != _SCORE), _SCORE]
    parts = []
    for name in names:
        place = _places(table[name], logarithmic=name != _SCORE)
        written = [f"{value:.1%}" if name == _SCORE else f"{value}" for value in table[name]]
        part = {"setting": table.index, "axis": name, "place": place, "written": written}
        parts.append(pd.DataFrame(part).assign(score=table[_SCORE]))
    return pd.concat(parts, ignore_index=True)


def _short(value: Any) -> Any:
    if isinstance(value, list):
        return " + ".join(map(str, value))
    return float(f"{value:.4g}") if isinstance(value, float) else value


def _places(values: pd.Series, *, logarithmic: bool) -> np.ndarray:
    if not pd.api.types.is_numeric_dtype(values):
        codes = pd.factorize(values, sort=True)[0]
        return codes / max(codes.max(), 1)
    numbers = values.to_numpy(float)
    numbers = np.log(numbers) if logarithmic else numbers
    return (numbers - numbers.min()) / max(float(np.ptp(numbers)), 1e-9)
