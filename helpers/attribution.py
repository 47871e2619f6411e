"""What pushed the decision on a segment: how probable its emotion is without this or that of its sound.

Features are joined to groups that an analyst understands. One group after the other is set to the speaker's
baseline, as if the segment had sounded as usual in that respect, and the fall of the emotion's probability is
the push of the group (occlusion; Zeiler and Fergus 2014, "Visualizing and understanding convolutional
networks"). What the speaker network hears is a group, and so is the network on spectrograms, where the model
has them; without the latter all emotions are alike to it.

It says what moved this model here. It does not say why somebody sounds so, nor what they feel; groups share
information, so that pushes do not add up, and one may be small because another says the same. How loud a
segment is as a whole does not count for the models, for it depends on the line, so that it has no push. What
the group named first is worth when it is taken away otherwise, docs/experiments.md says.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from helpers.analysis import LEVEL_STEP, CallAnalysis
from helpers.classifier import Model, Reference
from helpers.features import N_MELS, feature_names

NOTEWORTHY = 0.02  # of probability, from which a push is worth a word
EXPLAINED = (
    "By how much the probability falls if the segment sounded as usual in this respect alone. It says what "
    "moved this model, not why somebody sounds so, nor what they feel. The pushes share information and do "
    "not add up. The less neutral speech there is, the nearer is the usual to the average voice."
)

_MOVES = ("change", "delta_std", "third_", "modulation_")  # how functionals of what moves begin
_SEGMENT = "segment"  # its length, and how much of it is heard
_VOICED = "pitch voiced"
_USUAL = "this speaker's usual"
_NO_PITCH = "hardly any voiced sound, in which a pitch could be found"
_VOICE_WORDS = "voice as a whole, as a network hears it that knows many, unlike"
_NETWORK = "spectrogram"
_NETWORK_WORDS = "the spectrogram as a whole, as a network sees it"


@dataclass(frozen=True)
class Group:
    """Features that are understood together.

    Attributes
    ----------
    name : str
    has : callable
        Tells by frame feature, without its number, and functional which features are in it.
    measure : callable
        From the features by name to the value that is compared with the usual one, in a known unit.
    more, less : str
        What to say where it is above and below; the difference is put in.
    """

    name: str
    has: Callable[[str, str], bool]
    measure: Callable[[dict[str, float]], float]
    more: str
    less: str


@dataclass(frozen=True)
class Push:
    """What one group did to a decision.

    Attributes
    ----------
    group : str
    share : float
        Fall of the emotion's probability without it; negative where the group spoke against the emotion.
    words : str
        How the segment differs from the speaker's usual.
    """

    group: str
    share: float
    words: str


def _mean_of_bands(values: dict[str, float], functional: str) -> float:
    return float(np.mean([values[f"mel_{band} {functional}"] for band in range(N_MELS)]))


def _moves(frame: str, functional: str) -> bool:
    return frame == _SEGMENT or functional.startswith(_MOVES)


GROUPS = (
    Group(
        "voice",
        lambda frame, functional: frame == "embedding",
        lambda values: 0.0,  # in no unit that anybody knows
        _VOICE_WORDS,
        _VOICE_WORDS,
    ),
    Group(
        "pitch",
        lambda frame, functional: frame == "pitch" and functional in ("mean", "p10", "p50", "p90"),
        lambda values: values["pitch p50"],
        "pitch {:.1f} semitones above",
        "pitch {:.1f} semitones below",
    ),
    Group(
        "melody",
        lambda frame, functional: frame == "pitch" and (functional == "std" or functional.startswith(_MOVES)),
        lambda values: values["pitch std"],
        "pitch varies by {:.1f} semitones more than",
        "pitch varies by {:.1f} semitones less than",
    ),
    Group(
        "voice quality",
        lambda frame, functional: frame in ("voicing", "flatness") or functional == "voiced",
        lambda values: values["voicing mean"],
        "voice clearer, harmonics {:.1f} dB further above the noise than",
        "voice breathier or rougher, harmonics {:.1f} dB less above the noise than",
    ),
    Group(
        "brightness",
        lambda frame, functional: functional != "std" and frame != "level" and not _moves(frame, functional),
        lambda values: values["centroid mean"],
        "sound brighter, its middle {:.0f} Hz above",
        "sound darker, its middle {:.0f} Hz below",
    ),
    Group(
        "dynamics",
        lambda frame, functional: not _moves(frame, functional),
        lambda values: _mean_of_bands(values, "std"),
        "levels vary by {:.1f} dB more than",
        "levels vary by {:.1f} dB less than",
    ),
    Group(
        "pace",
        lambda frame, functional: True,
        lambda values: _mean_of_bands(values, "change"),
        "sounds change faster, by {:.1f} dB in 10 ms more than",
        "sounds change slower, by {:.1f} dB in 10 ms less than",
    ),
)


def pushes(model: Model, reference: Reference, vector: np.ndarray, emotion: str) -> list[Push]:
    """Say what pushed the decision on a segment.

    Parameters
    ----------
    model : Model
    reference : Reference
        What the segment was judged against.
    vector : np.ndarray [shape=(features,)]
        Of the segment.
    emotion : str
        One of the model's.

    Returns
    -------
    list of Push
        The strongest first; none where the model takes no baseline. Probabilities are those before neighbours
        smoothed them.
    """
    usual = model.usual(reference)
    if usual is None:
        return []
    names_of_own = tuple(model.features.names()[: len(usual)])
    members = [pair for pair in zip(GROUPS, _members(names_of_own), strict=True) if pair[1].any()]
    without = [np.where(own, usual, vector[: len(usual)]) for _, own in members]
    changed = np.array([[*each, *vector[len(usual) :]] for each in without])
    words = [_words(group, vector, usual) for group, _ in members]
    names = [group.name for group, _ in members]
    if len(vector) > len(usual):  # the rest are the logarithms of the network's probabilities
        even = np.full(len(vector) - len(usual), -np.log(len(vector) - len(usual)))
        changed = np.vstack([changed, [*vector[: len(usual)], *even]])
        names, words = [*names, _NETWORK], [*words, _NETWORK_WORDS]
    told = model.against(np.vstack([vector, changed]), reference)[:, model.card.labels.index(emotion)]
    found = [Push(*each) for each in zip(names, (told[0] - told[1:]).tolist(), words, strict=True)]
    return sorted(found, key=lambda push: -push.share)


def explain(analysis: CallAnalysis, model: Model, segment: int, samples: np.ndarray) -> list[Push]:
    """Say what pushed the model to the most probable emotion of a segment.

    Parameters
    ----------
    analysis : CallAnalysis
    model : Model
        That predicted.
    segment : int
        Row of its segments, of somebody who is analysed.
    samples : np.ndarray [shape=(n,), dtype=int16]
        Of the segment.

    Returns
    -------
    list of Push
        As of `pushes`.
    """
    row = analysis.segments.loc[segment]
    return pushes(
        model,
        analysis.references[row["channel"]],
        model.features.describe(samples),
        most_probable(analysis, segment),
    )


def most_probable(analysis: CallAnalysis, segment: int) -> str:
    """Name the emotion to which the model gives the highest probability, also where it is uncertain."""
    labels = list(analysis.model.labels)
    return labels[int(analysis.segments.loc[segment, labels].to_numpy(float).argmax())]


def loudness(analysis: CallAnalysis, segment: int) -> str:
    """Say how loud a segment is beside its speaker's others.

    Parameters
    ----------
    analysis : CallAnalysis
    segment : int
        Row of its segments.

    Returns
    -------
    str
        In dB, of the mean levels.
    """
    segments = analysis.segments
    own = segments[segments["channel"] == segments.loc[segment, "channel"]]
    levels = analysis.levels[segments.loc[segment, "channel"]]
    bounds = (own[["start", "end"]].to_numpy(float) / LEVEL_STEP).astype(int)
    means = [levels[start : max(end, start + 1)].mean() for start, end in bounds]
    difference = means[own.index.get_loc(segment)] - np.average(means, weights=np.diff(bounds)[:, 0])
    return f"{abs(difference):.0f} dB {'louder' if difference > 0 else 'quieter'} than this speaker's mean"


@cache
def _members(names: tuple[str, ...]) -> list[np.ndarray]:
    """Tell for each group which features are in it; each is in the first that has it."""
    named = [name.rsplit(" ", 1) for name in names]
    frames = [re.sub(r"_\d+$", "", frame) for frame, _ in named]
    functionals = [functional for _, functional in named]
    first = np.array(
        [
            next(number for number, group in enumerate(GROUPS) if group.has(*each))
            for each in zip(frames, functionals, strict=True)
        ]
    )
    return [first == number for number in range(len(GROUPS))]


def _words(group: Group, vector: np.ndarray, usual: np.ndarray) -> str:
    own, others = (dict(zip(feature_names(), values, strict=False)) for values in (vector, usual))
    if group.name in ("pitch", "melody") and not own[_VOICED]:
        return _NO_PITCH
    difference = group.measure(own) - group.measure(others)
    return f"{(group.more if difference > 0 else group.less).format(abs(difference))} {_USUAL}"
