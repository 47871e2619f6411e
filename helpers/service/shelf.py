"""The models that the service knows: those of the repository, and those trained here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from helpers.classifier import DEFAULT_MODEL, MODELS, Model, ModelCard, load_model, model_names, read_card
from helpers.errors import ModelError
from helpers.estimators import SKOPS

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


@dataclass(frozen=True)
class Shelf:
    """Models in two folders.

    Attributes
    ----------
    trained : Path or None
        Of the models trained here, whose files execute no code.
    """

    trained: Path | None

    def names(self) -> dict[str, bool]:
        """Tell of each model by its name whether it was trained here; the default comes first."""
        shipped = dict.fromkeys(model_names(), False)
        here = model_names(self.trained) if self.trained else []
        return dict.fromkeys(here, True) | shipped

    def card(self, name: str) -> ModelCard:
        """Read a card.

        Raises
        ------
        KeyError
            There is no such model.
        ModelError
            The card is damaged.
        """
        return read_card(name, self._folder(name))

    def model(self, name: str) -> Model:
        """Load a model.

        Raises
        ------
        KeyError
            There is no such model.
        ModelError
            It is damaged, or trained here and in a layout that might execute code.
        """
        folder = self._folder(name)
        if folder != MODELS and read_card(name, folder).layout != SKOPS:
            raise ModelError(f"Model {name} is not in the layout of models trained here: train it anew.")
        return load_model(name, folder)

    def delete(self, name: str) -> None:
        """Delete a model that was trained here; the card first, so that no half of one is ever listed.

        Raises
        ------
        KeyError
            There is no such model.
        PermissionError
            It is one of the repository.
        """
        folder = self._folder(name)
        if folder == MODELS:
            raise PermissionError(name)
        for ending in ("json", SKOPS):
            (folder / f"{name}.{ending}").unlink(missing_ok=True)

    def _folder(self, name: str) -> Path:
        if name == "default":
            name = DEFAULT_MODEL
        if not self.names()[name]:
            return MODELS
        assert self.trained  # noqa: S101
        return self.trained
