"""``python -m helpers.service`` serves on HOST and PORT, as the environment says."""

from __future__ import annotations

import logging
import os
import sys

import uvicorn

from helpers.service.app import create_app
from helpers.service.config import Config
from helpers.service.envelope import log

if __name__ == "__main__":
    logging.basicConfig(stream=sys.stdout, format="%(message)s", level=logging.WARNING)
    log.setLevel(logging.INFO)
    uvicorn.run(
        create_app(Config.of()),
        host=os.environ.get("HOST", "127.0.0.1"),
        port=int(os.environ.get("PORT", "8502")),
        access_log=False,
        server_header=False,
        log_config=None,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=10,
    )
