"""Charts of sound, made from ``acoustics`` alone; emotions have no place in them.

Conventions: the x axis is time in seconds, as of ``charts``. Charts of one stretch stand under each other,
with y axes of one width, so that times lie above each other.
"""

from __future__ import annotations

import base64
import io
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from helpers.acoustics import Contours, SoundPicture
from helpers.chart_style import SILENT
from helpers.charts import time_axis
from helpers.features import N_MELS, band_of

_AXIS_PIXELS = 52
_LABELLED = (250, 1000, 4000)  # Hz
_RANGE = 70.0  # dB, below the loudest that a spectrogram shows
_LOWEST_LEVEL = -70.0  # dBFS
_PITCHES = (70, 100, 150, 200, 300, 500)  # Hz
_LINE = "#2a9d8f"  # readable on white and on dark
_DARK_TO_LIGHT = ("#081418", "#0b3a44", "#0f6b6b", "#58a65c", "#e8c547", "#fff6d5")


def waveform(picture: SoundPicture) -> alt.Chart:
    """Draw the lowest and the highest sample of each column.

    Parameters
    ----------
    picture : SoundPicture

    Returns
    -------
    alt.Chart
    """
    count = len(picture.lowest)
    time = picture.start + (np.arange(count) + 0.5) * (picture.end - picture.start) / count
    table = pd.DataFrame({"time": time, "low": picture.lowest / 32768, "high": picture.highest / 32768})
    most = max(float(table["high"].max()), -float(table["low"].min()), 0.01)
    scale = alt.Scale(domain=[-most, most], nice=False)
    return (
        alt.Chart(table.round(4))
        .mark_area(color=SILENT)
        .encode(
            x=_time(picture, labels=False),
            y=alt.Y("low:Q", title=None, scale=scale, axis=_axis(labels=False)),
            y2="high:Q",
        )
        .properties(height=100, title=_title("Waveform"))
    )


def spectrogram(picture: SoundPicture, *, labels: bool = True) -> alt.Chart:
    """Draw a mel spectrogram as an image, on its own dark ground.

    Parameters
    ----------
    picture : SoundPicture
    labels : bool
        Whether the times stand under it.

    Returns
    -------
    alt.Chart
    """
    row = {"url": _image(picture.mel), "start": picture.start, "end": picture.end, "low": 0, "high": N_MELS}
    places = {hz: round(band_of(hz), 2) for hz in _LABELLED}
    named = "".join(f"datum.value == {place} ? '{hz} Hz' : " for hz, place in places.items())
    scale = alt.Scale(domain=[0, N_MELS], nice=False)
    axis = _axis(values=list(places.values()), labelExpr=f"{named}''")
    return (
        alt.Chart(pd.DataFrame([row]), name="spectrogram")
        .mark_image(aspect=False)
        .encode(
            x=_time(picture, "start:Q", labels=labels),
            x2="end:Q",
            y=alt.Y("low:Q", title=None, scale=scale, axis=axis),
            y2="high:Q",
            url="url:N",
        )
        .properties(height=190, title=_title("Mel spectrogram"))
    )


def pitch(picture: SoundPicture, contours: Contours) -> alt.Chart:
    """Draw the fundamental frequency of voiced frames.

    Parameters
    ----------
    picture : SoundPicture
        Of the same stretch.
    contours : Contours

    Returns
    -------
    alt.Chart
    """
    return _contour(
        picture,
        pd.DataFrame({"time": contours.times, "value": contours.pitch}).dropna(),
        alt.Scale(type="log", domain=[_PITCHES[0], _PITCHES[-1]], nice=False),
        _axis(values=list(_PITCHES[1:-1:2]), labelExpr="datum.label + ' Hz'", format="d"),
        name="Pitch",
        unit="Hz",
    ).mark_circle(size=14, color=_LINE, opacity=1, clip=True)


def energy(picture: SoundPicture, contours: Contours) -> alt.Chart:
    """Draw the level of each frame.

    Parameters
    ----------
    picture : SoundPicture
        Of the same stretch.
    contours : Contours

    Returns
    -------
    alt.Chart
    """
    return _contour(
        picture,
        pd.DataFrame({"time": contours.times, "value": np.maximum(contours.level, _LOWEST_LEVEL)}),
        alt.Scale(domain=[_LOWEST_LEVEL, 0], nice=False),
        _axis(values=[-60, -40, -20], labelExpr="datum.label + ' dB'"),
        name="Energy",
        unit="dBFS",
        labels=True,
    ).mark_line(color=_LINE, strokeWidth=2, clip=True)


def _contour(
    picture: SoundPicture,
    table: pd.DataFrame,
    scale: alt.Scale,
    axis: alt.Axis,
    *,
    name: str,
    unit: str,
    labels: bool = False,
) -> alt.Chart:
    y = alt.Y("value:Q", title=None, scale=scale, axis=axis)
    x = _time(picture, labels=labels)
    tooltip = alt.Tooltip("value:Q", title=f"{name} ({unit})", format=".0f")
    chart = alt.Chart(table.astype(float).round(3)).encode(x=x, y=y, tooltip=tooltip)
    return chart.properties(height=130, title=_title(name))


def _title(name: str) -> alt.TitleParams:
    return alt.TitleParams(name, anchor="start", fontSize=13, fontWeight="normal", offset=4)


def _time(picture: SoundPicture, field: str = "time:Q", *, labels: bool) -> alt.X:
    axis = time_axis() if labels else alt.Axis(labels=False, ticks=False, grid=False)
    axis.labelBound = True  # what reached beyond the end would narrow this chart alone
    domain = [picture.start, picture.end]
    return alt.X(field, title=None, axis=axis, scale=alt.Scale(domain=domain, nice=False, zero=False))


def _axis(**settings: Any) -> alt.Axis:
    return alt.Axis(
        grid=False, domain=False, ticks=False, minExtent=_AXIS_PIXELS, maxExtent=_AXIS_PIXELS, **settings
    )


def _image(mel: np.ndarray) -> str:
    """Paint a mel spectrogram as a PNG in an address, low bands at the bottom."""
    from PIL import Image

    shades = np.clip((mel - mel.max()) / _RANGE + 1, 0, 1) * 255
    image = Image.fromarray(np.flipud(shades.T).astype(np.uint8))
    image.putpalette(_palette().ravel().tolist())
    file = io.BytesIO()
    image.save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def _palette() -> np.ndarray:
    """Interpolate the colours of a spectrogram [shape=(256, 3), dtype=uint8]."""
    anchors = np.array([[int(colour[at : at + 2], 16) for at in (1, 3, 5)] for colour in _DARK_TO_LIGHT])
    places = np.linspace(0, 255, len(anchors))
    columns = [np.interp(np.arange(256), places, anchors[:, channel]) for channel in range(3)]
    return np.stack(columns, axis=1).astype(np.uint8)
