"""The page without a browser: its states and what stands on them."""

import re
from pathlib import Path

import altair as alt
import pytest
from streamlit.testing.v1 import AppTest

from helpers import links
from helpers.classifier import load_model, model_names, read_card
from helpers.errors import LinkError
from helpers.links import SWITCH, Fetched
from helpers.pages.result import plain
from helpers.pages.sources import CLIP_NAME
from helpers.samples import acted_clips, list_samples, local_path, synthetic_calls
from helpers.speakers import measured_error
from tests.conftest import bursts, encode, sample_on_one_channel
from tests.pages.conftest import metrics, upload, with_sample


def test_nothing_chosen_is_a_welcome_with_samples(app: AppTest) -> None:
    assert "angry" in app.title[0].value
    assert [button.label for button in app.button].count("Analyse") == 8
    assert not app.metric


def test_a_card_of_the_welcome_analyses_its_sample(app: AppTest) -> None:
    app.button(key=f"try {list_samples()[3].title}").click().run()
    assert not app.exception
    assert app.selectbox(key="sample").value == list_samples()[3].title
    assert metrics(app)["Length"].startswith("0:48")


def test_a_sample_shows_headline_tables_and_the_sentence_on_the_law(app: AppTest) -> None:
    with_sample(app)
    assert {"Length", "Speech", "Customer: main emotion", "Sustained anger"} == set(metrics(app))
    assert len(app.dataframe[0].value) > 20
    assert any("EU AI Act" in caption.value for caption in app.caption)
    assert any("speaker-independent" in caption.value for caption in app.caption)
    assert not app.error


def test_the_agent_is_analysed_only_when_switched_on(app: AppTest) -> None:
    with_sample(app)
    table = app.dataframe[0].value
    assert set(table.loc[table["role"] == "agent", "emotion"]) == {"not analysed"}
    app.toggle(key="include_agent").set_value(True).run()
    assert "Agent: main emotion" in metrics(app)
    assert "not analysed" not in set(app.dataframe[0].value["emotion"])


def test_sides_can_be_swapped(app: AppTest) -> None:
    with_sample(app)
    app.session_state["customer"] = "Left"
    app.run()
    table = app.dataframe[0].value
    assert set(table.loc[table["role"] == "customer", "channel"]) == {"left"}


def test_a_slider_changes_the_segments(app: AppTest) -> None:
    with_sample(app)
    before = len(app.dataframe[0].value)
    app.slider(key="min_silence").set_value(2.0).run()
    assert len(app.dataframe[0].value) != before


def test_two_channels_without_names_are_both_analysed_and_said_so(app: AppTest, tmp_path: Path) -> None:
    import numpy as np

    samples = np.stack([bursts((1, 3), duration=5), bursts((3.2, 4.8), duration=5)])
    path = encode(tmp_path / "call.wav", samples, codec="pcm_s16le")
    upload(app, (path.name, path.read_bytes()))
    assert {"Left: main emotion", "Right: main emotion"} < set(metrics(app))
    assert "who is the customer" in app.info[0].value


def test_a_bad_file_keeps_the_last_result(app: AppTest) -> None:
    with_sample(app)
    length = metrics(app)["Length"]
    upload(app, ("notes.mp3", b"no media"))
    assert [error.value for error in app.error] == [
        "notes\\.mp3 is not an audio or video file, or is damaged from its start\\: "
        "choose a recording such as WAV, MP3 or MP4\\."
    ]
    assert metrics(app)["Length"] == length
    assert any("last result is still here" in caption.value for caption in app.caption)


def test_a_recording_that_was_removed_does_not_come_back(app: AppTest, tmp_path: Path) -> None:
    path = encode(tmp_path / "a.wav", bursts((1, 3), duration=5), codec="pcm_s16le")
    upload(app, (path.name, path.read_bytes()))
    upload(app)
    assert app.title
    upload(app, ("notes.mp3", b"no media"))
    assert app.error
    assert not app.metric


def test_what_was_touched_last_is_shown_and_the_other_is_not_lost(app: AppTest, tmp_path: Path) -> None:
    with_sample(app)
    path = encode(tmp_path / "a.wav", bursts((1, 3), duration=5), codec="pcm_s16le")
    upload(app, (path.name, path.read_bytes()))
    assert app.subheader[0].value == "a\\.wav"
    with_sample(app, 1)
    assert "cheerful" in app.subheader[0].value
    upload(app, (path.name, path.read_bytes()), ("b.wav", path.read_bytes()))
    assert app.subheader[0].value == "a\\.wav"
    upload(app)
    assert "cheerful" in app.subheader[0].value


def test_one_channel_is_said_to_hold_everybody(app: AppTest, tmp_path: Path) -> None:
    path = encode(tmp_path / "a.wav", bursts((1, 3), duration=5), codec="pcm_s16le")
    upload(app, (path.name, path.read_bytes()))
    assert any("an agent too" in caption.value for caption in app.caption)


def test_two_voices_on_one_channel_are_told_apart_on_demand(app: AppTest, tmp_path: Path) -> None:
    path = encode(tmp_path / "a.wav", sample_on_one_channel(), codec="pcm_s16le")
    upload(app, (path.name, path.read_bytes()))
    assert "First voice" not in app.segmented_control(key="customer").options
    app.selectbox(key="channels").set_value("voices").run()
    assert {"Speaker A: main emotion", "Speaker B: main emotion"} < set(metrics(app))
    assert any(caption.value == measured_error() for caption in app.caption)
    assert "who is the customer" in app.info[0].value
    assert "experimental" in app.warning[0].value
    app.segmented_control(key="customer").set_value("Second voice").run()
    assert not app.exception
    assert {"Customer: main emotion"} == {name for name in metrics(app) if name.endswith("emotion")}
    assert not app.info
    app.selectbox(key="channels").set_value("auto").run()
    assert not app.exception
    assert "Speaker: main emotion" in metrics(app)
    assert not app.warning


def test_of_several_files_the_good_ones_are_shown(app: AppTest, tmp_path: Path) -> None:
    good = [encode(tmp_path / f"{n}.wav", bursts((1, n), duration=8), codec="pcm_s16le") for n in (3, 5)]
    upload(app, ("bad.wav", b""), *((path.name, path.read_bytes()) for path in good))
    assert len(app.error) == 1
    assert "empty" in app.error[0].value
    assert app.subheader[0].value == "3\\.wav"
    table = app.dataframe[0].value
    assert table["Recording"].tolist() == ["3.wav", "5.wav"]
    assert table["Length"].tolist() == [8, 8]
    assert table["Anger"].between(0, 100).all()


def test_a_name_is_never_markdown_or_markup(app: AppTest, tmp_path: Path) -> None:
    path = encode(tmp_path / "a.wav", bursts((1, 3), duration=5), codec="pcm_s16le")
    name = "[x](http:~a) <b>$1$ :red[*y*].wav"
    upload(app, (name, path.read_bytes()))
    assert app.subheader[0].value == plain(name)
    assert "<b>" not in app.subheader[0].value.replace("\\<b\\>", "")


def test_start_over_leads_back_to_the_welcome(app: AppTest) -> None:
    with_sample(app)
    next(button for button in app.button if button.label == "Start over").click().run()
    assert not app.exception
    assert app.title


def test_the_button_of_a_moment_plays_it_as_often_as_it_is_pressed(app: AppTest) -> None:
    with_sample(app)
    assert not app.get("audio")[0].proto.autoplay
    for _ in range(2):
        next(button for button in app.button if str(button.key).startswith("moment ")).click().run()
        (audio,) = app.get("audio")
        assert audio.proto.autoplay
        assert audio.proto.start_time > 0


def test_coming_back_to_a_recording_does_not_play_it(app: AppTest) -> None:
    with_sample(app)
    next(button for button in app.button if str(button.key).startswith("moment ")).click().run()
    with_sample(app, 3)
    with_sample(app, 0)
    assert not app.get("audio")[0].proto.autoplay


# The recorder


def test_a_recorded_clip_is_analysed_and_can_be_left_for_a_sample(app: AppTest, tmp_path: Path) -> None:
    path = encode(tmp_path / "a.wav", bursts((1, 3), duration=5), codec="pcm_s16le")
    app.audio_input(key="clip").set_value(("a.wav", path.read_bytes(), "audio/wav")).run()
    assert not app.exception
    assert app.subheader[0].value == plain(CLIP_NAME)
    assert metrics(app)["Length"] == "0:05.0"
    with_sample(app)
    assert "billing" in app.subheader[0].value


def test_a_clip_without_speech_is_said_to_have_none(app: AppTest, tmp_path: Path) -> None:
    path = encode(tmp_path / "a.wav", bursts(duration=3, noise=-200), codec="pcm_s16le")
    app.audio_input(key="clip").set_value(("a.wav", path.read_bytes(), "audio/wav")).run()
    assert not app.exception
    assert "holds only silence" in app.error[0].value


# Acted clips


def test_an_acted_clip_that_cannot_be_fetched_is_said_and_the_last_result_stays(
    app: AppTest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with_sample(app)
    length = metrics(app)["Length"]
    app.selectbox(key="sample").set_value(acted_clips()[0].title).run()
    assert not app.exception
    assert "could not be fetched" in app.error[0].value
    assert metrics(app)["Length"] == length
    with_sample(app, 3)
    assert not app.error


def test_an_acted_clip_is_shown_with_its_source_and_licence(
    app: AppTest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = encode(tmp_path / "1001.wav", bursts((0.5, 2), duration=3), codec="pcm_s16le")
    monkeypatch.setattr("helpers.samples.local_path", lambda sample: path)
    app.selectbox(key="sample").set_value(acted_clips()[0].title).run()
    assert app.subheader[0].value == "1001\\.wav"
    assert any("Open Database License" in caption.value for caption in app.caption)


# Links


@pytest.fixture
def linked(app: AppTest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AppTest:
    """Switch links on, and let one of them lead to a recording."""
    content = encode(tmp_path / "a.wav", bursts((1, 3), duration=5), codec="pcm_s16le").read_bytes()

    def fetch(url: str, **others: object) -> Fetched:
        if url != "https://good.example/far.wav":
            raise LinkError("It is not there.")
        return Fetched("far.wav", content)

    monkeypatch.setattr(links, "fetch", fetch)
    monkeypatch.setenv(SWITCH, "1")
    return app.run()


def fetch(app: AppTest, url: str) -> AppTest:
    app.text_input(key="url").set_value(url)
    next(button for button in app.button if button.label == "Fetch").click().run()
    assert not app.exception
    return app


def test_no_link_is_asked_for_unless_switched_on(app: AppTest) -> None:
    assert not app.text_input


def test_a_link_is_fetched_and_analysed_and_stays(linked: AppTest) -> None:
    fetch(linked, " https://good.example/far.wav ")
    assert linked.subheader[0].value == "far\\.wav"
    linked.toggle(key="include_agent").set_value(True).run()
    assert linked.subheader[0].value == "far\\.wav"
    with_sample(linked)
    assert "billing" in linked.subheader[0].value


def test_a_link_that_fails_is_one_sentence_and_keeps_the_last_result(linked: AppTest) -> None:
    fetch(linked, "https://good.example/far.wav")
    fetch(linked, "https://bad.example/")
    assert [error.value for error in linked.error] == ["It is not there\\."]
    assert linked.subheader[0].value == "far\\.wav"


def test_an_empty_link_does_nothing(linked: AppTest) -> None:
    fetch(linked, "")
    assert not linked.error
    assert linked.title


@pytest.mark.parametrize("name", model_names())
def test_every_model_can_be_chosen_and_gives_its_own_emotions(app: AppTest, name: str) -> None:
    with_sample(app)
    app.selectbox(key="model").set_value(name).run()
    assert not app.exception
    card = read_card(name)
    told = [caption.value for caption in app.caption]
    assert f"Tells apart {', '.join(card.labels)}." in told
    assert any(f"model “{name}”" in text for text in told)
    assert any("this speaker" in text for text in told) == load_model(name).takes_baseline


def test_it_is_said_from_how_much_speech_the_baseline_is_or_that_there_is_none(app: AppTest) -> None:
    with_sample(app, 0)
    assert any(re.match(r"Judged against how .* from \d\d s of speech", text.value) for text in app.caption)
    with_sample(app, 1)
    assert any(text.value.startswith("Hardly any speech here seems neutral") for text in app.caption)


def queue_page() -> None:
    import streamlit as st

    from helpers.pages.call import Queue
    from helpers.workspace import RecordingFile

    files = [RecordingFile.from_bytes(name, b"") for name in ("a*.wav", "b.wav", "c.wav")]
    queue = Queue(files, st.empty())
    queue.close(0, "done")  # at once, for it was analysed before
    queue.report(1, "Reading", 0.4)
    if st.toggle("later"):
        queue.close(1, "failed")


def test_each_file_of_a_queue_has_its_own_bar() -> None:
    app = AppTest.from_function(queue_page).run()
    assert [bar.proto.text for bar in app.get("progress")] == [
        r"a\*\.wav: done",
        r"b\.wav: Reading …",
        r"c\.wav: waiting",
    ]
    assert [bar.proto.value for bar in app.get("progress")] == [100, 40, 0]
    app.toggle[0].set_value(True).run()
    assert app.get("progress")[1].proto.text == r"b\.wav: failed"


def test_several_calls_are_narrowed_by_emotion_and_anger(app: AppTest) -> None:
    paths = [local_path(sample) for sample in synthetic_calls()]
    upload(app, *((path.name, path.read_bytes()) for path in paths))
    calls = app.dataframe[0].value
    assert len(calls) == 4
    assert all(picture.startswith("data:image/svg+xml,") for picture in calls["Timeline"])
    least = 5 * int(calls["Anger"].max() // 5)
    app.slider(key="anger listed").set_value(least).run()
    kept = app.dataframe[0].value
    assert list(kept["Recording"]) == list(calls.loc[calls["Anger"] >= least, "Recording"])
    assert 0 < len(kept) < 4
    assert any(plain(kept["Recording"].iloc[0]) == each.value for each in app.subheader)


def test_a_long_list_of_moments_begins_short(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("helpers.pages.result.MOST_MOMENTS", 1)
    with_sample(app)
    number = len([key for key in (button.key for button in app.button) if key and key.startswith("moment ")])
    (more,) = [button for button in app.button if button.label.endswith(" more")]
    assert number == 1
    more.click().run()
    after = len([key for key in (button.key for button in app.button) if key and key.startswith("moment ")])
    assert after == 2


def test_no_chart_changes_what_altair_has_for_all_sessions(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What another session saves meanwhile would lose its data."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a setting of Altair was changed")

    for settings in (alt.data_transformers, alt.theme):
        monkeypatch.setattr(settings, "enable", refuse)
    with_sample(app)
    charts = app.get("vega_lite_chart")
    assert len(charts) >= 3
    for chart in charts:
        assert chart.proto.datasets or chart.proto.data.data
