"""HTTP to public addresses only, with a check that runs all the while.

What a stranger's link may lead to is decided here and nowhere else: a name is resolved once, every address
that it has must be public, and the connection goes to one of those addresses, so that a name that changes its
address in between does not slip through.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpcore

from helpers.errors import LinkError

Resolve = Callable[[str, int], list[str]]
Check = Callable[[], None]

_GRAIN = 0.25  # seconds, in which a check is made at least once
_CONNECTING = 10.0  # seconds
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_REFUSED = [
    ipaddress.ip_network("168.63.129.16/32"),  # metadata of Azure's machines, in public space
    ipaddress.ip_network("192.0.0.0/24"),  # special addresses, metadata of Oracle's machines among them
    ipaddress.ip_network("3fff::/20"),  # documentation
]
_UNICAST = ipaddress.ip_network("2000::/3")
_MOST_REDIRECTS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
_PRIVATE_FIELDS = ("cookie", "authorization")
_USER_AGENT = "call-emotions"


def resolve(host: str, port: int) -> list[str]:
    """Look a name up.

    Parameters
    ----------
    host : str
        Name or address.
    port : int

    Returns
    -------
    list of str
        IP addresses.

    Raises
    ------
    LinkError
        There is no such name.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise LinkError(f"There is no server named {host}: check the link.") from None
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def public_addresses(host: str, port: int, resolve: Resolve = resolve) -> list[str]:
    """Look a name up that must be on the public internet.

    Parameters
    ----------
    host : str
        Name or address.
    port : int
    resolve : callable
        As `resolve`.

    Returns
    -------
    list of str
        IP addresses.

    Raises
    ------
    LinkError
        There is no such name, or one of its addresses is not public.
    """
    addresses = resolve(host, port)
    if not addresses or not all(map(is_public, addresses)):
        raise LinkError(f"{host} is not on the public internet: only public links are fetched.")
    return addresses


def is_public(address: str) -> bool:
    """Tell whether an address is on the public internet: not loopback, private, link-local or of metadata.

    Parameters
    ----------
    address : str
        IPv4 or IPv6; an IPv6 address that stands for an IPv4 address is as public as that.

    Returns
    -------
    bool
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return is_public(str(parsed.ipv4_mapped))
        if parsed in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)))
        inner = [parsed.sixtofour, *(parsed.teredo or ())]
        if parsed not in _UNICAST or not all(is_public(str(each)) for each in inner if each is not None):
            return False
    refused = any(parsed in network for network in _REFUSED)
    return parsed.is_global and not parsed.is_multicast and not refused


@dataclass(frozen=True)
class Answer:
    """What a server answers.

    Attributes
    ----------
    url : str
        That answered in the end.
    status : int
        Of HTTP; none of a redirect.
    fields : list of (str, str)
        Of the header, names in lower case.
    blocks : iterator of bytes
        The body, read as far as it is iterated.
    """

    url: str
    status: int
    fields: list[tuple[str, str]]
    blocks: Iterator[bytes]

    def field(self, name: str) -> str:
        """Give the field of a name, empty where there is none."""
        return next((value for each, value in self.fields if each == name), "")


class Internet:
    """Requests to public addresses.

    Parameters
    ----------
    check : callable
        Called before each step of a connection and several times a second while an answer is awaited; what it
        raises ends the request.
    resolve : callable
        As `resolve`.
    network : httpcore.NetworkBackend, optional
        Connects to addresses.
    ssl_context : ssl.SSLContext, optional
        Whom to trust.
    """

    def __init__(
        self,
        check: Check,
        *,
        resolve: Resolve = resolve,
        network: httpcore.NetworkBackend | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._network = _PublicNetwork(check, resolve, network or httpcore.SyncBackend())
        self._ssl_context = ssl_context

    @contextmanager
    def answer(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: dict[str, str] | None = None,
        content: bytes | None = None,
    ) -> Iterator[Answer]:
        """Send a request, and follow where it is redirected.

        Parameters
        ----------
        url : str
            Of http or https.
        method : str
        headers : dict of str to str, optional
            Cookies and authorisation do not go on to another server.
        content : bytes, optional

        Yields
        ------
        Answer

        Raises
        ------
        LinkError
            An address is not allowed, or there is no answer.
        """
        headers = headers or {}
        for _ in range(_MOST_REDIRECTS + 1):
            with self._response(url, method, headers, content) as response:
                answer = Answer(url, response.status, _decoded(response.headers), response.iter_stream())
                if answer.status not in _REDIRECTS:
                    yield answer
                    return
            target = urljoin(url, answer.field("location"))
            if urlsplit(target).netloc != urlsplit(url).netloc:
                headers = {name: headers[name] for name in headers if name.lower() not in _PRIVATE_FIELDS}
            if answer.status == 303:
                method, content = "GET", None
            url = target
        raise LinkError("The link leads from address to address without end: check it.")

    @contextmanager
    def _response(
        self, url: str, method: str, headers: dict[str, str], content: bytes | None
    ) -> Iterator[httpcore.Response]:
        import requests

        sent = {"User-Agent": _USER_AGENT, **headers, "Accept-Encoding": "identity"}
        try:
            address = str(requests.Request(method, url).prepare().url)  # in ASCII
            with (
                httpcore.ConnectionPool(
                    self._ssl_context, network_backend=self._network, max_keepalive_connections=0
                ) as pool,
                pool.stream(method, address, headers=_encoded(sent), content=content) as response,
            ):
                yield response
        except (httpcore.UnsupportedProtocol, httpcore.LocalProtocolError, UnicodeError, ValueError):
            raise LinkError("The link is no address that can be fetched: begin it with https://.") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError):
            raise LinkError("The server of the link does not answer: check the link, or try later.") from None


def _encoded(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()]


def _decoded(fields: list[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    return [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in fields]


class _PublicNetwork(httpcore.NetworkBackend):
    """Connects to public addresses, by the addresses themselves."""

    def __init__(self, check: Check, resolve: Resolve, network: httpcore.NetworkBackend) -> None:
        self._check = check
        self._resolve = resolve
        self._network = network

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectError()
        for address in public_addresses(host, port, self._resolve):
            self._check()
            try:
                stream = self._network.connect_tcp(address, port, _CONNECTING, None, socket_options)
            except (httpcore.NetworkError, httpcore.TimeoutException) as error:
                failure = error
            else:
                return _CheckedStream(stream, self._check)
        raise failure

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.NetworkStream:
        raise httpcore.UnsupportedProtocol


class _CheckedStream(httpcore.NetworkStream):
    """A connection that is checked while it waits."""

    def __init__(self, stream: httpcore.NetworkStream, check: Check) -> None:
        self._stream = stream
        self._check = check

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        while True:
            self._check()
            try:
                return self._stream.read(max_bytes, _GRAIN)
            except httpcore.ReadTimeout:
                continue

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._check()
        self._stream.write(buffer, _CONNECTING)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _CheckedStream(self._stream.start_tls(ssl_context, server_hostname, _CONNECTING), self._check)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
