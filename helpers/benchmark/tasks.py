"""What is measured, each in a process of its own: ``python -m helpers.benchmark.tasks TASK FILE``.

A task prints one line of JSON: the seconds of each stage, those of the whole, those of the processors, and
the peak of the process's memory.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

_NAIVE_SILENCE = 16.0  # dB below the mean level, as in pydub's documentation

Stages = dict[str, float]


def bare_decode(path: Path) -> Stages:
    """Decode a file with PyAV and throw the sound away."""
    import av

    begin = time.perf_counter()
    with av.open(str(path)) as container:
        for _ in container.decode(audio=0):
            pass
    return {"decode": time.perf_counter() - begin}


def ours(path: Path) -> Stages:
    """Analyse a file as the page does, charts included."""
    from helpers.chart_style import specification
    from helpers.charts import emotion_shares, timeline
    from helpers.lanes import Settings
    from helpers.workspace import RecordingFile, Workspace

    watch, file = _Watch("start"), RecordingFile.from_path(path)
    analysis = Workspace().analysis(file, Settings(), lambda stage, done: watch.next(stage))
    watch.next("charts")
    specification(timeline(analysis, 0, analysis.duration))
    for summary in analysis.summary:
        if summary.shares:
            specification(emotion_shares(summary))
    return watch.stop()


def ours_again(path: Path) -> Stages:
    """Analyse a file a second time, with other settings of the segmentation."""
    from helpers.lanes import Settings
    from helpers.speech import Segmentation
    from helpers.workspace import RecordingFile, Workspace

    desk, file = Workspace(), RecordingFile.from_path(path)
    desk.analysis(file, Settings(), lambda stage, done: None)
    watch = _Watch("start")
    other = Settings(segmentation=Segmentation(threshold=12.0, min_silence=0.5))
    desk.analysis(file, other, lambda stage, _: watch.next(stage))
    return watch.stop()


def naive(path: Path) -> Stages:
    """Do as published demonstrations: pydub, a WAV file per segment, librosa and a prediction for each."""
    import librosa
    from pydub import AudioSegment
    from pydub.silence import split_on_silence
    from sklearn.neural_network import MLPClassifier

    watch = _Watch("decode")
    sound = AudioSegment.from_file(path).set_frame_rate(16_000).set_channels(1)
    watch.next("split")
    pieces = split_on_silence(
        sound, min_silence_len=500, silence_thresh=sound.dBFS - _NAIVE_SILENCE, keep_silence=100
    )
    watch.next("features and prediction")
    generator = np.random.default_rng(0)
    classifier = MLPClassifier((300,), max_iter=2)
    classifier.fit(generator.normal(size=(40, 180)), generator.integers(4, size=40))
    with TemporaryDirectory() as folder:
        for number, piece in enumerate(pieces):
            piece.export(Path(folder) / f"{number}.wav", format="wav")
            signal, rate = librosa.load(Path(folder) / f"{number}.wav", sr=None)
            spectrum = np.abs(librosa.stft(signal))
            means = [
                librosa.feature.mfcc(y=signal, sr=rate, n_mfcc=40).mean(axis=1),
                librosa.feature.chroma_stft(S=spectrum, sr=rate).mean(axis=1),
                librosa.feature.melspectrogram(y=signal, sr=rate).mean(axis=1),
            ]
            classifier.predict(np.concatenate(means)[None])
    return watch.stop()


def opensmile_functionals(path: Path) -> Stages:
    """Describe the segments that we find by eGeMAPS of openSMILE one by one, and predict nothing."""
    import opensmile

    from helpers.media import SAMPLE_RATE, decode, mixed
    from helpers.speech import Segmentation, find_segments

    watch = _Watch("decode")
    samples = mixed(decode(path)).samples[0]
    watch.next("segments")
    bounds = (find_segments(samples, Segmentation(), shortest=1.0, longest=4.0) * SAMPLE_RATE).round()
    watch.next("eGeMAPS")
    smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals)
    for start, end in bounds.to_numpy(int):
        smile.process_signal(samples[start:end] / np.float32(32768), SAMPLE_RATE)
    return watch.stop()


TASKS: dict[str, Callable[[Path], Stages]] = {
    "bare decode": bare_decode,
    "ours": ours,
    "ours, other settings": ours_again,
    "naive": naive,
    "openSMILE": opensmile_functionals,
}


class _Watch:
    """Measures one stage after the other."""

    def __init__(self, stage: str) -> None:
        self._stages: Stages = {}
        self._stage = stage
        self._since = time.perf_counter()

    def next(self, stage: str) -> None:
        """Begin another stage, or one that was there before."""
        now = time.perf_counter()
        self._stages[self._stage] = self._stages.get(self._stage, 0.0) + now - self._since
        self._stage, self._since = stage, now

    def stop(self) -> Stages:
        self.next("")
        return self._stages


def _peak_memory() -> float:
    """Read the peak of the memory that this process holds [MiB]."""
    status = Path("/proc/self/status")
    if status.exists():  # on Linux; the other figure there is that of the parent if it was larger
        fields = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        return int(fields["VmHWM"].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def main(task: str, path: str) -> None:
    """Run a task and print what it took."""
    stages = TASKS[task](Path(path))
    usage = resource.getrusage(resource.RUSAGE_SELF)
    measured = {
        "stages": stages,
        "seconds": sum(stages.values()),
        "processors": usage.ru_utime + usage.ru_stime,
        "peak": _peak_memory(),
    }
    print(json.dumps(measured))


if __name__ == "__main__":
    main(*sys.argv[1:])
