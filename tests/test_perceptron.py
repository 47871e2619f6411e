"""A perceptron that was taken over answers as the one that scikit-learn trained, and does not need it."""

import io
import subprocess
import sys

import joblib
import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier

from helpers.perceptron import Perceptron
from helpers.samples import SAMPLES

CALL = SAMPLES / "billing-complaint_agent-left_customer-right.mp3"
UNNEEDED = """
import sys
from helpers.analysis import analyze
from helpers.conversation import conversation
assert conversation(analyze(sys.argv[1]))
print({"sklearn", "scipy.signal", "scipy.stats", "librosa", "altair"} & sys.modules.keys())
"""


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("hidden", [(8,), (8, 5)])
@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_the_probabilities_are_those_of_scikit_learn(classes: int, hidden: tuple[int, ...]) -> None:
    generator = np.random.default_rng(0)
    values = generator.normal(size=(200, 6)).astype(np.float32)
    trained = MLPClassifier(hidden, max_iter=5, random_state=0).fit(values, np.arange(200) % classes)
    told = Perceptron.of(trained).predict_proba(values * 3)
    assert told.shape == (200, classes)
    trained.coefs_ = [weight.astype(np.float16).astype(np.float32) for weight in trained.coefs_]
    np.testing.assert_allclose(told, trained.predict_proba(values * 3), atol=1e-6)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_it_is_the_same_after_its_way_through_a_file_which_is_half_as_large() -> None:
    generator = np.random.default_rng(0)
    values = generator.normal(size=(200, 60)).astype(np.float32)
    perceptron = Perceptron.of(MLPClassifier((40,), max_iter=5).fit(values, np.arange(200) % 3))
    file = io.BytesIO()
    joblib.dump(perceptron, file)
    assert file.tell() < 60 * 40 * 2.5
    told = joblib.load(file).predict_proba(values)
    np.testing.assert_array_equal(told, perceptron.predict_proba(values))


def test_nobody_asked_is_no_error() -> None:
    perceptron = Perceptron((np.eye(3), np.eye(3)), (np.zeros(3), np.zeros(3)))
    assert perceptron.predict_proba(np.empty((0, 3))).shape == (0, 3)


def test_an_analysis_does_not_load_what_only_training_needs() -> None:
    command = [sys.executable, "-c", UNNEEDED, str(CALL)]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert told.strip() == "set()"
