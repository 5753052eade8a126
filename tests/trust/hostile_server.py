"""Hostile files sent to a real server, while people go on reading their feeds on it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Any

from tests.hostile import catalogue, judge
from tests.hostile.canary import MARKS, Cage, Canary
from tests.hostile.catalogue import Case
from tests.hostile.memory import descendants, most_held
from tests.trust.hostile_report import Report
from tests.trust.server import ServerProcess
from tests.trust.social import Session, join
from tintype.codecs import HEAD_BYTES
from tintype.media.model import shown_name

MEGABYTE = 1 << 20
_AT_ONCE, _FEW = 4, 3
_PATIENCE_S = 300.0
_POLL_S = 0.1
_SERVER_BYTES, _DECODER_BYTES = 400 * MEGABYTE, 700 * MEGABYTE
_PAUSE_S = 0.03
_QUIET_READS = 300
_NAMES = (
    "$(touch pwned).jpg",
    "`id`;rm -rf ~.jpg",
    "../../../../etc/passwd.png",
    "-i.mp4",
    "%n%s%x.gif",
    "concat:a|b.mp4",
    "C:\\Windows\\system32\\cmd.exe.jpg",
    "a'b\"c<script>.webp",
    "photo\u202egpj.exe",
    "%d-%05d.png",
    "file:///etc/passwd",
    "x" * 200 + ".jpg",
    "",
)
_TYPES = {True: ("video/mp4", "video/quicktime"), False: ("image/jpeg", "image/png", "image/heic")}


class Attack:
    """One account that sends nothing but hostile files, and two that want to be left in peace."""

    def __init__(self, server: ServerProcess, report: Report, canary: Canary) -> None:
        self.server, self.report, self.canary = server, report, canary
        self.session = Session(server.base_url)
        self.waits: list[float] = []
        self.told: list[float] = []
        """How long each refusal took of a file whose beginning tells."""
        self.largest: dict[str, int] = {"server": 0, "decoder": 0}
        self._numbers = itertools.count()

    async def open(self) -> None:
        """Sign everybody up, and give one of them something to read."""
        self.eve, self.ada, self.bo = [
            await join(self.session, name) for name in ("eve", "ada", "bo")
        ]
        await self.bo.ok("POST", "/v1/follows", {"followed_id": self.ada.id})
        for number in range(3):
            await self.published(number)

    async def published(self, seed: int) -> None:
        """A good photo is posted, and arrives in the feed of a follower."""
        post = await self.ada.publish(1000 + seed)
        deadline = time.monotonic() + _PATIENCE_S
        while post not in await self.bo.feed():
            if time.monotonic() > deadline:
                self.report.violations.append("a good photo did not arrive in its time")
                return
            await asyncio.sleep(_POLL_S)

    async def send(self, case: Case) -> None:
        """Upload one file as a client that lies about its type and its name, and judge the end."""
        began = time.monotonic()
        try:
            violations = await self._sent(case)
        except (TimeoutError, AssertionError) as error:
            violations = [f"through the server: {type(error).__name__}: {str(error)[:300]}"]
        if self.canary.visits():
            violations.append("called the canary")
        self.report.sent += 1
        self.report.done(case, time.monotonic() - began, violations)

    async def _sent(self, case: Case) -> list[str]:
        number = next(self._numbers)
        types = _TYPES[case.film]
        draft: dict[str, Any] = {
            "content_type": types[number % len(types)],
            "bytes": len(case.data),
            "filename": _NAMES[number % len(_NAMES)] or None,
        }
        # Every other client shows the beginning first.
        if number % 2:
            draft["head"] = base64.b64encode(case.data[:HEAD_BYTES]).decode()
        began = time.monotonic()
        answer = await self.eve.call("POST", "/v1/uploads", draft)
        if answer.status_code in {413, 415, 422}:
            self.told.append(time.monotonic() - began)
            self.report.refused[f"at once: {answer.json()['type'].rsplit('/', 1)[1]}"] += 1
            return self._complaints(answer.json()["detail"], draft["filename"], case)
        assert answer.status_code == 201, answer.text
        upload = answer.json()
        for part in range(1, upload["part_count"] + 1):
            signed = await self.eve.ok("GET", f"/v1/uploads/{upload['id']}/parts/{part}")
            start = (part - 1) * upload["part_size"]
            await self.session.put_part(signed, case.data[start : start + upload["part_size"]])
        await self.eve.ok("POST", f"/v1/uploads/{upload['id']}/complete")
        return await self._judged(await self._ended(upload["id"]), case)

    async def _ended(self, upload: str) -> Any:
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            seen = await self.eve.ok("GET", f"/v1/uploads/{upload}")
            if seen["state"] in {"ready", "failed"}:
                return seen
            if time.monotonic() > deadline:
                raise TimeoutError(f"still {seen['state']}")
            await asyncio.sleep(_POLL_S)

    async def _judged(self, seen: Any, case: Case) -> list[str]:
        if seen["state"] == "failed":
            self.report.refused[seen["reason_code"]] += 1
            wrong = self._complaints(seen["reason"], seen["filename"], case)
            blamed = seen["reason_code"] == "gave-up"
            return [*wrong, *(["blames the machine"] if blamed else [])]
        self.report.ready += 1
        wrong = ["was accepted"] if case.fate == "refused" else []
        slide = seen["slide"]
        films = [slide[name] for name in ("mp4", "hls", "sprite") if slide[name]]
        for url in [*(each["url"] for each in slide["renditions"]), *films]:
            wrong += await self._unclean(url)
        return wrong

    async def _unclean(self, url: str) -> list[str]:
        headers = {"Authorization": f"Bearer {self.eve.token}"}
        answer = await self.session.client.get(url, headers=headers)
        if not answer.is_success:
            return [f"a rendition answers {answer.status_code}"]
        held = [f"a rendition holds {mark!r}" for mark in MARKS if mark in answer.content]
        sniffed = answer.headers.get("x-content-type-options") != "nosniff"
        return [*held, *(["a rendition may be sniffed"] if sniffed else [])]

    def _complaints(self, sentence: str, name: str | None, case: Case) -> list[str]:
        """A sentence may begin with the file's name, whatever that is, without its folders."""
        wrong = ["was refused"] if case.fate == "ready" else []
        shown = shown_name(name)
        if shown is not None and sentence.startswith(f"{shown} "):
            sentence = "This file" + sentence.removeprefix(shown)
            wrong += [f"shows a path: {shown}"] if {"/", "\\"} & set(shown) else []
        complaint = judge.complaint_about(sentence)
        return [*wrong, *([complaint] if complaint else [])]

    async def read_feeds(self) -> None:
        """A little load: somebody reads a feed all the time, and the clock runs."""
        while True:
            began = time.monotonic()
            await self.bo.ok("GET", "/v1/feed")
            self.waits.append(time.monotonic() - began)
            await asyncio.sleep(_PAUSE_S)

    async def watch_memory(self) -> None:
        """Note the most that the server and any process below it hold."""
        while True:
            root = self.server.pid
            for pid in [root, *descendants(root)]:
                who = "server" if pid == root else "decoder"
                self.largest[who] = max(self.largest[who], most_held(pid))
            await asyncio.sleep(_POLL_S)


async def run(report: Report, *, quick: bool, only: tuple[str, ...] = ()) -> Report:
    """Hostile files through HTTP, one account's flood of them, and everybody else undisturbed."""
    with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
        canary = Canary()
        cage = Cage(Path(folder) / "cage", canary.port)
        server = ServerProcess(Path(folder) / "data")
        try:
            await server.start()
            attack = Attack(server, report, canary)
            await attack.open()
            async with _peace(attack):
                before, pid = _around(Path(folder)), server.pid
                await _storm(attack, _chosen(cage, only, quick=quick), quick=quick)
                await attack.published(99)
            report.violations += _damage(server, pid, attack.largest)
            if (after := _around(Path(folder))) != before:
                report.violations.append(f"changed around it: {sorted(after ^ before)[:5]}")
            await attack.session.client.aclose()
            await server.stop()
        finally:
            server.kill()
            canary.close()
    return report


def _chosen(cage: Cage, only: tuple[str, ...], *, quick: bool) -> Iterator[Case]:
    """Everything; or a few dozen of the nastiest."""
    if quick:
        return itertools.islice(catalogue.nastiest(cage, only=only), 0, None, _FEW)
    return catalogue.cases(cage, only=only)


@contextlib.asynccontextmanager
async def _peace(attack: Attack) -> AsyncIterator[None]:
    """People read their feeds for a while; then, meanwhile, whatever happens inside."""
    tasks = [asyncio.create_task(attack.read_feeds()), asyncio.create_task(attack.watch_memory())]
    try:
        yield
        for task in tasks:
            if task.done():
                attack.report.violations.append(f"people were disturbed: {task.exception()}")
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _storm(attack: Attack, cases: Iterable[Case], *, quick: bool) -> None:
    """All cases, a few at once, with a good photo in the middle; how quick feeds are, noted."""
    while not quick and len(attack.waits) < _QUIET_READS:  # noqa: ASYNC110 - readers fill it
        await asyncio.sleep(_POLL_S)
    quiet, attack.waits = attack.waits, []
    left: Iterator[Case] = iter(cases)

    async def take() -> None:
        for case in left:
            await attack.send(case)

    await asyncio.gather(*(take() for _ in range(_AT_ONCE)), attack.published(50))
    flood = attack.waits
    if not quick:
        attack.report.figures |= {
            "feed_p99_ms_quiet": _p99(quiet),
            "feed_p99_ms_flood": _p99(flood),
            "feed_reads": (len(quiet), len(flood)),
            "told_by_the_header_p99_ms": _p99(attack.told),
            "told_by_the_header": len(attack.told),
        }
    attack.report.figures |= {f"{who}_mb": most // MEGABYTE for who, most in attack.largest.items()}


def _p99(waits: list[float]) -> float:
    return round(sorted(waits)[int(0.99 * len(waits))] * 1000, 1) if waits else 0.0


def _damage(server: ServerProcess, pid: int, largest: dict[str, int]) -> list[str]:
    """What is wrong with the server afterwards."""
    log = server.log()
    bugs = [line for line in log.splitlines() if '"http.bug"' in line or "Traceback" in line]
    wrong = [f"in the log: {line[:300]}" for line in bugs[:5]]
    if server.pid != pid or not Path(f"/proc/{pid}").exists():
        wrong.append("the server is not the same process")
    for who, most in (("server", _SERVER_BYTES), ("decoder", _DECODER_BYTES)):
        if largest[who] > most:
            wrong.append(f"a {who} held {largest[who] // MEGABYTE} MB")
    return wrong


def _around(folder: Path) -> set[str]:
    """Every path of the server's folder that is neither the database nor somebody's media."""
    kept = ("blobs", "scratch", "tintype.sqlite")
    found = folder.rglob("*")
    return {
        str(path)
        for path in found
        if not any(part.startswith(kept) for part in path.relative_to(folder).parts)
    }
