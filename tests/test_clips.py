"""What a clip holds is what the recording holds there, to the sample where nothing is compressed."""

import io
import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
import pytest

from helpers.clips import PAUSE, cut, cut_video, to_audio
from helpers.errors import MediaError
from helpers.media import SAMPLE_RATE, Recording, decode, open_recording
from helpers.samples import SAMPLES
from tests.conftest import bursts, encode

CALL = np.stack([bursts((1, 3), duration=8), bursts((4, 6), duration=8)])


def samples_between(start: float, end: float) -> np.ndarray:
    return CALL[:, round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]


def test_a_wav_clip_has_the_very_samples(tmp_path: Path) -> None:
    path = encode(tmp_path / "call.wav", CALL, codec="pcm_s16le")
    with open_recording(path) as stream:
        pieces = cut(stream, [(1.25, 3.5)])
    clip = decode(to_audio(pieces, "wav"))
    np.testing.assert_array_equal(clip.samples, samples_between(1.25, 3.5))


def test_a_reel_has_all_stretches_in_order_with_pauses_between() -> None:
    spans = [(4.0, 6.0), (0.5, 3.0), (2.0, 5.0)]
    reel = decode(to_audio(cut(Recording("call", CALL), spans), "wav")).samples
    pause = round(PAUSE * SAMPLE_RATE)
    assert reel.shape[1] == round((2 + 2.5 + 3) * SAMPLE_RATE) + 2 * pause
    first = round(2 * SAMPLE_RATE)
    np.testing.assert_array_equal(reel[:, :first], samples_between(4, 6))
    assert not reel[:, first : first + pause].any()
    np.testing.assert_array_equal(reel[:, -round(3 * SAMPLE_RATE) :], samples_between(2, 5))


def test_an_mp3_clip_sounds_alike() -> None:
    clip = decode(to_audio(cut(Recording("call", CALL), [(0.5, 3.5)]), "mp3"))
    assert clip.duration == pytest.approx(3, abs=0.1)
    assert clip.channels == ("left", "right")
    expected = samples_between(0.5, 3.5)[0].astype(float).std()
    assert clip.samples[0].astype(float).std() == pytest.approx(expected, rel=0.15)


def test_one_channel_stays_one() -> None:
    piece = cut(Recording("call", CALL[:1]), [(1, 2)])
    assert decode(to_audio(piece, "wav")).channels == ("mono",)


def test_what_lies_beyond_the_end_is_said() -> None:
    with pytest.raises(MediaError, match="ends before"):
        cut(Recording("call", CALL), [(1, 2), (9, 12)])
    (piece,) = cut(Recording("call", CALL), [(7, 12)])
    assert len(piece) == SAMPLE_RATE


@pytest.mark.parametrize("held", ["path", "bytes"])
def test_the_cut_of_a_video_has_its_pictures_and_sound(held: str) -> None:
    path = next(SAMPLES.glob("*.mp4"))
    before = set(Path(tempfile.gettempdir()).iterdir())
    content = cut_video(path if held == "path" else path.read_bytes(), path.name, 10.0, 14.0)
    with open_recording(content) as stream:
        assert stream.has_pictures
        assert stream.duration == pytest.approx(4, abs=0.3)
    sound, whole = decode(content).samples[0], decode(path).samples[0]
    expected = whole[10 * SAMPLE_RATE : 14 * SAMPLE_RATE].astype(float)
    shared = min(len(sound), len(expected))
    best = max(
        np.corrcoef(sound[shift : shared - 800 + shift], expected[400 : shared - 400])[0, 1]
        for shift in range(0, 800, 8)
    )
    assert best > 0.9
    left = {each for each in set(Path(tempfile.gettempdir()).iterdir()) - before if "moviepy" in each.name}
    assert not left


def test_a_film_of_one_huge_picture_is_not_held_in_memory() -> None:
    content = film(5_000, 5_000, rate=1)
    assert len(content) < 200_000
    with pytest.raises(MediaError, match="pictures of call"):
        cut_video(content, "call.mov", 0.0, 1.0)


def test_a_film_whose_clock_is_broken_is_said_to_be_uncuttable_and_no_crash() -> None:
    content = bytearray(film(64, 48, rate=5))
    clock = content.index(b"mdhd") + 4 + 12
    content[clock : clock + 4] = bytes(4)
    with pytest.raises(MediaError, match="pictures of call"):
        cut_video(bytes(content), "call.mov", 0.0, 1.0)


def test_a_film_that_says_1000_pictures_a_second_is_not_cut_for_minutes() -> None:
    cut = cut_video(film(64, 48, rate=1_000), "call.mov", 0.0, 1.0)
    with av.open(io.BytesIO(cut)) as container:
        assert container.streams.video[0].average_rate == 60


@contextmanager
def full_disk() -> Iterator[None]:
    """Let no file grow beyond a kilobyte."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_024, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_said_where_a_clip_is_saved() -> None:
    pieces = cut(Recording("call", CALL), [(0.5, 3.5)])
    content = film(64, 48, rate=5)
    with full_disk(), pytest.raises(MediaError, match="take it as WAV"):
        to_audio(pieces, "mp3")
    with full_disk(), pytest.raises(MediaError, match="pictures of call"):
        cut_video(content, "call.mov", 0.0, 1.0)
    with full_disk():
        assert len(to_audio(pieces, "wav")) > 100_000


def film(width: int, height: int, *, rate: int) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="mov") as output:
        stream = output.add_stream("png", rate=rate, width=width, height=height, pix_fmt="gray")
        for _ in range(rate):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((height, width), np.uint8), "gray")))
        output.mux(stream.encode(None))
    return file.getvalue()


def test_what_is_no_video_is_said_in_one_sentence(tmp_path: Path) -> None:
    path = encode(tmp_path / "call.wav", CALL, codec="pcm_s16le")
    with pytest.raises(MediaError, match="pictures of call"):
        cut_video(path, path.name, 1.0, 2.0)
