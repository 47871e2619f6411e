"""How the browser and the server find each other for live sound: the ICE servers of WebRTC."""

from __future__ import annotations

import ipaddress
import os
from typing import Any

_OF_STREAMLIT_WEBRTC = (("CLOUDFLARE_TURN_KEY_ID", "CLOUDFLARE_TURN_KEY_API_TOKEN"), ("HF_TOKEN",))


def has_relay() -> bool:
    """Tell whether a TURN server is configured, which carries the sound where no direct way exists."""
    return any(all(map(os.environ.get, names)) for names in (("TURN_URL",), *_OF_STREAMLIT_WEBRTC))


def rtc_configuration(host: str) -> dict[str, Any]:
    """Say which ICE servers to use, from the environment.

    Parameters
    ----------
    host : str
        Under which the browser reached the app.

    Returns
    -------
    dict
        For ``webrtc_streamer``: the server of ``TURN_URL``, ``TURN_USER`` and ``TURN_PASSWORD``; without it,
        those that streamlit-webrtc finds by itself; none where both ends are in one network.
    """
    urls = os.environ.get("TURN_URL")
    if urls:
        account = {"username": os.environ.get("TURN_USER"), "credential": os.environ.get("TURN_PASSWORD")}
        return {"iceServers": [{"urls": urls.split(","), **account}]}
    return {"iceServers": [] if is_near(host) and not has_relay() else None}


def is_near(host: str) -> bool:
    """Tell whether a host is this machine, or in a private network.

    Parameters
    ----------
    host : str
        Name or address.

    Returns
    -------
    bool
    """
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".local"))
