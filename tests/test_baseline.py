"""The baseline takes away what stays the same through a call, and is not fooled by what is not neutral."""

from dataclasses import replace

import numpy as np
import pytest

from helpers.baseline import (
    BaselinedClassifier,
    BaselinedEnsemble,
    baseline_weights,
    estimate_baseline,
    standardise,
)


class Louder:
    """Says angry where the first feature is high."""

    def predict_proba(self, values: np.ndarray) -> np.ndarray:
        angry = 1 / (1 + np.exp(-4 * values[:, 0]))
        return np.column_stack([angry, 1 - angry])


def classifier(shrinkage: float = 0.5) -> BaselinedClassifier:
    zeros, ones = np.zeros(2), np.ones(2)
    return BaselinedClassifier(zeros, ones, (Louder(),), (Louder(), Louder()), neutral=1, shrinkage=shrinkage)


def test_the_more_neutral_speech_the_nearer_to_the_speaker() -> None:
    values = np.full((50, 3), 2.0, np.float32)
    near = [estimate_baseline(values[:count], np.ones(count), 1.0)[0] for count in (1, 3, 50)]
    assert near == sorted(near)
    assert near[0] == pytest.approx(1.0)
    assert near[-1] == pytest.approx(2.0, abs=0.05)


def test_what_is_not_neutral_moves_it_little() -> None:
    values = np.concatenate([np.zeros((5, 1)), np.full((20, 1), 3.0)])
    certain = np.concatenate([np.ones(5), np.full(20, 0.02)])
    assert estimate_baseline(values, certain, 1.0)[0] < 0.3
    assert estimate_baseline(values, np.ones(25), 1.0)[0] > 2


def test_a_voice_that_is_always_loud_is_not_always_angry() -> None:
    """One outburst of a voice that lies 0.3 above all others is found, and its calm speech is calm."""
    values = np.zeros((30, 2))
    values[:, 0] = 0.3
    values[10, 0] = 1.5
    raw = Louder().predict_proba(values)[:, 0]
    told = classifier().predict_proba(values)[:, 0]
    assert (raw > 0.7).all()
    assert told[10] > 0.9
    assert np.delete(told, 10).max() < 0.6


def test_a_call_that_is_angry_from_the_first_word_stays_angry() -> None:
    values = np.column_stack([np.full(20, 1.5), np.zeros(20)])
    assert classifier().predict_proba(values)[:, 0].min() > 0.9


def test_one_segment_is_judged_nearly_as_if_there_was_no_baseline() -> None:
    angry = np.array([[1.5, 0.0]])
    alone = classifier().predict_proba(angry)[0, 0]
    assert alone == pytest.approx(Louder().predict_proba(angry)[0, 0], abs=0.02)


def test_a_line_on_which_nothing_is_told_as_neutral_is_taken_away_where_that_is_doubted() -> None:
    """All lie 3 higher than speech does, so that each is taken for angry; one is."""
    values = np.zeros((30, 2))
    values[:, 0] = 3.0
    values[10, 0] = 5.0
    believed, doubted = (
        replace(classifier(), doubt=doubt).predict_proba(values)[:, 0] for doubt in (0.0, 0.1)
    )
    assert np.delete(believed, 10).min() > 0.9
    assert np.delete(doubted, 10).max() < 0.9
    assert doubted[10] == doubted.max() > 0.95


def test_the_fewer_segments_the_less_is_doubted() -> None:
    neutral = np.full(50, 0.3)
    least = [baseline_weights(neutral[:count], 0.1)[0] for count in (1, 2, 50)]
    assert least == pytest.approx([0.3, 0.35, 0.398])
    assert len(baseline_weights(neutral[:0], 0.1)) == 0


def test_it_does_not_matter_in_which_order_segments_come() -> None:
    values = np.random.default_rng(0).normal(size=(9, 2))
    told = classifier().predict_proba(values)
    np.testing.assert_allclose(classifier().predict_proba(values[::-1])[::-1], told, atol=1e-6)


def test_one_odd_value_is_held_back() -> None:
    values = standardise(np.array([[1e9, -1e9], [1.0, 2.0]]), np.zeros(2), np.ones(2))
    np.testing.assert_array_equal(values, [[4, -4], [1, 2]])


def test_without_it_each_segment_is_judged_by_itself() -> None:
    values = np.random.default_rng(0).normal(size=(5, 2))
    plain = classifier().without_baseline()
    np.testing.assert_allclose(plain.predict_proba(values), Louder().predict_proba(values), atol=1e-6)
    np.testing.assert_allclose(plain.predict_proba(values[:1]), plain.predict_proba(values)[:1])


def test_an_ensemble_lies_between_what_both_say() -> None:
    values = np.random.default_rng(0).normal(size=(6, 2))
    told = np.column_stack([np.linspace(0.1, 0.9, 6), np.linspace(0.9, 0.1, 6)])
    own = classifier()
    joined = BaselinedEnsemble(**vars(own), share=0.4)
    both = np.concatenate([values, np.log(told)], axis=1)
    apart = own.predict_proba(values)
    answers = joined.predict_proba(both)
    np.testing.assert_allclose(answers.sum(axis=1), 1)
    least, most = np.minimum(apart, told), np.maximum(apart, told)
    assert ((answers >= least - 1e-9) & (answers <= most + 1e-9)).all()
    np.testing.assert_allclose(joined.neutrality(both), own.neutrality(values))


def test_an_ensemble_without_its_baseline_still_listens_to_the_other() -> None:
    values = np.random.default_rng(0).normal(size=(5, 4))
    plain = BaselinedEnsemble(**vars(classifier()), share=0.4).without_baseline()
    np.testing.assert_allclose(plain.predict_proba(values[:1]), plain.predict_proba(values)[:1])
    other = values + np.array([0, 0, 1, 0])
    assert (plain.predict_proba(other)[:, 0] > plain.predict_proba(values)[:, 0]).all()


def test_a_segment_that_is_as_usual_is_where_the_baseline_is() -> None:
    values = np.random.default_rng(0).normal(1, 1, (20, 2))
    each = BaselinedClassifier(
        np.ones(2), np.full(2, 2.0), (Louder(),), (Louder(),), neutral=1, shrinkage=0.5
    )
    baseline = each.baseline(values)
    np.testing.assert_allclose(each.against(values, baseline), each.predict_proba(values))
    np.testing.assert_allclose(each.against(each.usual(baseline)[None], baseline)[0], [0.5, 0.5], atol=1e-6)
