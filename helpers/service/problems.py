"""What the service answers when something is wrong: problem details of RFC 9457, each with a stable code."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from helpers.errors import CorpusError, HelpersError, MediaError, ModelError, SpeechError

MEDIA_TYPE = "application/problem+json"
CLIENT_GONE = 499  # as nginx logs it; nobody reads the answer

STATUSES = {
    "invalid-request": HTTPStatus.UNPROCESSABLE_ENTITY,
    "malformed-request": HTTPStatus.BAD_REQUEST,
    "key-needed": HTTPStatus.UNAUTHORIZED,
    "training-off": HTTPStatus.FORBIDDEN,
    "not-found": HTTPStatus.NOT_FOUND,
    "model-unknown": HTTPStatus.NOT_FOUND,
    "recording-unknown": HTTPStatus.NOT_FOUND,
    "job-unknown": HTTPStatus.NOT_FOUND,
    "method-not-allowed": HTTPStatus.METHOD_NOT_ALLOWED,
    "not-acceptable": HTTPStatus.NOT_ACCEPTABLE,
    "upload-slow": HTTPStatus.REQUEST_TIMEOUT,
    "model-shipped": HTTPStatus.CONFLICT,
    "name-taken": HTTPStatus.CONFLICT,
    "job-running": HTTPStatus.CONFLICT,
    "too-large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "recording-unreadable": HTTPStatus.UNPROCESSABLE_ENTITY,
    "no-speech": HTTPStatus.UNPROCESSABLE_ENTITY,
    "clips-unusable": HTTPStatus.UNPROCESSABLE_ENTITY,
    "busy": HTTPStatus.TOO_MANY_REQUESTS,
    "internal": HTTPStatus.INTERNAL_SERVER_ERROR,
    "not-ready": HTTPStatus.SERVICE_UNAVAILABLE,
    "model-broken": HTTPStatus.SERVICE_UNAVAILABLE,
    "too-slow": HTTPStatus.GATEWAY_TIMEOUT,
}
_OF_ERRORS: dict[type[HelpersError], str] = {
    MediaError: "recording-unreadable",
    SpeechError: "no-speech",
    ModelError: "model-broken",
    CorpusError: "clips-unusable",
}
_BY_STATUS = {400: "malformed-request", 404: "not-found", 405: "method-not-allowed"}
_FOLDERS = re.compile(r"(?<![\w/])/(?:[^\s/'\"]+/)*")


class ProblemDetails(BaseModel):
    """What is wrong, as of RFC 9457; `code` never changes its meaning."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str


class Problem(HTTPException):
    """Something is wrong with a request, or with us.

    Parameters
    ----------
    code : str
        Key of `STATUSES`.
    detail : str
        One sentence that a user can act on, without paths.
    headers : mapping of str to str, optional
    """

    def __init__(self, code: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(STATUSES[code], detail, dict(headers or {}))
        self.code = code


class ClientGoneError(Exception):
    """Nobody waits for the answer any more."""


def as_object(code: str, detail: str, request_id: str) -> dict[str, Any]:
    """Make the details of a problem."""
    status = STATUSES[code]
    return ProblemDetails(
        type=f"urn:call-emotions:problem:{code}",
        title=status.phrase,
        status=status,
        detail=detail,
        code=code,
        request_id=request_id,
    ).model_dump()


def without_paths(text: str) -> str:
    """Leave of every absolute path in a text its last part."""
    return _FOLDERS.sub("", text)


async def on_http_exception(request: Request, error: Exception) -> JSONResponse:
    """Answer with the problem that was raised, by us or by the framework."""
    assert isinstance(error, HTTPException)  # noqa: S101
    code = error.code if isinstance(error, Problem) else _BY_STATUS.get(error.status_code, "invalid-request")
    return _answer(request, code, str(error.detail), getattr(error, "headers", None))


async def on_invalid_request(request: Request, error: Exception) -> JSONResponse:
    """Answer which field is wrong, without what was in it."""
    assert isinstance(error, RequestValidationError)  # noqa: S101
    wrong = [f"{'.'.join(map(str, each['loc'][1:]))}: {each['msg']}" for each in error.errors()]
    return _answer(request, "invalid-request", "; ".join(wrong))


async def on_helpers_error(request: Request, error: Exception) -> JSONResponse:
    """Answer with the sentence of an error of this package."""
    code = next((code for kind, code in _OF_ERRORS.items() if isinstance(error, kind)), "invalid-request")
    return _answer(request, code, without_paths(str(error)))


def responses(*codes: str) -> dict[int | str, dict[str, Any]]:
    """Document problems: for each status its codes."""
    by_status: dict[int | str, list[str]] = {}
    for code in codes:
        by_status.setdefault(int(STATUSES[code]), []).append(code)
    return {
        status: {"model": ProblemDetails, "description": f"Problem: {', '.join(names)}."}
        for status, names in by_status.items()
    }


def _answer(
    request: Request, code: str, detail: str, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    content = as_object(code, detail, request.scope["request_id"])
    return JSONResponse(content, STATUSES[code], headers, media_type=MEDIA_TYPE)
