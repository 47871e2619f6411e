"""Charts outside of the app: as pictures, and the scripts that draw them in a page of its own.

Both are left to vl-convert. It starts V8, whose memory, some 150 MB, stays with the process: so it has a
process of its own, which ends with the work.
"""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from typing import TYPE_CHECKING

from helpers.analysis import CallAnalysis
from helpers.chart_style import FONT
from helpers.errors import DrawingError

if TYPE_CHECKING:
    from altair import Chart, FacetChart, LayerChart

_PATIENCE = 170.0  # seconds; Streamlit waits for 180 s
_SHARPNESS = 2
_CALL = "import sys, vl_convert; sys.stdout.buffer.write(vl_convert.{})"
_PNG = _CALL.format(f"vegalite_to_png(sys.stdin.read(), scale={_SHARPNESS})")
_PDF = _CALL.format("vegalite_to_pdf(sys.stdin.read())")
_SVG = _CALL.format("vegalite_to_svg(sys.stdin.read()).encode()")
_SVG_WIDTH = 760  # pixels
_SCRIPTS = _CALL.format("javascript_bundle(sys.stdin.read()).encode()")


def to_png(analysis: CallAnalysis) -> bytes:
    """Draw the charts of an analysis as PNG.

    Parameters
    ----------
    analysis : CallAnalysis

    Returns
    -------
    bytes
        The file; of a long call the timeline shows stretches, as the page does.

    Raises
    ------
    DrawingError
    """
    return _converted(_PNG, _picture(analysis))


def to_pdf(analysis: CallAnalysis) -> bytes:
    """Draw the charts of an analysis as PDF.

    Parameters
    ----------
    analysis : CallAnalysis

    Returns
    -------
    bytes
        As of `to_png`, with shapes and text instead of pixels.

    Raises
    ------
    DrawingError
    """
    return _converted(_PDF, _picture(analysis))


def to_svg(chart: Chart | LayerChart | FacetChart) -> bytes:
    """Draw a chart of the lab as SVG, on white.

    Parameters
    ----------
    chart : Altair chart
        As wide as its place.

    Returns
    -------
    bytes
        The file.

    Raises
    ------
    DrawingError
    """
    sized = chart.properties(width=_SVG_WIDTH).configure(background="#ffffff", font=FONT)
    return _converted(_SVG, sized.to_json(indent=None))


@cache
def with_vega(script: str) -> str:
    """Join a script with the libraries that it uses.

    Parameters
    ----------
    script : str
        An ECMAScript module without imports, which finds Vega-Embed as ``vegaEmbed``.

    Returns
    -------
    str
        A module that needs nothing else.

    Raises
    ------
    DrawingError
    """
    return _converted(_SCRIPTS, script).decode()


def _picture(analysis: CallAnalysis) -> str:
    from helpers.charts import picture

    return picture(analysis).to_json(indent=None)


def _converted(program: str, content: str) -> bytes:
    try:
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-P", "-X", "utf8", "-c", program],
            input=content.encode(),
            capture_output=True,
            check=True,
            timeout=_PATIENCE,
        )
    except (OSError, subprocess.SubprocessError):
        raise DrawingError(
            "The charts could not be drawn, perhaps for want of memory: try again, or take the CSV or JSON."
        ) from None
    return done.stdout
