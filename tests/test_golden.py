"""The same file, model and settings give the same JSON: on every Python, alone or beside other work.

`python -m tests.test_golden` writes the expected one anew, where a change of figures is wanted.
"""

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.analysis import analyze_recording
from helpers.classifier import load_model, model_names
from helpers.exports import to_json
from helpers.lanes import Settings
from helpers.media import SAMPLE_RATE, Recording, decode, to_wav

GOLDEN = Path(__file__).with_name("golden.json")
TOLERANCE = 1e-6
UNROUNDED = 1e-5  # of probabilities before JSON rounds them: other Pythons have other versions of numpy


def call() -> Recording:
    """Make a call of two voices that take turns, from nothing but sines and seeded noise."""
    time = np.arange(20 * SAMPLE_RATE) / SAMPLE_RATE
    noise = np.random.default_rng(9).normal(0, 0.001, (2, len(time)))
    lines = [_voice(time, 120, 0.2, time % 8 < 3.5), _voice(time, 210, 0.4, (time % 8 > 4) & (time % 8 < 7))]
    return Recording("golden.wav", np.round((lines + noise) * 32_767).astype(np.int16))


def _voice(time: np.ndarray, pitch: float, level: float, speaks: np.ndarray) -> np.ndarray:
    bent = pitch * time + 3 * np.sin(2 * np.pi * 0.7 * time)
    harmonics = sum(np.sin(2 * np.pi * bent * number + number) / number for number in range(1, 15))
    return level / 3 * np.asarray(harmonics) * (1 + 0.6 * np.sin(2 * np.pi * 4 * time)) * speaks


def told(model: str) -> Any:
    """Analyse the call from its file by a model, as JSON with the probabilities beside it."""
    recording = decode(to_wav(call()), name="golden.wav")
    analysis = analyze_recording(recording, load_model(model), Settings("split"))
    probabilities = analysis.segments[list(analysis.model.labels)]  # which JSON rounds
    return {"json": json.loads(to_json(analysis)), "probabilities": probabilities.to_numpy().tolist()}


def numbers(tree: Any) -> Iterator[float]:
    """Give the numbers in a tree of JSON, in order."""
    for branch in tree.values() if isinstance(tree, dict) else tree:
        if isinstance(branch, dict | list):
            yield from numbers(branch)
        elif isinstance(branch, float | int):
            yield float(branch)


def form(tree: Any) -> Any:
    """Give the tree with all numbers made equal."""
    if isinstance(tree, dict):
        return {key: form(branch) for key, branch in tree.items()}
    if isinstance(tree, list):
        return [form(branch) for branch in tree]
    return 0 if isinstance(tree, float | int) else tree


def assert_same(one: Any, other: Any, tolerance: float = TOLERANCE) -> None:
    assert form(one) == form(other)
    np.testing.assert_allclose(list(numbers(one)), list(numbers(other)), rtol=0, atol=tolerance)


def assert_golden(told: Any, model: str) -> None:
    expected = json.loads(GOLDEN.read_text())[model]
    assert len(expected["probabilities"]) >= 5
    assert_same(told["json"], expected["json"])
    assert_same(told["probabilities"], expected["probabilities"], UNROUNDED)


@pytest.mark.parametrize("model", model_names())
def test_the_same_recording_gives_the_same_json_on_every_python(model: str) -> None:
    assert_golden(told(model), model)


def test_an_analysis_beside_others_gives_what_it_gives_alone() -> None:
    names = [*model_names()] * 2
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for name, one in zip(names, pool.map(told, names), strict=True):
            assert_golden(one, name)


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps({model: told(model) for model in model_names()}, indent=1) + "\n")
