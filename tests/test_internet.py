"""Which addresses may be reached: decided by a resolver of the test's own, without any network."""

import socket
from collections.abc import Iterable
from typing import Any

import httpcore
import pytest

from helpers.errors import LinkError
from helpers.internet import Internet, is_public, public_addresses, resolve

PUBLIC = "93.184.216.34"


class Nowhere(httpcore.NetworkBackend):
    """Notes where a connection would go, and refuses it."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        self.asked.append(host)
        raise httpcore.ConnectError

    def connect_unix_socket(self, path: str, *others: Any, **more: Any) -> httpcore.NetworkStream:
        raise AssertionError("a file was to be opened")


def ask(url: str, *addresses: str) -> tuple[str, list[str]]:
    """Send a request to a name that has these addresses: what is said, and where it went."""
    network = Nowhere()
    internet = Internet(lambda: None, resolve=lambda host, port: list(addresses), network=network)
    with pytest.raises(LinkError) as caught, internet.answer(url):
        pass
    return str(caught.value), network.asked


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.9.10", "0.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1"),
        *("169.254.169.254", "100.100.100.200", "168.63.129.16", "192.0.0.192", "224.0.0.1", "239.1.1.1"),
        *("240.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.2.1"),
        *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::"),
        *("fec0::1", "::127.0.0.1", "::ffff:0:7f00:1", "5f00::1", "3fff::1", "100::1", "4000::1"),
        *("", "example.org", "127.1", "2130706433"),
    ],
)
def test_these_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", [PUBLIC, "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_these_addresses_are_public(address: str) -> None:
    assert is_public(address)


def test_a_public_name_is_reached_by_its_address_not_by_its_name() -> None:
    said, asked = ask("http://good.example/a.wav", PUBLIC)
    assert asked == [PUBLIC]
    assert "does not answer" in said


def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    said, asked = ask("http://both.example/", PUBLIC, "10.0.0.1")
    assert asked == []
    assert said == "both.example is not on the public internet: only public links are fetched."


@pytest.mark.parametrize(
    "url",
    [
        *(
            "http://127.0.0.1/",
            "http://localhost/",
            "http://127.1/",
            "http://0x7f000001/",
            "http://2130706433/",
        ),
        *("http://[::1]/", "http://[::ffff:127.0.0.1]/", "https://169.254.169.254/latest/meta-data"),
        *("http://user:secret@127.0.0.1/", "http://good.example@127.0.0.1/", "http://127.0.0.1.:80/"),
    ],
)
def test_no_spelling_of_an_inner_address_is_reached(url: str) -> None:
    network = Nowhere()
    with pytest.raises(LinkError), Internet(lambda: None, network=network).answer(url):
        pass
    assert network.asked == []


def test_the_next_address_is_tried_where_one_does_not_answer() -> None:
    assert ask("http://good.example/", PUBLIC, "8.8.8.8")[1] == [PUBLIC, "8.8.8.8"]


def test_a_name_is_looked_up_once_for_a_connection() -> None:
    answers = iter([[PUBLIC], ["127.0.0.1"]])
    network = Nowhere()
    internet = Internet(lambda: None, resolve=lambda host, port: next(answers), network=network)
    with pytest.raises(LinkError), internet.answer("http://rebind.example/"):
        pass
    assert network.asked == [PUBLIC]
    with (
        pytest.raises(LinkError, match="not on the public internet"),
        internet.answer("http://rebind.example/"),
    ):
        pass
    assert network.asked == [PUBLIC]


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://good.example/a", "gopher://x", "data:,x", "a.wav", "", "http://", "//x"],
)
def test_nothing_but_http_is_spoken(url: str) -> None:
    said, asked = ask(url, PUBLIC)
    assert asked == []
    assert said.startswith("The link is no address that can be fetched")


def test_a_name_of_any_alphabet_is_an_address() -> None:
    assert ask("http://bücher.example/ä ö.mp3", PUBLIC)[1] == [PUBLIC]


def test_a_name_that_does_not_exist_is_named() -> None:
    with pytest.raises(LinkError, match=r"no server named nowhere\.invalid"):
        resolve("nowhere.invalid", 80)
    with pytest.raises(LinkError, match="only public links"):
        public_addresses("empty.example", 80, lambda host, port: [])


def test_the_resolver_gives_addresses() -> None:
    assert "127.0.0.1" in resolve("localhost", 80) or "::1" in resolve("localhost", 80)
    with pytest.raises(LinkError):
        public_addresses(socket.gethostbyname("localhost"), 80)
