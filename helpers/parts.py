"""Networks that features are made with: parts of models, each defined by its file in ``models/parts``."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from helpers.errors import ModelError
from helpers.estimators import ONNX, OnnxEstimator

PARTS = Path(__file__).parent.parent / "models" / "parts"


@dataclass(frozen=True)
class Part:
    """A network that is a part of features.

    Attributes
    ----------
    name : str
        Of its file in `PARTS`.
    sha256 : str
        Of its file.
    """

    name: str
    sha256: str


@cache
def read_part(part: Part) -> OnnxEstimator:
    """Read a network.

    Parameters
    ----------
    part : Part

    Returns
    -------
    OnnxEstimator

    Raises
    ------
    ModelError
        It is missing or is another one.
    """
    try:
        content = (PARTS / f"{part.name}.{ONNX}").read_bytes()
    except OSError:
        raise ModelError(f"The network {part.name} is missing: restore the folder models/parts.") from None
    if hashlib.sha256(content).hexdigest() != part.sha256:
        raise ModelError(
            f"The network {part.name} is not the one that the features are defined by: restore the folder "
            "models/parts."
        )
    return OnnxEstimator(content)
