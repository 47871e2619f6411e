"""Bad and odd media, each case the same bytes every time: what the front door is tried with.

A case is made when it is asked for, from a few seconds of something like a voice in each kind of file that
the app reads (``tests.test_media.HERE``), or from nothing. `NEIGHBOUR` is a recording that lies where the
worker works; what a case names, nothing may open.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from itertools import chain, product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av
import numpy as np

from tests.conftest import bursts, encode
from tests.test_media import HERE

NEIGHBOUR = "neighbour.wav"
VOICE = bursts((0.2, 0.9), (1.2, 1.9), duration=2)
FLIPS, SCRAMBLED = 40, 8  # per kind of file
HEADER = 600  # bytes, at both ends: some kinds have theirs at the end
ABSURD = (0, 1, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF)
ATOMS = (
    *("mvhd", "tkhd", "mdhd", "hdlr", "smhd", "dref", "stsd", "stts", "stsc", "stsz", "stco", "elst"),
    *("esds", "mp4a", "mdat", "moov", "trak"),
)


@dataclass(frozen=True)
class Case:
    """An upload.

    Attributes
    ----------
    name : str
        Of the case: its family, and what is wrong with it.
    file : str
        Name under which it is uploaded.
    make : callable
        Gives its bytes.
    """

    name: str
    file: str
    make: Callable[[], bytes]


def cases() -> dict[str, Case]:
    """Give all cases by name, in an order that never changes."""
    families = (_damaged(), _misnamed(), _absurd(), _absurd_inside(), _odd(), _naming_others())
    return {case.name: case for case in chain.from_iterable(families)}


# Files that were whole


def _damaged() -> Iterator[Case]:
    for extension, codec, _, settings in HERE:
        kind = f"{extension}-{codec}"
        make = partial(_whole, extension, codec, **settings)
        yield Case(f"whole/{kind}", f"call.{extension}", make)
        for length in range(1024, len(make()), 1024):
            yield Case(f"truncated/{kind}/{length}", f"call.{extension}", partial(_cut, make, length))
        for seed in range(FLIPS):
            yield Case(f"flipped/{kind}/{seed}", f"call.{extension}", partial(_flipped, make, seed))
        for seed in range(SCRAMBLED):
            yield Case(f"scrambled/{kind}/{seed}", f"call.{extension}", partial(_scrambled, make, seed))


def _misnamed() -> Iterator[Case]:
    names = [
        "call.txt",
        "call.jpg",
        "call.m3u8",
        "call",
        "../../etc/passwd.wav",
        "<b>a</b>.mp3",
        "a\n[x](y).wav",
    ]
    names += [".".join(["x" * 300, "mp3"]), "$(id).ogg", "CON.wav", "\u202egnp.wav"]
    for extension, codec, _, settings in HERE:
        for number, name in enumerate(names):
            make = partial(_whole, extension, codec, **settings)
            yield Case(f"misnamed/{extension}-{codec}/{number}", name, make)


@cache
def _whole(extension: str, codec: str, **settings: Any) -> bytes:
    sound = VOICE if "pcm" in codec or "amr" in codec else np.stack([VOICE, VOICE[::-1]])
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"whole.{extension}"
        return encode(path, sound, codec=codec, fflags="bitexact", **settings).read_bytes()


def _cut(make: Callable[[], bytes], length: int) -> bytes:
    return make()[:length]


def _flipped(make: Callable[[], bytes], seed: int) -> bytes:
    """Flip up to eight bits at the beginning or at the end."""
    content, dice = bytearray(make()), np.random.default_rng(seed)
    reach = min(HEADER, len(content))
    for _ in range(dice.integers(1, 9)):
        position = int(dice.integers(reach)) - (reach if seed % 2 else 0)
        content[position] ^= 1 << int(dice.integers(8))
    return bytes(content)


def _scrambled(make: Callable[[], bytes], seed: int) -> bytes:
    """Take a piece out, overwrite one with zeros or noise, repeat one, or put a piece of another file in."""
    content, dice = make(), np.random.default_rng(seed)
    start = int(dice.integers(len(content)))
    end = min(len(content), start + int(dice.integers(1, 4096)))
    other = _whole(*HERE[seed % len(HERE)][:2], **HERE[seed % len(HERE)][3])
    piece = [b"", bytes(end - start), dice.bytes(end - start), content[start:end] * 3, other][seed % 5]
    return content[:start] + piece + content[end:]


# Numbers that cannot be


def _absurd() -> Iterator[Case]:
    for rate in (0, 1, 7, 100, 999, 4_000, 8_000, 192_000, 768_000, 10**6, 2**31 - 1, 2**31, 2**32 - 1):
        yield Case(f"rate/wav/{rate}", "call.wav", partial(wav, VOICE.tobytes(), rate=rate))
        yield Case(f"rate/au/{rate}", "call.au", partial(_au, rate, 1))
        yield Case(f"rate/flac/{rate}", "call.flac", partial(_flac_of_rate, rate & 0xFFFFF))
    for count in (0, 1, 2, 3, 6, 8, 9, 16, 63, 64, 65, 255, 256, 1_000, 65_535):
        for tag, bits in ((1, 16), (3, 32), (7, 8), (2, 4), (0xFFFE, 16)):
            make = partial(wav, bytes(VOICE) * 8, tag=tag, bits=bits, channels=count)
            yield Case(f"channels/wav/{tag}/{count}", "call.wav", make)
        yield Case(f"channels/au/{count}", "call.au", partial(_au, 16_000, count))
    tags = (0, 1, 2, 3, 6, 7, 0x11, 0x31, 0x50, 0x55, 0x161, 0xFF, 0x2000, 0xF1AC, 0xFFFE, 0xFFFF)
    for tag, bits in product(tags, (0, 1, 4, 7, 8, 12, 24, 32, 64, 65_535)):
        make = partial(wav, VOICE.tobytes(), tag=tag, bits=bits)
        yield Case(f"codec/wav/{tag:x}/{bits}", "call.wav", make)
    for size in (*ABSURD, 24 * 3600 * 32_000, 0x7FFF_0000):
        yield Case(f"duration/wav/{size}", "call.wav", partial(wav, b"", declared=size))
        yield Case(
            f"duration/wav with sound/{size}", "call.wav", partial(wav, VOICE.tobytes(), declared=size)
        )
        yield Case(f"duration/flac/{size}", "call.flac", partial(_flac_of_length, size))


def _absurd_inside() -> Iterator[Case]:
    for kind, atom, word, value in product(("mp4", "mov", "m4a"), ATOMS, range(-1, 8), ABSURD):
        if kind == "mp4" or (word + value) % 3 == 0:
            make = partial(_atom, partial(_whole, kind, "aac", video=kind != "m4a"), atom, word, value)
            yield Case(f"atom/{kind}/{atom}/{word}/{value}", f"call.{kind}", make)
    for extension, codec in (("mkv", "aac"), ("mp4", "aac"), ("ogg", "libopus"), ("avi", "pcm_s16le")):
        for hours in (1, 30, 30_000):
            late = partial(_whole, extension, codec, video=extension != "ogg", late=hours * 3600.0)
            yield Case(f"late/{extension}/{hours} h", f"call.{extension}", late)


def wav(
    data: bytes,
    *,
    tag: int = 1,
    channels: int = 1,
    rate: int = 16_000,
    bits: int = 16,
    declared: int | None = None,
) -> bytes:
    """Make a WAV file of any header."""
    frame = channels * bits // 8 & 0xFFFF
    form = struct.pack("<HHIIHH", tag, channels, rate, rate * frame & 0xFFFF_FFFF, frame, bits)
    if tag == 0xFFFE:
        form += struct.pack("<HHI", 22, bits, 0) + b"\1\0\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71"
    size = len(data) if declared is None else declared
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", size) + data
    return b"RIFF" + struct.pack("<I", min(size + len(body) - len(data), 0xFFFF_FFFF)) + body


def _au(rate: int, channels: int) -> bytes:
    return struct.pack(">4sIIIII", b".snd", 24, 0xFFFF_FFFF, 3, rate, channels) + VOICE.byteswap().tobytes()


def _flac_of_rate(rate: int) -> bytes:
    """Change the 20 bits after the sizes of blocks and frames; frames refer to them."""
    content = bytearray(_whole("flac", "flac"))
    content[18:21] = struct.pack(">I", (rate << 12) | (content[20] & 0x0F) << 8)[:3]
    return bytes(content)


def _flac_of_length(length: int) -> bytes:
    content = bytearray(_whole("flac", "flac"))
    content[22:26] = struct.pack(">I", length)
    return bytes(content)


def _atom(make: Callable[[], bytes], atom: str, word: int, value: int) -> bytes:
    """Overwrite a word of an atom of MP4; its size is word -1."""
    content = bytearray(make())
    position = content.find(atom.encode())
    if position >= 0:
        start = position - 4 if word < 0 else position + 4 + 4 * word
        content[start : start + 4] = struct.pack(">I", value)
    return bytes(content)


# Odd sound, bombs, other tracks


def _odd() -> Iterator[Case]:
    for name, make in ODD.items():
        yield Case(f"odd/{name}", "call." + name.split()[0], make)


def _float_wav(samples: Any, bits: int = 32) -> bytes:
    with np.errstate(over="ignore"):
        return wav(np.asarray(samples, f"<f{bits // 8}").tobytes(), tag=3, bits=bits)


def _with_voice(value: float, bits: int = 32) -> bytes:
    """Put a second of one value into a voice."""
    samples = VOICE / 32768
    samples[8_000:24_000] = value
    return _float_wav(samples, bits)


def _pcm(samples: Any) -> bytes:
    return wav(np.asarray(samples).astype("<i2").tobytes())


def _silence(extension: str, codec: str, seconds: float, channels: int = 1, rate: int = 8_000) -> bytes:
    """Encode silence a minute at a time: little file, much sound."""
    buffer = io.BytesIO()
    layout = {1: "mono", 2: "stereo", 8: "7.1"}.get(channels, f"{channels}c")
    with av.open(buffer, "w", format=extension, container_options={"fflags": "bitexact"}) as output:
        stream: Any = output.add_stream(codec, rate=rate, layout=layout)
        size = stream.codec_context.frame_size or 4_096
        form = stream.codec_context.format
        frame = av.AudioFrame(form.name, layout, size)
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.sample_rate = rate
        for position in range(0, round(seconds * rate), size):
            frame.pts = position
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return buffer.getvalue()


@cache
def _png(width: int, height: int) -> bytes:
    """Make a grey picture that is small as a file, and large as pixels."""
    packer = zlib.compressobj(9)
    rows = bytes(width + 1)
    pixels = b"".join([packer.compress(rows) for _ in range(height)]) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in ((b"IHDR", head), (b"IDAT", pixels), (b"IEND", b""))
    )


def _mp3_with_cover(cover: bytes) -> bytes:
    body = b"\0image/png\0\3\0" + cover
    frame = b"APIC" + struct.pack(">I", len(body)) + b"\0\0" + body
    size = bytes(len(frame) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\3\0\0" + size + frame + _whole("mp3", "libmp3lame", id3v2_version="0")


def _muxed(extension: str, *tracks: tuple[str, bytes | None], **options: str) -> bytes:
    """Put tracks into one file: a codec with raw packets, or a codec whose sound is the voice."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=extension, container_options={"fflags": "bitexact"} | options) as output:
        streams: list[Any] = []
        for codec, raw in tracks:
            stream: Any = output.add_stream(codec, rate=16_000 if raw is None else 8_000)
            if raw is not None and stream.type == "video":
                stream.width, stream.height, stream.pix_fmt = 16, 16, "gray"
            streams.append(stream)
        for stream, (_, raw) in zip(streams, tracks, strict=True):
            if raw is None:
                resampler = av.AudioResampler(
                    stream.format, "mono", 16_000, stream.codec_context.frame_size or None
                )
                frame = av.AudioFrame.from_ndarray(VOICE[np.newaxis], "s16", "mono")
                frame.sample_rate = 16_000
                for part in [*resampler.resample(frame), *resampler.resample(None)]:
                    output.mux(stream.encode(part))
                output.mux(stream.encode(None))
            else:
                packet = av.Packet(raw)
                packet.stream, packet.pts, packet.dts, packet.duration = stream, 0, 0, 2
                output.mux(packet)
    return buffer.getvalue()


def _subtitles_only() -> bytes:
    buffer = io.BytesIO()
    given: Any = av.open(io.BytesIO(_SUBTITLES.encode()), format="srt")
    with given, av.open(buffer, "w", "matroska", container_options={"fflags": "bitexact"}) as output:
        stream = output.add_stream_from_template(given.streams[0])
        for packet in given.demux():
            if packet.dts is not None:
                packet.stream = stream
                output.mux(packet)
    return buffer.getvalue()


def _zip(depth: int) -> bytes:
    content = bytes(10_000_000)
    for _ in range(depth):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            info = zipfile.ZipInfo("call.wav")
            archive.writestr(info, content, zipfile.ZIP_DEFLATED)
        content = buffer.getvalue()
    return content


def _changing(*forms: tuple[int, int]) -> bytes:
    """Join MP3 files of other rates and channels."""
    parts = []
    for rate, channels in forms:
        with TemporaryDirectory() as folder:
            voice = np.stack([np.roll(VOICE, 4_000 * number) for number in range(channels)])
            path = Path(folder) / "a.mp3"
            encode(path, voice, codec="libmp3lame", rate=rate, id3v2_version="0", write_xing="0")
            parts.append(path.read_bytes())
    return b"".join(parts)


_LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE MPD [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
    + b'<!ENTITY x SYSTEM "file:///etc/passwd">]><MPD xmlns="urn:mpeg:dash:schema:mpd:2011">&j;&x;</MPD>'
)
_SUBTITLES = "1\n00:00:00,000 --> 00:00:02,000\nGood morning\n\n"
_KEYS = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": "0" * 32, "encryption_kid": "1" * 32}
_HOURS = 3_600.0

ODD: dict[str, Callable[[], bytes]] = {
    "wav zero bytes": bytes,
    "wav a megabyte of zeros": lambda: bytes(1 << 20),
    "wav a megabyte of noise": lambda: np.random.default_rng(0).bytes(1 << 20),
    "txt a text": lambda: b"Agent: good morning.\nCustomer: is it?\n" * 500,
    "zip a bomb": partial(_zip, 1),
    "zip a bomb in a bomb": partial(_zip, 3),
    "gz a bomb": lambda: zlib.compress(bytes(50_000_000), 9, 31),
    "png a bomb": partial(_png, 16_000, 16_000),
    "mp3 a cover": lambda: _mp3_with_cover(_png(300, 300)),
    "mp3 a bomb as cover": lambda: _mp3_with_cover(_png(16_000, 16_000)),
    "avi a bomb as film": lambda: _muxed("avi", ("png", _png(16_000, 16_000)), ("pcm_s16le", None)),
    "mov a bomb as film": lambda: _muxed("mov", ("png", _png(16_000, 16_000)), ("aac", None)),
    "mpd a billion laughs": lambda: _LAUGHS,
    "flac five hours of silence": partial(_silence, "flac", "flac", 5 * _HOURS),
    "flac an hour of silence on eight channels": partial(_silence, "flac", "flac", _HOURS, 8),
    "flac two days at 1 Hz": partial(_silence, "flac", "flac", 48 * _HOURS, 1, 1),
    "flac two days at 50 Hz": partial(_silence, "flac", "flac", 48 * _HOURS, 1, 50),
    "wav 40 s of silence on 64 channels": lambda: wav(
        bytes(64 * 8_000 * 40), channels=64, bits=8, rate=8_000
    ),
    "wav an hour at 8 bytes a second": lambda: wav(bytes(8 * 3600), bits=8, rate=8),
    "wav 20 ms": lambda: _pcm(VOICE[8_000:8_320]),
    "wav one sample": lambda: _pcm([1]),
    "wav digital silence": lambda: _pcm(np.zeros(48_000)),
    "wav full scale": lambda: _pcm(np.full(48_000, 32_767)),
    "wav clipped": lambda: _pcm(np.clip(VOICE.astype(int) * 50, -32_768, 32_767)),
    "wav DC offset": lambda: _pcm(np.clip(VOICE.astype(int) + 20_000, -32_768, 32_767)),
    **{
        f"wav {value} in {bits} bits": partial(_with_voice, value, bits)
        for value in (np.nan, np.inf, -np.inf, 1e30, 1e-40, -1e300)
        for bits in (32, 64)
    },
    "wav nothing but NaN": lambda: _float_wav(np.full(48_000, np.nan)),
    "wav nothing but infinity": lambda: _float_wav(np.full(48_000, np.inf)),
    "wav a voice and garbage": lambda: _pcm(VOICE) + np.random.default_rng(1).bytes(100_000),
    "mp3 rates that change": partial(_changing, (44_100, 2), (16_000, 1), (48_000, 1), (8_000, 2)),
    "mp3 rates that change often": lambda: _changing((44_100, 1), (22_050, 2)) * 50,
    "ogg two files in one": lambda: _whole("ogg", "libopus") + _whole("ogg", "vorbis"),
    "oga 1 Hz midway": lambda: _whole("oga", "flac") + _silence("ogg", "flac", 50_000, 1, 1),
    "wav two files in one": lambda: _pcm(VOICE) * 2,
    "mkv two tracks of sound": lambda: _muxed("matroska", ("aac", None), ("libopus", None)),
    "mkv forty tracks of sound": lambda: _muxed("matroska", *[("pcm_s16le", None)] * 40),
    "mov a track that is not what it says": lambda: _muxed("mov", ("alac", b"nothing" * 99)),
    "mp4 two tracks, one broken": lambda: _muxed("mp4", ("alac", b"nothing" * 99), ("aac", None)),
    "srt subtitles": lambda: _SUBTITLES.encode() * 99,
    "vtt subtitles": lambda: b"WEBVTT\n\n" + _SUBTITLES.replace(",", ".").encode() * 99,
    "mkv subtitles only": _subtitles_only,
    "mp4 encrypted": lambda: _muxed("mp4", ("aac", None), **_KEYS),
    "m4a of a shop that encrypts": lambda: _whole("m4a", "aac").replace(b"mp4a", b"drms"),
    "amr nothing but a header": lambda: b"#!AMR\n",
    "amr noise": lambda: b"#!AMR\n" + np.random.default_rng(2).bytes(20_000),
    "mp3 sync words": lambda: b"\xff\xfb\x90\x00" * 20_000,
    "aac sync words": lambda: b"\xff\xf1\x50\x80\x02\x1f\xfc" * 20_000,
}


# Files that name other files


_PLAYLISTS = {
    "m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{}\n#EXT-X-ENDLIST\n",
    "m3u8 of playlists": "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=9\n{}\n",
    "m3u8 with a key": '#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXT-X-KEY:METHOD=AES-128,URI="{0}"\n'
    "#EXTINF:9,\n{0}\n",
    "m3u": "#EXTM3U\n#EXTINF:9,call\n{}\n",
    "pls": "[playlist]\nFile1={}\nNumberOfEntries=1\n",
    "ffconcat": "ffconcat version 1.0\nfile '{}'\n",
    "mpd": '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period>'
    '<AdaptationSet mimeType="audio/mp4"><Representation id="1"><BaseURL>{}</BaseURL></Representation>'
    "</AdaptationSet></Period></MPD>",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns={}\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 9 RTP/AVP 0\n",
    "cue": 'FILE "{}" WAVE\n  TRACK 01 AUDIO\n    INDEX 01 00:00:00\n',
}
_NAMED = (
    NEIGHBOUR,
    f"./{NEIGHBOUR}",
    f"file:{NEIGHBOUR}",
    f"concat:{NEIGHBOUR}|{NEIGHBOUR}",
    f"subfile,,start,0,end,0,,:{NEIGHBOUR}",
    f"crypto:{NEIGHBOUR}",
    f"async:{NEIGHBOUR}",
    f"cache:{NEIGHBOUR}",
    *(f"{protocol}://127.0.0.1:9/call.wav" for protocol in ("http", "tcp", "rtmp")),
    "/etc/passwd",
    "data:audio/wav;base64,UklGRiQAAABXQVZF",
)


def _naming_others() -> Iterator[Case]:
    for kind, text in _PLAYLISTS.items():
        for number, named in enumerate(_NAMED):
            make = partial(text.format(named).encode)
            yield Case(f"names others/{kind}/{number}", "list." + kind.split()[0], make)
    for named in (NEIGHBOUR, _NAMED[-3]):
        yield Case(f"names others/mov/{named}", "call.mov", partial(_referring, named))


def _referring(named: str) -> bytes:
    """Make a film whose sound lies elsewhere."""
    content = _whole("mov", "pcm_s16le")
    own = b"\0\0\0\x0curl \0\0\0\1"
    body = named.encode() + b"\0"
    other = struct.pack(">I", 12 + len(body)) + b"url \0\0\0\0" + body
    for atom in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        start = content.index(atom) - 4
        size = struct.unpack(">I", content[start : start + 4])[0] + len(other) - len(own)
        content = content[:start] + struct.pack(">I", size) + content[start + 4 :]
    return content.replace(own, other)
