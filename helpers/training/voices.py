"""Two voices on one channel: what tells them apart is learned here, and measured on simulated calls.

The actors of the calls are those that model ``calls`` is tested on, so that neither the voices nor the
emotions were learned from any of them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from helpers.analysis import analyze_recording
from helpers.classifier import Model
from helpers.errors import CorpusError
from helpers.feature_sets import ACOUSTIC
from helpers.features import N_MFCC
from helpers.lanes import MONO, VOICES, ChannelMode, Settings
from helpers.media import Recording
from helpers.speakers import ANY_PAIR, ONE_SPEAKER, VoiceProjection, VoiceScore
from helpers.training.call_scores import CUSTOMER_SIDE, overlaps
from helpers.training.calls import (
    LINES,
    MIXTURES,
    ClipShelf,
    SimulatedCall,
    Surroundings,
    on_one_channel,
    simulate_call,
)
from helpers.training.corpora import CORPORA
from helpers.training.evaluate import unweighted_average_recall
from helpers.training.fitting import TrainingSet
from helpers.training.models import MODELS, extract, held_out_speakers, load_clips

CORPUS = "crema-d"
SAME_SEX, OTHER_SEX = "same sex", "woman and man"

_RECIPE = replace(MODELS["calls"], corpora=(CORPUS,), feature_set=ACOUSTIC)
_DIMENSIONS = 24
_SHRINKAGE = 0.1  # of the covariance within a speaker
_LINES = ("clean", "phone")
_COMPARED: tuple[ChannelMode, ...] = ("mix", "voices")
_MIXTURE = "80 % neutral"
_CLIPS = 20  # that the customer says
_FIRST_SEED = 20_000
_STEP = 0.01  # seconds
_RESAMPLINGS = 1000


def learn_voices(corpora_folder: Path, cache: Path) -> VoiceProjection:
    """Learn what tells voices apart, whatever their emotion.

    Parameters
    ----------
    corpora_folder : Path
        Holding a folder per corpus.
    cache : Path
        Folder in which the features of clips are kept.

    Returns
    -------
    VoiceProjection

    Raises
    ------
    CorpusError
        The corpus is missing.
    """
    clips = load_clips(_RECIPE, _RECIPE.corpora, corpora_folder)
    heard = ~clips["speaker"].isin(held_out_speakers(_RECIPE, clips))
    return fit_projection(extract(clips[heard], _RECIPE, cache))


def held_out_clips(corpora_folder: Path) -> pd.DataFrame:
    """Load the clips of the actors from whom neither voices nor the emotions of model ``calls`` were learned.

    Parameters
    ----------
    corpora_folder : Path
        Holding a folder per corpus.

    Returns
    -------
    pd.DataFrame
        With the columns of ``corpora.COLUMNS``.

    Raises
    ------
    CorpusError
        The corpus is missing.
    """
    clips = load_clips(_RECIPE, _RECIPE.corpora, corpora_folder)
    return clips[clips["speaker"].isin(held_out_speakers(_RECIPE, clips))]


def fit_projection(training: TrainingSet) -> VoiceProjection:
    """Find the directions in which speakers differ most, for how much one speaker's segments do.

    Parameters
    ----------
    training : TrainingSet
        Of ``feature_sets.ACOUSTIC``.

    Returns
    -------
    VoiceProjection
        Of a line, only what differs between speakers counts.
    """
    data = training.where(training.segments["condition"].isin(_LINES).to_numpy())
    names = projected_features()
    values = pd.DataFrame(data.features, columns=ACOUSTIC.names())[names].astype(float)
    lines = data.segments["line"]
    centred = values - values.groupby(lines).transform("mean")
    discriminant = LinearDiscriminantAnalysis(solver="eigen", shrinkage=_SHRINKAGE)
    discriminant.fit(centred, data.segments["speaker"] + " " + lines)
    return VoiceProjection(
        created=datetime.now(UTC).date().isoformat(),
        corpus=CORPUS,
        licence=CORPORA[CORPUS].licence,
        speakers=data.segments["speaker"].nunique(),
        segments=len(data.segments),
        feature_set=ACOUSTIC.as_entry(),
        features=names,
        weights=discriminant.scalings_[:, :_DIMENSIONS].round(6).tolist(),
    )


def projected_features() -> list[str]:
    """Name the features in which voices are: MFCC without the level, and pitch."""
    mfcc = [f"mfcc_{number} {statistic}" for number in range(N_MFCC) for statistic in ("mean", "std")]
    return [*mfcc[1:], *(name for name in ACOUSTIC.names() if name.startswith("pitch "))]


@dataclass(frozen=True, eq=False)
class Heard:
    """What was made of one call on one channel.

    Attributes
    ----------
    told_apart : bool
        Whether two speakers were found.
    wrong, scored : float
        Speech that was given to the wrong speaker, and all that was given to any [seconds].
    together, apart : pd.DataFrame
        Of ``call_scores.overlaps``, as one speaker and told apart.
    """

    told_apart: bool
    wrong: float
    scored: float
    together: pd.DataFrame
    apart: pd.DataFrame


def score_voices(
    model: Model, clips: pd.DataFrame, surroundings: Surroundings, *, jobs: int = -1
) -> list[VoiceScore]:
    """Score how well voices are told apart on simulated calls, and what the emotions gain by it.

    Parameters
    ----------
    model : Model
        Whose emotions are scored.
    clips : pd.DataFrame
        With path, speaker, sex and emotion, of women and men from whom nothing was learned; each calls
        somebody of the same sex and somebody of the other, and speaks alone.
    surroundings : Surroundings
    jobs : int
        Processes.

    Returns
    -------
    list of VoiceScore
        Of all pairs, pairs of either kind and speakers alone, per line.

    Raises
    ------
    CorpusError
        Somebody has nobody to call.
    """
    kinds = [*product(_LINES, (SAME_SEX, OTHER_SEX, ONE_SPEAKER))]
    results = Parallel(jobs)(delayed(_hear_calls)(model, clips, surroundings, *kind) for kind in kinds)
    heard = dict(zip(kinds, results, strict=True))
    scores = []
    for line in _LINES:
        same, other = heard[line, SAME_SEX], heard[line, OTHER_SEX]
        pairs = {ANY_PAIR: [*same, *other], SAME_SEX: same, OTHER_SEX: other}
        scores += [_score(line, pair, calls, model.card.labels) for pair, calls in pairs.items()]
        alone = heard[line, ONE_SPEAKER]
        scores.append(VoiceScore(line, ONE_SPEAKER, len(alone), _told_apart(alone)))
    return scores


def hear(model: Model, call: SimulatedCall) -> Heard:
    """Analyse a call on one channel as the app does, with the speakers together and told apart.

    Parameters
    ----------
    model : Model
    call : SimulatedCall
        Of one channel.

    Returns
    -------
    Heard
    """
    together, apart = (
        analyze_recording(call.recording, model, Settings(channels)).segments for channels in _COMPARED
    )
    wrong, scored = speaker_error(call.truth, apart)
    return Heard(
        told_apart=MONO not in set(apart["channel"]),
        wrong=wrong,
        scored=scored,
        together=overlaps(call.truth, together),
        apart=overlaps(call.truth, apart),
    )


def speaker_error(truth: pd.DataFrame, segments: pd.DataFrame) -> tuple[float, float]:
    """Measure how much speech was given to the wrong speaker, as NIST's diarization error rate does.

    Parameters
    ----------
    truth : pd.DataFrame
        With speaker, start and end [seconds] of two speakers.
    segments : pd.DataFrame
        With channel, start and end [seconds], of voices told apart.

    Returns
    -------
    wrong : float
        Speech of a segment whose voice is not the speaker's, under the better of the two ways in which voices
        can belong to speakers. Where both speak, either is right [seconds].
    scored : float
        Speech that lies in segments [seconds].
    """
    count = round(max(truth["end"].max(), segments["end"].max()) / _STEP) + 1
    true = np.stack([_marked(part, count) for _, part in truth.groupby("speaker")])
    told = np.stack([_marked(segments[segments["channel"] == voice], count) for voice in VOICES.values()])
    scored = true.any(axis=0) & told.any(axis=0)
    right = max(int((true & way).any(axis=0).sum()) for way in (told, told[::-1]))
    return (int(scored.sum()) - right) * _STEP, int(scored.sum()) * _STEP


def write_projection(projection: VoiceProjection, path: Path) -> None:
    """Write a projection for ``speakers.read_projection``, a line per feature.

    Parameters
    ----------
    projection : VoiceProjection
    path : Path
        In a folder that is made where it is missing.
    """
    entries = asdict(projection)
    weights = ",\n  ".join(map(json.dumps, entries.pop("weights")))
    head = json.dumps(entries, indent=1).removesuffix("\n}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'{head},\n "weights": [\n  {weights}\n ]\n}}\n', encoding="utf-8")


def write_scores(scores: Sequence[VoiceScore], path: Path) -> None:
    """Write scores for ``speakers.read_scores``.

    Parameters
    ----------
    scores : sequence of VoiceScore
    path : Path
        In a folder that is made where it is missing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [asdict(score) for score in scores]
    path.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def _marked(times: pd.DataFrame, count: int) -> np.ndarray:
    """Mark the steps that lie in stretches [shape=(count,), dtype=bool]."""
    marked = np.zeros(count, bool)
    for start, end in (times[["start", "end"]].to_numpy(float) / _STEP).round().astype(int):
        marked[start:end] = True
    return marked


def _hear_calls(
    model: Model, clips: pd.DataFrame, surroundings: Surroundings, line: str, pair: str
) -> list[Heard]:
    """Let each speaker call once."""
    shelf = ClipShelf(clips)
    speakers = shelf.speakers()
    sex = clips.groupby("speaker")["sex"].first()
    heard = []
    for number, customer in enumerate(speakers):
        others = [*speakers[number + 1 :], *speakers[:number]]
        agent = next((one for one in others if (sex[one] == sex[customer]) == (pair != OTHER_SEX)), None)
        if agent is None:
            raise CorpusError(f"{customer} has nobody to call: add clips of two women and two men or more.")
        call = simulate_call(
            shelf,
            (customer, agent),
            MIXTURES[_MIXTURE],
            clips=_CLIPS,
            line=LINES[line],
            surroundings=surroundings,
            seed=_FIRST_SEED + number,
        )
        heard.append(hear(model, _alone(call) if pair == ONE_SPEAKER else on_one_channel(call)))
    return heard


def _alone(call: SimulatedCall) -> SimulatedCall:
    """Leave the customer, who is on the left."""
    recording = Recording(call.recording.name, call.recording.samples[:1])
    return SimulatedCall(recording, call.truth[call.truth["channel"] == CUSTOMER_SIDE])


def _score(line: str, pair: str, heard: Sequence[Heard], labels: tuple[str, ...]) -> VoiceScore:
    confusion, interval = _confusion([each for each in heard if each.told_apart])
    return VoiceScore(
        line=line,
        pair=pair,
        calls=len(heard),
        told_apart=_told_apart(heard),
        confusion=confusion,
        confusion_interval=interval,
        uar_together=_recall([each.together for each in heard], labels),
        uar_apart=_recall([each.apart for each in heard], labels),
    )


def _confusion(parted: Sequence[Heard]) -> tuple[float | None, list[float] | None]:
    """Give the share of the speech that went to the wrong speaker, and its interval by resampling calls."""
    if not parted:
        return None, None
    times = np.array([(each.wrong, each.scored) for each in parted])
    drawn = np.random.default_rng(0).integers(len(times), size=(_RESAMPLINGS, len(times)))
    wrong, scored = np.concatenate([times.sum(axis=0)[None], times[drawn].sum(axis=1)]).T
    shares = wrong / scored
    return round(float(shares[0]), 4), np.percentile(shares[1:], [2.5, 97.5]).round(4).tolist()


def _told_apart(heard: Sequence[Heard]) -> float:
    return round(float(np.mean([each.told_apart for each in heard])), 4)


def _recall(tables: Sequence[pd.DataFrame], labels: tuple[str, ...]) -> float:
    table = pd.concat(tables, ignore_index=True)
    told = np.array(labels)[table[[*labels]].to_numpy().argmax(axis=1)]
    return round(
        unweighted_average_recall(table["emotion"].to_numpy(str), told, table["seconds"].to_numpy()), 4
    )
