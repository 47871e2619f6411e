"""The page of calls in a real browser: files in every form, clicks, downloads, failures."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from helpers.analysis import analyze
from helpers.clips import PAUSE
from helpers.emotions import EMOTIONS
from helpers.media import SAMPLE_RATE, decode
from helpers.samples import SAMPLES
from tests.browser.conftest import ROOT, choose_sample, command_line, download, settled, upload
from tests.conftest import bursts, encode

ROW_HEIGHT = 35  # pixels, of a table


def segments_drawn(page: Page) -> int:
    """Count the marks of the last layer of the timeline: the fields that can be clicked."""
    chart = page.get_by_test_id("stVegaLiteChart").first
    chart.locator("svg .targets_marks path").first.wait_for(state="attached")
    return chart.locator("svg .targets_marks path").count()


def test_a_sample_is_drawn_and_its_csv_is_that_of_the_command_line(page: Page) -> None:
    path = choose_sample(page, 0)
    expected = command_line(path)
    assert segments_drawn(page) == len(expected.splitlines()) - 1
    letters = page.get_by_test_id("stVegaLiteChart").first.locator("svg .letters_marks text")
    assert set(letters.all_text_contents()) <= {"A", "H", "N", "S", "?", ""}
    assert download(page, "Segments (CSV)") == expected


def test_a_click_on_a_segment_plays_from_there(page: Page) -> None:
    path = choose_sample(page, 0)
    line = command_line(path).decode().splitlines()[11].split(",")
    start = float(line[3])
    target = page.get_by_test_id("stVegaLiteChart").first.locator("svg .targets_marks path").nth(10)
    box = target.bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_function("() => { const a = document.querySelector('audio'); return a && !a.paused; }")
    page.wait_for_function(f"() => document.querySelector('audio').currentTime > {int(start)}")
    heard = page.evaluate("document.querySelector('audio').currentTime")
    assert int(start) <= heard < start + 10


def test_a_segment_plays_again_when_it_is_clicked_again(page: Page) -> None:
    choose_sample(page, 0)
    target = page.get_by_test_id("stVegaLiteChart").first.locator("svg .targets_marks path").nth(10)
    for _ in range(2):
        target.click(position={"x": 5, "y": 5})
        page.wait_for_function(
            "() => { const a = document.querySelector('audio'); return a && a.currentTime > 3; }"
        )
        page.evaluate("document.querySelector('audio').currentTime = 0")
        page.evaluate("document.querySelector('audio').pause()")
        page.mouse.move(10, 10)
        page.wait_for_timeout(1500)


def shown_window(page: Page) -> list[str]:
    return page.get_by_text(" of 1:50.2").inner_text().split(" of ")[0].split(" to ")


def test_a_drag_over_the_whole_call_shows_that_part_large(page: Page) -> None:
    path = choose_sample(page, 0)
    everything = segments_drawn(page)
    small = page.get_by_test_id("stVegaLiteChart").nth(1)
    box = small.locator("svg .whole_marks").first.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 10, steps=8)
    page.mouse.up()
    expect(page.get_by_text("0:00.0 to 1:50.2 of 1:50.2")).to_have_count(0)
    start, end = (60 * int(time[0]) + float(time[2:]) for time in shown_window(page))
    assert start == pytest.approx(0.3 * 110, abs=5)
    assert end == pytest.approx(0.5 * 110, abs=5)
    targets = page.get_by_test_id("stVegaLiteChart").first.locator("svg .targets_marks path")
    expect(targets).not_to_have_count(everything)
    rows = [row.split(",") for row in command_line(path).decode().splitlines()[1:]]
    surely, perhaps = (
        sum(float(row[4]) > start + slack and float(row[3]) < end - slack for row in rows)
        for slack in (0.1, -0.1)  # the page shows tenths
    )
    assert surely <= targets.count() <= perhaps < everything


def test_the_window_moves_by_buttons_which_the_keyboard_reaches(page: Page) -> None:
    choose_sample(page, 0)
    seen = []
    for name in ("Closer", "Later", "Earlier", "Further", "Closer", "Whole call"):
        before = shown_window(page)
        page.get_by_role("button", name=name, exact=True).focus()
        page.keyboard.press("Enter")
        expect(page.get_by_text(f"{before[0]} to {before[1]} of 1:50.2")).to_have_count(0)
        seen.append(shown_window(page))
    middle, late, whole = ["0:27.6", "1:22.7"], ["0:55.1", "1:50.2"], ["0:00.0", "1:50.2"]
    assert seen == [middle, late, middle, whole, middle, whole]


def test_clicks_and_drags_on_silence_are_no_error(page: Page) -> None:
    choose_sample(page, 0)
    chart = page.get_by_test_id("stVegaLiteChart").first
    ground = chart.locator("svg .grounds_marks path").first
    box = ground.bounding_box()
    assert box
    for x in range(0, int(box["width"]), int(box["width"] / 12)):
        page.mouse.click(box["x"] + x + 2, box["y"] + 8)
    page.mouse.move(box["x"] + 300, box["y"] + 8)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 8)
    page.mouse.up()
    page.wait_for_timeout(1500)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    expect(page.get_by_text("encountered an error")).to_have_count(0)


def test_a_row_of_the_table_plays_too_so_that_the_keyboard_suffices(page: Page) -> None:
    choose_sample(page, 3)
    page.get_by_text("segments", exact=False).filter(has_text="All ").first.click()
    grid = page.get_by_test_id("stDataFrame")
    grid.scroll_into_view_if_needed()
    box = grid.bounding_box()
    assert box
    page.mouse.click(box["x"] + 15, box["y"] + 4.5 * ROW_HEIGHT)  # the box before the fourth segment
    page.wait_for_function(
        "() => { const a = document.querySelector('audio'); return a && a.currentTime > 1; }"
    )


@pytest.mark.parametrize("kind", ["mp3", "mp4"])
def test_an_upload_gives_the_csv_of_the_command_line(page: Page, tmp_path: Path, kind: str) -> None:
    source = {"mp3": "billing", "mp4": "worried"}[kind]
    sample = next(SAMPLES.glob(f"{source}*.{kind}"))
    path = tmp_path / f"my {source} call.{kind}"
    path.write_bytes(sample.read_bytes())
    upload(page, path)
    expect(page.get_by_role("heading", name=path.name)).to_be_visible()
    expected = command_line(path)
    assert segments_drawn(page) == len(expected.splitlines()) - 1
    assert download(page, "Segments (CSV)") == expected


def test_the_wav_is_the_whole_recording(page: Page, tmp_path: Path) -> None:
    path = choose_sample(page, 2)
    wav = tmp_path / "out.wav"
    wav.write_bytes(download(page, "Recording (WAV)"))
    np.testing.assert_array_equal(decode(wav).samples, decode(path).samples)


def test_a_recording_that_browsers_cannot_play_is_played_as_wav(page: Page, tmp_path: Path) -> None:
    path = encode(tmp_path / "phone.wav", bursts((1, 3), duration=5), codec="pcm_mulaw", rate=8000)
    upload(page, path)
    expect(page.get_by_role("heading", name="phone.wav")).to_be_visible()
    page.wait_for_function(
        "() => { const a = document.querySelector('audio'); return a && a.duration > 4.9; }"
    )


def test_a_bad_file_gives_one_sentence_and_keeps_the_last_result(page: Page, tmp_path: Path) -> None:
    sample = choose_sample(page, 3)
    bad = tmp_path / "notes.mp3"
    bad.write_text("These are my notes.")
    upload(page, bad)
    alert = page.get_by_test_id("stAlert")
    expect(alert).to_contain_text("notes.mp3 is not an audio or video file")
    assert "Traceback" not in alert.inner_text()
    expect(page.get_by_role("heading", name=sample.name)).to_be_visible()


def test_several_files_are_analysed_and_the_bad_one_is_named(page: Page, tmp_path: Path) -> None:
    good = [
        encode(tmp_path / f"call {end}.wav", bursts((1, end), duration=8), codec="pcm_s16le")
        for end in (3, 5)
    ]
    empty = tmp_path / "empty.wav"
    empty.touch()
    upload(page, *good, empty)
    expect(page.get_by_test_id("stAlert")).to_contain_text("empty.wav is empty")
    expect(page.get_by_role("heading", name="call 3.wav")).to_be_visible()


@pytest.mark.parametrize("source", ["upload", "sample"])
def test_a_look_at_another_page_loses_nothing(page: Page, tmp_path: Path, source: str) -> None:
    path = encode(tmp_path / "mine.wav", bursts((1, 3), duration=5), codec="pcm_s16le")
    if source == "upload":
        upload(page, path)
    name = path.name if source == "upload" else choose_sample(page, 3).name
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    page.get_by_role("link", name="Live").click()
    expect(page.get_by_role("heading", name="How does it sound")).to_be_visible()
    page.wait_for_timeout(2_000)  # a page that is still asking for the microphone does not let go
    page.get_by_role("link", name="Call").click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()


@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_sticks_out_of_the_page(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.get_by_role("button", name="Analyse", exact=True).first.click()
    expect(page.get_by_text("Share of speech time")).to_be_visible()
    main = page.get_by_test_id("stMain")
    assert main.evaluate("element => element.scrollWidth <= element.clientWidth")


def test_the_first_page_waits_for_no_heavy_import() -> None:
    code = (
        "import sys\n"
        "from streamlit.testing.v1 import AppTest\n"
        "assert not AppTest.from_file('streamlit_app.py', default_timeout=30).run().exception\n"
        "heavy = {'av', 'librosa', 'sklearn', 'scipy', 'altair', 'soundfile', 'numba'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_moments_are_saved_alone_and_together_with_the_samples_of_the_recording(page: Page) -> None:
    path = choose_sample(page, 0)
    recording = decode(path).samples
    page.get_by_role("button", name="Save", exact=True).first.click()
    clip = decode(download(page, "Sound (WAV)")).samples
    first = analyze(path).moments[0]
    start, end = (round(time * SAMPLE_RATE) for time in (first.start, first.end))
    np.testing.assert_array_equal(clip, recording[:, start:end])
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Save all in one file").click()
    reel = decode(download(page, "Sound (MP3)"))
    spans = [moment.end - moment.start for moment in analyze(path).moments]
    assert reel.duration == pytest.approx(sum(spans) + PAUSE * (len(spans) - 1), abs=0.3)


def test_keys_play_the_next_and_the_previous_segment_and_moment(page: Page) -> None:
    path = choose_sample(page, 0)
    starts = analyze(path).segments["start"].tolist()
    moment = analyze(path).moments[0].start
    page.get_by_role("heading", name=path.name).click()
    for key, expected in (("n", starts[0]), ("n", starts[1]), ("b", starts[0]), ("m", moment)):
        page.keyboard.press(key)
        page.wait_for_function(
            "start => { const a = document.querySelector('audio');"
            " return a && a.currentTime >= start && a.currentTime < start + 3; }",
            arg=int(expected),
        )


def test_only_the_emotions_that_are_chosen_have_their_colour(page: Page) -> None:
    choose_sample(page, 0)
    segments_drawn(page)
    angry = page.get_by_test_id("stVegaLiteChart").first.locator(
        f"svg path[fill='{EMOTIONS['angry'].colour}']"
    )
    assert angry.count() > 5
    page.get_by_role("button", name="angry", exact=True).click()
    expect(angry).to_have_count(0)
    page.get_by_role("button", name="angry", exact=True).click()
    expect(angry).not_to_have_count(0)


def test_several_recordings_stand_in_a_table_and_two_are_compared(page: Page, tmp_path: Path) -> None:
    spans = {"short": [(1, 3)], "long": [(1, 3), (4, 9)]}
    paths = [
        encode(tmp_path / f"{name}.wav", bursts(*each, duration=10), codec="pcm_s16le")
        for name, each in spans.items()
    ]
    upload(page, *paths, Path(__file__))
    expect(page.get_by_role("heading", name="short.wav")).to_be_visible()
    expect(page.get_by_text("test_call.py is not an audio or video file")).to_be_visible()
    expect(page.get_by_text("Tick a recording to open it")).to_be_visible()
    settled(page)
    page.locator("[data-testid=stVegaLiteChart] svg .targets_marks path").first.wait_for(state="attached")
    charts = page.get_by_test_id("stVegaLiteChart").count()
    compared = page.get_by_role("combobox", name="Compare with")
    compared.scroll_into_view_if_needed()
    page.wait_for_timeout(1_500)  # what moves closes the list
    compared.click()
    page.get_by_role("option", name="long.wav").click()
    expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(charts + 2)
    expect(page.get_by_role("columnheader", name="Speaker (1)")).to_be_visible()
    expect(page.get_by_role("columnheader", name="Speaker (2)")).to_be_visible()


def test_the_address_leads_back_to_the_sample_the_view_and_the_settings(
    page: Page, browser: BrowserContext
) -> None:
    choose_sample(page, 0)
    page.get_by_role("radio", name="Left", exact=True).click()
    page.get_by_role("button", name="Closer", exact=True).click()
    expect(page.get_by_text("0:27.6 to 1:22.7 of 1:50.2")).to_be_visible()
    page.wait_for_timeout(1_000)
    address = page.url
    other = browser.new_page()
    other.goto(address)
    expect(other.get_by_text("0:27.6 to 1:22.7 of 1:50.2")).to_be_visible()
    expect(other.get_by_role("heading", name="billing-complaint")).to_be_visible()
    expect(other.get_by_role("radio", name="Left", exact=True)).to_be_checked()
    other.get_by_role("button", name="Start over").click()
    expect(other.get_by_role("heading", name="Where did this customer")).to_be_visible()
    assert "?" not in other.url
    other.close()


def test_a_line_marks_what_is_played_and_leaves_with_the_window(page: Page) -> None:
    choose_sample(page, 0)
    line = page.locator(".playhead")
    expect(line).to_be_hidden()
    ground = page.get_by_test_id("stVegaLiteChart").first.locator("svg .grounds_marks path").first
    ground.wait_for(state="attached")
    for share in (0.25, 0.75):
        page.evaluate(
            "share => { const a = document.querySelector('audio'); a.currentTime = share * 110.2; }", share
        )
        expect(line).to_be_visible()
        page.wait_for_timeout(300)
        lane, drawn = ground.bounding_box(), line.bounding_box()
        assert lane
        assert drawn
        middle = drawn["x"] + drawn["width"] / 2
        assert middle == pytest.approx(lane["x"] + share * lane["width"], abs=4)
        assert drawn["height"] > lane["height"]  # through both lanes
    page.get_by_role("button", name="Closer", exact=True).click()  # to 0:27 to 1:22, and it is at 1:22.7
    page.evaluate("document.querySelector('audio').currentTime = 5")
    expect(line).to_be_hidden()


def test_a_page_at_rest_leaves_the_processor_alone(page: Page) -> None:
    """Whoever draws 60 times a second, though nothing moves, empties the battery of a laptop."""
    choose_sample(page, 0)
    page.get_by_test_id("stAudio").evaluate("audio => { audio.currentTime = 20; }")
    expect(page.locator(".playhead")).to_be_visible()
    settled(page)
    frames = page.evaluate(
        """async () => {
            const draw = window.requestAnimationFrame;
            let count = 0;
            window.requestAnimationFrame = (step) => { count += 1; return draw(step); };
            await new Promise((done) => setTimeout(done, 2000));
            window.requestAnimationFrame = draw;
            return count;
        }"""
    )
    assert frames < 20


def test_a_tick_in_the_table_opens_that_recording(page: Page, tmp_path: Path) -> None:
    for name in ("first", "second"):
        encode(tmp_path / f"{name}.wav", bursts((1, 3), duration=5), codec="pcm_s16le")
    upload(page, tmp_path / "first.wav", tmp_path / "second.wav")
    expect(page.get_by_role("heading", name="first.wav")).to_be_visible()
    settled(page)
    grid = page.get_by_test_id("stDataFrame").first
    expect(grid.locator("canvas").first).to_be_visible()
    page.wait_for_timeout(500)  # the canvas takes clicks a moment after it is there
    grid.click(position={"x": 15, "y": 2.5 * ROW_HEIGHT})
    expect(page.get_by_role("heading", name="second.wav")).to_be_visible()
