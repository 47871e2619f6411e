"""Emotion analysis of call recordings: a call goes in, an emotion timeline comes out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from helpers.analysis import analyze

__all__ = ["analyze"]


def __getattr__(name: str) -> Any:
    """Import `analyze` when it is first asked for, so that importing a single module stays cheap."""
    if name == "analyze":
        from helpers.analysis import analyze

        return analyze
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
