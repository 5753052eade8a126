"""Problems: what a caller may see and act on (RFC 9457).

A slice picks a family and writes one class per problem: the class docstring is the title, the
class name in kebab case is the slug of its page under ``docs/reference/problems/``. The families
are the only place outside ``tintype.http`` where a status number stands.
"""

from __future__ import annotations

import re
from typing import ClassVar

import msgspec


class FieldError(msgspec.Struct, frozen=True):
    """One field that was refused; ``pointer`` is an RFC 6901 JSON pointer or a query name."""

    pointer: str
    detail: str


class Problem(Exception):  # noqa: N818 - "problem" is the glossary's word for it
    """Something went wrong that the caller can understand and act on."""

    status: ClassVar[int] = 500
    headers: dict[str, str]

    def __init__(self, detail: str = "", **extensions: object) -> None:
        super().__init__(detail or self.title())
        self.detail = detail
        self.extensions = extensions
        self.headers = {}

    @classmethod
    def title(cls) -> str:
        """The first line of the class docstring."""
        return (cls.__doc__ or cls.__name__).strip().splitlines()[0].rstrip(".")

    @classmethod
    def slug(cls) -> str:
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower()


class Malformed(Problem):
    """The request could not be read."""

    status = 400


class Unauthenticated(Problem):
    """Sign in first."""

    status = 401


class Forbidden(Problem):
    """You may not do this."""

    status = 403


class NotFound(Problem):
    """Nothing here that you can see."""

    status = 404


class Conflict(Problem):
    """This clashes with the present state."""

    status = 409


class Gone(Problem):
    """This was here once and is gone."""

    status = 410


class TooLarge(Problem):
    """This is larger than the limit."""

    status = 413


class UnsupportedMedia(Problem):
    """This kind of content is not accepted."""

    status = 415


class Invalid(Problem):
    """Some fields were refused."""

    status = 422

    def __init__(
        self, detail: str = "", *, errors: list[FieldError] | None = None, **extensions: object
    ) -> None:
        if errors:
            extensions["errors"] = errors
        super().__init__(detail, **extensions)


class RateLimited(Problem):
    """Too many requests for now."""

    status = 429

    def __init__(self, detail: str = "", *, retry_after: float = 1.0, **extensions: object) -> None:
        super().__init__(detail, **extensions)
        self.headers["Retry-After"] = str(max(1, round(retry_after)))


class Unavailable(Problem):
    """A part of the server is not answering; try again."""

    status = 503

    def __init__(self, detail: str = "", *, retry_after: float = 2.0, **extensions: object) -> None:
        super().__init__(detail, **extensions)
        self.headers["Retry-After"] = str(max(1, round(retry_after)))


class OutOfSpace(Problem):
    """The server's disk is full; nothing was stored."""

    status = 507


def invalid_field(pointer: str, detail: str) -> Invalid:
    """The problem for exactly one refused field."""
    return Invalid(detail, errors=[FieldError(pointer=pointer, detail=detail)])
