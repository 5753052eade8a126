"""E14: every route × every kind of caller × everything to be asked for, against the policy table.

``python -m tests.trust.matrix`` prints the figures; ``--sabotage blocks`` and the other faults of
``FAULTS`` must turn it red.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
from starlette.routing import BaseRoute, compile_path

from tests.trust.policy import MACHINERY, OPERATIONS, Asked, expected
from tests.trust.stage import Actor, Stage, Subject, set_up, without_traces
from tintype.graph.model import Action, RelationSets, Standing
from tintype.graph.model import can as honest_can
from tintype.http import Access, Kit, Route
from tintype.kernel.problem import Forbidden

_SAFE = {"GET", "HEAD"}


@dataclass
class Report:
    """What was tried and what answered otherwise than the policy says."""

    experiment: str = "E14"
    routes: int = 0
    actors: int = 0
    cells: int = 0
    hidden: int = 0
    violations: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Probe:
    """One way to call one route."""

    route: Route
    asked: Asked
    name: str

    async def send(
        self, client: httpx.AsyncClient, actor: Actor, subject: Subject
    ) -> httpx.Response:
        values = subject.values
        path = compile_path(self.route.path)[1].format_map(values)
        query = {name: text.format_map(values) for name, text in self.asked.query.items()}
        options: dict[str, Any] = {"params": {name: text for name, text in query.items() if text}}
        if self.asked.body is not None:
            options["json"] = _filled(self.asked.body, values)
        client.cookies.clear()
        return await client.request(self.route.method, path, headers=actor.headers, **options)


def _filled(body: Any, values: dict[str, str]) -> Any:
    if isinstance(body, dict):
        return {name: _filled(each, values) for name, each in body.items()}
    if isinstance(body, list):
        return [_filled(each, values) for each in body]
    return body.format_map(values) if isinstance(body, str) else body


def probes(table: Collection[Route]) -> list[Probe]:
    """Every route in every way that the policy names.

    Raises:
        KeyError: the policy does not name one.
    """
    found = []
    for route in table:
        operation = route.handler.__name__
        ways = [
            name for name in OPERATIONS if name == operation or name.startswith(f"{operation} ")
        ]
        if not ways:
            raise KeyError(f"{route.method} {route.path} ({operation}) has no row in the policy")
        found += [Probe(route, OPERATIONS[name], name) for name in ways]
    return found


def without_policy(stage: Stage) -> list[str]:
    """Addresses that the application answers and that neither table knows."""
    known = {route.path for route in stage.world.server.app.state.table} | set(MACHINERY)
    return sorted(set(_paths(stage.world.server.app.router.routes)) - known)


def _paths(routes: Collection[BaseRoute]) -> Iterator[str]:
    for route in routes:
        if hasattr(route, "original_router"):
            yield from _paths(route.original_router.routes)
        else:
            yield getattr(route, "path", repr(route))


async def check(stage: Stage, *, only: Collection[str] | None = None) -> Report:
    """Try every cell (of these operations), and compare what is hidden with what never was."""
    table = stage.world.server.app.state.table
    report = Report(routes=len(table), actors=len(stage.actors))
    for probe in probes(table):
        if only is None or probe.name in only:
            for actor in stage.actors:
                await _check_row(stage, probe, actor, report)
    return report


async def _check_row(stage: Stage, probe: Probe, actor: Actor, report: Report) -> None:
    """One actor, one operation, every subject."""
    faces = {}
    for subject in stage.of(probe.asked.of):
        before = stage.written
        answer = await probe.send(stage.world.client, actor, subject)
        changed = stage.written != before
        wanted = _wanted(probe, actor, subject)
        report.cells += 1
        if not _fits(answer, wanted, changed=changed):
            cell = _cell(probe, actor, subject)
            told = f"{answer.status_code}{' with a change' if changed else ''}"
            report.violations.append(f"{cell}: {told} instead of {wanted}")
        elif wanted == "404":
            faces[subject] = _face(answer, subject)
    nothing = {subject.name: face for subject, face in faces.items() if subject.state == "never"}
    for subject, face in faces.items():
        if subject.twin in nothing:
            report.hidden += 1
            if face != nothing[subject.twin]:
                cell = _cell(probe, actor, subject)
                report.violations.append(f"{cell}: {face} unlike {nothing[subject.twin]}")


def _cell(probe: Probe, actor: Actor, subject: Subject) -> str:
    return f"{probe.name} of {subject.name} ({subject.state}) by {actor.name}"


def _wanted(probe: Probe, actor: Actor, subject: Subject) -> str:
    if actor.refused is not None:
        return str(actor.refused)
    if actor.unsafe_refused is not None and probe.route.method not in _SAFE:
        return str(actor.unsafe_refused)
    return expected(probe.asked, actor.column_for(subject), subject.state)


def _fits(answer: httpx.Response, wanted: str, *, changed: bool) -> bool:
    if wanted == "ok":
        return answer.is_success
    if changed:
        return False
    if wanted == "noop":
        return answer.is_success
    if wanted == "shut":
        return answer.status_code == 404 and answer.json()["type"] == "/problems/list-hidden"
    return answer.status_code == int(wanted)


def _face(answer: httpx.Response, subject: Subject) -> tuple[Any, ...]:
    """Everything about an answer but what names the request, or what it asked for."""
    if answer.content and answer.headers["content-type"] == "application/problem+json":
        body = {name: value for name, value in answer.json().items() if name != "instance"}
        content = json.dumps(body)
    else:
        content = without_traces(answer.text)
        for asked in ("post_id", "handle"):
            if asked in subject.values:
                content = content.replace(subject.values[asked], asked)
    headers = {name: value for name, value in answer.headers.items() if name not in _PER_ANSWER}
    return answer.status_code, content, headers


_PER_ANSWER = {"x-request-id", "content-length", "content-security-policy"}


def _without_blocks() -> contextlib.AbstractContextManager[Any]:
    """Blocks are stored, and nobody looks."""

    def can(viewer: RelationSets | None, action: Action, subject: Standing) -> bool:
        if viewer is not None:
            viewer = RelationSets(viewer.account, viewer.sources, viewer.shown)
        return honest_can(viewer, action, subject)

    both = contextlib.ExitStack()
    both.enter_context(patch("tintype.graph.service.sight.can", can))
    both.enter_context(patch("tintype.graph.service.graph.can", can))
    return both


def _without_privacy() -> contextlib.AbstractContextManager[Any]:
    """Private accounts are as open as public ones."""

    def can(viewer: RelationSets | None, action: Action, subject: Standing) -> bool:
        return honest_can(viewer, action, Standing(subject.id, subject.live, private=False))

    return patch("tintype.graph.service.sight.can", can)


def _without_access() -> contextlib.AbstractContextManager[Any]:
    """The kit lets everybody in to every route."""
    honest = Kit.open

    async def open_(self: Kit, request: Any, route: Route) -> Any:
        return await honest(self, request, replace(route, access=Access.ANYONE))

    return patch.object(Kit, "open", open_)


def _without_owners() -> contextlib.AbstractContextManager[Any]:
    """Whoever sees a post may change it."""
    from tintype.posts.service import access

    return patch.object(access, "own", access.visible)


def _telling() -> contextlib.AbstractContextManager[Any]:
    """What is hidden says that it is."""
    from tintype.posts.service import access
    from tintype.posts.store import posts

    class PostIsPrivate(Forbidden):
        """This post is not for you."""

        status = 404

    honest = access.visible

    async def visible(reader: Any, graph: Any, post_id: int, viewer: int | None) -> Any:
        post = await posts.read(reader, post_id)
        if post is None:
            return await honest(reader, graph, post_id, viewer)
        if post.author != viewer and not await graph.may_see(viewer, post.author):
            raise PostIsPrivate
        return await honest(reader, graph, post_id, viewer)

    return patch.object(access, "visible", visible)


def _with_any_grant() -> contextlib.AbstractContextManager[Any]:
    """A grant is good for whoever shows it, for as long as it lasts."""
    from tintype.media.service import Delivery

    async def may_see(*_: object) -> bool:
        return True

    return patch.object(Delivery, "_may_see", may_see)


FAULTS: dict[str, Callable[[], contextlib.AbstractContextManager[Any]]] = {
    "blocks": _without_blocks,
    "privacy": _without_privacy,
    "access": _without_access,
    "owners": _without_owners,
    "telling": _telling,
    "grants": _with_any_grant,
}


async def run(sabotage: str | None = None) -> Report:
    """Build the town and check everything."""
    with tempfile.TemporaryDirectory() as folder:
        async with set_up(Path(folder)) as stage:
            with FAULTS[sabotage]() if sabotage else contextlib.nullcontext():
                report = await check(stage)
            report.violations += [f"{path} has no policy" for path in without_policy(stage)]
    return report


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sabotage", choices=sorted(FAULTS))
    report = asyncio.run(run(parser.parse_args().sabotage))
    print(json.dumps(asdict(report), indent=2))
    return 1 if report.violations else 0


if __name__ == "__main__":
    sys.exit(main())
