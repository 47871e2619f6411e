"""A network is used only where its file is the one that the features are defined by."""

from pathlib import Path

import pytest

from helpers import parts
from helpers.embeddings import SPEAKER_NETWORK
from helpers.errors import ModelError
from helpers.parts import Part, read_part
from helpers.spectrograms import FOUR, SEVEN


@pytest.mark.parametrize("part", [FOUR, SEVEN, SPEAKER_NETWORK], ids=lambda part: part.name)
@pytest.mark.parametrize("content", [None, b"another network"])
def test_another_network_or_none_is_refused(
    part: Part, content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "PARTS", tmp_path)
    if content:
        (tmp_path / f"{part.name}.onnx").write_bytes(content)
    read_part.cache_clear()
    with pytest.raises(ModelError, match="restore the folder models/parts"):
        read_part(part)
    read_part.cache_clear()
