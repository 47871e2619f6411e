"""Copies of clips as other channels would deliver them."""

from __future__ import annotations

import io
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft
from scipy.signal import butter, fftconvolve, resample_poly, sosfilt

from helpers.media import SAMPLE_RATE, decode

PHONE_RATE = 8_000
PHONE_BAND = (300.0, 3400.0)
CODECS = (("pcm_mulaw", "wav"), ("pcm_alaw", "wav"), ("libopencore_amrnb", "amr"), ("libopus", "ogg"))

_MU = 255
_IN_A_ROOM = 2 / 3
_NARROW = 2 / 3
_CODED = 2 / 3


def phone_channel(samples: np.ndarray) -> np.ndarray:
    """Send a clip over a narrow-band telephone line.

    Parameters
    ----------
    samples : np.ndarray [shape=(n,), dtype=int16]
        At `SAMPLE_RATE`.

    Returns
    -------
    np.ndarray [shape=(n,), dtype=int16]
        At `SAMPLE_RATE`, after 300 to 3400 Hz, 8 kHz and 8-bit µ-law (ITU-T G.711).
    """
    signal = sosfilt(telephone_band(), samples.astype(np.float64) / 32768)
    return to_int16(_coded(signal))


def telephone_band() -> np.ndarray:
    """Make the filter of a narrow-band telephone, as second-order sections at `SAMPLE_RATE`."""
    return butter(6, PHONE_BAND, "bandpass", fs=SAMPLE_RATE, output="sos")


@dataclass(frozen=True, eq=False)
class RandomLine:
    """A line of any quality, which all of a call goes through.

    Attributes
    ----------
    room : np.ndarray or None [shape=(n,)]
        Impulse response.
    colour : float
        Of the noise, from 0 (white) to 1 (brown).
    swelling : bool
        Whether the noise swells and fades.
    ratio : float
        Of the speech to the noise [dB].
    band : np.ndarray or None
        Second-order sections of a filter.
    peak : float
        That each clip is scaled to; above 1 it is clipped.
    codec : tuple of str or None
        One of `CODECS`.
    """

    room: np.ndarray | None
    colour: float
    swelling: bool
    ratio: float
    band: np.ndarray | None
    peak: float
    codec: tuple[str, str] | None

    @classmethod
    def draw(cls, generator: np.random.Generator) -> RandomLine:
        """Draw a line.

        Parameters
        ----------
        generator : np.random.Generator
            Draws perhaps a room; noise 5 to 40 dB below the speech; perhaps a band; a peak from -20 dBFS to
            6 dB of clipping; perhaps a coding.

        Returns
        -------
        RandomLine
        """
        band = None
        if generator.random() < _NARROW:
            edges = generator.uniform(80, 400), generator.uniform(3000, 3800)
            band = butter(int(generator.integers(2, 7)), edges, "bandpass", fs=SAMPLE_RATE, output="sos")
        coding = generator.random()
        return cls(
            room=random_room(generator) if generator.random() < _IN_A_ROOM else None,
            colour=generator.uniform(0, 1),
            swelling=generator.random() < 1 / 2,
            ratio=generator.uniform(5, 40),
            band=band,
            peak=generator.uniform(0.1, 2.0),
            codec=CODECS[int(coding / _CODED * len(CODECS))] if coding < _CODED else None,
        )

    @classmethod
    def noisy(cls, ratio: float) -> RandomLine:
        """Make a line that adds noise alone, so many dB below the speech."""
        return cls(None, colour=0.5, swelling=False, ratio=ratio, band=None, peak=0.5, codec=None)

    def send(self, samples: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Send a clip over the line.

        Parameters
        ----------
        samples : np.ndarray [shape=(n,), dtype=int16]
            At `SAMPLE_RATE`.
        generator : np.random.Generator
            Draws the noise.

        Returns
        -------
        np.ndarray [shape=(n,), dtype=int16]
            At `SAMPLE_RATE`; silence stays silent.
        """
        if not samples.any():
            return samples
        signal = samples.astype(np.float64) / 32768
        if self.room is not None:
            signal = fftconvolve(signal, self.room)[: len(signal)]
        noise = _noise(len(signal), self.colour, generator, swelling=self.swelling)
        signal += noise * _rms(signal) * 10 ** (-self.ratio / 20)
        if self.band is not None:
            signal = sosfilt(self.band, signal)
        signal = np.clip(signal / max(float(np.max(np.abs(signal), initial=0)), 1e-6) * self.peak, -1, 1)
        return to_int16(coded(signal, *self.codec) if self.codec else signal)


def random_room(generator: np.random.Generator) -> np.ndarray:
    """Draw a room: the direct sound, then echoes that die away exponentially (Polack 1988).

    Parameters
    ----------
    generator : np.random.Generator
        Draws a reverberation time of 0.1 to 1.2 s and a direct sound from 3 dB below all echoes to 15 dB
        above.

    Returns
    -------
    np.ndarray [shape=(n,)]
        Impulse response at `SAMPLE_RATE`, of energy 1.
    """
    reverberation = generator.uniform(0.1, 1.2)
    time = np.arange(round(reverberation * SAMPLE_RATE)) / SAMPLE_RATE
    echoes = generator.normal(size=len(time)) * 10 ** (-3 * time / reverberation)
    if generator.random() < 1 / 2:  # walls swallow high frequencies
        echoes = np.convolve(echoes, np.full(3, 1 / 3), "same")
    echoes[: round(generator.uniform(0.001, 0.01) * SAMPLE_RATE)] = 0
    echoes *= 10 ** (-generator.uniform(-3, 15) / 20) / np.linalg.norm(echoes)
    echoes[0] = 1
    return echoes / np.linalg.norm(echoes)


def coded(signal: np.ndarray, codec: str, container: str) -> np.ndarray:
    """Code a signal at the rate of the telephone, and decode it again.

    Parameters
    ----------
    signal : np.ndarray [shape=(n,)]
        At `SAMPLE_RATE`, in [-1, 1].
    codec, container : str
        As FFmpeg names them.

    Returns
    -------
    np.ndarray [shape=(n,)]
    """
    import av

    narrow = to_int16(resample_poly(signal, PHONE_RATE, SAMPLE_RATE))
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=PHONE_RATE, layout="mono")
        assert isinstance(stream, av.AudioStream)  # noqa: S101
        stream.codec_context.open()  # its frame size is known from here on
        frame = av.AudioFrame.from_ndarray(narrow[None], "s16", "mono")
        frame.sample_rate = PHONE_RATE
        size = stream.codec_context.frame_size or None
        resampler = av.AudioResampler(stream.format, "mono", PHONE_RATE, size)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            output.mux(stream.encode(part))
        output.mux(stream.encode(None))
    decoded = decode(file.getvalue(), name="call").samples[0] / 32768
    return np.pad(decoded, (0, max(0, len(signal) - len(decoded))))[: len(signal)]


def at_speed(samples: np.ndarray, speed: float) -> np.ndarray:
    """Play a clip faster or slower, as a tape does, so that it sounds like another voice.

    Parameters
    ----------
    samples : np.ndarray [shape=(n,), dtype=int16]
    speed : float
        Above 1, it is shorter and higher (Ko et al. 2015, "Audio augmentation for speech recognition").

    Returns
    -------
    np.ndarray [shape=(ceil(n / speed),), dtype=int16]
    """
    ratio = Fraction(speed).limit_denominator(100)
    return to_int16(resample_poly(samples / 32768, ratio.denominator, ratio.numerator))


def mu_law(signal: np.ndarray) -> np.ndarray:
    """Compress to 8 bits and expand again, by the continuous µ-law that G.711 approximates.

    Parameters
    ----------
    signal : np.ndarray [shape=(n,)]
        In [-1, 1]; clipped beyond.

    Returns
    -------
    np.ndarray [shape=(n,)]
        With the quantisation noise of µ-law.
    """
    compressed = np.log1p(_MU * np.minimum(np.abs(signal), 1)) / np.log1p(_MU)
    quantised = np.round(compressed * 127) / 127
    return np.sign(signal) * np.expm1(quantised * np.log1p(_MU)) / _MU


def _coded(signal: np.ndarray) -> np.ndarray:
    """Code at the rate of the telephone by µ-law, and decode again."""
    narrow = mu_law(resample_poly(signal, PHONE_RATE, SAMPLE_RATE))
    return resample_poly(narrow, SAMPLE_RATE, PHONE_RATE)[: len(signal)]


def _noise(length: int, colour: float, generator: np.random.Generator, *, swelling: bool) -> np.ndarray:
    """Draw noise of RMS 1."""
    fast = next_fast_len(length, real=True)  # a length with a large prime in it takes ten times as long
    spectrum = rfft(generator.normal(size=fast))
    spectrum /= np.maximum(np.arange(len(spectrum)), 1 + fast // 200) ** colour
    noise = irfft(spectrum, fast)[:length]
    if swelling:
        course = generator.normal(size=length // (SAMPLE_RATE // 8) + 2)
        noise *= np.exp(np.interp(np.linspace(0, len(course) - 1, length), range(len(course)), course))
    return noise / _rms(noise)


def _rms(signal: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(signal)))) + 1e-6


def to_int16(signal: np.ndarray) -> np.ndarray:
    """Convert a signal in [-1, 1] to samples, clipping what is beyond."""
    return np.clip(signal * 32768, -32768, 32767).astype(np.int16)
