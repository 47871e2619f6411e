"""Try it: one stretch of speech on its way through the app, and what noise, line, pitch and speed change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from helpers.errors import HelpersError
from helpers.pages.figures import in_rows, show_figure
from helpers.pages.result import plain
from helpers.pages.session import arrive, workspace

if TYPE_CHECKING:
    import numpy as np

    from helpers.classifier import Model
    from helpers.lab.steps import Change

HERE = "what you chose, computed now"
RATIOS = {"none": None} | {str(ratio): float(ratio) for ratio in (40, 30, 20, 15, 10, 5, 0)}


def page() -> None:
    """Lay out the page."""
    from helpers.lab.steps import stretches
    from helpers.media import open_recording

    arrive("try it")
    st.title("Try it")
    st.markdown(
        "Take a recording through the steps of the app, and see how easily a prediction turns. Each stretch "
        "is judged by itself here; in a call, the app knows how its speaker usually sounds. Nothing is kept."
    )
    names = choose_models()
    try:
        content, name = choose_recording()
        models = [workspace().model(name) for name in names]
        with open_recording(content, name=name) as sound:
            found = stretches(sound, models[0])
    except HelpersError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    number = st.select_slider("Stretch of speech", range(1, len(found) + 1)) if len(found) > 1 else 1
    samples = found[number - 1]
    change = choose_change()
    play(samples, change)
    show_probabilities(samples, change, models)
    show_steps(change.apply(samples), models[0])


def choose_models() -> list[str]:
    """Let the reader choose one model or two."""
    known = {name: card.title for name, card in workspace().cards().items()}
    left, right = st.columns(2)
    first = left.selectbox("Model", list(known), format_func=known.__getitem__, key="tried")
    others = [name for name in known if name != first]
    second = right.selectbox("And", others, format_func=known.__getitem__, key="tried, too")
    return [first, second]


def choose_recording() -> tuple[bytes | str, str]:
    """Let the reader choose a recording: its content or its path, and its name."""
    from helpers.samples import list_samples, local_path

    left, middle, right = st.columns(3)
    uploaded = left.file_uploader("Your recording, audio or video", key="tried file")
    recorded = middle.audio_input("Or record a clip", key="tried clip")
    samples = {sample.title: sample for sample in list_samples()}
    sample = right.selectbox("Or a sample", list(samples), key="tried sample")
    given = uploaded or recorded
    if given:
        return given.getvalue(), given.name
    path = local_path(samples[sample])
    return str(path), path.name


def choose_change() -> Change:
    """Let the reader change the sound."""
    from helpers.lab.steps import Change

    noise, pitch, speed, phone = st.columns(4)
    ratio = noise.select_slider("Noise (dB below the speech)", list(RATIOS), key="noise")
    raised = pitch.slider("Pitch (semitones)", -6.0, 6.0, 0.0, 0.5, key="pitch")
    quickened = speed.slider("Speed", 0.7, 1.4, 1.0, 0.05, key="speed")
    narrow = phone.toggle("Over a telephone", key="phone")
    return Change(raised, quickened, RATIOS[ratio], narrow)


def play(samples: np.ndarray, change: Change) -> None:
    """Let the reader hear what is judged."""
    from helpers.media import SAMPLE_RATE

    for column, sound, words in zip(
        st.columns(2), (samples, change.apply(samples)), ("As recorded", "Changed"), strict=True
    ):
        column.caption(words)
        column.audio(sound, sample_rate=SAMPLE_RATE)


def show_probabilities(samples: np.ndarray, change: Change, models: list[Model]) -> None:
    """Show what the models tell of the stretch, as recorded and changed."""
    from helpers.lab.charts import grouped_bar_chart
    from helpers.lab.steps import told

    st.subheader("What it is told as", anchor=False)
    for column, model in zip(st.columns(len(models)), models, strict=True):
        table = told(samples, change, model)
        with column:
            show_figure(
                f"Probabilities by {model.card.name}",
                grouped_bar_chart(table, "probability", "probability", "sound"),
                table,
                HERE,
                f"Below {model.card.uncertain_below:.0%}, the answer is “uncertain”.",
            )


def show_steps(samples: np.ndarray, model: Model) -> None:
    """Show each step of the changed stretch."""
    from helpers.lab.charts import (
        bar_chart,
        extent_chart,
        grouped_bar_chart,
        line_chart,
        lines_chart,
        spectrogram_chart,
    )
    from helpers.lab.steps import (
        filterbank,
        functionals,
        loudest_frame,
        mel_spectrogram,
        mfcc,
        told_by_parts,
        waveform,
    )

    st.subheader("Step by step", anchor=False)
    time = "time"
    tables = {
        "1. Waveform": (
            waveform,
            extent_chart,
            "Air pressure, 16,000 times a second, whatever the file was. Loudness is seen, emotion hardly.",
        ),
        "2. Framing": (
            loudest_frame,
            lambda table: lines_chart(table, "milliseconds", "amplitude", "signal", layout=".2f"),
            "Every 10 ms, 32 ms are looked at: short enough for the voice to stand still. A window lets the "
            "edges fade, so that cutting adds no sound of its own. This is the loudest frame.",
        ),
        "3. Mel filterbank": (
            lambda _: filterbank(),
            lambda table: line_chart(table, "Hz", "weight", "filter"),
            "The spectrum of a frame goes through 64 filters, narrow where the ear tells pitches well and "
            "wide above. Every fourth is shown.",
        ),
        "4. Mel spectrogram": (
            mel_spectrogram,
            lambda table: spectrogram_chart(table, time),
            "The energy behind each filter, in dB, frame after frame. Look for how bright it is, and how "
            "pitch moves through its lowest bands.",
        ),
        "5. MFCC": (
            mfcc,
            lambda table: spectrogram_chart(table, time, "coefficient", "deviations"),
            "A cosine transform puts the shape of each spectrum into few numbers: the first are its tilt and "
            "its formants. Each against its own mean here.",
        ),
        "6. Functionals": (
            lambda samples: functionals(samples, model),
            lambda table: bar_chart(table, "deviations", "standard deviations"),
            "Statistics over all frames, some 900 of them, make stretches of any length alike; most models "
            "have 200 more of how a stretch moves. These stand for them, against the mean of the speech that "
            "was learned from.",
        ),
        "7. Network": (
            lambda samples: told_by_parts(samples, model),
            lambda table: grouped_bar_chart(table, "probability", "probability", "part"),
            "Perceptrons on these, and in “calls” and “emotions” a network on the spectrogram, turn that "
            "into probabilities; several are averaged. Calibration then makes a confidence of 70 % right in "
            "70 of 100 cases.",
        ),
    }
    for place, (title, (step, chart, text)) in zip(in_rows(len(tables), 2), tables.items(), strict=True):
        table = step(samples)
        with place:
            show_figure(title, chart(table), table, HERE, text)
