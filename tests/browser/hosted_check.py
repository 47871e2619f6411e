"""Play the hosted demo: ``make hosted-check``.

A fresh environment with what `requirements.txt` asks for and no more, the app started from the root, a call
of an hour uploaded in a real browser. Prints the time to the first page, the time to the result and the
server's memory; fails where the memory is more than the hosted demo may count on.
"""

import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import expect, sync_playwright

from helpers.benchmark.recordings import KINDS, make_recording
from tests.browser.conftest import FLAGS, PATIENCE, ROOT, Server, upload

MOST_MEMORY = 700.0  # MiB
HOUR = 3600.0


def main() -> int:
    with TemporaryDirectory() as folder:
        python = _fresh_environment(Path(folder) / "venv")
        recording = make_recording(KINDS["MP3, two channels"], HOUR, Path(folder))
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch_persistent_context(
                Path(folder) / "profile", executable_path=shutil.which("chromium"), args=FLAGS
            )
            page = browser.new_page()
            server = Server(python=python)
            begin = time.monotonic()
            with server.running():
                page.goto(server.address)
                expect(page.get_by_role("heading", name="Where did this customer")).to_be_visible()
                print(
                    f"First page: {time.monotonic() - begin:.1f} s after the start, {server.peak():.0f} MiB"
                )
                begin = time.monotonic()
                upload(page, recording)
                expect(page.get_by_text("Share of speech time")).to_be_visible(timeout=10 * PATIENCE)
                peak = server.peak()
                print(
                    f"An hour, uploaded and analysed: {time.monotonic() - begin:.1f} s, peak {peak:.0f} MiB"
                )
            browser.close()
    return int(peak > MOST_MEMORY)


def _fresh_environment(folder: Path) -> str:
    venv.create(folder, with_pip=True)
    python = str(folder / "bin" / "python")
    requirements = ["--requirement", str(ROOT / "requirements.txt")]
    subprocess.run([python, "-m", "pip", "install", "--quiet", *requirements], check=True)
    return python


if __name__ == "__main__":
    sys.exit(main())
