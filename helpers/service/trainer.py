"""The process of a training job: ``python -m helpers.service.trainer FOLDER MODEL RECIPE CORPORA``.

It says what it does by JSON objects on standard output, a line each, with fields of ``jobs.Job``.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from joblib import parallel_config

from helpers.classifier import save_model
from helpers.errors import HelpersError
from helpers.service.jobs import CLIPS, RESULT
from helpers.service.problems import without_paths
from helpers.training.labelled import (
    Report,
    corpus_recipe,
    labelled_recipe,
    protocol_of,
    read_labelled,
    train_labelled,
)
from helpers.training.models import load_clips

_PROBLEMS = 100  # that are told


def main(folder: Path, model: str, recipe_name: str, corpora: Path) -> int:
    """Train a model into the folder.

    Returns
    -------
    int
        1 where the clips or the recipe are of no use, which was said then.
    """
    os.nice(10)
    try:
        if (folder / CLIPS).exists():
            _say(stage="Checking clips")
            with (folder / CLIPS).open("rb") as file:
                labelled = read_labelled(file, folder / "clips")
            _say(problems=labelled.problems[:_PROBLEMS])
            clips, recipe = labelled.clips, labelled_recipe(model, labelled.clips)
        else:
            recipe = corpus_recipe(model, recipe_name)
            clips = load_clips(recipe, recipe.corpora, corpora)
        _say(protocol=protocol_of(clips).name)
        with parallel_config(backend="threading", n_jobs=os.cpu_count() or 1):
            trained = train_labelled(clips, recipe, folder / "features", _progress)
    except HelpersError as error:
        _say(error=without_paths(str(error)))
        return 1
    (folder / RESULT).mkdir()
    save_model(trained.content, trained.card, folder / RESULT)
    _say(**_figures(trained.report))
    return 0


def _figures(report: Report) -> dict[str, Any]:
    return {
        "protocol": report.protocol,
        "clips": report.clips,
        "speakers": report.speakers,
        "macro_f1_mean": round(report.mean, 4),
        "macro_f1_deviation": round(report.deviation, 4),
        "macro_f1": report.macro_f1,
        "labels": report.labels,
        "confusion": report.confusion,
    }


def _progress(stage: str, share: float) -> None:
    _say(stage=stage, progress=round(share, 3))


def _say(**fields: Any) -> None:
    print(json.dumps(fields), flush=True)


if __name__ == "__main__":
    folder, model, recipe_name, corpora = sys.argv[1:]
    sys.exit(main(Path(folder), model, recipe_name, Path(corpora)))
