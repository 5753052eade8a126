"""The app factory: route tables in, one ASGI application out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import compile_path

from tintype import __version__
from tintype.http.gate import Overloaded
from tintype.http.kit import HostRefused, Kit, route_class
from tintype.http.limits import TooManyRequests
from tintype.http.openapi import document
from tintype.http.problems import BodyTooLarge, BodyUnreadable, answer_exception
from tintype.http.routes import Route, Routes
from tintype.kernel.problem import Invalid, Problem

_DESCRIPTION = (
    "Ids are strings. Times are RFC 3339 in UTC. Lists are paged by `cursor`; `next_cursor` is "
    "null at the end. Errors are problems (RFC 9457). Send `Idempotency-Key` with every POST that "
    "creates, and a retry never doubles anything."
)
_COMMON: tuple[type[Problem], ...] = (TooManyRequests, Overloaded, Invalid, HostRefused)


def create_app(kit: Kit, slices: Sequence[Routes]) -> FastAPI:
    """The application with every route of every slice, its problems and its OpenAPI document."""
    app = FastAPI(
        title="Tintype",
        version=__version__,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    table = [route for slice_ in slices for route in slice_.table]
    for route in table:
        router = APIRouter(route_class=route_class(kit, route))
        router.add_api_route(
            route.path,
            route.endpoint(),
            methods=[route.method],
            tags=[route.tag],
            summary=_summary(route.handler.__doc__ or route.handler.__name__),
            description=route.handler.__doc__,
            operation_id=route.handler.__name__,
            response_model=None,
            include_in_schema=not route.hidden,
        )
        app.include_router(router)
    for error in (HTTPException, RequestValidationError, Problem, Exception):
        app.add_exception_handler(error, _answering(table))

    def openapi() -> Any:
        return document(app, table, [*_COMMON, BodyUnreadable, BodyTooLarge])

    app.openapi = openapi  # type: ignore[method-assign] # the framework's documented way
    app.state.table = table
    return app


def _answering(table: Sequence[Route]) -> Callable[[Request, Exception], Awaitable[Response]]:
    """Answers what no route caught; a refused method gets every one that its address answers to."""
    known = [(compile_path(route.path)[0], route.method) for route in table]

    async def answer(request: Request, error: Exception) -> Response:
        response = await answer_exception(request, error)
        if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            methods = {method for path, method in known if path.match(request.scope["path"])}
            if methods:
                response.headers["Allow"] = ", ".join(sorted(methods))
        return response

    return answer


def _summary(text: str) -> str:
    return text.strip().splitlines()[0].rstrip(".")
