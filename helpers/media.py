"""Media in and out: any audio or video file becomes a `Recording`, a `Recording` becomes a WAV file.

Conventions: samples are int16, laid out ``[channels, n]``, at `SAMPLE_RATE`; times are seconds from the start
of the recording. FFmpeg's libraries (through PyAV) decode; nothing but the given bytes is ever opened, so a
playlist or a file that names other files fails instead of reading them.
"""

from __future__ import annotations

import io
import queue
import struct
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn, Protocol, TypeVar

import numpy as np

if TYPE_CHECKING:
    from av import AudioFifo, AudioFrame, AudioLayout, AudioResampler, AudioStream, Packet, VideoStream
    from av.container import InputContainer

from helpers.errors import MediaError
from helpers.threads import has_one_thread

SAMPLE_RATE = 16_000
LONGEST = 10 * 3600.0
LONGEST_CLIP = 60.0  # that is taken for one emotion
LONGEST_ON_PAGE = 4 * 3600.0 + 60  # where several sessions share 1 GB of memory
EXTENSIONS = (
    *("wav", "mp3", "m4a", "aac", "ogg", "oga", "opus", "flac", "wma", "amr", "3gp", "aif", "aiff", "au"),
    *("mp4", "mov", "mkv", "webm", "avi", "m4v"),
)

_BLOCK = 1 << 20
_DECODED_AT_ONCE = 1 << 17  # samples of all channels together, after their conversion to `SAMPLE_RATE`
_AHEAD = 4  # frames of that many samples that are decoded before they are asked for
_RATES = range(2_000, 768_001)  # below, no speech is left, and little file would become much sound
_MOST_CHANNELS = 64  # that FFmpeg converts
_EQUAL_CHANNELS_DB = -40.0
_BROWSER_TYPES = {
    ("mp3", "mp3"): "audio/mpeg",
    ("wav", "pcm_s16le"): "audio/wav",
    ("wav", "pcm_u8"): "audio/wav",
    ("flac", "flac"): "audio/flac",
    ("ogg", "vorbis"): "audio/ogg",
    ("ogg", "opus"): "audio/ogg",
    ("mov,mp4,m4a,3gp,3g2,mj2", "aac"): "audio/mp4",
    ("matroska,webm", "opus"): "audio/webm",
    ("matroska,webm", "vorbis"): "audio/webm",
}

_MICROSECONDS = 1_000_000  # FFmpeg counts a container's times in these
_NOTHING_ELSE = {"protocol_whitelist": "none"}  # for demuxers that open files or sockets past `io_open`
_TAGS_OF_ANY_ENCODING = {"metadata_errors": "ignore"}  # a setting that PyAV 19 neither has nor needs
_STREAMED_RIFF = 0x7FFF_0000  # a size from here on was written before the length was known
_LENGTHLESS = ("aac", "amr", "mp3")  # bare frames
_DURATION_SLACK = 1.0
_ROUNDED_UP = 0.2  # seconds, by which a codec may lengthen a recording
_LONGEST_DELAY = 60.0
_RUN_UP = 0.5  # seconds that a decoder gets before a stretch

Source = str | Path | bytes | BinaryIO


class Sound(Protocol):
    """What can be heard piece by piece: a `Recording` or a `RecordingStream`."""

    @property
    def name(self) -> str:
        """Name to show."""

    @property
    def duration(self) -> float:
        """Length as far as it is known before [seconds]."""

    @property
    def browser_type(self) -> str | None:
        """As of `Recording`."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """As of `Recording`; known at the end."""

    @property
    def has_pictures(self) -> bool:
        """As of `Recording`."""

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield the samples [shape=(n, channels), dtype=int16]."""


@dataclass(frozen=True, eq=False)
class Recording:
    """A decoded recording.

    Attributes
    ----------
    name : str
        File name without folders, for display only.
    samples : np.ndarray [shape=(channels, n), dtype=int16]
        At `SAMPLE_RATE`. Channels that are equal have been made one.
    browser_type : str or None
        MIME type under which a browser can play the original file, or None where it needs a WAV.
    warnings : tuple of str
        One sentence each on what was wrong with the file although it could be read.
    has_pictures : bool
        Whether it is a video; a cover picture does not count.
    """

    name: str
    samples: np.ndarray
    browser_type: str | None = None
    warnings: tuple[str, ...] = ()
    has_pictures: bool = False

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.samples.shape[1] / SAMPLE_RATE

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels, as of `channel_names`."""
        return channel_names(len(self.samples))

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield the samples piece by piece, as of `RecordingStream`."""
        for start in range(0, max(self.samples.shape[1], 1), _BLOCK):
            yield self.samples[:, start : start + _BLOCK].T


class RecordingStream:
    """A recording that is decoded while it is heard, and never held as a whole.

    Attributes
    ----------
    name : str
        File name without folders, for display only.
    browser_type : str or None
        As of `Recording`.
    warnings : tuple of str
        As of `Recording`; known when all blocks were given.
    has_pictures : bool
        As of `Recording`.
    """

    def __init__(self, decoder: _Decoder, name: str, longest: float) -> None:
        self.name = name
        self.browser_type = decoder.browser_type
        self.has_pictures = decoder.has_pictures
        self.warnings: tuple[str, ...] = ()
        self._decoder = decoder
        self._longest = longest

    @property
    def duration(self) -> float:
        """What the file declares [seconds]; 0 where it does not."""
        return self._decoder.expected_duration

    def blocks(self) -> Iterator[np.ndarray]:
        """Decode, once.

        Yields
        ------
        np.ndarray [shape=(n, channels), dtype=int16]
            At `SAMPLE_RATE`.

        Raises
        ------
        MediaError
            There is no sound in it, or more than was allowed.
        """
        count = 0
        for block in self._decoder.blocks():
            count += len(block)
            if count > (self._longest + _ROUNDED_UP) * SAMPLE_RATE:
                raise MediaError(
                    f"{self.name} is longer than the {self._longest / 60:g} minutes allowed: "
                    "cut it into parts."
                )
            if len(block):
                yield block
        if not count:
            raise MediaError(
                f"{self.name} has an audio track of zero length: check that it was recorded and saved."
            )
        warning = self._decoder.warning(count / SAMPLE_RATE)
        self.warnings = (warning,) if warning else ()

    def stretch(self, start: float, end: float) -> np.ndarray:
        """Decode a stretch alone, which the file's timestamps lead to.

        It is as quick at the end of a long recording as at its beginning, and within a millisecond of where
        `blocks` has it, unless the timestamps are wrong.

        Parameters
        ----------
        start, end : float
            Of the stretch [seconds].

        Returns
        -------
        np.ndarray [shape=(n, channels), dtype=int16]
            At `SAMPLE_RATE`, as far as the recording has it.

        Raises
        ------
        MediaError
            There is nothing, or the file has no timestamps.
        """
        samples = self._decoder.stretch(start, end)
        if not len(samples):
            raise MediaError(f"{self.name} cannot be read at {start:.1f} s: choose another place.")
        return samples


def channel_names(count: int) -> tuple[str, ...]:
    """Name the channels of a recording: mono, or left and right, or channel 1, channel 2 ….

    Parameters
    ----------
    count : int

    Returns
    -------
    tuple of str
    """
    named = {1: ("mono",), 2: ("left", "right")}
    return named.get(count) or tuple(f"channel {number + 1}" for number in range(count))


def sound_channel(lane: str) -> str:
    """Name the channel on which somebody is heard: voices told apart, such as "mono A", are on "mono".

    Parameters
    ----------
    lane : str
        Channel of a segment.

    Returns
    -------
    str
    """
    (mono,) = channel_names(1)
    return mono if lane.startswith(mono) else lane


@contextmanager
def open_recording(
    source: Source, *, name: str | None = None, longest: float = LONGEST
) -> Iterator[RecordingStream]:
    """Open any media file that FFmpeg knows, to hear it piece by piece within the context.

    Parameters
    ----------
    source : str, Path, bytes or binary file
        The file or its content.
    name : str, optional
        Name to show; by default that of the file.
    longest : float > 0
        Longest recording to accept [seconds].

    Yields
    ------
    RecordingStream
        Of a damaged or truncated file, what can be read.

    Raises
    ------
    MediaError
        The file does not exist, is empty, is not media or has no audio.
    """
    name = name or _name_of(source)
    with _opened(source, name) as stream:
        share_there = _share_there(stream)
        with _open_container(stream, name) as container:
            decoder = _Decoder(container, _audio_of(container, name), share_there)
            try:
                yield RecordingStream(decoder, name, longest)
            finally:
                decoder.close()


def decode(
    source: Source,
    *,
    name: str | None = None,
    longest: float = LONGEST,
    progress: Callable[[float], None] | None = None,
) -> Recording:
    """Decode the audio of any media file that FFmpeg knows, keeping its channels, at `SAMPLE_RATE`.

    Parameters
    ----------
    source : str, Path, bytes or binary file
        The file or its content.
    name : str, optional
        Name to show; by default that of the file.
    longest : float > 0
        Longest recording to accept [seconds].
    progress : callable, optional
        Called now and then with the share decoded so far, in [0, 1], as far as the file declares its length.

    Returns
    -------
    Recording
        A damaged or truncated file gives what could be read, with a warning.

    Raises
    ------
    MediaError
        The file does not exist, is empty, is not media, has no audio, or is longer than `longest`.
    """
    with open_recording(source, name=name, longest=longest) as stream:
        samples = _collected(stream, progress or (lambda share: None))
        return Recording(
            stream.name, samples.finished(), stream.browser_type, stream.warnings, stream.has_pictures
        )


def declared_duration(beginning: bytes) -> float:
    """Read how long a recording says that it is.

    Parameters
    ----------
    beginning : bytes
        Of the file, or all of it.

    Returns
    -------
    float
        Length [seconds]; 0 where the beginning does not say.
    """
    try:
        stream = io.BytesIO(beginning)
        share_there = _share_there(stream)
        with _open_container(stream, "recording") as container:
            return (container.duration or 0) / _MICROSECONDS / share_there
    except MediaError:
        return 0.0


def to_wav(recording: Sound) -> bytes:
    """Encode a recording as a 16-bit PCM WAV file.

    Parameters
    ----------
    recording : Sound
        With any number of channels.

    Returns
    -------
    bytes
        The whole file.
    """
    import soundfile

    buffer = io.BytesIO()
    blocks = recording.blocks()
    first = next(blocks, np.empty((0, 1), np.int16))
    with soundfile.SoundFile(buffer, "w", SAMPLE_RATE, first.shape[1], "PCM_16", format="WAV") as wav:
        for block in chain([first], blocks):
            wav.write(block)
    return buffer.getvalue()


def channels_are_equal(samples: np.ndarray) -> bool:
    """Tell whether all channels carry the same sound, up to a rest of -40 dB.

    Parameters
    ----------
    samples : np.ndarray [shape=(channels, n), dtype=int16]

    Returns
    -------
    bool
    """
    difference = total = 0.0
    for block in _float_blocks(samples):
        others = block[1:] - block[0]
        difference += float(np.vdot(others, others))
        total += float(np.vdot(block, block))
    return difference <= total * 10 ** (_EQUAL_CHANNELS_DB / 10)


def shared_sound(recording: Recording) -> float:
    """Correlate the first two channels: near 1 for a stereo recording of one scene, near 0 for two lines.

    Parameters
    ----------
    recording : Recording
        With at least two channels.

    Returns
    -------
    float
        Pearson correlation of the waveforms at zero lag, in [-1, 1]; 0 where a channel is silent.
    """
    left_left = right_right = left_right = 0.0
    for left, right in _float_blocks(recording.samples[:2]):
        left_left += float(left @ left)
        right_right += float(right @ right)
        left_right += float(left @ right)
    if not left_left or not right_right:
        return 0.0
    return left_right / float(np.sqrt(left_left * right_right))


def mixed(recording: Recording) -> Recording:
    """Mix all channels into one by their mean.

    Parameters
    ----------
    recording : Recording
        With any number of channels.

    Returns
    -------
    Recording
        With one channel.
    """
    samples = recording.samples
    if len(samples) == 1:
        return recording
    mono = np.concatenate([mean_of_channels(block) for block in recording.blocks()])
    return replace(recording, samples=mono[np.newaxis])


def mean_of_channels(block: np.ndarray) -> np.ndarray:
    """Mix the channels of a block by their mean.

    Parameters
    ----------
    block : np.ndarray [shape=(n, channels), dtype=int16]

    Returns
    -------
    np.ndarray [shape=(n,), dtype=int16]
    """
    return block.mean(axis=1, dtype=np.float32).round().astype(np.int16)


class FrameConverter:
    """Turns decoded frames into blocks of samples at `SAMPLE_RATE`, with the channels of the first frame."""

    def __init__(self) -> None:
        self._layout: AudioLayout | None = None
        self._form: tuple[str, str, int] | None = None
        self._resampler: AudioResampler | None = None

    def convert(self, frame: AudioFrame) -> Iterator[np.ndarray]:
        """Convert one frame.

        Parameters
        ----------
        frame : av.AudioFrame
            Of any form; it may differ from that of the frame before.

        Yields
        ------
        np.ndarray [shape=(n, channels), dtype=int16]
            As far as the resampler has them; the rest comes with the next frames.

        Raises
        ------
        av.FFmpegError
            The frame cannot be brought to the channels of the first; those after it may be.
        """
        import av

        form = (frame.format.name, frame.layout.name, frame.sample_rate)
        if form != self._form:
            yield from self.finish()
            self._layout = self._layout or frame.layout
            self._form = form
        resampler, self._resampler = self._resampler, None  # one that fails is of no use any more
        resampler = resampler or av.AudioResampler("s16", self._layout, SAMPLE_RATE)
        converted = resampler.resample(frame)
        self._resampler = resampler
        yield from _arrays(converted)

    def finish(self) -> Iterator[np.ndarray]:
        """Yield what the resampler still holds [shape=(n, channels), dtype=int16]."""
        if self._resampler is not None:
            yield from _arrays(self._resampler.resample(None))
            self._resampler = self._form = None


class _GrowingSamples:
    """Int16 samples of unknown number, in one array that grows in place.

    Interleaved, because then growing only appends: the allocator moves pages instead of copying them, and
    pages that nothing was written to take no memory.
    """

    def __init__(self, channels: int) -> None:
        self._samples = np.empty((_BLOCK, channels), np.int16)
        self.length = 0

    def append(self, block: np.ndarray) -> None:
        end = self.length + len(block)
        if end > len(self._samples):
            self._resize(max(end, len(self._samples) * 3 // 2))
        self._samples[self.length : end] = block
        self.length = end

    def finished(self) -> np.ndarray:
        """Give the samples as ``[channels, n]``, equal channels as one; nothing may be appended after."""
        self._resize(self.length)
        if self._samples.shape[1] > 1 and channels_are_equal(self._samples.T):
            self._keep_first_channel()
        return self._samples.T

    def _resize(self, length: int) -> None:
        self._samples.resize((length, self._samples.shape[1]), refcheck=False)

    def _keep_first_channel(self) -> None:
        flat = self._samples.reshape(-1)
        for start in range(0, self.length, _BLOCK):
            end = min(start + _BLOCK, self.length)
            flat[start:end] = self._samples[start:end, 0].copy()
        del flat
        self._samples.resize((self.length, 1), refcheck=False)


def _name_of(source: Source) -> str:
    given = source if isinstance(source, str | Path) else getattr(source, "name", None)
    return Path(str(given)).name if given else "recording"


@contextmanager
def _opened(source: Source, name: str) -> Iterator[BinaryIO]:
    """Open a path or bytes for the duration of the context; a caller's own file stays open after it."""
    try:
        with _stream(source) as stream:
            if stream.seek(0, io.SEEK_END) == 0:
                raise MediaError(f"{name} is empty: choose a file that has content.")
            stream.seek(0)
            yield stream
    except FileNotFoundError:
        raise MediaError(f"{name} does not exist: check the path.") from None
    except OSError as error:
        raise MediaError(
            f"{name} cannot be read ({error.strerror}): choose a file that you may open."
        ) from None


def _stream(source: Source) -> AbstractContextManager[BinaryIO]:
    if isinstance(source, str | Path):
        return Path(source).open("rb")
    return io.BytesIO(source) if isinstance(source, bytes) else nullcontext(source)


def _share_there(stream: BinaryIO) -> float:
    """Give how much is there of what a RIFF file (WAV, AVI) declares; FFmpeg takes it for the whole."""
    kind, declared = struct.unpack("<4sI", stream.read(8).ljust(8, b"\0"))
    there = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    return min(1.0, there / (declared + 8)) if kind == b"RIFF" and declared < _STREAMED_RIFF else 1.0


def _open_container(stream: BinaryIO, name: str) -> InputContainer:
    import av

    def refuse_other_files(url: str, flags: int, options: dict[str, str]) -> NoReturn:
        raise MediaError(f"{name} refers to other files or addresses: choose the recording itself.")

    settings: dict[str, Any] = _TAGS_OF_ANY_ENCODING if int(av.__version__.split(".")[0]) < 19 else {}
    try:
        return av.open(
            stream,
            "r",
            io_open=refuse_other_files,
            container_options=_NOTHING_ELSE,
            buffer_size=_BLOCK,
            **settings,
        )
    except (av.FFmpegError, ValueError):
        raise MediaError(
            f"{name} is not an audio or video file, or is damaged from its start: "
            "choose a recording such as WAV, MP3 or MP4."
        ) from None


def _audio_of(container: InputContainer, name: str) -> AudioStream:
    import av

    if not container.streams.audio:
        raise MediaError(f"{name} has no audio track: choose a recording with sound.")
    audio = container.streams.best("audio")
    if not isinstance(audio, av.AudioStream) or audio.codec_context is None:
        raise MediaError(f"{name} has sound of a kind that cannot be decoded: convert it to WAV or MP3.")
    sound = audio.codec_context
    if sound.sample_rate and sound.sample_rate not in _RATES:
        raise MediaError(f"{name} has sound at {sound.sample_rate} Hz: convert it to 16000 Hz.")
    if sound.channels > _MOST_CHANNELS:
        raise MediaError(f"{name} has {sound.channels} channels: choose one with {_MOST_CHANNELS} at most.")
    return audio


def _collected(stream: RecordingStream, progress: Callable[[float], None]) -> _GrowingSamples:
    blocks = stream.blocks()
    first = next(blocks)
    samples = _GrowingSamples(first.shape[1])
    for block in chain([first], blocks):
        samples.append(block)
        progress(min(1.0, samples.length / SAMPLE_RATE / max(stream.duration, 1.0)))
    return samples


class _Decoder:
    """The audio of an open container as blocks of samples at `SAMPLE_RATE`, going on after damage."""

    def __init__(self, container: InputContainer, audio: AudioStream, share_there: float) -> None:
        self._container = container
        self._audio = audio
        self._decoding: Generator[AudioFrame] | None = None
        self._damaged = False
        self._ends: dict[int, int] = {}
        self._time_bases: dict[int, float] = {}
        # Some builds name the same codec after its implementation: mp3float, libopus.
        codec = audio.codec_context.codec.canonical_name
        self.has_pictures = any(not _is_cover(video) for video in container.streams.video)
        self.browser_type = _BROWSER_TYPES.get((container.format.name, codec))
        self._share_there = share_there
        self.expected_duration = (container.duration or 0) / _MICROSECONDS
        self._declared_duration = self.expected_duration if self._declares_duration() else 0.0

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield int16 blocks [shape=(n, channels)], the first of them silence where the audio starts late."""
        converter = FrameConverter()
        frames = _joined(self._frames())
        self._decoding = frames if has_one_thread() else _ahead(frames)
        for number, frame in enumerate(self._decoding):
            if not number:
                yield self._delay(frame.layout.nb_channels)
            yield from self._converted(frame, converter)
        yield from converter.finish()

    def stretch(self, start: float, end: float) -> np.ndarray:
        """Give the samples of a stretch [shape=(n, channels), dtype=int16]; none where it is not found."""
        import av

        zero = self._container.start_time or 0
        try:
            self._container.seek(zero + round(max(start - _RUN_UP, 0.0) * _MICROSECONDS))
        except av.FFmpegError:
            return np.empty((0, 1), np.int16)
        converter = FrameConverter()
        blocks: list[np.ndarray] = []
        first: int | None = None  # the sample that they begin with
        for frame in self._frames():
            if frame.time is None:
                break
            time = frame.time - zero / _MICROSECONDS
            first = round(time * SAMPLE_RATE) if first is None else first
            blocks += self._converted(frame, converter)
            if time > end:
                break
        blocks += converter.finish()
        if first is None or not blocks:
            return np.empty((0, 1), np.int16)
        begin, beyond = round(start * SAMPLE_RATE), round(end * SAMPLE_RATE)
        silence = np.zeros((max(min(first, beyond) - begin, 0), blocks[0].shape[1]), np.int16)
        heard = np.concatenate(blocks)[max(begin - first, 0) : max(beyond - first, 0)]
        return np.concatenate([silence, heard])

    def close(self) -> None:
        """Stop decoding, before the container may be closed."""
        if self._decoding:
            self._decoding.close()

    def warning(self, duration: float) -> str:
        """Say what is wrong with the file, after its `duration` [seconds] was decoded; empty if nothing."""
        declared = max(self._declared_duration, duration / self._share_there)
        reached = self._reached()
        if declared - reached > max(_DURATION_SLACK, 0.01 * declared):
            read = f"{duration:.1f} of the {declared:.1f} s it declares could be read"
            return f"The file breaks off or is damaged: {read}."
        if self._damaged:
            return "Parts of the file are damaged and were left out; times after them may be early."
        return ""

    def _reached(self) -> float:
        """Give the time at which the last packet of any track ends [seconds]; 0 if unknown."""
        return max((end * self._time_bases[track] for track, end in self._ends.items()), default=0.0)

    def _frames(self) -> Iterator[AudioFrame]:
        import av

        packets = self._container.demux()
        while True:
            try:
                packet = next(packets)
                track = packet.stream.index
                if track not in self._ends:
                    self._time_bases[track] = float(packet.time_base or 0)
                self._ends[track] = max(self._ends.get(track, 0), _end(packet))
                if track == self._audio.index:
                    yield from filter(self._is_usable, self._audio.decode(packet))
            except StopIteration:
                return
            except (av.FFmpegError, ValueError):  # PyAV's own, of a decoder that did not open
                self._damaged = True

    def _converted(self, frame: AudioFrame, converter: FrameConverter) -> Iterator[np.ndarray]:
        import av

        try:
            yield from converter.convert(frame)
        except av.FFmpegError:
            self._damaged = True

    def _is_usable(self, frame: AudioFrame) -> bool:
        """Tell whether a frame can be converted; the form of sound may change on the way."""
        usable = frame.sample_rate in _RATES and 0 < frame.layout.nb_channels <= _MOST_CHANNELS
        self._damaged = self._damaged or not usable
        return usable

    def _delay(self, channels: int) -> np.ndarray:
        """Give silence for the time by which the audio of a video starts after its pictures."""
        starts = (self._audio.start_time or 0) * (self._audio.time_base or 0)
        delay = float(starts) - (self._container.start_time or 0) / _MICROSECONDS
        return np.zeros((round(min(max(delay, 0.0), _LONGEST_DELAY) * SAMPLE_RATE), channels), np.int16)

    def _declares_duration(self) -> bool:
        """Tell whether the file says its length, as an MP3 file with a start tag, or FFmpeg estimated it."""
        return self._container.format.name not in _LENGTHLESS or bool(self._audio.start_time)


def _joined(frames: Iterator[AudioFrame]) -> Generator[AudioFrame]:
    """Make frames of one form as large as they cost least to convert, but no larger."""
    import av

    fifo, form, size = av.AudioFifo(), None, 0
    for frame in frames:
        frame.pts = None
        own = (frame.format.name, frame.layout.name, frame.sample_rate)
        if own != form:
            yield from _rest(fifo)
            fifo, form = av.AudioFifo(), own
            share = min(frame.sample_rate / SAMPLE_RATE, 1.0) / frame.layout.nb_channels
            size = max(round(_DECODED_AT_ONCE * share), 1)
        fifo.write(frame)
        while piece := fifo.read(size):
            yield piece
    yield from _rest(fifo)


def _rest(fifo: AudioFifo) -> Iterator[AudioFrame]:
    if rest := fifo.read():
        yield rest


_Item = TypeVar("_Item")


def _ahead(items: Iterator[_Item]) -> Generator[_Item]:
    """Have a thread make the items, a few of them before they are asked for."""
    made: queue.Queue[tuple[_Item] | BaseException | None] = queue.Queue(_AHEAD)
    given_up = threading.Event()

    def make() -> None:
        outcome: BaseException | None = None
        try:
            for item in items:
                made.put((item,))
                if given_up.is_set():
                    return
        except BaseException as error:  # which the thread that asks has to see
            outcome = error
        made.put(outcome)

    thread = threading.Thread(target=make, name="decode", daemon=True)
    thread.start()
    try:
        while isinstance(item := made.get(), tuple):
            yield item[0]
        if item:
            raise item
    finally:
        given_up.set()
        while thread.is_alive():
            _emptied(made)
            thread.join(0.01)


def _emptied(items: queue.Queue[Any]) -> None:
    while not items.empty():
        items.get_nowait()


def _is_cover(video: VideoStream) -> bool:
    import av

    return bool(video.disposition & av.stream.Disposition.attached_pic)


def _end(packet: Packet) -> int:
    """Give the time at which a packet ends [in the time base of its track]; 0 if unknown."""
    start = packet.dts if packet.pts is None else packet.pts
    return (start or 0) + (packet.duration or 0)


def _arrays(frames: list[AudioFrame]) -> Iterator[np.ndarray]:
    for frame in frames:
        yield frame.to_ndarray().reshape(-1, frame.layout.nb_channels)


def _float_blocks(samples: np.ndarray) -> Iterator[np.ndarray]:
    """Yield [shape=(channels, n), dtype=float32] blocks in [-1, 1)."""
    size = 2 * _BLOCK // max(len(samples), 2)
    for start in range(0, samples.shape[1], size):
        yield samples[:, start : start + size] * np.float32(1 / 32768)
