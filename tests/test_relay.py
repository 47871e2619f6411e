"""Which ICE servers follow from the environment."""

import pytest

from helpers.relay import has_relay, is_near, rtc_configuration

OF_STREAMLIT_WEBRTC = ("CLOUDFLARE_TURN_KEY_ID", "CLOUDFLARE_TURN_KEY_API_TOKEN", "HF_TOKEN")


@pytest.fixture(autouse=True)
def nothing_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TURN_URL", "TURN_USER", "TURN_PASSWORD", *OF_STREAMLIT_WEBRTC):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    "host", ["localhost", "app.localhost", "127.0.0.1", "192.168.1.20", "::1", "nas.local"]
)
def test_near_ends_ask_no_server_in_between(host: str) -> None:
    assert is_near(host)
    assert not has_relay()
    assert rtc_configuration(host) == {"iceServers": []}


@pytest.mark.parametrize("host", ["calls.streamlit.app", "8.8.8.8", "notlocalhost"])
def test_far_ends_get_what_streamlit_webrtc_finds(host: str) -> None:
    assert not is_near(host)
    assert rtc_configuration(host) == {"iceServers": None}


def test_a_turn_server_of_the_environment_is_used_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURN_URL", "turn:relay.example:3478,turns:relay.example:5349")
    monkeypatch.setenv("TURN_USER", "me")
    monkeypatch.setenv("TURN_PASSWORD", "secret")
    assert has_relay()
    (server,) = rtc_configuration("calls.streamlit.app")["iceServers"]
    assert server == {
        "urls": ["turn:relay.example:3478", "turns:relay.example:5349"],
        "username": "me",
        "credential": "secret",
    }
    assert rtc_configuration("localhost")["iceServers"] == [server]


def test_the_variables_of_streamlit_webrtc_are_left_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDFLARE_TURN_KEY_ID", "id")
    assert not has_relay()
    monkeypatch.setenv("CLOUDFLARE_TURN_KEY_API_TOKEN", "token")
    assert has_relay()
    assert rtc_configuration("calls.streamlit.app") == rtc_configuration("localhost") == {"iceServers": None}


def test_streamlit_webrtc_reads_these_variables() -> None:
    """The names are its own, not ours."""
    import inspect

    from streamlit_webrtc import credentials

    source = inspect.getsource(credentials)
    assert all(f'"{name}"' in source for name in OF_STREAMLIT_WEBRTC)


def test_what_is_said_is_what_webrtc_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    from streamlit_webrtc.config import compile_rtc_configuration

    monkeypatch.setenv("TURN_URL", "turn:relay.example:3478")
    (server,) = compile_rtc_configuration(rtc_configuration("x.example")).iceServers or []
    assert server.urls == ["turn:relay.example:3478"]
    assert compile_rtc_configuration({"iceServers": []}).iceServers == []
