"""The OpenAPI 3.1 document: paths from the framework, views and problems from the route table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus
from typing import Any, get_args, get_type_hints

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.routing import compile_path

from tintype.http.call import AdminsOnly, CrossSiteRequest, SignInRequired
from tintype.http.keys import KeyMalformed, KeyReused, RequestInFlight
from tintype.http.problems import MEDIA_TYPE
from tintype.http.routes import Access, Body, IdField, IdPath, Route
from tintype.kernel.ids import InvalidId
from tintype.kernel.problem import Problem

_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string", "description": "address of the page about this problem"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}


def document(app: FastAPI, routes: Sequence[Route], common: Sequence[type[Problem]]) -> Any:
    """The whole document, built once and kept by the app."""
    if app.openapi_schema:
        return app.openapi_schema
    found = get_openapi(
        title="Tintype",
        version=app.version,
        openapi_version="3.1.0",
        description=app.description,
        routes=app.routes,
    )
    components = found.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = _PROBLEM
    shown = [route for route in routes if not route.hidden]
    views = list(dict.fromkeys(route.returns for route in shown if _is_view(route.returns)))
    refs, definitions = msgspec.json.schema_components(
        views, ref_template="#/components/schemas/{name}"
    )
    schemas.update(definitions)
    by_view = dict(zip(views, refs, strict=True))
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer"},
        "session": {"type": "apiKey", "in": "cookie", "name": "tintype_session"},
    }
    for route in shown:
        operation = found["paths"][compile_path(route.path)[1]][route.method.lower()]
        _describe(operation, route, by_view, common)
    app.openapi_schema = found
    return found


def _is_view(returns: Any) -> bool:
    return returns is not None and returns is not bytes


def _around(route: Route) -> Iterator[type[Problem]]:
    """What the kit itself may answer in place of the handler."""
    yield SignInRequired
    if route.access is Access.ADMIN:
        yield AdminsOnly
    if route.method not in {"GET", "HEAD"}:
        yield CrossSiteRequest
    if route.creates:
        yield from (KeyMalformed, KeyReused, RequestInFlight)
    if any(_holds_id(hint) for hint in _hints(route.handler)):
        yield InvalidId


def _hints(annotated: object) -> Iterable[Any]:
    return get_type_hints(annotated, include_extras=True).values()


def _holds_id(hint: Any) -> bool:
    if hint in (IdPath, IdField):
        return True
    inner = _hints(hint) if isinstance(hint, type) and issubclass(hint, Body) else get_args(hint)
    return any(_holds_id(each) for each in inner)


def _describe(
    operation: dict[str, Any],
    route: Route,
    by_view: dict[Any, Any],
    common: Sequence[type[Problem]],
) -> None:
    responses: dict[str, Any] = {}
    statuses = {route.status}
    if route.status_of is not None:
        statuses |= {201, 202}
    for status in sorted(statuses):
        response: dict[str, Any] = {"description": HTTPStatus(status).phrase}
        if _is_view(route.returns) and status != HTTPStatus.NO_CONTENT:
            response["content"] = {"application/json": {"schema": by_view[route.returns]}}
        responses[str(status)] = response
    problems = {*route.problems, *_around(route), *common}
    for problem in sorted(problems, key=lambda each: each.slug()):
        entry = responses.setdefault(
            str(problem.status),
            {
                "description": "",
                "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            },
        )
        line = f"`{problem.slug()}`: {problem.title()}."
        entry["description"] = f"{entry['description']}\n\n{line}".strip()
    operation["responses"] = responses
    operation["x-access"] = route.access.value
    operation["x-rule"] = route.rule
    if route.access is Access.ANYONE:
        operation["security"] = [{}, {"token": []}, {"session": []}]
    else:
        operation["security"] = [{"token": []}, {"session": []}]
    if route.creates:
        operation.setdefault("parameters", []).append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "schema": {"type": "string", "pattern": "^[ -~]{1,255}$"},
                "description": "A retry with the same key gets the first answer again.",
            }
        )
