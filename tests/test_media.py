import io
import os
import re
import socket
import struct
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile

from helpers.errors import MediaError
from helpers.media import (
    EXTENSIONS,
    SAMPLE_RATE,
    Recording,
    channels_are_equal,
    decode,
    mixed,
    open_recording,
    shared_sound,
    to_wav,
)
from tests.conftest import bursts, encode, missing

AGENT = bursts((0.5, 1.5), (2.2, 3.0), duration=4, level=-15)
CUSTOMER = bursts((1.6, 2.1), (3.2, 3.7), duration=4, level=-15)
CALL = np.stack([AGENT, CUSTOMER])

WAV_CODECS = [f"pcm_{kind}" for kind in ("u8", "s16le", "s24le", "s32le", "f32le", "mulaw", "alaw")]
BROWSER_PLAYS_WAV = {"pcm_u8": "audio/wav", "pcm_s16le": "audio/wav"}
# Extension, codec, MIME type under which a browser plays it, how to encode it.
KINDS: list[tuple[str, str, str | None, dict[str, Any]]] = [
    *(("wav", codec, BROWSER_PLAYS_WAV.get(codec), {}) for codec in WAV_CODECS),
    ("mp3", "libmp3lame", "audio/mpeg", {}),
    ("m4a", "aac", "audio/mp4", {}),
    ("aac", "aac", None, {}),
    ("ogg", "vorbis", "audio/ogg", {}),
    ("ogg", "libopus", "audio/ogg", {}),
    ("oga", "flac", None, {}),
    ("opus", "libopus", "audio/ogg", {}),
    ("flac", "flac", "audio/flac", {}),
    ("wma", "wmav2", None, {"bit_rate": 64_000}),
    ("amr", "libopencore_amrnb", None, {"rate": 8_000}),
    ("3gp", "libopencore_amrnb", None, {"rate": 8_000}),
    ("aiff", "pcm_s16be", None, {}),
    ("aif", "pcm_s16be", None, {"container": "aiff"}),
    ("au", "pcm_s16be", None, {}),
    ("webm", "libopus", "audio/webm", {}),
    ("mp4", "aac", "audio/mp4", {"video": True}),
    ("m4v", "aac", "audio/mp4", {"video": True, "container": "mp4"}),
    ("mov", "aac", "audio/mp4", {"video": True}),
    ("mkv", "aac", None, {"video": True}),
    ("avi", "libmp3lame", None, {"video": True, "rate": 44_100}),
]
HERE = [kind for kind in KINDS if kind[1] in av.codecs_available]  # not every build encodes AMR

each_kind = pytest.mark.parametrize(
    ("extension", "codec", "browser_type", "settings"), HERE, ids=[f"{kind[0]}-{kind[1]}" for kind in HERE]
)


def envelope(samples: np.ndarray) -> np.ndarray:
    frames = samples[: len(samples) // 160 * 160].reshape(-1, 160).astype(float)
    return np.sqrt(np.mean(np.square(frames), axis=1))


def lines(codec: str) -> np.ndarray:
    """Give as many channels as the codec has."""
    return CALL[:1] if "amrnb" in codec else CALL


def likeness(original: np.ndarray, decoded: np.ndarray) -> float:
    """Correlate the envelopes [10 ms], allowing for the 0.1 s by which encoders and decoders are late."""
    one, other = envelope(original), envelope(decoded)
    length = min(len(one), len(other)) - 10
    shifted = [(one[:length], other[lag : lag + length]) for lag in range(11)]
    shifted += [(one[lag : lag + length], other[:length]) for lag in range(11)]
    return max(float(np.corrcoef(*pair)[0, 1]) for pair in shifted)


def content(extension: str, codec: str, tmp_path: Path, samples: np.ndarray, **settings: Any) -> bytes:
    return encode(tmp_path / f"whole.{extension}", samples, codec=codec, **settings).read_bytes()


# Every kind of file


def test_the_kinds_tested_are_all_those_offered() -> None:
    assert {kind[0] for kind in KINDS} == set(EXTENSIONS)


@each_kind
def test_no_kind_of_file_loses_sound_length_or_channels(
    extension: str, codec: str, browser_type: str | None, settings: dict[str, Any], tmp_path: Path
) -> None:
    call = lines(codec)
    path = encode(tmp_path / f"call.{extension}", call, codec=codec, **settings)
    recording = decode(path)
    assert (recording.name, recording.warnings) == (path.name, ())
    assert recording.samples.dtype == np.int16
    assert recording.samples.shape[0] == len(call)
    assert recording.duration == pytest.approx(4, abs=0.1)
    for original, decoded in zip(call, recording.samples, strict=True):
        assert likeness(original, decoded) > 0.97


@each_kind
def test_no_kind_of_file_decodes_otherwise_from_bytes_than_from_its_path(
    extension: str, codec: str, browser_type: str | None, settings: dict[str, Any], tmp_path: Path
) -> None:
    path = encode(tmp_path / f"call.{extension}", lines(codec), codec=codec, **settings)
    from_path, from_bytes = decode(path), decode(path.read_bytes())
    np.testing.assert_array_equal(from_path.samples, from_bytes.samples)
    np.testing.assert_array_equal(from_path.samples, decode(str(path)).samples)
    assert from_path.browser_type == from_bytes.browser_type == browser_type


def test_amr_is_read_where_nothing_can_write_it() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (200, 32), np.uint8)
    frames[:, 0] = 0x3C  # 12.2 kbit/s, good quality
    recording = decode(b"#!AMR\n" + frames.tobytes(), name="call.amr")
    assert recording.duration == pytest.approx(4, abs=0.1)
    assert recording.samples.std() > 100


@pytest.mark.parametrize("rate", [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000])
@pytest.mark.parametrize("extension, codec", [("wav", "pcm_s16le"), ("flac", "flac")])
def test_no_source_rate_changes_speed_or_pitch(rate: int, extension: str, codec: str, tmp_path: Path) -> None:
    recording = decode(encode(tmp_path / f"call.{extension}", CALL, codec=codec, rate=rate))
    assert recording.samples.shape == CALL.shape
    for original, decoded in zip(CALL, recording.samples, strict=True):
        assert np.corrcoef(original, decoded)[0, 1] > 0.99  # the waveform, not the envelope


@pytest.mark.parametrize("count", [3, 4, 6])
def test_more_than_two_channels_are_kept_in_order(count: int, tmp_path: Path) -> None:
    channels = np.stack([np.roll(AGENT, 4000 * number) for number in range(count)])
    recording = decode(encode(tmp_path / "room.flac", channels, codec="flac"))
    np.testing.assert_array_equal(recording.samples, channels)
    assert recording.channels == tuple(f"channel {number + 1}" for number in range(count))


def test_sixteen_bits_at_the_right_rate_pass_unchanged(tmp_path: Path) -> None:
    extremes = np.tile(np.array([[-32768, 32767, 0, -1], [1, 2, 3, 4]], np.int16), 1000)
    path = encode(tmp_path / "extremes.wav", extremes, codec="pcm_s16le")
    np.testing.assert_array_equal(decode(path).samples, extremes)


def test_a_file_that_changes_its_form_midway_is_read_to_its_end(tmp_path: Path) -> None:
    wide = content("mp3", "libmp3lame", tmp_path, CALL, rate=44_100)
    narrow = content("mp3", "libmp3lame", tmp_path, CUSTOMER, id3v2_version="0", write_xing="0")
    recording = decode(wide + narrow)
    assert recording.samples.shape[0] == 2
    assert recording.duration == pytest.approx(8, abs=0.25)
    assert likeness(CUSTOMER, recording.samples[1, -CUSTOMER.size - 1_000 :]) > 0.97


def test_tags_that_are_not_unicode_do_not_make_a_file_unreadable(tmp_path: Path) -> None:
    wav = content("wav", "pcm_s16le", tmp_path, AGENT)
    tags = b"INFOINAM" + struct.pack("<I", 10) + b"Gespr\xe4ch\0\0"
    recording = decode(wav[:12] + b"LIST" + struct.pack("<I", len(tags)) + tags + wav[12:])
    np.testing.assert_array_equal(recording.samples, [AGENT])


# Videos


@pytest.mark.parametrize("extension, codec", [("mp4", "aac"), ("mov", "pcm_s16le"), ("mkv", "libopus")])
def test_sound_that_starts_after_the_pictures_stays_in_time_with_them(
    extension: str, codec: str, tmp_path: Path
) -> None:
    path = encode(tmp_path / f"late.{extension}", AGENT, codec=codec, video=True, late=1.5)
    recording = decode(path)
    assert recording.duration == pytest.approx(5.5, abs=0.1)
    before, after = np.split(recording.samples[0], [round(1.5 * SAMPLE_RATE)])
    assert np.abs(before[:-1_600]).max() == 0
    assert likeness(AGENT, after) > 0.97


def test_sound_alone_starts_at_once_whatever_its_clock_says(tmp_path: Path) -> None:
    recording = decode(encode(tmp_path / "late.webm", AGENT, codec="libopus", late=30))
    assert recording.duration == pytest.approx(4, abs=0.1)
    assert recording.warnings == ()


@pytest.mark.parametrize("extension, codec", [("mp4", "aac"), ("mkv", "aac"), ("avi", "pcm_s16le")])
def test_pictures_that_go_on_after_the_sound_are_no_damage(
    extension: str, codec: str, tmp_path: Path
) -> None:
    path = encode(tmp_path / f"long.{extension}", AGENT, codec=codec, video=True, pictures=3)
    recording = decode(path)
    assert recording.duration == pytest.approx(4, abs=0.1)
    assert recording.warnings == ()


# Channels


@pytest.mark.parametrize(
    "extension, codec", [("wav", "pcm_s16le"), ("mp3", "libmp3lame"), ("m4a", "aac"), ("ogg", "libopus")]
)
def test_equal_channels_do_not_count_as_two_speakers_even_after_lossy_coding(
    extension: str, codec: str, tmp_path: Path
) -> None:
    recording = decode(encode(tmp_path / f"a.{extension}", np.stack([AGENT, AGENT]), codec=codec))
    assert recording.channels == ("mono",)
    assert likeness(AGENT, recording.samples[0]) > 0.97


def test_long_equal_channels_become_one_without_mixing_up_their_samples(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).integers(-9_000, 9_000, (1 << 21) + 12_345, np.int16)
    recording = decode(encode(tmp_path / "a.wav", np.stack([samples, samples]), codec="pcm_s16le"))
    np.testing.assert_array_equal(recording.samples, [samples])


@pytest.mark.parametrize("leak_db, channels", [(-30, 2), (-50, 1)])
def test_a_second_line_is_not_lost_because_the_first_leaks_into_it(
    leak_db: int, channels: int, tmp_path: Path
) -> None:
    both = np.stack([AGENT, AGENT + (CUSTOMER * 10 ** (leak_db / 20)).astype(np.int16)])
    assert len(decode(encode(tmp_path / "a.wav", both, codec="pcm_s16le")).samples) == channels


def test_a_line_on_which_nobody_speaks_stays_a_line(tmp_path: Path) -> None:
    call = np.stack([AGENT, np.zeros_like(AGENT)])
    recording = decode(encode(tmp_path / "a.wav", call, codec="pcm_s16le"))
    assert recording.channels == ("left", "right")


def test_real_recordings_have_the_channels_that_are_in_them(corpora: Path) -> None:
    two_lines = decode(corpora / "calls" / "auto-repairs-40_agent-left_caller-right.flac")
    assert (two_lines.channels, round(two_lines.duration)) == (("left", "right"), 245)
    assert abs(shared_sound(two_lines)) < 0.1
    assert decode(corpora / "calls" / "Sample1.mp3").channels == ("mono",)


def test_shared_sound_tells_one_scene_from_two_lines() -> None:
    noise = np.random.default_rng(0).normal(0, 100, CALL.shape)
    scene = np.stack([AGENT, 0.3 * AGENT]) + noise
    assert shared_sound(Recording("scene", scene.astype(np.int16))) > 0.95
    assert abs(shared_sound(Recording("lines", CALL))) < 0.02
    assert shared_sound(Recording("turned", np.stack([AGENT, -AGENT]))) == pytest.approx(-1)


def test_shared_sound_of_a_silent_line_is_not_a_division_by_zero() -> None:
    assert shared_sound(Recording("call", np.stack([AGENT, np.zeros_like(AGENT)]))) == 0


def test_mixing_neither_overflows_nor_drops_blocks() -> None:
    generator = np.random.default_rng(0)
    samples = generator.integers(-32768, 32768, (3, (1 << 20) + 1_000)).astype(np.int16)
    samples[:, :2] = [[32767, -32768]] * 3
    recording = Recording("call", samples, "audio/wav", ("A warning.",))
    mono = mixed(recording)
    expected = samples.astype(int).sum(axis=0) / 3
    assert mono.samples.shape == (1, samples.shape[1])
    assert np.abs(mono.samples[0] - expected).max() <= 0.51
    assert mono.samples[0, :2].tolist() == [32767, -32768]
    assert (mono.name, mono.warnings) == (recording.name, recording.warnings)
    assert mixed(mono) is mono


# Sources and results


def test_a_callers_file_stays_open_and_is_read_from_its_start(tmp_path: Path) -> None:
    path = encode(tmp_path / "call.mp3", AGENT, codec="libmp3lame")
    with path.open("rb") as file:
        file.read()
        once, twice = decode(file), decode(file)
        assert not file.closed
        file.seek(0)
        assert file.read() == path.read_bytes()
    np.testing.assert_array_equal(once.samples, twice.samples)
    assert once.name == "call.mp3"


def test_an_upload_in_memory_stays_usable() -> None:
    upload = io.BytesIO(to_wav(Recording("call", CALL)))
    assert decode(upload, name="upload.wav").name == "upload.wav"
    np.testing.assert_array_equal(decode(upload).samples, CALL)


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_to_wav_loses_nothing(channels: int) -> None:
    generator = np.random.default_rng(channels)
    samples = generator.integers(-32768, 32768, (channels, (1 << 20) + 777)).astype(np.int16)
    wav = to_wav(Recording("call", samples))
    np.testing.assert_array_equal(decode(wav).samples, samples)
    read, rate = soundfile.read(io.BytesIO(wav), dtype="int16", always_2d=True)
    np.testing.assert_array_equal(read.T, samples)
    assert rate == SAMPLE_RATE


def test_progress_goes_forward_to_the_end_and_never_beyond(tmp_path: Path) -> None:
    shares: list[float] = []
    path = encode(tmp_path / "long.flac", np.tile(AGENT, 90), codec="flac")
    decode(path, progress=shares.append)
    assert len(shares) >= 4
    assert shares == sorted(shares)
    assert 0 < shares[0] < 0.3 and 0.7 < shares[-1] <= 1


# Errors: each is one sentence that names the file


def no_file(path: Path) -> None:
    """Leave the path without a file."""


def an_empty_file(path: Path) -> None:
    path.write_bytes(b"")


def a_folder(path: Path) -> None:
    path.mkdir()


def a_text(path: Path) -> None:
    path.write_text("Agent: good morning.\nCustomer: is it?\n" * 100)


def random_bytes(path: Path) -> None:
    path.write_bytes(np.random.default_rng(0).bytes(50_000))


def a_picture(path: Path) -> None:
    with av.open(str(path), "w", format="image2pipe") as output:
        stream = output.add_stream("png", rate=1, width=64, height=48, pix_fmt="rgb24")
        output.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")))
        output.mux(stream.encode(None))


def a_silent_movie(path: Path) -> None:
    with av.open(str(path), "w", format="mp4") as output:
        stream = output.add_stream("mpeg4", rate=5, width=64, height=48, pix_fmt="yuv420p")
        for _ in range(10):
            image = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
            output.mux(stream.encode(image))
        output.mux(stream.encode(None))


def a_track_of_zero_length(path: Path) -> None:
    path.write_bytes(to_wav(Recording("nothing", np.zeros((1, 0), np.int16))))


def sound_of_an_unknown_kind(path: Path) -> None:
    wav = bytearray(to_wav(Recording("call", CALL)))
    position = wav.index(b"fmt ") + 8
    wav[position : position + 2] = b"\x34\x12"
    path.write_bytes(wav)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (no_file, "does not exist"),
        (an_empty_file, "is empty"),
        (a_folder, "cannot be read"),
        (a_text, "is not an audio or video file"),
        (random_bytes, "is not an audio or video file"),
        (a_picture, "has no audio track"),
        (a_silent_movie, "has no audio track"),
        (a_track_of_zero_length, "has an audio track of zero length"),
        (sound_of_an_unknown_kind, "has sound of a kind that cannot be decoded"),
    ],
)
def test_what_cannot_be_read_is_named_in_one_sentence(
    make: Callable[[Path], None], says: str, tmp_path: Path
) -> None:
    path = tmp_path / "my call.mp3"
    make(path)
    with pytest.raises(MediaError) as raised:
        decode(path)
    assert_one_sentence(str(raised.value), path.name, says)
    if path.is_file():
        with pytest.raises(MediaError) as raised:
            decode(path.read_bytes(), name="Upload 7")
        assert_one_sentence(str(raised.value), "Upload 7", says)


def assert_one_sentence(message: str, name: str, says: str) -> None:
    assert message.startswith(f"{name} {says}")
    assert message.endswith(".")
    assert ". " not in message
    assert "\n" not in message


@pytest.mark.parametrize("length", [1, 4, 11, 12, 43, 44, 45, 300])
@pytest.mark.parametrize("extension, codec", [("wav", "pcm_s16le"), ("mp3", "libmp3lame"), ("flac", "flac")])
def test_a_stub_of_a_file_is_an_error_or_a_recording_but_no_crash(
    length: int, extension: str, codec: str, tmp_path: Path
) -> None:
    try:
        recording = decode(content(extension, codec, tmp_path, AGENT)[:length], name="stub")
    except MediaError as error:
        assert str(error).startswith("stub ")
    else:
        assert 0 < recording.duration < 0.1


def test_a_recording_longer_than_allowed_is_refused_and_one_just_as_long_is_not(tmp_path: Path) -> None:
    path = encode(tmp_path / "call.flac", AGENT, codec="flac")
    assert decode(path, longest=4).duration == 4
    with pytest.raises(MediaError) as raised:
        decode(path, longest=3)
    assert_one_sentence(str(raised.value), "call.flac", "is longer than the 0.05 minutes allowed")


def test_what_a_codec_adds_to_the_longest_recording_does_not_count(tmp_path: Path) -> None:
    path = encode(tmp_path / "call.aac", AGENT, codec="aac")
    assert 4 < decode(path).duration < 4.2
    assert decode(path, longest=4).duration == decode(path).duration


# Little file, much sound


def test_a_small_file_at_1_hz_is_refused_and_does_not_fill_the_memory() -> None:
    wav = bytearray(to_wav(Recording("call", CALL)))
    wav[24:28] = struct.pack("<I", 1)
    with pytest.raises(MediaError) as raised:
        decode(bytes(wav), name="slow.wav")
    assert_one_sentence(str(raised.value), "slow.wav", "has sound at 1 Hz")


def test_sound_that_goes_on_at_1_hz_is_left_out_and_does_not_fill_the_memory(tmp_path: Path) -> None:
    slow = content("ogg", "flac", tmp_path, np.zeros(200 * SAMPLE_RATE, np.int16), rate=1)
    recording = decode(content("oga", "flac", tmp_path, CALL) + slow)
    assert recording.duration == pytest.approx(4, abs=0.1)
    assert "Parts of the file are damaged" in recording.warnings[0]


def test_more_channels_than_can_be_converted_are_named_and_no_crash() -> None:
    wav = bytearray(to_wav(Recording("call", CALL)))
    wav[22:24], wav[32:34] = struct.pack("<H", 65), struct.pack("<H", 130)
    with pytest.raises(MediaError) as raised:
        decode(bytes(wav), name="many.wav")
    assert_one_sentence(str(raised.value), "many.wav", "has 65 channels")


@pytest.mark.parametrize("place", ["first", "in between", "last"])
def test_sound_that_turns_to_54_channels_is_left_out_and_no_crash(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def frame(layout: str) -> av.AudioFrame:
        made = av.AudioFrame("fltp", layout, SAMPLE_RATE // 10)
        made.sample_rate = SAMPLE_RATE
        return made

    good, odd = partial(frame, "stereo"), partial(frame, "54 channels")
    forms = {"first": [odd, good], "in between": [good, odd, good], "last": [good, odd]}[place]
    monkeypatch.setattr("helpers.media._Decoder._frames", lambda _: (make() for make in forms))
    recording = decode(to_wav(Recording("call", CALL)))
    assert recording.duration == pytest.approx(0.1 * forms.count(good), abs=0.01)
    assert any("damaged" in warning for warning in recording.warnings)


def test_64_channels_are_not_compared_in_half_a_gigabyte() -> None:
    samples = np.zeros((64, 1 << 20), np.int16)
    tracemalloc.start()
    assert channels_are_equal(samples)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50 * 2**20


# Files that name other files


@pytest.fixture
def secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a recording that lies in the working directory and was not given to `decode`."""
    monkeypatch.chdir(tmp_path)
    return encode(tmp_path / "secret.wav", AGENT, codec="pcm_s16le")


PLAYLISTS = {
    "m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{}\n#EXT-X-ENDLIST\n",
    "ffconcat": "ffconcat version 1.0\nfile '{}'\n",
    "mpd": (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
        'mediaPresentationDuration="PT4S"><Period><AdaptationSet mimeType="audio/mp4"><Representation id="1" '
        'bandwidth="9"><BaseURL>{}</BaseURL></Representation></AdaptationSet></Period></MPD>'
    ),
}


@pytest.mark.parametrize("kind", PLAYLISTS)
@pytest.mark.parametrize("relative", [True, False])
def test_a_playlist_never_opens_another_file(kind: str, relative: bool, secret: Path) -> None:
    path = secret.with_name(f"list.{kind}")
    path.write_text(PLAYLISTS[kind].format(secret.name if relative else secret))
    for source in (path, path.read_bytes()):
        with pytest.raises(MediaError) as raised:
            decode(source, name=path.name)
        says = (
            "refers to other files" if (kind, source) == ("m3u8", path) else "is not an audio or video file"
        )
        assert_one_sentence(str(raised.value), path.name, says)
    assert len(decode(secret).samples)  # it could have been read


@pytest.fixture
def asked() -> Iterator[tuple[int, list[str]]]:
    """Serve on a local port, and give the port and the list of the paths asked for."""
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_error(404)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_port, paths
        server.shutdown()


@pytest.mark.parametrize("kind", PLAYLISTS)
def test_a_playlist_never_asks_another_machine(
    kind: str, asked: tuple[int, list[str]], tmp_path: Path
) -> None:
    port, paths = asked
    path = tmp_path / f"list.{kind}"
    path.write_text(PLAYLISTS[kind].format(f"http://127.0.0.1:{port}/secret.wav"))
    for source in (path, path.read_bytes()):
        with pytest.raises(MediaError):
            decode(source, name=path.name)
    assert paths == []


def test_a_session_description_never_listens_to_the_network() -> None:
    """FFmpeg would wait on the port, and decode what anybody sends there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1] & ~1
    description = f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio {port} RTP/AVP 0\n"
    stop = threading.Event()
    sender = threading.Thread(target=send_speech, args=(port, stop), daemon=True)
    sender.start()
    try:
        with pytest.raises(MediaError, match="is not an audio or video file"):
            decode(description.encode(), longest=1.0)
    finally:
        stop.set()
        sender.join()


def send_speech(port: int, stop: threading.Event) -> None:
    """Send µ-law by RTP until told to stop."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        for number in range(30_000):
            header = struct.pack(">BBHII", 0x80, 0, number & 0xFFFF, number * 160, 7)
            line.sendto(header + os.urandom(160), ("127.0.0.1", port))
            if stop.wait(0.002):
                return


# Damage

LONG = np.tile(AGENT, 10)


@pytest.mark.parametrize(
    ("extension", "codec", "settings"),
    [
        ("mp3", "libmp3lame", {}),
        ("wav", "pcm_s16le", {}),
        ("wav", "pcm_mulaw", {"rate": 8_000}),
        ("flac", "flac", {}),
        ("mkv", "aac", {}),
        ("webm", "libopus", {}),
        ("avi", "pcm_s16le", {"video": True}),
        ("mp4", "aac", {"movflags": "faststart"}),
    ],
)
def test_a_file_that_breaks_off_gives_what_is_there_and_says_so(
    extension: str, codec: str, settings: dict[str, Any], tmp_path: Path
) -> None:
    whole = content(extension, codec, tmp_path, LONG, **settings)
    recording = decode(whole[: len(whole) // 2])
    assert 17 < recording.duration < 23
    assert likeness(LONG[: recording.samples.shape[1] - 3_200], recording.samples[0]) > 0.97
    (warning,) = recording.warnings
    assert warning.startswith(f"The file breaks off or is damaged: {recording.duration:.1f} of the ")
    declared = float(re.findall(r"[\d.]+", warning)[1])
    assert declared == pytest.approx(40, abs=0.5)


@pytest.mark.parametrize("size", [0, 0x7FFF_FFFF, 0xFFFF_FFFF])
def test_a_wav_written_before_its_length_was_known_is_not_called_broken(size: int, tmp_path: Path) -> None:
    wav = bytearray(to_wav(Recording("call", CALL)))
    for position in (4, wav.index(b"data") + 4):
        wav[position : position + 4] = struct.pack("<I", size)
    recording = decode(bytes(wav))
    np.testing.assert_array_equal(recording.samples, CALL)
    assert recording.warnings == ()


def test_a_length_that_was_only_estimated_does_not_make_a_file_broken(tmp_path: Path) -> None:
    """Silence takes few bits, so that FFmpeg expects the rest of the file to last far longer."""
    quiet = np.zeros(20 * SAMPLE_RATE, np.int16)
    samples = np.concatenate([quiet, bursts((0, 20), duration=20, noise=-30)])
    recording = decode(encode(tmp_path / "call.aac", samples, codec="aac"))
    assert recording.duration == pytest.approx(40, abs=0.1)
    assert recording.warnings == ()


@pytest.mark.parametrize(
    ("extension", "codec", "count", "says"),
    [
        ("mp3", "libmp3lame", 400, "Parts of the file are damaged and were left out"),
        ("mp3", "libmp3lame", 3_000, "damaged"),
        ("flac", "flac", 3_000, ""),  # FFmpeg's decoder passes over it in silence
    ],
)
def test_bytes_corrupted_in_the_middle_cost_only_that_part(
    extension: str, codec: str, count: int, says: str, tmp_path: Path
) -> None:
    damaged = bytearray(content(extension, codec, tmp_path, LONG))
    middle = slice(len(damaged) // 2, len(damaged) // 2 + count)
    damaged[middle] = np.random.default_rng(0).bytes(count)
    recording = decode(bytes(damaged))
    assert recording.duration == pytest.approx(40, abs=2)
    assert likeness(LONG[: 18 * SAMPLE_RATE], recording.samples[0]) > 0.97
    assert likeness(LONG[-18 * SAMPLE_RATE :], recording.samples[0, -18 * SAMPLE_RATE :]) > 0.97
    assert says in " ".join(recording.warnings)
    assert len(recording.warnings) == bool(says)


HOUR = """
import re, sys
from pathlib import Path
from helpers.media import decode

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

minute = Path(sys.argv[1]).read_bytes()
decode(minute)
hour = minute * 60
before = peak()
recording = decode(hour)
print(recording.samples.shape[0], recording.duration, peak() - before)
"""


def test_an_hour_of_stereo_does_not_take_more_memory_than_its_samples_and_a_third(tmp_path: Path) -> None:
    """The peak is of the process alone: `getrusage` would begin with that of this process, its parent."""
    if not Path("/proc/self/status").exists():
        missing("/proc/self/status")
    minute = np.tile(CALL, 15)
    path = encode(
        tmp_path / "a.mp3", minute, codec="libmp3lame", bit_rate=32_000, id3v2_version="0", write_xing="0"
    )
    ran = subprocess.run([sys.executable, "-c", HOUR, str(path)], capture_output=True, text=True, check=True)
    channels, duration, megabytes = map(float, ran.stdout.split())
    assert channels == 2
    assert duration == pytest.approx(3600, rel=0.01)
    assert megabytes < 350


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("call.wav", "pcm_s16le", {}),
        ("call.mp3", "libmp3lame", {"rate": 44_100, "write_xing": "0"}),
        ("call.m4a", "aac", {}),
        ("call.webm", "libopus", {"rate": 48_000}),
        ("late.mp4", "aac", {"rate": 48_000, "video": True, "late": 2.5}),
    ],
)
def test_a_stretch_is_where_the_whole_recording_has_it(
    tmp_path: Path, name: str, codec: str, options: dict[str, Any]
) -> None:
    noise = np.random.default_rng(0).normal(0, 3000, 20 * SAMPLE_RATE).astype(np.int16)
    path = encode(tmp_path / name, noise, codec=codec, **options)
    whole = decode(path).samples
    for start in (0.0, 2.3, 11.7, 18.0):
        with open_recording(path) as stream:
            heard = stream.stretch(start, start + 1.5).T.astype(float)
        expected = whole[:, round(start * SAMPLE_RATE) :][:, : heard.shape[1]].astype(float)
        assert heard.shape == (1, round(1.5 * SAMPLE_RATE))
        lag = int(np.argmax(np.correlate(heard[0], expected[0][400:-400]))) - 400
        assert not expected.any() or abs(lag) <= 0.001 * SAMPLE_RATE


def test_a_stretch_beyond_the_end_is_said(tmp_path: Path) -> None:
    path = encode(tmp_path / "call.wav", bursts((1, 2), duration=3), codec="pcm_s16le")
    with open_recording(path) as stream, pytest.raises(MediaError, match=r"cannot be read at 5\.0 s"):
        stream.stretch(5.0, 6.0)
    with open_recording(path) as stream:
        assert len(stream.stretch(2.5, 6.0)) == SAMPLE_RATE // 2
