"""Problems on the wire: application/problem+json (RFC 9457)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
import structlog
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from tintype.kernel.problem import (
    FieldError,
    Invalid,
    Malformed,
    NotFound,
    OutOfSpace,
    Problem,
    TooLarge,
    Unavailable,
)
from tintype.ports import errors as adapters

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
Lost = Callable[[Request, Problem], Awaitable[Response]]
"""Answers a person who opened an address where nothing is (``app.state.lost``)."""

_NO_PAGES = ("/v1/", "/media/", "/parts/", "/assets/")
_encode = msgspec.json.Encoder().encode


class BodyUnreadable(Malformed):
    """The body is not the JSON that this route reads."""


class BodyTooLarge(TooLarge):
    """The body is larger than this route reads."""


class NoSuchRoute(NotFound):
    """There is nothing at this address."""


class MethodNotAllowed(Problem):
    """This address does not answer to this method."""

    status = 405


class InternalError(Problem):
    """Something broke on our side."""


def body_of(problem: Problem, instance: str) -> bytes:
    """The problem document; ``type`` is the address of its page on this server."""
    document: dict[str, Any] = {
        "type": f"/problems/{problem.slug()}",
        "title": problem.title(),
        "status": problem.status,
        "detail": problem.detail or problem.title() + ".",
        "instance": instance,
    }
    return _encode(document | problem.extensions)


def response_of(problem: Problem, request: Request) -> Response:
    instance = f"urn:tintype:request:{request.scope.get('tintype.request_id', '0')}"
    return Response(
        body_of(problem, instance),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers=problem.headers,
    )


def problem_of(error: Exception) -> Problem | None:
    """The problem that stands for an exception; ``None`` for a bug."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, RequestValidationError):
        return _from_validation(error.errors())
    if isinstance(error, HTTPException):
        known: dict[int, type[Problem]] = {404: NoSuchRoute, 405: MethodNotAllowed}
        found = known.get(error.status_code, BodyUnreadable)()
        found.headers.update(error.headers or {})
        return found
    if isinstance(error, adapters.AdapterError):
        full = isinstance(error, adapters.OutOfSpace)
        return OutOfSpace() if full else Unavailable(retry_after=2.0)
    return None


async def answer_exception(request: Request, error: Exception) -> Response:
    """Turn whatever a route raised into a problem; a bug shows only its request id."""
    problem = problem_of(error)
    if problem is None:
        log.error("http.bug", exc_info=error, path=request.url.path)
        problem = InternalError("The request id tells the operator where to look.")
    lost: Lost | None = getattr(request.app.state, "lost", None)
    if lost is not None and problem.status == NotFound.status and _asks_for_page(request):
        return await lost(request, problem)
    return response_of(problem, request)


def _asks_for_page(request: Request) -> bool:
    """Whether a person looks for a page here: a browser's GET outside of the API and the files."""
    return (
        request.method == "GET"
        and "text/html" in request.headers.get("accept", "")
        and not request.url.path.startswith(_NO_PAGES)
    )


def _from_validation(errors: Sequence[Any]) -> Problem:
    if any(error["type"] == "json_invalid" for error in errors):
        return BodyUnreadable("The body is not valid JSON.")
    return Invalid(
        "; ".join(f"{_pointer(error['loc'])}: {error['msg']}" for error in errors[:3]),
        errors=[
            FieldError(pointer=_pointer(error["loc"]), detail=error["msg"]) for error in errors[:20]
        ],
    )


def _pointer(location: Sequence[str | int]) -> str:
    parts = [str(part) for part in location if part not in {"body", "query", "path", "header"}]
    return "/" + "/".join(part.replace("~", "~0").replace("/", "~1") for part in parts)
