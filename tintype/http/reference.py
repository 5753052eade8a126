"""/docs and /problems: the API explained by the server itself, offline and without scripts."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tintype.http import sheets
from tintype.http.problems import NoSuchRoute
from tintype.kernel.problem import Problem

_TEMPLATES = Path(__file__).parent / "templates"
_STYLE = (_TEMPLATES / "reference.css").read_text(encoding="utf-8")
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cache-Control": "public, max-age=300",
    "X-Frame-Options": "DENY",
}
_LINK = re.compile(r'href="(?!https?:)([^"]*)"')
_PAGE = re.compile(r"(?:\./)?([a-z0-9-]+)\.md")


class Reference:
    """Renders each page once; ``pages`` holds the problems' own pages, if they were installed."""

    def __init__(self, document: Callable[[], Mapping[str, Any]], pages: Path) -> None:
        self._document = document
        self._pages = pages
        self._templates = Environment(
            loader=FileSystemLoader(_TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._kept: dict[str, str] = {}

    def routes(self) -> list[Route]:
        """The routes of the pages; they are for people and not part of the API."""

        async def read_reference(_: Request) -> Response:
            return self._answer("", self._reference)

        async def list_problems(_: Request) -> Response:
            return self._answer("problems", self._problems)

        async def read_problem(request: Request) -> Response:
            problem = problem_types().get(request.path_params["slug"])
            if problem is None:
                raise NoSuchRoute
            return self._answer(f"problems/{problem.slug()}", lambda: self._problem(problem))

        return [
            Route("/docs", read_reference, methods=["GET"]),
            Route("/problems", list_problems, methods=["GET"]),
            Route("/problems/{slug}", read_problem, methods=["GET"]),
        ]

    def _answer(self, name: str, render: Callable[[], str]) -> Response:
        if name not in self._kept:
            self._kept[name] = render()
        return Response(
            self._kept[name], media_type="text/html; charset=utf-8", headers=dict(_HEADERS)
        )

    def _render(self, template: str, **values: object) -> str:
        style = Markup(_STYLE)  # noqa: S704 - our own file
        return self._templates.get_template(template).render(style=style, **values)

    def _reference(self) -> str:
        document = self._document()
        return self._render(
            "reference.html.j2",
            title=document["info"]["title"],
            version=document["info"]["version"],
            about=sheets.rendered(document["info"].get("description", "")),
            sections=sheets.sections(document),
            schemas=sheets.schemas(document),
        )

    def _problems(self) -> str:
        known = sorted(problem_types().values(), key=lambda each: (each.status, each.slug()))
        return self._render("problems.html.j2", problems=known)

    def _problem(self, problem: type[Problem]) -> str:
        page = self._pages / f"{problem.slug()}.md"
        if page.is_file():
            text = page.read_text(encoding="utf-8")
        else:
            text = f"# {problem.title()}\n\n`{problem.slug()}` · {problem.status}"
        content = Markup(_LINK.sub(_address, sheets.rendered(text)))  # noqa: S704 - only addresses changed
        return self._render("problem.html.j2", title=problem.title(), content=content)


@cache
def problem_types() -> dict[str, type[Problem]]:
    """Every problem that this server may answer with, by slug."""
    found: dict[str, type[Problem]] = {}
    waiting = list(Problem.__subclasses__())
    while waiting:
        problem = waiting.pop()
        waiting += problem.__subclasses__()
        found[problem.slug()] = problem
    return found


def _address(link: re.Match[str]) -> str:
    """A link between pages of the documentation, as the server answers it."""
    page = _PAGE.fullmatch(link[1])
    if page is not None and page[1] in problem_types():
        return f'href="/problems/{page[1]}"'
    return 'href="/docs"'
