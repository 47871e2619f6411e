"""The charts of sound can be drawn, say what they show, and lie above each other."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from helpers.acoustic_charts import energy, pitch, spectrogram, waveform
from helpers.acoustics import Contours, SoundPicture, picture_of_stretch
from tests.conftest import bursts


@pytest.fixture(scope="module")
def stretch() -> tuple[SoundPicture, Contours]:
    return picture_of_stretch(bursts((0.5, 1.5), duration=2), 30.0)


def test_an_image_has_low_bands_at_the_bottom_and_time_from_left_to_right() -> None:
    mel = np.full((300, 64), -80.0, np.float32)
    mel[200:, :8] = 0.0
    picture = SoundPicture(0.0, 3.0, np.zeros(300, np.int16), np.zeros(300, np.int16), mel)
    url = spectrogram(picture).data["url"].iloc[0]
    image = Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("L")
    assert image.size == (300, 64)
    light = np.asarray(image) > 128
    assert light[-8:, 200:].all()
    assert light.sum() == 8 * 100


def test_all_have_one_domain_of_time_and_axes_of_one_width(stretch: tuple[SoundPicture, Contours]) -> None:
    picture, contours = stretch
    charts = [waveform(picture), spectrogram(picture), pitch(picture, contours), energy(picture, contours)]
    specifications = [chart.to_dict() for chart in charts]
    assert len({json.dumps(each["encoding"]["x"]["scale"]["domain"]) for each in specifications}) == 1
    extents = {
        each["encoding"]["y"]["axis"][name] for each in specifications for name in ("minExtent", "maxExtent")
    }
    assert len(extents) == 1


def test_the_contours_have_their_values_and_no_pitch_where_nobody_speaks(
    stretch: tuple[SoundPicture, Contours],
) -> None:
    heard, loud = pitch(*stretch).data, energy(*stretch).data
    assert heard["value"].median() == pytest.approx(140, abs=2)
    assert len(heard) < 0.6 * len(loud)
    assert loud["value"].between(-70, 0).all()


def test_vega_draws_the_image_with_its_frequencies(stretch: tuple[SoundPicture, Contours]) -> None:
    import vl_convert

    drawn = vl_convert.vegalite_to_svg(spectrogram(stretch[0]).to_json())
    assert "data:image/png" in drawn
    assert all(f"{hz} Hz" in drawn for hz in (250, 1000, 4000))
