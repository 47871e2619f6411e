import json
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.naive_bayes import GaussianNB

from helpers.classifier import NO_BASELINE, OTHER_CLIPS, Model, ModelCard, load_model, model_names, read_card
from helpers.corrections import Correction
from helpers.emotions import NEUTRAL
from helpers.errors import CorpusError
from helpers.exports import to_corrections
from helpers.features import feature_names
from helpers.media import SAMPLE_RATE, Recording, to_wav
from helpers.training.calibration import Judged, in_simulated_calls
from helpers.training.call_scores import Condition
from helpers.training.calls import Surroundings
from helpers.training.corpora import CORPORA, load_corpora
from helpers.training.fitting import TrainingSet
from helpers.training.models import (
    CONDITIONS,
    MODELS,
    OTHER_VOICE,
    ModelRecipe,
    _calibration,
    evaluate,
    extract,
    held_out_speakers,
    model_recipe,
    train,
)
from helpers.training.recipes import RECIPES

CALLS = replace(MODELS["calls-research"], name="calls", corpora=("crema-d", "ravdess"), folds=2)
# The acted emotion sounds as this pitch [Hz]; two are of emotions that the recipe leaves out.
PITCHES = {"angry": 280.0, "happy": 220.0, "neutral": 150.0, "sad": 105.0, "disgust": 180.0, "fearful": 330.0}
CREMA_D = {"angry": "ANG", "happy": "HAP", "neutral": "NEU", "sad": "SAD", "disgust": "DIS", "fearful": "FEA"}
RAVDESS = {"angry": "05", "happy": "03", "neutral": "02", "sad": "04", "disgust": "07", "fearful": "06"}
TRAINED = {"crema-d": ("1001", "1002", "1003", "1060"), "ravdess": ("01", "18")}
COPIES = 6  # of a clip: clean, phone, four lines
SEGMENTS = 4 * 2 + 1  # of a speaker: two clips of each emotion that the recipe has, and one of them in two
HELD_OUT = {"crema-d": ("1061", "1075"), "ravdess": ("19", "24")}


def clip(path: Path, pitch: float, seed: int, seconds: float = 1.6) -> None:
    """Write something like a voice amid 0.4 s of silence, and no two alike."""
    generator = np.random.default_rng(seed)
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    phase = 2 * np.pi * pitch * generator.uniform(0.97, 1.03) * time
    voice = np.sum([np.sin(k * phase + generator.uniform(0, 6)) / k for k in range(1, 15)], axis=0)
    voice *= 1 + 0.6 * np.sin(2 * np.pi * generator.uniform(3, 5) * time)
    voice[: SAMPLE_RATE // 5] = voice[-SAMPLE_RATE // 5 :] = 0
    samples = 3_000 * voice + generator.normal(0, 20, len(time))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(to_wav(Recording(path.name, samples.astype(np.int16)[None])))


def lay_out(folder: Path, *, held_out_pitches: dict[str, float]) -> Path:
    """Make both corpora: each speaker says each emotion twice, and once for longer than a segment."""
    seed = 0
    for corpus, speakers in TRAINED.items():
        for speaker in speakers + HELD_OUT[corpus]:
            pitches = held_out_pitches if speaker in HELD_OUT[corpus] else PITCHES
            for emotion, pitch in pitches.items():
                for take in (1, 2):
                    seed += 1
                    seconds = 5.4 if (emotion, take) == ("neutral", 2) else 1.6
                    clip(folder / corpus / path_of(corpus, speaker, emotion, take), pitch, seed, seconds)
    return folder


def with_surroundings(corpora: Path) -> Path:
    """Add a noise and a room."""
    for place in ("noise/noise.wav", "noise/rir/room.wav"):
        (corpora / place).parent.mkdir(parents=True, exist_ok=True)
        hum = np.random.default_rng(0).normal(0, 900, SAMPLE_RATE).astype(np.int16)
        (corpora / place).write_bytes(to_wav(Recording("hum", hum[None])))
    return corpora


def path_of(corpus: str, speaker: str, emotion: str, take: int) -> str:
    if corpus == "crema-d":
        return f"AudioWAV/{speaker}_{('DFA', 'IEO')[take - 1]}_{CREMA_D[emotion]}_XX.wav"
    return f"Actor_{speaker}/03-01-{RAVDESS[emotion]}-01-01-0{take}-{speaker}.wav"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[ModelCard, Path]:
    """Train the real recipe on a tiny corpus, and give its card and its folder."""
    folder = tmp_path_factory.mktemp("trained")
    corpora = lay_out(folder / "corpora", held_out_pitches=PITCHES)
    return train(CALLS, corpora, folder, folder / "cache"), folder


def test_the_model_written_is_the_card_given_and_can_be_served(trained: tuple[ModelCard, Path]) -> None:
    card, folder = trained
    assert model_names(folder) == ["calls"]
    model = load_model("calls", folder=folder)
    assert model.card == card
    assert json.loads((folder / "calls.json").read_text()) == json.loads(json.dumps(asdict(card)))
    assert card.labels == ("angry", "happy", "neutral", "sad")
    probabilities = model.predict(np.zeros((3, len(feature_names())), np.float32))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert (card.shortest, card.longest) == (CALLS.shortest, CALLS.longest)
    assert 0.25 <= card.temperatures[0] <= 8
    assert 0.1 <= card.temperatures[1] <= 8
    assert 0.25 < card.uncertain_below <= 1


def test_what_can_be_heard_is_learned_for_speakers_who_were_not(trained: tuple[ModelCard, Path]) -> None:
    """Labels that came off their clips on the way would leave chance, 0.25."""
    card, _ = trained
    assert all(scores["uar"] > 0.8 for scores in card.scores)


def test_the_card_counts_the_speakers_trained_on_and_no_one_held_out(trained: tuple[ModelCard, Path]) -> None:
    card, _ = trained
    assert [corpus["name"] for corpus in card.corpora] == list(CALLS.corpora)
    for corpus in card.corpora:
        speakers = len(TRAINED[corpus["name"]])
        assert corpus["speakers"] == speakers
        assert corpus["segments"] == pytest.approx(speakers * SEGMENTS * COPIES, rel=0.1)
        assert corpus["licence"] == CORPORA[corpus["name"]].licence


def test_the_scores_are_of_every_corpus_in_every_condition(trained: tuple[ModelCard, Path]) -> None:
    card, _ = trained
    assert "speaker-independent" in card.protocol.lower()
    assert CALLS.held_out_words in card.protocol
    tested = [(scores["corpus"], scores["condition"], scores["baseline"]) for scores in card.scores]
    assert sorted(tested) == sorted(product(CALLS.corpora, CONDITIONS, (NO_BASELINE, OTHER_CLIPS)))
    for scores in card.scores:
        assert scores["speakers"] == len(HELD_OUT[scores["corpus"]])
        lines = COPIES - 2 if scores["condition"] == "line" else 1
        assert scores["segments"] == scores["speakers"] * SEGMENTS * lines
        assert np.sum(scores["confusion"]) == scores["segments"]
        assert scores["uar_interval"][0] <= scores["uar"] <= scores["uar_interval"][1]


def test_nothing_of_the_held_out_speakers_reaches_the_model(
    trained: tuple[ModelCard, Path], tmp_path: Path
) -> None:
    """With other voices and labels for them, estimator, temperatures and threshold must stay the same."""
    card, _ = trained
    shuffled = dict(zip(PITCHES, reversed(PITCHES.values()), strict=True))
    other = train(
        CALLS, lay_out(tmp_path / "corpora", held_out_pitches=shuffled), tmp_path, tmp_path / "cache"
    )
    assert other.sha256 == card.sha256
    assert (other.temperatures, other.uncertain_below) == (card.temperatures, card.uncertain_below)
    assert other.corpora == card.corpora
    assert max(scores["uar"] for scores in other.scores) < 0.6  # they were others


def test_scores_over_calls_are_written_to_the_card(trained: tuple[ModelCard, Path], tmp_path: Path) -> None:
    card, folder = trained
    for name in (f"calls.{card.layout}", "calls.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    corpora = with_surroundings(folder / "corpora")
    conditions = [Condition(line, "evenly mixed", 6) for line in ("clean", "phone")]
    model = load_model(folder=tmp_path)
    scored = evaluate(model, CALLS, corpora, tmp_path, conditions=conditions, least_calls=1, jobs=1)
    assert read_card(folder=tmp_path) == scored
    assert [row["line"] for row in scored.call_scores] == ["clean", "phone"]
    assert all(row["calls"] == 4 for row in scored.call_scores)  # one for each speaker held out
    assert all(row["uar"] > 0.6 for row in scored.call_scores)
    for row in scored.call_scores:
        assert 0 < row["uar_without_baseline"] <= 1
        low, high = row["gain_interval"]
        assert low <= row["uar"] - row["uar_without_baseline"] <= high


def test_corrections_are_learned_from_too_and_stand_on_the_card(
    trained: tuple[ModelCard, Path], tmp_path: Path
) -> None:
    """By a quick estimator, for the features alone matter here."""
    _, folder = trained
    heard = tmp_path / "heard"
    clip(heard / "call.wav", 200, seed=1, seconds=8)
    spans = [(0.5, 3.0, "angry"), (3.0, 6.0, "sad"), (6.0, 7.5, "disgust")]
    corrections = [Correction("call.wav", "mono", *span, "neutral", 0.7, "calls") for span in spans]
    (heard / "corrections.csv").write_text(to_corrections(corrections))
    recipe = replace(CALLS, fit=lambda training: GaussianNB().fit(training.features, training.emotions()))
    options = (folder / "corpora", tmp_path, folder / "cache")
    without = train(recipe, *options)
    card = train(recipe, *options, corrections_folder=heard)
    assert card.corpora[:-1] == without.corpora
    assert card.corpora[-1]["name"] == "corrections"
    assert (card.corpora[-1]["speakers"], card.corpora[-1]["segments"]) == (1, 2 * COPIES)
    assert card.sha256 != without.sha256
    assert [row["segments"] for row in card.scores] == [row["segments"] for row in without.scores]


def test_a_missing_corpus_is_an_error_and_leaves_no_model(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="crema-d"):
        train(CALLS, tmp_path / "nowhere", tmp_path, tmp_path)
    assert model_names(tmp_path) == []


def test_missing_noise_is_said_before_anything_is_trained(tmp_path: Path) -> None:
    recipe = replace(CALLS, calibrated_on=frozenset({"crema-d/1003"}))
    with pytest.raises(CorpusError, match="no WAV files in noise"):
        train(recipe, lay_out(tmp_path, held_out_pitches=PITCHES), tmp_path, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_each_segment_keeps_the_labels_of_its_clip(tmp_path: Path) -> None:
    """Clips of other lengths give other numbers of segments, and a silent one gives none."""
    long, silent, short = tmp_path / "long.wav", tmp_path / "silent.wav", tmp_path / "short.wav"
    clip(short, 150, 1)
    clip(long, 300, 2)
    tripled = np.tile(np.frombuffer(long.read_bytes()[44:], np.int16), 6)
    long.write_bytes(to_wav(Recording("long", tripled[None])))
    silent.write_bytes(to_wav(Recording("silent", np.zeros((1, 32_000), np.int16))))
    clips = pd.DataFrame(
        {
            "path": [long, silent, short],
            "corpus": ["x", "y", "z"],
            "speaker": ["x/1", "y/1", "z/1"],
            "emotion": ["angry", "sad", "happy"],
        }
    )
    data = extract(clips, CALLS, tmp_path)
    assert len(data.segments) == len(data.features)
    assert data.features.shape[1] == len(feature_names())
    assert set(data.segments["condition"]) == set(CONDITIONS)
    counts = data.segments.groupby(["corpus", "speaker", "emotion"]).size()
    assert counts.index.tolist() == [("x", "x/1", "angry"), ("z", "z/1", "happy")]
    assert counts.iloc[0] >= 3 * counts.iloc[1]
    assert counts.iloc[1] == COPIES
    in_shorter_ones = extract(clips, replace(CALLS, shortest=0.5, longest=1.0), tmp_path).segments
    assert len(in_shorter_ones) > 2 * len(data.segments)
    pitch = data.features[:, feature_names().index("pitch p50")]
    is_long = (data.segments["corpus"] == "x").to_numpy()
    assert pitch[is_long].min() > pitch[~is_long].max() + 6


def test_other_voices_are_of_their_own_speed_and_share_no_baseline_with_the_own(tmp_path: Path) -> None:
    path = tmp_path / "clip.wav"
    clip(path, 150, 1, seconds=3)
    row = {"path": path, "corpus": "x", "speaker": "x/1", "emotion": "neutral"}
    slower, faster = 0.9, 1.1
    recipe = replace(CALLS, speeds=(slower, faster))
    data = extract(pd.DataFrame([row]), recipe, tmp_path)
    pitch = pd.Series(data.features[:, feature_names().index("pitch p50")])
    by_line = pitch.groupby(data.segments["line"]).median()
    for speed in recipe.speeds:
        semitones = by_line[f"clean at {speed}"] - by_line["clean"]
        assert semitones == pytest.approx(12 * np.log2(speed), abs=0.2)
    others = data.segments["condition"] == OTHER_VOICE
    assert others.sum() == 3 * len(recipe.speeds)
    assert not set(data.segments.loc[others, "line"]) & set(data.segments.loc[~others, "line"])
    own = extract(pd.DataFrame([row]), CALLS, tmp_path)
    np.testing.assert_array_equal(own.features, data.features[~others])


def test_who_tells_how_sure_to_be_was_not_heard_and_speaks_with_the_own_voice(tmp_path: Path) -> None:
    """Each answer says which speakers its model had heard, and each segment who speaks."""
    rows = product([f"x/{number}" for number in range(6)], ("angry", "neutral"), ("clean", OTHER_VOICE))
    segments = pd.DataFrame(rows, columns=["speaker", "emotion", "condition"]).assign(line="clean")
    features = np.stack(
        [segments["speaker"].str[-1].astype(int), segments["condition"] == OTHER_VOICE], axis=1
    )
    judged: list[float] = []

    @dataclass(frozen=True)
    class Estimator:
        heard: frozenset[str]

        def predict_proba(self, values: np.ndarray) -> np.ndarray:
            assert not values[:, 1].any()
            assert not {f"x/{int(number)}" for number in values[:, 0]} & self.heard
            judged.extend(values[:, 0])
            return np.full((len(values), 2), 0.5)

    recipe = replace(CALLS, fit=lambda training: Estimator(frozenset(training.speakers())))
    _calibration(TrainingSet(segments, features.astype(np.float32)), recipe, tmp_path)
    assert {f"x/{int(number)}" for number in judged} == set(segments["speaker"])


def test_the_speakers_that_a_recipe_names_tell_in_calls_how_sure_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that did not hear them judges calls of their clips alone."""
    corpora = with_surroundings(lay_out(tmp_path, held_out_pitches=PITCHES))
    chosen = frozenset({"crema-d/1003", "crema-d/1060"})
    heard: list[set[str]] = []

    def fit(training: TrainingSet) -> GaussianNB:
        heard.append(set(training.speakers()))
        return GaussianNB().fit(training.features, training.emotions())

    def in_calls(model: Model, clips: pd.DataFrame, surroundings: Surroundings) -> Judged:
        assert set(clips["speaker"]) == chosen
        condition = [Condition("clean", "evenly mixed", 6)]
        return in_simulated_calls(model, clips, surroundings, conditions=condition, least_calls=2)

    monkeypatch.setattr("helpers.training.models.in_simulated_calls", in_calls)
    recipe = replace(CALLS, fit=fit, calibrated_on=chosen)
    clips = load_corpora(CALLS.corpora, corpora)
    clips = clips[clips["emotion"].isin(CALLS.emotions) & ~clips["speaker"].isin(CALLS.held_out)]
    temperatures, uncertain_below = _calibration(extract(clips, recipe, tmp_path / "cache"), recipe, corpora)
    assert heard == [set(clips["speaker"]) - chosen]
    assert min(temperatures) >= 0.1
    assert 0.25 < uncertain_below <= 1


@pytest.mark.parametrize("recipe", MODELS.values(), ids=MODELS)
def test_no_recipe_names_what_does_not_exist(recipe: ModelRecipe) -> None:
    assert MODELS[recipe.name] is recipe
    assert set(recipe.corpora) <= set(CORPORA)
    assert {speaker.split("/")[0] for speaker in recipe.held_out} <= set(recipe.corpora)
    assert not set(recipe.unseen) & set(recipe.corpora)
    assert recipe.longest >= 2 * recipe.shortest


def test_the_held_out_speakers_of_the_real_corpora_are_enough_and_not_too_many(corpora: Path) -> None:
    for recipe in MODELS.values():
        speakers = load_corpora(recipe.corpora, corpora)[["corpus", "speaker"]].drop_duplicates()
        held_out = speakers["speaker"].isin(recipe.held_out)
        shares = held_out.groupby(speakers["corpus"]).mean()
        assert shares[shares > 0].between(0.15, 0.4).all()
        assert shares.max() > 0


def test_nobody_to_test_on_is_said_before_anything_is_trained(tmp_path: Path) -> None:
    for corpus, speakers in TRAINED.items():
        for emotion, pitch in PITCHES.items():
            clip(tmp_path / corpus / path_of(corpus, speakers[0], emotion, 1), pitch, seed=1)
    with pytest.raises(CorpusError, match="1061 to 1091"):
        train(CALLS, tmp_path, tmp_path, tmp_path)
    assert not list(tmp_path.glob("*.joblib"))


@pytest.mark.parametrize("name", sorted(set(RECIPES) - set(MODELS)))
def test_a_published_experiment_gives_a_model_of_its_data(name: str, corpora: Path) -> None:
    recipe = model_recipe(name)
    assert recipe.corpora == RECIPES[name].corpora
    assert set(recipe.emotions) == {emotion for case in RECIPES[name].cases for emotion in case.emotions}
    assert NEUTRAL in recipe.emotions.values()
    clips = load_corpora(recipe.corpora, corpora)
    held_out = clips["speaker"].isin(held_out_speakers(recipe, clips))
    assert 0.1 < held_out.mean() < 0.4
    assert {"female", "male"} <= set(clips.loc[held_out, "sex"])


def test_an_unknown_recipe_is_named_with_those_that_there_are() -> None:
    with pytest.raises(CorpusError, match="choose one of calls"):
        model_recipe("nothing")
