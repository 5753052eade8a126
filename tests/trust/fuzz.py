"""E4a: requests that nobody would write, made from the server's own OpenAPI document.

``python -m tests.trust.fuzz --requests 100000`` runs the long version; ``--sabotage`` with one of
``FAULTS`` lies in the document, or breaks the server, and must turn it red.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from tests.trust.server import ServerProcess
from tests.trust.social import Session, join

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_PASSWORD = "correct horse battery"
_ENDS_THE_SESSION = ("sign_out", "delete_own_account", "change_password")
"""Would end the session that everything else needs; the matrix and the scenarios call them."""
_DESTROYS = ("delete_post", "delete_comment", "revoke_session", "drop_upload")
_NEVER_ENDS = ("stream_events",)
_SUMMARY = re.compile(r"(\d+) generated")

# Texts have rules that no schema tells (a handle, an address), and cursors are opaque: refusing
# some that fit the schema is right, as long as it is by one of these. The other way round, a query
# is text: ``limit=1.0`` and a parameter that is repeated are read with good will.
# Every check is on unless it is switched off here.
_CONFIG = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 400, 401, 403, 404, 409, 410, 415, 422, 507]

[phases.fuzzing.checks]
positive_data_acceptance.enabled = false
negative_data_rejection.enabled = false

[phases.stateful.checks]
positive_data_acceptance.enabled = false
negative_data_rejection.enabled = false
"""


@dataclass
class Report:
    """What was sent and what was wrong with the answers."""

    experiment: str = "E4a"
    seed: int = 0
    requests: int = 0
    violations: list[str] = field(default_factory=list)


@dataclass
class Target:
    """A server with something on it, and its document."""

    server: ServerProcess
    token: str
    parameters: dict[str, str]
    document: dict[str, Any]


@asynccontextmanager
async def _target(sabotage: str | None) -> AsyncIterator[Target]:
    with tempfile.TemporaryDirectory() as folder:
        broken = sabotage if sabotage in SERVER_FAULTS else None
        server = ServerProcess(Path(folder) / "data", sabotage=broken)
        await server.start()
        try:
            yield await _furnish(server)
        finally:
            server.kill()


async def _furnish(server: ServerProcess) -> Target:
    """An admin, somebody else, a post and a comment."""
    found = re.search(r"setup\?token=(\w+)", server.log())
    assert found is not None
    async with httpx.AsyncClient(base_url=server.base_url) as client:
        body = {"handle": "root", "email": "root@example.com", "password": _PASSWORD}
        answers = body | {"token": found.group(1)}
        root = (await client.post("/v1/admin/setup", json=answers)).json()
        session = Session(server.base_url)
        ada = await join(session, "ada")
        post = await ada.publish(1)
        while (await ada.ok("GET", f"/v1/posts/{post}"))["state"] != "published":  # noqa: ASYNC110 - another process publishes it
            await asyncio.sleep(0.05)
        comment = await ada.ok("POST", f"/v1/posts/{post}/comments", {"text": "hello"})
        document = (await client.get("/openapi.json")).json()
        await session.client.aclose()
    names = {"post_id": post, "comment_id": comment["id"], "account_id": ada.id}
    names |= {"reference": "@ada", "account": ada.id}
    return Target(server, root["token"], names, document)


async def _fuzz(
    target: Target, report: Report, *, examples: int, deep: bool, only: str | None = None
) -> None:
    """One run: over everything with any ids, or ``deep`` with ids of what is really there."""
    folder = target.server.data.parent
    config = _CONFIG
    without = [*_ENDS_THE_SESSION, *_NEVER_ENDS]
    if deep:
        lines = [f'"path.{name}" = "{value}"' for name, value in target.parameters.items()]
        config = "\n".join(["[parameters]", *lines, _CONFIG])
        without += _DESTROYS
    (folder / "schemathesis.toml").write_text(config)
    (folder / "openapi.json").write_text(json.dumps(target.document))
    command = [
        *(sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()"),
        *("--config-file", "schemathesis.toml", "run", "openapi.json"),
        *("--url", target.server.base_url, "--header", f"Authorization: Bearer {target.token}"),
        *("--phases", "coverage,fuzzing" if deep else "coverage,fuzzing,stateful"),
        *("--continue-on-failure", "--no-color", "--warnings", "off"),
        *("--max-examples", str(examples), "--seed", str(report.seed)),
        *(word for name in without for word in ("--exclude-operation-id", name)),
        *([] if only is None else ["--include-operation-id", only]),
    ]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}  # noqa: TID251 - for a child process
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    _read(output.decode(), process.returncode, report)


def _read(output: str, status: int | None, report: Report) -> None:
    sent = _SUMMARY.search(output)
    report.requests += int(sent.group(1)) if sent else 0
    if status != 0 or sent is None:
        begin = max(output.find("= FAILURES ="), output.find("= ERRORS ="), 0)
        report.violations.append(output[begin : begin + 6_000])


def _undeclared_status(document: dict[str, Any]) -> None:
    del document["paths"]["/v1/accounts/{reference}"]["get"]["responses"]["404"]


def _another_type(document: dict[str, Any]) -> None:
    view = document["components"]["schemas"]["PostCounts"]
    view["properties"]["likes"] = {"type": "string"}


def _a_lock_that_is_none(document: dict[str, Any]) -> None:
    document["paths"]["/v1/instance"]["get"]["security"] = [{"token": []}]


FAULTS: dict[str, Callable[[dict[str, Any]], None]] = {
    "undeclared-status": _undeclared_status,
    "another-type": _another_type,
    "a-lock-that-is-none": _a_lock_that_is_none,
}
SERVER_FAULTS = ("break-search",)
_IN: dict[str | None, str] = {
    "undeclared-status": "read_account",
    "another-type": "read_post",
    "a-lock-that-is-none": "read_instance",
    "break-search": "search",
}
"""Fault → the operation that it is in."""


async def run(
    *, requests: int, seed: int, examples: int = 100, sabotage: str | None = None
) -> Report:
    """Fuzz until so many requests were sent, with another seed each round.

    With a fault to be seen, only the operation that it is in is fuzzed.
    """
    report = Report(seed=seed)
    async with _target(sabotage) as target:
        if sabotage in FAULTS:
            FAULTS[sabotage](target.document)
        while report.requests < requests and not report.violations:
            for deep in (False, True):
                await _fuzz(target, report, examples=examples, deep=deep, only=_IN.get(sabotage))
            report.seed += 1
        bugs = [line for line in target.server.log().splitlines() if '"http.bug"' in line]
        report.violations += [bug[:2_000] for bug in bugs]
    report.seed = seed
    return report


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--sabotage", choices=sorted([*FAULTS, *SERVER_FAULTS]))
    chosen = parser.parse_args()
    report = asyncio.run(run(requests=chosen.requests, seed=chosen.seed, sabotage=chosen.sabotage))
    print(json.dumps(asdict(report), indent=2))
    return 1 if report.violations else 0


if __name__ == "__main__":
    sys.exit(main())
