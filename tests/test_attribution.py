"""What is said to have pushed a decision did push it, in the words for the way in which it differs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from helpers import contours, embeddings
from helpers.analysis import CallAnalysis, analyze
from helpers.attribution import GROUPS, _members, explain, loudness, most_probable, pushes
from helpers.baseline import BaselinedClassifier
from helpers.classifier import Model, Reference, load_model
from helpers.estimators import Estimator
from helpers.feature_sets import ACOUSTIC
from helpers.media import decode, open_recording
from helpers.perceptron import Perceptron
from helpers.samples import SAMPLES
from helpers.training.corpora import load_corpora

CALL = SAMPLES / "billing-complaint_agent-left_customer-right.mp3"
NAMES = (*contours.names(), *embeddings.embedding_names())
HELD_OUT = range(1061, 1076, 3)  # actors that no shipped model heard


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model()


@pytest.fixture(scope="module")
def analysis() -> CallAnalysis:
    return analyze(CALL)


def test_every_feature_is_in_one_group() -> None:
    members = np.array(_members(NAMES))
    assert members.shape == (len(GROUPS), len(NAMES))
    assert (members.sum(axis=0) == 1).all()
    assert members.any(axis=1).all()


@pytest.mark.parametrize(
    ("feature", "group"),
    [
        ("embedding_7 mean", "voice"),
        ("pitch p50", "pitch"),
        ("pitch third_2", "melody"),
        ("voicing third_0", "voice quality"),
        ("mfcc_3 mean", "brightness"),
        ("mfcc_3 third_0", "pace"),
        ("level range", "dynamics"),
        ("bands_4 modulation_2", "pace"),
        ("segment onsets", "pace"),
    ],
)
def test_a_feature_is_in_the_group_that_an_analyst_would_look_for_it_in(feature: str, group: str) -> None:
    members = np.array(_members(NAMES))[:, NAMES.index(feature)]
    assert GROUPS[int(members.argmax())].name == group


def test_a_reference_tells_a_segment_alone_as_it_was_told_in_the_call(
    model: Model, analysis: CallAnalysis
) -> None:
    """Read by itself from the file, each segment of the customer has the probabilities of the analysis."""
    labels = list(model.card.labels)
    for row in analysis.segments[analysis.segments["role"] == "customer"].itertuples():
        with open_recording(CALL) as stream:
            samples = stream.stretch(float(row.start), float(row.end))[:, 1]
        told = model.against(model.features.describe(samples)[None], analysis.references["right"])[0]
        expected = analysis.segments.loc[row.Index, labels].to_numpy(float)
        np.testing.assert_allclose(told, expected, atol=0.01)


def test_what_is_as_usual_pushes_nothing_and_what_differs_is_named(model: Model) -> None:
    """A segment that is as usual but for one group is pushed by that group alone."""
    generator = np.random.default_rng(0)
    count = len(NAMES)
    call = generator.normal(0, 1, (20, count + 4)).astype(np.float32)
    call[:, count:] = np.log(0.25)
    reference = model.judge(call)[1]
    usual = model.usual(reference)
    assert usual is not None
    calm = np.concatenate([usual, np.full(4, np.log(0.25))])
    assert max(abs(push.share) for push in pushes(model, reference, calm, "neutral")) < 1e-4
    for number in (0, 3):
        odd = calm.copy()
        odd[:count][_members(NAMES)[number]] += 5
        emotion = model.card.labels[int(np.argmax(model.against(odd[None], reference)))]
        found = pushes(model, reference, odd, emotion)
        assert max(found, key=lambda push: abs(push.share)).group == GROUPS[number].name


def test_the_words_give_the_direction_and_the_size(model: Model) -> None:
    call = np.zeros((3, len(NAMES) + 4), np.float32)
    reference = model.judge(call)[1]
    usual = model.usual(reference)
    assert usual is not None
    vector = np.concatenate([usual, np.zeros(4)])
    vector[NAMES.index("pitch voiced")] = 0.5
    vector[NAMES.index("pitch p50")] += 3
    vector[NAMES.index("centroid mean")] -= 120
    words = {push.group: push.words for push in pushes(model, reference, vector, "angry")}
    assert words["pitch"] == "pitch 3.0 semitones above this speaker's usual"
    assert words["brightness"] == "sound darker, its middle 120 Hz below this speaker's usual"
    vector[NAMES.index("pitch voiced")] = 0
    words = {push.group: push.words for push in pushes(model, reference, vector, "angry")}
    assert "hardly any voiced sound" in words["pitch"]


@pytest.mark.parametrize(("name", "beside"), [("emotions", {"spectrogram"}), ("emotions-de", set())])
def test_the_network_on_spectrograms_is_named_where_the_model_has_one(name: str, beside: set[str]) -> None:
    assert _groups(load_model(name)) == {group.name for group in GROUPS} | beside


def test_a_model_that_embeds_no_voice_names_none() -> None:
    model, count = load_model("emotions-de"), len(ACOUSTIC.names())
    estimator = model.estimator
    assert isinstance(estimator, BaselinedClassifier)
    shortened = replace(
        estimator,
        mean=estimator.mean[:count],
        deviation=estimator.deviation[:count],
        alone=_shortened(estimator.alone, count),
        relative=_shortened(estimator.relative, count),
    )
    card = replace(model.card, feature_set=ACOUSTIC.as_entry())
    assert _groups(Model(card, shortened)) == {group.name for group in GROUPS} - {"voice"}


def _shortened(members: tuple[Estimator, ...], count: int) -> tuple[Perceptron, ...]:
    perceptrons = [each for each in members if isinstance(each, Perceptron)]
    return tuple(replace(each, weights=(each.weights[0][:count], *each.weights[1:])) for each in perceptrons)


def _groups(model: Model) -> set[str]:
    call = np.zeros((3, len(model.features.names())), np.float32)
    return {push.group for push in pushes(model, model.judge(call)[1], call[0], "angry")}


def test_a_model_without_a_baseline_gives_no_account(model: Model) -> None:
    assert pushes(model, Reference(None, 1.0), np.zeros(len(NAMES) + 4), "angry") == []


def test_the_most_probable_emotion_is_explained_also_where_it_is_uncertain(
    model: Model, analysis: CallAnalysis
) -> None:
    uncertain = analysis.segments.index[analysis.segments["emotion"] == "uncertain"][0]
    row = analysis.segments.loc[uncertain]
    emotion = most_probable(analysis, uncertain)
    assert row[emotion] == row[list(analysis.model.labels)].max()
    samples = decode(CALL).samples[1, round(row["start"] * 16_000) : round(row["end"] * 16_000)]
    shares = [push.share for push in explain(analysis, model, uncertain, samples)]
    assert len(shares) == len(GROUPS) + 1
    assert shares == sorted(shares, reverse=True)


def test_loudness_is_against_the_speakers_own_mean(analysis: CallAnalysis) -> None:
    own = analysis.segments.index[analysis.segments["channel"] == "right"]
    told = [loudness(analysis, segment).split(" dB ") for segment in own]
    differences = [float(size) * (1 if words.startswith("louder") else -1) for size, words in told]
    lengths = (analysis.segments["end"] - analysis.segments["start"])[own]
    assert np.average(differences, weights=lengths) == pytest.approx(0, abs=0.5)
    assert max(differences) >= 3


def test_without_its_top_group_a_segment_is_less_probable_than_without_another(
    corpora: Path, model: Model
) -> None:
    """Not by the baseline, by which it was chosen, but by what a neutral clip of the actor has instead."""
    clips = load_corpora(["crema-d"], corpora)
    tops, others, first = [], [], []
    for speaker in HELD_OUT:
        own = clips[(clips["speaker"] == f"crema-d/{speaker}") & clips["emotion"].isin(model.card.labels)]
        own = own.groupby("emotion").head(6)
        vectors = np.array([model.features.describe(decode(Path(path)).samples[0]) for path in own["path"]])
        probabilities, reference = model.judge(vectors)
        neutral = vectors[int(np.argmax(own["emotion"] == "neutral"))]
        for vector, told in zip(vectors, probabilities, strict=True):
            emotion = model.card.labels[int(told.argmax())]
            if emotion == "neutral":
                continue
            masks = {group.name: each for group, each in zip(GROUPS, _members(NAMES), strict=True)}
            masks = {name: np.append(each, np.zeros(4, bool)) for name, each in masks.items()}
            masks["spectrogram"] = np.arange(len(vector)) >= len(NAMES)
            changed = np.array([np.where(mask, neutral, vector) for mask in masks.values()])
            falls = told.max() - model.against(changed, reference)[:, told.argmax()]
            top = list(masks).index(pushes(model, reference, vector, emotion)[0].group)
            tops.append(falls[top])
            others.append(np.delete(falls, top).mean())
            first.append(falls.argmax() == top)
    print(f"{len(tops)} clips: {np.mean(tops):.3f}, others {np.mean(others):.3f}, first {np.mean(first):.2f}")
    assert np.mean(tops) > 3 * np.mean(others)
    assert np.mean(first) > 0.5
