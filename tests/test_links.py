"""Links against a local server: names are resolved to public addresses, behind which the server stands."""

import datetime
import io
import ipaddress
import json
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpcore
import pytest

from helpers import links
from helpers.errors import LinkError
from helpers.links import SWITCH, Fetched, Limits, fetch, links_enabled
from helpers.media import declared_duration, decode
from tests.conftest import bursts, encode

PUBLIC = "93.184.216.34"
SERVER = "http://good.example"
PLAYLIST = json.dumps([{"orig": "call.wav", "title": "A call", "sources": [], "tracks": []}])
METADATA = {
    "metadata": {"identifier": "calls", "title": "Calls"},
    "files": [{"name": "call.wav", "source": "original", "format": "WAVE", "title": "A call", "length": "4"}],
}


class Handler(BaseHTTPRequestHandler):
    server: ThreadingHTTPServer
    recording = b""
    asked: list[str]

    def log_message(self, format: str, *args: Any) -> None: ...

    def do_GET(self) -> None:
        Handler.asked.append(f"{self.headers['Host']}{self.path}")
        page = getattr(self, "page_" + re.findall(r"\w+", self.path)[0], None)
        (page or self.page_missing)()

    def answer(self, kind: str, content: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def page_good(self) -> None:
        self.answer("audio/wav", self.recording)

    def page_typeless(self) -> None:
        self.answer("application/octet-stream", self.recording)

    def page_moved(self) -> None:
        self.answer("text/html", b"", 302, Location="/good.wav")

    def page_inside(self) -> None:
        self.answer("text/html", b"", 302, Location=f"http://127.0.0.1:{self.server.server_port}/good.wav")

    def page_insidename(self) -> None:
        self.answer("text/html", b"", 301, Location="http://private.example/good.wav")

    def page_file(self) -> None:
        self.answer("text/html", b"", 302, Location="file:///etc/passwd")

    def page_loop(self) -> None:
        self.answer("text/html", b"", 302, Location="/loop")

    def page_text(self) -> None:
        self.answer("text/plain; charset=utf-8", b"no recording")

    def page_html(self) -> None:
        self.answer("text/html", b"<html>no recording</html>")

    def page_missing(self) -> None:
        self.answer("text/html", b"", 404)

    def page_refused(self) -> None:
        self.answer("text/html", b"<html>robots stay out</html>", 403)

    def page_toomany(self) -> None:
        self.answer("text/html", b"<html>later</html>", 429)

    def page_manifest(self) -> None:
        self.answer("application/dash+xml", b"<MPD/>")

    def page_large(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "audio/wav")
        self.send_header("Content-Length", str(10**12))
        self.end_headers()

    def page_endless(self) -> None:
        self.trickle(bytes(1 << 16), 0.0)

    def page_slow(self) -> None:
        self.trickle(b"x", 0.05)

    def page_silent(self) -> None:
        self.trickle(b"", 0.05)

    def trickle(self, block: bytes, pause: float) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "audio/mpeg")
        self.end_headers()
        try:
            for _ in range(2_000):
                self.wfile.write(block)
                time.sleep(pause)
        except OSError:
            Handler.asked.append("hung up")

    def page_embed(self) -> None:
        if self.path.endswith("endlesspage"):
            return self.trickle(bytes(1 << 16), 0.0)
        self.answer("text/html", f"<play-av playlist='{PLAYLIST}'></play-av>".encode())

    def page_metadata(self) -> None:
        self.answer("application/json", json.dumps(METADATA).encode())

    def page_details(self) -> None:
        self.answer("text/html", b"<html></html>")

    def page_download(self) -> None:
        self.answer("audio/wav", self.recording)


class Detour(httpcore.NetworkBackend):
    """Leads every address to the local servers: port 443 to the one with TLS."""

    def __init__(self, ports: dict[int, int]) -> None:
        self._ports = ports

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        assert host == PUBLIC
        return httpcore.SyncBackend().connect_tcp("127.0.0.1", self._ports[port], timeout)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a certificate for archive.org that nobody but these tests trusts."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "archive.org")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("archive.org")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "archive.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture(scope="module")
def internet(certificate: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Start the servers, and give what leads to them."""
    path = encode(tmp_path_factory.mktemp("media") / "a.wav", bursts((1, 3), duration=4), codec="pcm_s16le")
    Handler.recording = path.read_bytes()
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), Handler) for _ in range(2)]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    servers[1].socket = context.wrap_socket(servers[1].socket, server_side=True)
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    plain, encrypted = (server.server_port for server in servers)
    yield {
        "resolve": lambda host, port: ["10.0.0.1"] if host == "private.example" else [_address(host)],
        "network": Detour({80: plain, 443: encrypted}),
        "ssl_context": ssl.create_default_context(cafile=str(certificate)),
    }
    for server in servers:
        server.shutdown()
        server.server_close()


def _address(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return PUBLIC


@pytest.fixture(autouse=True)
def asked() -> list[str]:
    Handler.asked = []
    return Handler.asked


def get(page: str, internet: dict[str, Any], **limits: float) -> Fetched:
    url = page if "://" in page else f"{SERVER}/{page}"
    chosen = Limits(**limits)  # type: ignore[arg-type]
    return fetch(url, progress=lambda share, text: None, limits=chosen, **internet)


def refusal(page: str, internet: dict[str, Any], **limits: float) -> str:
    with pytest.raises(LinkError) as caught:
        get(page, internet, **limits)
    return str(caught.value)


@pytest.mark.parametrize("page", ["good.wav", "typeless.wav", "good%20call.wav?id=3"])
def test_a_good_file_is_fetched(page: str, internet: dict[str, Any]) -> None:
    fetched = get(page, internet)
    assert fetched.content == Handler.recording
    assert decode(fetched.content).duration == 4
    assert fetched.name == page.partition("?")[0].replace("%20", " ")


def test_a_redirect_is_followed(internet: dict[str, Any], asked: list[str]) -> None:
    assert get("moved", internet).name == "good.wav"
    assert asked == ["good.example/moved", "good.example/good.wav"]


@pytest.mark.parametrize("page", ["inside", "insidename"])
def test_a_redirect_to_the_inside_is_not_followed(
    page: str, internet: dict[str, Any], asked: list[str]
) -> None:
    assert "is not on the public internet" in refusal(page, internet)
    assert asked == [f"good.example/{page}"]


def test_a_redirect_to_a_file_is_not_followed(internet: dict[str, Any]) -> None:
    assert "no address that can be fetched" in refusal("file", internet)


def test_a_name_that_resolves_to_a_private_address_is_not_asked(
    internet: dict[str, Any], asked: list[str]
) -> None:
    assert "private.example is not on the public" in refusal("http://private.example/good.wav", internet)
    assert asked == []


def test_redirects_without_end_are_left(internet: dict[str, Any], asked: list[str]) -> None:
    assert "without end" in refusal("loop", internet)
    assert len(asked) == 6


def test_the_loopback_server_of_another_service_is_out_of_reach() -> None:
    """Without any detour, on the real network code."""
    with socket.create_server(("127.0.0.1", 0)) as service:
        service.settimeout(0.2)
        url = f"http://127.0.0.1:{service.getsockname()[1]}/"
        with pytest.raises(LinkError, match="not on the public"):
            fetch(url, progress=lambda share, text: None)
        with pytest.raises(TimeoutError):
            service.accept()


@pytest.mark.parametrize(
    ("page", "sentence"),
    [
        ("missing", "The server of the link answers with error 404: check the link, or download"),
        ("text", "The link leads to text/plain, which is no recording: choose one of audio or video."),
        ("html", "The page did not give a recording (some sites, as YouTube, refuse servers at times)"),
    ],
)
def test_what_is_no_recording_is_said_to_be_none(page: str, sentence: str, internet: dict[str, Any]) -> None:
    assert refusal(page, internet).startswith(sentence)


def test_a_body_that_is_declared_too_large_is_not_read(internet: dict[str, Any]) -> None:
    assert "larger than 200 MB" in refusal("large", internet)


def test_an_endless_body_ends_at_the_limit(internet: dict[str, Any], asked: list[str]) -> None:
    assert "larger than 2 MB" in refusal("endless", internet, size=2 * 2**20)
    _wait_for(lambda: "hung up" in asked)


@pytest.mark.parametrize("page", ["slow", "silent"])
def test_a_slow_body_ends_in_time(page: str, internet: dict[str, Any], asked: list[str]) -> None:
    before = time.monotonic()
    assert "did not deliver within 1 s" in refusal(page, internet, time=1.0)
    assert time.monotonic() - before < 3
    if page == "slow":
        _wait_for(lambda: "hung up" in asked)


def test_a_recording_that_declares_to_be_too_long_ends_early(
    internet: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "_ENOUGH_TO_PROBE", 1_000)
    assert declared_duration(Handler.recording) == 4
    assert "longer than 0.05 minutes" in refusal("good.wav", internet, duration=3.0)
    assert get("good.wav", internet, duration=5.0).content


@pytest.mark.parametrize("page", ["refused", "toomany"])
def test_a_page_that_refuses_servers_is_said_to_with_the_way_out(page: str, internet: dict[str, Any]) -> None:
    said = refusal(page, internet)
    assert "some sites, as YouTube, refuse servers at times" in said
    assert said.endswith("download it yourself, and upload the file.")


def test_a_list_of_addresses_is_no_recording(internet: dict[str, Any]) -> None:
    assert "application/dash+xml, which is no recording" in refusal("manifest", internet)


def test_a_page_without_end_is_left(
    internet: dict[str, Any], asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "_LARGEST_PAGE", 1 << 20)
    assert "did not give a recording" in refusal("https://archive.org/details/endlesspage", internet)
    assert asked[-2:] == ["archive.org/embed/endlesspage", "hung up"] or "hung up" in asked


def test_sites_for_which_yt_dlp_starts_a_program_are_left_out() -> None:
    import yt_dlp.extractor

    folder = Path(yt_dlp.extractor.__file__).parent
    starters = [path.stem for path in folder.glob("*.py") if "PhantomJSwrapper(" in path.read_text("utf-8")]
    assert starters
    for name in starters:
        assert name == "openload" or name.startswith(links._PROGRAM_STARTERS), name


def test_what_progress_raises_ends_the_fetching(internet: dict[str, Any], asked: list[str]) -> None:
    class CancelledError(Exception):
        pass

    reports: list[str] = []

    def cancel(share: float, text: str) -> None:
        assert 0 <= share <= 1
        reports.append(text)
        if "MB" in text:
            raise CancelledError

    with pytest.raises(CancelledError):
        fetch(f"{SERVER}/endless", progress=cancel, **internet)
    assert reports[0] == "Connecting …"
    _wait_for(lambda: "hung up" in asked)


def test_a_page_that_yt_dlp_knows_gives_its_recording_over_the_same_guarded_way(
    internet: dict[str, Any], asked: list[str]
) -> None:
    fetched = get("https://archive.org/details/calls", internet)
    assert fetched.content == Handler.recording
    assert fetched.name == "Calls.wav"
    assert asked[0] == "archive.org/details/calls"
    assert asked[-1] == "archive.org/download/calls/call.wav"


def test_yt_dlp_does_not_get_to_a_private_address_either(internet: dict[str, Any], asked: list[str]) -> None:
    answers = iter([PUBLIC, "10.0.0.1"])
    turned = internet | {"resolve": lambda host, port: [next(answers)]}
    assert "is not on the public" in refusal("https://archive.org/details/calls", turned)
    assert asked == ["archive.org/details/calls"]


def test_a_page_whose_recording_is_too_long_is_left(internet: dict[str, Any], asked: list[str]) -> None:
    assert "longer than" in refusal("https://archive.org/details/calls", internet, duration=3.0)
    assert not any("download" in page for page in asked)


def test_nothing_is_executed_and_nothing_is_written(internet: dict[str, Any], tmp_path: Path) -> None:
    """Python's own audit of programs that start and files that are opened for writing."""
    code = (
        "import os, sys\n"
        "import httpcore, helpers.internet\n"
        "from helpers.errors import LinkError\n"
        "from helpers.links import _recording_of_page\n"
        "seen = []\n"
        "def audit(event, args):\n"
        "    writes = event == 'open' and isinstance(args[1], str) and set(args[1]) & set('wax+')\n"
        "    if event in ('subprocess.Popen', 'os.system', 'os.exec', 'os.posix_spawn') or writes:\n"
        "        seen.append((event, str(args[0])))\n"
        "class Down(httpcore.NetworkBackend):\n"
        "    def connect_tcp(self, host, port, *args, **more): raise httpcore.ConnectError\n"
        "internet = helpers.internet.Internet(\n"
        "    lambda: None, resolve=lambda host, port: ['93.184.216.34'], network=Down())\n"
        "sys.dont_write_bytecode = True\n"
        "sys.addaudithook(audit)\n"
        "try: _recording_of_page('https://www.youtube.com/watch?v=dQw4w9WgXcQ', internet, 1e9)\n"
        "except LinkError as error: print(str(error)[:40])\n"
        "print([entry for entry in seen if entry[1] != os.devnull])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lines = io.StringIO(done.stdout).read().splitlines()
    assert lines[0].startswith(("The page did not give a recording", "The server of the link"))
    assert lines[1] == "[]"


def test_links_are_off_unless_switched_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SWITCH, raising=False)
    assert not links_enabled()
    for value, enabled in (("0", False), ("", False), ("1", True)):
        monkeypatch.setenv(SWITCH, value)
        assert links_enabled() is enabled


def _wait_for(condition: Any) -> None:
    for _ in range(100):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it did not happen in 5 s")
