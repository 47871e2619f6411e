"""A recording from a link: of a media file, or of a page that yt-dlp knows. Off unless `SWITCH` is set.

yt-dlp is only asked where a page has its recording, over the same guarded connections; it downloads nothing
and starts no program, for which some sites are left out.
"""

from __future__ import annotations

import io
import os
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import Message
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from helpers.errors import LinkError
from helpers.media import LONGEST_ON_PAGE, declared_duration

if TYPE_CHECKING:
    from yt_dlp.networking import Request, Response

    from helpers.internet import Answer, Internet

SWITCH = "ALLOW_LINKS"

_PAGES = ("text/html", "application/xhtml+xml")
_NO_MEDIA = (
    *("text/", "image/", "font/", "application/json", "application/xml", "application/pdf"),
    *("application/dash+xml", "application/vnd.apple.mpegurl", "application/x-mpegurl"),  # lists of addresses
)
_GONE = (404, 410)
_LARGEST_PAGE = 20 * 2**20
_PROGRAM_STARTERS = ("pornhub", "iqiyi", "douyu")  # whose extractors of yt-dlp run PhantomJS
_ENOUGH_TO_PROBE = 1 << 20

Progress = Callable[[float, str], object]


@dataclass(frozen=True)
class Limits:
    """How much may be fetched.

    Attributes
    ----------
    size : int
        Of the file [bytes].
    duration : float
        Of the recording, as far as it declares it [seconds].
    time : float
        Until all is there [seconds].
    """

    size: int = 200 * 2**20
    duration: float = LONGEST_ON_PAGE
    time: float = 180.0


@dataclass(frozen=True)
class Fetched:
    """What a link led to.

    Attributes
    ----------
    name : str
        File name.
    content : bytes
    """

    name: str
    content: bytes


def links_enabled() -> bool:
    """Tell whether this server fetches links: ``ALLOW_LINKS=1`` in its environment."""
    return os.environ.get(SWITCH, "") == "1"


def fetch(url: str, *, progress: Progress, limits: Limits | None = None, **internet: Any) -> Fetched:
    """Fetch a recording.

    Parameters
    ----------
    url : str
        Of http or https.
    progress : callable
        Called several times a second with the share that is there, as far as it is known, and a text; what it
        raises ends the fetching.
    limits : Limits, optional
    **internet
        As of ``internet.Internet``.

    Returns
    -------
    Fetched

    Raises
    ------
    LinkError
        The address is not allowed, does not answer, or leads to no recording within the limits.
    """
    from helpers.internet import Internet

    download = _Download(limits or Limits(), progress)
    download.internet = Internet(download.check, **internet)
    return download.fetch(url)


class _Download:
    """One fetching, with what it has so far."""

    internet: Internet

    def __init__(self, limits: Limits, progress: Progress) -> None:
        self._limits = limits
        self._progress = progress
        self._deadline = time.monotonic() + limits.time
        self._content = io.BytesIO()
        self._size = 0

    def check(self) -> None:
        """Report progress, and end what takes too long."""
        if time.monotonic() > self._deadline:
            raise LinkError(
                f"The link did not deliver within {self._limits.time:g} s: fetch it yourself, and upload it."
            )
        there = self._content.tell()
        share = there / self._size if self._size else 0.0
        self._progress(min(share, 1.0), f"Fetching: {there / 2**20:.1f} MB …" if there else "Connecting …")

    def fetch(self, url: str) -> Fetched:
        """Fetch a file, or that of a page."""
        try:
            return self._file(url)
        except _PageError:
            media, headers, title = _recording_of_page(url, self.internet, self._limits.duration)
        try:
            return Fetched(title, self._file(media, headers).content)
        except _PageError:
            raise _nothing_there() from None

    def _file(self, url: str, headers: dict[str, str] | None = None) -> Fetched:
        with self.internet.answer(url, headers=headers) as answer:
            self._admit(answer)
            self._read(answer.blocks)
            return Fetched(_name(answer.url), self._content.getvalue())

    def _admit(self, answer: Answer) -> None:
        """Refuse an answer that is no recording by its own words."""
        kind = answer.field("content-type").partition(";")[0].strip().lower()
        if kind in _PAGES and answer.status not in _GONE:
            raise _PageError
        if answer.status != 200:
            raise LinkError(
                f"The server of the link answers with error {answer.status}: check the link, or download the "
                "recording yourself and upload it."
            )
        if kind.startswith(_NO_MEDIA):
            raise LinkError(f"The link leads to {kind}, which is no recording: choose one of audio or video.")
        declared = answer.field("content-length")
        self._size = int(declared) if declared.isdecimal() else 0
        self._admit_size(self._size)

    def _admit_size(self, size: int) -> None:
        if size > self._limits.size:
            raise LinkError(
                f"The recording is larger than {self._limits.size / 2**20:g} MB, the most allowed: cut it."
            )

    def _read(self, blocks: Iterator[bytes]) -> None:
        probed = False
        for block in blocks:
            self._content.write(block)
            self._admit_size(self._content.tell())
            if not probed and self._content.tell() >= _ENOUGH_TO_PROBE:
                probed = True
                _admit_duration(declared_duration(self._content.getvalue()), self._limits.duration)


class _PageError(Exception):
    """The answer is a web page."""


def _name(url: str) -> str:
    return unquote(urlsplit(url).path).rpartition("/")[2] or "recording"


def _admit_duration(duration: float, longest: float) -> None:
    if duration > longest:
        raise LinkError(f"The recording is longer than {longest / 60:g} minutes, the most allowed: cut it.")


def _nothing_there() -> LinkError:
    return LinkError(
        "The page did not give a recording (some sites, as YouTube, refuse servers at times): download it "
        "yourself, and upload the file."
    )


def _recording_of_page(url: str, internet: Internet, longest: float) -> tuple[str, dict[str, str], str]:
    """Ask yt-dlp for the address of a page's recording, the headers to send, and its name."""
    from yt_dlp import YoutubeDL
    from yt_dlp.globals import plugin_dirs
    from yt_dlp.networking.common import RequestDirector, RequestHandler
    from yt_dlp.networking.exceptions import HTTPError, TransportError

    plugin_dirs.value = []
    refusals: list[LinkError] = []

    class GuardedRH(RequestHandler):
        """Sends yt-dlp's requests over guarded connections."""

        _SUPPORTED_URL_SCHEMES = ("http", "https")
        _SUPPORTED_PROXY_SCHEMES = None
        _SUPPORTED_FEATURES = None

        def _send(self, request: Request) -> Response:
            cookies = self._get_cookiejar(request)
            cookie = cookies.get_cookie_header(request.url)
            headers = self._get_headers(request) | ({"Cookie": cookie} if cookie else {})
            try:
                response, message = _send(internet, request, headers)
            except LinkError as error:
                refusals.append(error)
                raise TransportError(cause=error) from None
            cookies.extract_cookies(message, urllib.request.Request(response.url))  # noqa: S310
            if not 200 <= response.status < 300:
                raise HTTPError(response)
            return response

    class Guarded(YoutubeDL):
        def build_request_director(self, handlers: Any, preferences: Any = None) -> RequestDirector:
            return super().build_request_director([GuardedRH])

    settings = {
        "quiet": True,
        "no_warnings": True,
        "logger": _Silence(),
        "format": "bestaudio[protocol~='^https?$']/best[protocol~='^https?$']",
        "noplaylist": True,
        "playlist_items": "1",
        "allowed_extractors": ["default", "-generic", *(f"-{name}.*" for name in _PROGRAM_STARTERS)],
        "cachedir": False,
        "js_runtimes": {},
        "ffmpeg_location": os.devnull,
    }
    try:
        with Guarded(settings) as page:
            found = page.extract_info(url, download=False)
    except Exception:  # a site's page can break yt-dlp in any way
        raise (refusals or [_nothing_there()])[-1] from None
    found = next(iter(found["entries"]), None) if found and "entries" in found else found
    if not found or not found.get("url"):
        raise _nothing_there()
    _admit_duration(found.get("duration") or 0.0, longest)
    return found["url"], found.get("http_headers", {}), f"{found.get('title') or 'recording'}.{found['ext']}"


class _Silence:
    """Takes yt-dlp's messages and keeps them to itself: they name what was fetched."""

    def debug(self, message: str) -> None: ...
    def info(self, message: str) -> None: ...
    def warning(self, message: str) -> None: ...
    def error(self, message: str) -> None: ...


def _send(internet: Internet, request: Request, headers: dict[str, str]) -> tuple[Response, Any]:
    """Send one of yt-dlp's requests, and give the answer, also in the form in which cookies are read."""
    from yt_dlp.networking import Response

    with internet.answer(request.url, method=request.method, headers=headers, content=request.data) as answer:
        body = io.BytesIO()
        for block in answer.blocks:
            body.write(block)
            if body.tell() > _LARGEST_PAGE:
                raise _nothing_there()
    body.seek(0)
    message = Message()
    for name, value in answer.fields:
        message[name] = value
    return Response(body, answer.url, message, answer.status), SimpleNamespace(info=lambda: message)
