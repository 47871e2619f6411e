"""The app as it is, but for where its links lead: names are public, and behind them stands a local server."""

import functools
import os
import runpy
from pathlib import Path

from helpers import links
from tests.test_links import PUBLIC, Detour

if not isinstance(links.fetch, functools.partial):
    detour = Detour({80: int(os.environ["TEST_SERVER_PORT"])})
    links.fetch = functools.partial(
        links.fetch,
        resolve=lambda host, port: [PUBLIC if host.endswith(".example") else host],
        network=detour,
    )
runpy.run_path(str(Path(__file__).parents[2] / "streamlit_app.py"))
