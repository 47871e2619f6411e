"""``python -m helpers.service.document`` writes docs/openapi.json."""

import json
from pathlib import Path

from helpers.service.app import create_app
from helpers.service.config import Config

if __name__ == "__main__":
    document = json.dumps(create_app(Config()).openapi(), indent=1, ensure_ascii=False)
    (Path(__file__).parents[2] / "docs" / "openapi.json").write_text(document + "\n", encoding="utf-8")
