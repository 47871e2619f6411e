"""Pictures of MFCC must be librosa's, of whatever length the sound is."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.images import FRAMES, N_MFCC, RATE, image_names, mfcc_image
from tests.conftest import bursts


def librosas(samples: np.ndarray) -> np.ndarray:
    import librosa
    from scipy.signal import resample_poly

    signal = resample_poly(samples.astype(np.float32) / 32768, 441, 160)
    signal = np.pad(signal, (0, max(0, 110_250 - len(signal))))[:110_250]
    return librosa.feature.mfcc(y=signal, sr=RATE, n_mfcc=N_MFCC)


@pytest.mark.parametrize("seconds", [1.0, 2.5, 4.0])
def test_picture_equals_librosas(seconds: float) -> None:
    samples = bursts((0.2, seconds - 0.2), duration=seconds)
    shown = samples[:40_000]
    np.testing.assert_allclose(
        mfcc_image(samples).reshape(N_MFCC, FRAMES), librosas(shown), atol=0.02, rtol=1e-4
    )


def test_silence_has_a_finite_picture() -> None:
    assert np.isfinite(mfcc_image(np.zeros(1_600, np.int16))).all()


def test_every_value_has_a_name() -> None:
    assert len(set(image_names())) == len(mfcc_image(np.zeros(1_600, np.int16))) == N_MFCC * FRAMES
