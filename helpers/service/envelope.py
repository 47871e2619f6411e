"""Around every request: its id, the key, the limits, the security headers, the log line and the figures.

A request with a body takes a place in the queue before any of it is read, so that neither memory nor disk
fills with what waits. Log lines and figures say what was asked of which route, never of which recording.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import re
import time
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import UTC, datetime
from typing import Any

from fastapi.responses import JSONResponse
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.datastructures import Headers, MutableHeaders

from helpers.service.config import Config
from helpers.service.problems import CLIENT_GONE, MEDIA_TYPE, ClientGoneError, Problem, as_object

KEY_HEADER = "X-API-Key"
RETRY_AFTER = 5  # seconds

_OPEN = {"/health", "/ready", "/docs", "/openapi.json"}
_REQUEST_ID = re.compile(r"[\w-]{1,64}", re.ASCII)
_UNMATCHED = "unmatched"
_BOUNDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)  # seconds
_NOTHING = "default-src 'none'; frame-ancestors 'none'"
_SWAGGER = (
    f"{_NOTHING}; script-src https://cdn.jsdelivr.net 'unsafe-inline'; connect-src 'self'; "
    "style-src https://cdn.jsdelivr.net 'unsafe-inline'; img-src data: https://fastapi.tiangolo.com"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

log = logging.getLogger("service")


class Figures:
    """What ``/metrics`` tells."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "requests", "Requests answered.", ["method", "route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "request_seconds", "Time to answer.", ["route"], buckets=_BOUNDS, registry=self.registry
        )
        self.places = Gauge("places_taken", "Requests that work or wait.", registry=self.registry)
        self.received = Counter("received_bytes", "Bodies.", registry=self.registry)


class Envelope:
    """ASGI middleware around the whole app.

    Parameters
    ----------
    app : ASGI app
    config : Config
    figures : Figures
    """

    def __init__(self, app: App, config: Config, figures: Figures) -> None:
        self._app = app
        self._config = config
        self._figures = figures
        self._taken = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, whatever happens."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(scope, send)
        started = time.perf_counter()
        try:
            self._demand_key(scope)
            await self._within_limits(scope, receive, answer.send)
        except Problem as problem:
            await answer.problem(problem)
        except ClientGoneError:
            answer.status = CLIENT_GONE
        except Exception as error:
            answer.failure = _where(error)
            await answer.problem(Problem("internal", "Something went wrong here: try again, or report it."))
        finally:
            self._account(scope, answer, time.perf_counter() - started)

    def _demand_key(self, scope: Scope) -> None:
        """Refuse before the body is read; how long that takes tells nothing of the key."""
        changes = scope["method"] == "DELETE" or scope["path"] == "/train"
        if changes and not (self._config.key and self._config.models):
            raise Problem("training-off", "Training is off: the host has to set API_KEY and MODELS_DIR.")
        if not self._config.key or scope["path"] in _OPEN:
            return
        given = Headers(scope=scope).get(KEY_HEADER, "")
        if not hmac.compare_digest(given.encode(), self._config.key.encode()):
            raise Problem("key-needed", f"Send the key of this service as {KEY_HEADER}.")

    async def _within_limits(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        too_large = Problem("too-large", f"A request may have {self._config.upload / 2**20:g} MB: send less.")
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and int(declared) > self._config.upload:
            raise too_large
        if self._taken >= self._config.workers + self._config.waiting:
            raise Problem(
                "busy",
                f"All places are taken: try again in {RETRY_AFTER} s.",
                {"Retry-After": str(RETRY_AFTER)},
            )
        self._taken += 1
        self._figures.places.set(self._taken)
        count, end = 0, time.monotonic() + self._config.seconds
        arrived = False

        async def counted() -> Message:
            nonlocal count, arrived
            if arrived:
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), end - time.monotonic())
            except TimeoutError:
                raise Problem("upload-slow", "The request took too long to arrive: try again.") from None
            count += len(message.get("body", b""))
            arrived = not message.get("more_body", False)
            if count > self._config.upload:
                raise too_large
            return message

        try:
            await self._app(scope, counted, send)
        finally:
            self._taken -= 1
            self._figures.places.set(self._taken)
            self._figures.received.inc(count)

    def _account(self, scope: Scope, answer: _Answer, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", _UNMATCHED)
        self._figures.requests.labels(scope["method"], route, answer.status).inc()
        self._figures.seconds.labels(route).observe(seconds)
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "request": answer.request_id,
            "method": scope["method"],
            "route": route,
            "status": answer.status,
            "seconds": round(seconds, 3),
        }
        log.info(json.dumps(line | ({"failure": answer.failure} if answer.failure else {})))


class _Answer:
    """The answer to one request, on its way out."""

    def __init__(self, scope: Scope, send: Send) -> None:
        given = Headers(scope=scope).get("x-request-id", "")
        self.request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        self.status = 0
        self.failure = ""
        self._scope = scope
        self._send = send
        scope["request_id"] = self.request_id

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers.update(_HEADERS)
            headers["X-Request-ID"] = self.request_id
            headers["Content-Security-Policy"] = _SWAGGER if self._scope["path"] == "/docs" else _NOTHING
        await self._send(message)

    async def problem(self, problem: Problem) -> None:
        """Answer with a problem, unless an answer has begun."""
        if self.status:
            return
        content = as_object(problem.code, str(problem.detail), self.request_id)
        answer = JSONResponse(content, problem.status_code, problem.headers, media_type=MEDIA_TYPE)
        await answer(self._scope, _nothing_more, self.send)


async def _nothing_more() -> Message:
    return {"type": "http.disconnect"}


def _where(error: Exception) -> str:
    """Say where an error was raised and of which type; its words may quote what nobody shall log."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_qualname}, line {trace.tb_lineno}" if trace else ""
    return f"{type(error).__name__} in {place}"
