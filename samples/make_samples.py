"""Make the sample calls: synthetic speech only, nobody spoke them.

``python samples/make_samples.py`` has flite (Debian package ``flite``) speak the lines of
``dialogues.toml``, puts the agent on the left and the customer on the right channel of a telephone
line, and writes one file per call. The same dialogues give the same calls.
"""

import argparse
import shutil
import subprocess
import tempfile
import tomllib
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
from moviepy import VideoClip
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from pydub import AudioSegment
from pydub.silence import detect_leading_silence
from scipy.ndimage import uniform_filter1d
from scipy.signal import butter, resample_poly, sosfilt

HERE = Path(__file__).parent
NOTICE = "Synthetic speech (flite): nobody spoke this call."

SAMPLE_RATE = 8000  # Hz, of a telephone line
PHONE_BAND = (300.0, 3400.0)  # Hz
TILT_CENTRE = 1000.0  # Hz, where vocal effort neither raises nor lowers the spectrum
SYLLABLE = 1000  # samples, over which the level of a syllable is measured
SYLLABLE_RANGE = (0.01, 10.0)  # powers of the syllables relative to the line's, as far as they count
ROUGH_BAND = (30.0, 150.0)  # Hz, of the amplitude modulation that is heard as roughness
FULL_SCALE = 32767.0  # the largest sample
OVERLOAD = 0.5 * FULL_SCALE  # the largest sample that the telephone transmits
KNEE = 0.75 * OVERLOAD  # from where the telephone compresses peaks
SPEECH_LEVEL = -28.0  # dBFS, RMS of a line in the neutral delivery
TAIL = 0.8  # seconds of line noise after the last word

FRAME_SIZE = (640, 360)  # pixels, of the video
FRAME_RATE = 5  # frames per second
LANE_LEFT, LANE_RIGHT = 150, 610  # pixels: where the waveforms begin and end
INK, PAPER, FAINT = "#1f2937", "#f9fafb", "#6b7280"
LANES = (("agent", 190, "#2563eb"), ("customer", 280, "#d97706"))  # centre in pixels and colour

ENCODINGS: dict[str, dict[str, Any]] = {
    ".mp3": {"format": "mp3", "codec": "libmp3lame", "bitrate": "64k", "parameters": ["-joint_stereo", "0"]},
    ".ogg": {"format": "ogg", "codec": "libopus", "bitrate": "48k"},
    ".flac": {"format": "flac"},
    ".mp4": {"format": "mp4", "codec": "aac", "bitrate": "48k", "parameters": ["-aac_ms", "0"]},
}


@dataclass(frozen=True)
class Speaker:
    """A flite voice with its neutral pitch (mean and standard deviation, Hz) and formant factor."""

    voice: str
    pitch: float
    pitch_range: float
    tract: float


@dataclass(frozen=True)
class Delivery:
    """How a mood differs from neutral.

    Attributes
    ----------
    pitch : float
        Of the mean [semitones].
    pitch_range, rate : float
        Factors.
    loudness : float
        Of the line [dB].
    effort : float
        Tilt of the spectrum [dB per octave]: positive for a pressed, loud voice, negative for a soft one.
    roughness : float
        Depth of the irregular amplitude modulation, relative to the amplitude; 0 is a clean voice.
    emphasis : float
        Gain of a syllable [dB per dB of its level above the line's]: positive stresses the stressed ones.
    """

    pitch: float
    pitch_range: float
    rate: float
    loudness: float
    effort: float
    roughness: float
    emphasis: float


@dataclass(frozen=True)
class Line:
    """What the ``"agent"`` or the ``"customer"`` says, after a pause in seconds (negative: interrupting)."""

    speaker: str
    mood: str
    pause: float
    text: str


@dataclass(frozen=True)
class Call:
    """A dialogue, the file it goes into and, for each side, the speaker and the noise (dB under speech)."""

    file: str
    title: str
    speakers: dict[str, Speaker]
    noise: dict[str, float]
    lines: list[Line]


def read_dialogues(path: Path) -> tuple[list[Call], dict[str, Delivery]]:
    """Read the calls and the deliveries.

    Parameters
    ----------
    path : Path
        A TOML file laid out as ``dialogues.toml``.

    Returns
    -------
    tuple of (list of Call, dict of str to Delivery)
        The calls in the order of the file, and the deliveries by mood.
    """
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    speakers = {name: Speaker(**settings) for name, settings in data["speaker"].items()}
    calls = [
        Call(
            file=entry["file"],
            title=entry["title"],
            speakers={side: speakers[entry[side]] for side in ("agent", "customer")},
            noise={side: entry[f"noise_{side}"] for side in ("agent", "customer")},
            lines=[Line(**line) for line in entry["line"]],
        )
        for entry in data["call"]
    ]
    return calls, {mood: Delivery(**settings) for mood, settings in data["delivery"].items()}


def speak(text: str, speaker: Speaker, delivery: Delivery) -> AudioSegment:
    """Say one line over the telephone.

    Parameters
    ----------
    text : str
        The words.
    speaker : Speaker
        Whose voice.
    delivery : Delivery
        In which mood.

    Returns
    -------
    AudioSegment
        The line without silence around it: mono, 8 kHz, 300-3400 Hz, with an RMS level of -28 dBFS
        plus the loudness of the delivery, less what the telephone takes from the loudest peaks.
    """
    voice = _roughen(_synthesise(text, speaker, delivery), delivery.roughness, seed=text)
    voice = _emphasise(_tilt(voice, delivery.effort), delivery.emphasis)
    samples = _through_phone(voice)
    line = _to_segment(samples * FULL_SCALE / np.abs(samples).max())
    quiet = line.dBFS - 25
    before, after = (detect_leading_silence(way, quiet, chunk_size=5) for way in (line, line.reverse()))
    line = line[before : len(line) - after].fade_in(5).fade_out(5)
    gain = SPEECH_LEVEL + delivery.loudness - line.dBFS
    return _to_segment(_saturate(np.array(line.get_array_of_samples()) * 10 ** (gain / 20)))


def _synthesise(text: str, speaker: Speaker, delivery: Delivery) -> NDArray[np.float64]:
    """Have flite say a text, and return it at 8 kHz.

    The formants are moved by playing the speech faster by the factor ``tract``; flite is asked for a
    pitch and a rate that are lower by the same factor.
    """
    flite = shutil.which("flite")
    if flite is None:
        raise SystemExit("flite is not installed: apt-get install flite")
    pitch = speaker.pitch * 2 ** (delivery.pitch / 12)
    pitch_range = speaker.pitch_range * delivery.pitch_range * pitch / speaker.pitch
    settings = {
        "int_f0_target_mean": pitch / speaker.tract,
        "int_f0_target_stddev": pitch_range / speaker.tract,
        "duration_stretch": speaker.tract / delivery.rate,
    }
    options = [option for name, value in settings.items() for option in ("--setf", f"{name}={value:.4f}")]
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder, "line.wav")
        subprocess.run([flite, "-voice", speaker.voice, *options, "-t", text, "-o", wav], check=True)
        speech = AudioSegment.from_wav(wav)
    samples = np.array(speech.get_array_of_samples(), dtype=np.float64)
    return resample_poly(samples, SAMPLE_RATE, round(speech.frame_rate * speaker.tract))


def _roughen(samples: NDArray[np.float64], roughness: float, *, seed: str) -> NDArray[np.float64]:
    """Modulate the amplitude irregularly, as rough voices do (Arnal et al. 2015); its seed is the text."""
    generator = np.random.default_rng(zlib.crc32(seed.encode()))
    modulation = _band_pass(generator.normal(size=len(samples)), ROUGH_BAND, order=2)
    return samples * (1 + roughness * modulation / modulation.std())


def _tilt(samples: NDArray[np.float64], effort: float) -> NDArray[np.float64]:
    """Tilt the spectrum around 1 kHz by so many dB per octave, within the band of the telephone."""
    frequencies = np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE)
    gain = effort * np.log2(np.clip(frequencies, *PHONE_BAND) / TILT_CENTRE)  # dB
    return np.fft.irfft(np.fft.rfft(samples) * 10 ** (gain / 20), len(samples))


def _emphasise(samples: NDArray[np.float64], emphasis: float) -> NDArray[np.float64]:
    """Make syllables that are louder than the line louder still, and quieter ones quieter."""
    power = uniform_filter1d(np.square(samples), SYLLABLE)
    relative = np.clip(power / power.mean(), *SYLLABLE_RANGE)
    return samples * relative ** (emphasis / 2)


def _through_phone(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    return _band_pass(samples, PHONE_BAND, order=6)


def _band_pass(samples: NDArray[np.float64], band: tuple[float, float], *, order: int) -> NDArray[np.float64]:
    return sosfilt(butter(order, band, "bandpass", fs=SAMPLE_RATE, output="sos"), samples)


def _saturate(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compress peaks beyond the knee towards the overload point, as a telephone does that is shouted at."""
    size, room = np.abs(samples), OVERLOAD - KNEE
    return np.sign(samples) * np.where(size < KNEE, size, KNEE + room * np.tanh((size - KNEE) / room))


def _to_segment(samples: NDArray[np.float64]) -> AudioSegment:
    data = np.round(samples).astype(np.int16).tobytes()
    return AudioSegment(data, sample_width=2, frame_rate=SAMPLE_RATE, channels=1)


def record(call: Call, deliveries: dict[str, Delivery]) -> AudioSegment:
    """Hold a call and record it.

    Parameters
    ----------
    call : Call
        The dialogue.
    deliveries : dict of str to Delivery
        The deliveries by mood.

    Returns
    -------
    AudioSegment
        Two channels at 8 kHz: the agent on the left, the customer on the right, each with only its own
        voice and its own noise.
    """
    spoken: list[tuple[str, int, AudioSegment]] = []
    end = 0  # milliseconds
    for line in call.lines:
        speech = speak(line.text, call.speakers[line.speaker], deliveries[line.mood])
        start = end + round(1000 * line.pause)
        end = max(end, start + len(speech))
        spoken.append((line.speaker, start, speech))
    channels = []
    for side in ("agent", "customer"):
        channel = _line_noise(call, side, end / 1000 + TAIL)
        for speaker, start, speech in spoken:
            if speaker == side:
                channel = channel.overlay(speech, position=start)
        channels.append(channel)
    return AudioSegment.from_mono_audiosegments(*channels)


def _line_noise(call: Call, side: str, duration: float) -> AudioSegment:
    """Return the noise of one side's line; its seed is the call and the side."""
    generator = np.random.default_rng(zlib.crc32(f"{call.file} {side}".encode()))
    noise = _to_segment(_through_phone(generator.normal(scale=1000, size=round(SAMPLE_RATE * duration))))
    return noise.apply_gain(SPEECH_LEVEL - call.noise[side] - noise.dBFS)


def write(call: Call, recording: AudioSegment, folder: Path) -> Path:
    """Write a recorded call in the format that its file name asks for.

    Parameters
    ----------
    call : Call
        The call; the suffix of its file chooses the format, ``.mp4`` makes a video.
    recording : AudioSegment
        Its sound, in two channels.
    folder : Path
        Where the file goes.

    Returns
    -------
    Path
        The file, with a title and the notice that its speech is synthetic in its metadata.
    """
    path = folder / call.file
    if path.suffix == ".mp4":
        with tempfile.TemporaryDirectory() as sound_folder:
            sound = Path(sound_folder, "sound.mp4")
            _encode(call, recording, sound)
            _film(call, recording, sound, path)
    else:
        _encode(call, recording, path)
    return path


def _encode(call: Call, recording: AudioSegment, path: Path) -> None:
    encoding = dict(ENCODINGS[path.suffix])
    parameters = [*encoding.pop("parameters", []), "-fflags", "+bitexact", "-flags:a", "+bitexact"]
    tags = {"title": call.title, "comment": NOTICE}
    recording.export(path, parameters=parameters, tags=tags, **encoding).close()


def _film(call: Call, recording: AudioSegment, sound: Path, path: Path) -> None:
    """Film the call: a card with the title and both waveforms, and a line that moves as time passes."""
    card = _draw_card(call, recording)
    duration = recording.duration_seconds

    def frame_at(seconds: float) -> NDArray[np.uint8]:
        frame = card.copy()
        x = LANE_LEFT + (LANE_RIGHT - LANE_LEFT) * seconds / duration
        ImageDraw.Draw(frame).line((x, 140, x, 330), fill=INK, width=2)
        return np.asarray(frame)

    tags = ["-metadata", f"title={call.title}", "-metadata", f"comment={NOTICE}"]
    VideoClip(frame_at, duration=duration).write_videofile(
        str(path),
        fps=FRAME_RATE,
        codec="libx264",
        audio=str(sound),
        audio_codec="copy",
        threads=1,
        ffmpeg_params=[*tags, "-movflags", "+faststart", "-fflags", "+bitexact", "-flags:v", "+bitexact"],
        logger=None,
    )


def _draw_card(call: Call, recording: AudioSegment) -> Image.Image:
    card = Image.new("RGB", FRAME_SIZE, PAPER)
    draw = ImageDraw.Draw(card)
    draw.text((30, 30), call.title, INK, ImageFont.load_default(32))
    draw.text((30, 80), NOTICE, FAINT, ImageFont.load_default(16))
    for (side, centre, colour), channel in zip(LANES, recording.split_to_mono(), strict=True):
        draw.text((30, centre), side, colour, ImageFont.load_default(20), anchor="lm")
        size = np.abs(np.array(channel.get_array_of_samples(), dtype=np.float64))
        peaks = np.array([column.max() for column in np.array_split(size, LANE_RIGHT - LANE_LEFT)])
        for x, height in enumerate(40 * peaks / peaks.max(), start=LANE_LEFT):
            draw.line((x, centre - height, x, centre + height), fill=colour)
    return card


def main() -> None:
    """Make every call of ``dialogues.toml``."""
    parser = argparse.ArgumentParser(description="Make the synthetic sample calls.")
    parser.add_argument(
        "--output", type=Path, default=HERE, help="folder for the calls (default: beside this)"
    )
    output = parser.parse_args().output
    output.mkdir(parents=True, exist_ok=True)
    AudioSegment.converter = imageio_ffmpeg.get_ffmpeg_exe()
    calls, deliveries = read_dialogues(HERE / "dialogues.toml")
    for call in calls:
        recording = record(call, deliveries)
        path = write(call, recording, output)
        print(f"{path.name}: {recording.duration_seconds:.1f} s, {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
