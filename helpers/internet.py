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
from typing import Any

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
    ipaddress.ip_network("64:ff9b:1::/48"),  # local translation
]
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
        inner = [parsed.ipv4_mapped, parsed.sixtofour, *(parsed.teredo or ())]
        if parsed in _NAT64:
            inner.append(ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF))
        if not all(is_public(str(embedded)) for embedded in inner if embedded is not None):
            return False
    refused = any(parsed in network for network in _REFUSED)
    return parsed.is_global and not parsed.is_multicast and not refused


class Internet:
    """Requests to public addresses.

    Parameters
    ----------
    check : callable
        Called several times a second while anything is awaited; what it raises ends the request.
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
    ) -> Iterator[httpcore.Response]:
        """Send a request; the answer may be a redirect, and its body is read as far as it is iterated.

        Parameters
        ----------
        url : str
            Of http or https.
        method : str
        headers : dict of str to str, optional
        content : bytes, optional

        Yields
        ------
        httpcore.Response

        Raises
        ------
        LinkError
            The address is not allowed, or there is no answer.
        """
        import requests

        sent = {"User-Agent": _USER_AGENT, **(headers or {}), "Accept-Encoding": "identity"}
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
