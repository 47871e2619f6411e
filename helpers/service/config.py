"""What the service may do and how much of it, from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from helpers.media import LONGEST_ON_PAGE


@dataclass(frozen=True)
class Config:
    """The limits of the service.

    Attributes
    ----------
    key : str
        That clients send as ``X-API-Key``; where it is empty, everybody may analyse and nobody may train.
    recordings : Path or None
        Folder of recordings that clients may name.
    models : Path or None
        Folder of the models trained here and of the jobs; without it there is no training.
    corpora : Path or None
        Folder of corpora that recipes are trained on.
    workers, waiting : int
        Analyses at once, and requests that may wait for one.
    upload : int
        Largest body [bytes].
    longest : float
        Recording [seconds].
    seconds : float
        That a body may take to arrive, and an analysis to be done, each.
    """

    key: str = ""
    recordings: Path | None = None
    models: Path | None = None
    corpora: Path | None = None
    workers: int = 1
    waiting: int = 32
    upload: int = 200 * 2**20
    longest: float = LONGEST_ON_PAGE
    seconds: float = 600.0

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ) -> Config:
        """Read the environment; what is not set or empty stays as it is by default."""
        told = {name: value for name, value in environment.items() if value}

        def folder(name: str) -> Path | None:
            return Path(told[name]).resolve() if name in told else None

        return cls(
            key=told.get("API_KEY", cls.key),
            recordings=folder("RECORDINGS_DIR"),
            models=folder("MODELS_DIR"),
            corpora=folder("CORPORA"),
            workers=int(told.get("WORKERS", cls.workers)),
            waiting=int(told.get("MAX_WAITING", cls.waiting)),
            upload=int(float(told.get("MAX_MEGABYTES", cls.upload / 2**20)) * 2**20),
            longest=float(told.get("MAX_MINUTES", cls.longest / 60)) * 60,
            seconds=float(told.get("MAX_SECONDS", cls.seconds)),
        )
