"""Route tables: each slice lists its routes, each route says who may call it.

The table is the index of the API: OpenAPI, the rate limits, the idempotency keys and the
authorization matrix of the tests are all derived from it. A route without ``access`` can not be
written.
"""

from __future__ import annotations

import enum
import functools
import inspect
import typing
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Required, TypedDict, TypeVar, Unpack

import msgspec
from fastapi import Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, WithJsonSchema
from starlette.responses import Response

from tintype.kernel.ids import Id, parse_id
from tintype.kernel.problem import Problem

Handler = Callable[..., Awaitable[Any]]
H = TypeVar("H", bound=Handler)
Rule = Literal["anyone", "self", "visible", "owner", "admin"]
LimitClass = Literal["read", "write", "sign-in", "sign-up", "upload", "media"]

_encode = msgspec.json.Encoder().encode


class Access(enum.Enum):
    """Who may call a route at all; what they may touch is decided by its rule."""

    ANYONE = "anyone"
    ACCOUNT = "account"
    ADMIN = "admin"


class Body(BaseModel):
    """A request body: unknown fields are refused, numbers are not taken for text."""

    model_config = ConfigDict(extra="forbid", strict=True, str_strip_whitespace=False)


def _id_in_field(value: object) -> Id:
    if not isinstance(value, str):
        message = "an id is a string"
        raise ValueError(message)  # noqa: TRY004 - what pydantic reads as a refusal
    return parse_id(value)


_ID_SCHEMA = WithJsonSchema({"type": "string", "pattern": "^[1-9][0-9]{0,18}$"})
IdPath = Annotated[int, BeforeValidator(parse_id), _ID_SCHEMA]
"""An id in the path; a text that can not be one is not found."""
IdField = Annotated[int, BeforeValidator(_id_in_field), _ID_SCHEMA]
"""An id in a body or a query; what is no text is refused with the name of its field."""
Cursor = Annotated[str | None, Query(description="`next_cursor` of the page before")]
Limit = Annotated[
    int | None,
    Query(
        description="items on the page: 20 unless asked, at most 100",
        json_schema_extra={"minimum": 1},
    ),
]


@dataclass(frozen=True)
class Route:
    """One line of the route table.

    ``subject`` names what the path's id stands for and ``rule`` what the caller must be to it:
    both feed the authorization matrix, which tries every route as every actor.
    """

    method: str
    path: str
    handler: Handler
    access: Access
    rule: Rule
    subject: str | None
    returns: Any
    status: int
    status_of: Callable[[Any], int] | None
    problems: tuple[type[Problem], ...]
    limit: LimitClass
    creates: bool
    signs_in: bool
    tag: str
    hidden: bool

    def answer(self, view: object) -> tuple[int, bytes]:
        """The status and the body that answer with this view."""
        if view is None:
            return 204, b""
        status = self.status if self.status_of is None else self.status_of(view)
        return status, _encode(view)

    def endpoint(self) -> Callable[..., Awaitable[Response]]:
        """The handler as the framework calls it: views become encoded responses."""
        handler = self.handler

        @functools.wraps(handler)
        async def call(**arguments: Any) -> Response:
            view = await handler(**arguments)
            if isinstance(view, Response):
                return view
            status, body = self.answer(view)
            if status == 204:  # noqa: PLR2004 - no content has no type either
                return Response(status_code=204)
            return Response(body, status_code=status, media_type="application/json")

        hints = typing.get_type_hints(handler, include_extras=True)
        signature = inspect.signature(handler)
        call.__signature__ = signature.replace(  # type: ignore[attr-defined] # read by inspect
            parameters=[
                parameter.replace(annotation=hints.get(name, parameter.annotation))
                for name, parameter in signature.parameters.items()
            ],
            return_annotation=Response,
        )
        return call


_DEFAULT_RULE: dict[Access, Rule] = {
    Access.ANYONE: "anyone",
    Access.ACCOUNT: "self",
    Access.ADMIN: "admin",
}


class Facts(TypedDict, total=False):
    """What a route says about itself.

    ``returns`` is the view type (none: 204 without a body), ``status_of`` picks the status from
    the view where more than one is possible, ``creates`` honours Idempotency-Key, ``signs_in``
    hands the view's token to browsers as a cookie, ``hidden`` keeps it out of OpenAPI.
    """

    access: Required[Access]
    rule: Rule
    subject: str
    returns: Any
    status: int
    status_of: Callable[[Any], int]
    problems: Sequence[type[Problem]]
    limit: LimitClass
    creates: bool
    signs_in: bool
    hidden: bool


class Routes:
    """The route table of one slice, filled by decorators."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.table: list[Route] = []

    def add(self, method: str, path: str, **facts: Unpack[Facts]) -> Callable[[H], H]:
        """Declare a route; see ``Facts`` for what is said about it."""
        access, subject = facts["access"], facts.get("subject")
        if "{" in path and subject is None:
            message = f"{method} {path} names something but has no subject"
            raise TypeError(message)
        returns = facts.get("returns")

        def declare(handler: H) -> H:
            self.table.append(
                Route(
                    method=method,
                    path=path,
                    handler=handler,
                    access=access,
                    rule=facts.get("rule", _DEFAULT_RULE[access]),
                    subject=subject,
                    returns=returns,
                    status=facts.get("status", 204 if returns is None else 200),
                    status_of=facts.get("status_of"),
                    problems=tuple(facts.get("problems", ())),
                    limit=facts.get("limit", "read" if method == "GET" else "write"),
                    creates=facts.get("creates", False),
                    signs_in=facts.get("signs_in", False),
                    tag=self.tag,
                    hidden=facts.get("hidden", False),
                )
            )
            return handler

        return declare

    def get(self, path: str, **facts: Unpack[Facts]) -> Callable[[H], H]:
        return self.add("GET", path, **facts)

    def post(self, path: str, **facts: Unpack[Facts]) -> Callable[[H], H]:
        return self.add("POST", path, **facts)

    def put(self, path: str, **facts: Unpack[Facts]) -> Callable[[H], H]:
        return self.add("PUT", path, **facts)

    def patch(self, path: str, **facts: Unpack[Facts]) -> Callable[[H], H]:
        return self.add("PATCH", path, **facts)

    def delete(self, path: str, **facts: Unpack[Facts]) -> Callable[[H], H]:
        return self.add("DELETE", path, **facts)
