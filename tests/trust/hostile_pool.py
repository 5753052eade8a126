"""Hostile files through the real, locked-in decoders, with everything that must hold noted."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.hostile import judge, seeds
from tests.hostile.canary import Cage, Canary
from tests.hostile.catalogue import Case
from tests.hostile.memory import Scales
from tests.trust.hostile_report import Report
from tintype.codecs import (
    HEAD_BYTES,
    Codecs,
    CodecSettings,
    DecoderDied,
    Limits,
    Rejected,
    Rendition,
)
from tintype.media.service import integrity

MEGABYTE = 1 << 20
MEMORY_MB = 512
_AT_ONCE, _ATTEMPTS, _USUAL_S = 2, 3, 60
_STEPS = 6
"""Decodings of one file at most: the ladder, a film of it, AVIF, a download; one again."""


class _Deaths(logging.Handler):
    """Hears of every decoder that died at work, and remembers which file it worked on."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(record.getMessage())

    def over(self, source: Path) -> str | None:
        """The last words of the decoder that died over this file, if one did."""
        said = [each for each in self.seen if f" {source.name}: " in each]
        self.seen = [each for each in self.seen if each not in said]
        return said[-1] if said else None


class Gauntlet:
    """A set of codecs that hostile files are fed to, and what lies around it.

    ``seconds`` is what the codecs grant to a file; ``patience_s`` how long one may take in all.
    """

    def __init__(
        self,
        folder: Path,
        report: Report,
        *,
        at_once: int = _AT_ONCE,
        seconds: float = 60,
        patience_s: float | None = None,
    ) -> None:
        self.report = report
        self.canary = Canary()
        self.cage = Cage(folder / "cage", self.canary.port)
        self._folder = folder
        self._at_once = at_once
        self._patience_s = _STEPS * seconds if patience_s is None else patience_s
        self.codecs = Codecs(
            CodecSettings(
                scratch=folder / "scratch",
                photo_slots=at_once,
                video_slots=at_once,
                video_threads=1,
                niceness=0,
                photo_seconds=seconds,
                video_seconds=seconds,
            )
        )
        self._deaths, self._scales = _Deaths(), Scales()
        self._at_fault, self._seconds = 0, seconds

    async def __aenter__(self) -> Self:
        # Made before the clock of any file runs.
        seeds.films()
        seeds.photos()
        self._before = self._outside()
        await self._scales.__aenter__()
        logging.getLogger("tintype.codecs").addHandler(self._deaths)
        await self.codecs.start()
        if self.codecs.level().gaps:
            self.report.violations.append(f"not locked in: {self.codecs.level().gaps}")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                await self._afterwards()
        finally:
            await self.codecs.stop()
            await self._scales.__aexit__(kind, error, at)
            logging.getLogger("tintype.codecs").removeHandler(self._deaths)
            self.canary.close()
        left = [path.name for path in (self._folder / "scratch").iterdir()]
        if left and kind is None:
            self.report.violations.append(f"left in the scratch folder: {left[:5]}")

    async def run(self, cases: Iterable[Case], *, thorough: bool = False) -> None:
        """Every case, a few at once. ``thorough`` makes later renditions and downloads as well."""
        waiting: asyncio.Queue[tuple[int, Case] | None] = asyncio.Queue(4 * self._at_once)

        async def feed() -> None:
            for place, case in enumerate(cases):
                await waiting.put((place, case))
            for _ in range(self._at_once):
                await waiting.put(None)

        async def take() -> None:
            while (taken := await waiting.get()) is not None:
                await self._one(*taken, thorough=thorough)

        await asyncio.gather(feed(), *(take() for _ in range(self._at_once)))

    async def _one(self, place: int, case: Case, *, thorough: bool) -> None:
        source, out = self._folder / f"source-{place}", self._folder / f"out-{place}"
        source.write_bytes(case.data)
        began = time.monotonic()
        violations = await self._verdict(case, source, out, thorough=thorough)
        if said := self._deaths.over(source):
            self.report.deaths.append(f"{case.name}: {said.strip().splitlines()[-1][-160:]}")
            self.report.keep(case, "death", said)
        if self.canary.visits():
            violations.append("called the canary")
        self.report.done(case, time.monotonic() - began, violations)
        for path in (source, *(out.iterdir() if out.exists() else ())):
            path.unlink()

    async def _verdict(self, case: Case, source: Path, out: Path, *, thorough: bool) -> list[str]:
        """What is wrong with what became of a case."""
        try:
            made = await self._patiently(case, source, out, thorough=thorough)
        except Rejected as refusal:
            return self._refused(case, refusal)
        except TimeoutError:
            return ["had no answer in its time"]
        except (DecoderDied, OSError) as error:
            return [f"blames the machine: {type(error).__name__}: {error}"]
        except Exception as error:
            return [f"broke the server's side: {type(error).__name__}: {error}"]
        self.report.ready += 1
        accepted = ["was accepted"] if case.fate == "refused" else []
        return [*accepted, *judge.unclean(made)]

    async def _patiently(
        self, case: Case, source: Path, out: Path, *, thorough: bool
    ) -> list[Rendition]:
        """Made within its time; when the machine is at fault again and again, as jobs are."""
        for _ in range(_ATTEMPTS - 1):
            try:
                async with asyncio.timeout(self._patience_s):
                    return await self._made(case, source, out, thorough=thorough)
            except DecoderDied:
                self.report.figures["machine at fault"] = self._at_fault = self._at_fault + 1
        async with asyncio.timeout(self._patience_s):
            return await self._made(case, source, out, thorough=thorough)

    def _refused(self, case: Case, refusal: Rejected) -> list[str]:
        self.report.refused[refusal.code] += 1
        wrong = []
        if complaint := judge.complaint_about(refusal.sentence):
            wrong.append(complaint)
        if case.fate == "ready":
            wrong.append(f"was refused: {refusal}")
        if case.codes and refusal.code not in case.codes:
            wrong.append(f"is refused as {refusal.code}, not as one of {case.codes}")
        return wrong

    async def _made(
        self, case: Case, source: Path, out: Path, *, thorough: bool
    ) -> list[Rendition]:
        """As the server does it: the head, the ladder, and what comes later."""
        try:
            kind = vars(integrity)["check_head"](case.data[:HEAD_BYTES], Limits(), video=case.film)
        except Rejected:
            self.report.by_head += 1
            raise
        if kind.is_video:
            film = await self.codecs.process_video(source, out)
            made = [*film.poster, *film.renditions, film.sprite]
            if thorough:
                tracks = await self.codecs.grow_video(source, out, rungs=("360p",))
                made += [track.file for track in tracks]
            return made
        photo = await self.codecs.process_photo(source, out)
        made = [*photo.renditions, *([photo.loop] if photo.loop else [])]
        if thorough:
            made += (await self.codecs.grow_photo(source, out)).renditions
            made.append(await self.codecs.make_download(source, out))
        return made

    async def _afterwards(self) -> None:
        """The codecs still work, locked in, and nothing around them has changed."""
        report = self.report
        good_ones = ((False, seeds.photos()["jpeg"]), (True, seeds.films()["mp4"]))
        # A machine that is busy may not keep to a cap that a test has shortened.
        for film, data in good_ones if self._seconds >= _USUAL_S else ():
            good = Case("a good file afterwards", "good", data, "ready", film=film)
            source, out = self._folder / "good", self._folder / "good-out"
            source.write_bytes(data)
            try:
                await self._made(good, source, out, thorough=False)
            except (Rejected, DecoderDied) as error:
                report.violations.append(f"a good file was refused afterwards: {error}")
        for pool in (self.codecs._photos, self.codecs._videos):
            report.violations += [
                f"a decoder is not locked in: {_openness(w.pid)}"
                for w in pool.workers
                if _openness(w.pid)
            ]
        if self.canary.visits():
            report.violations.append("the canary was called")
        if (after := self._outside()) != self._before:
            report.violations.append(f"changed around it: {sorted(after ^ self._before)[:5]}")
        report.figures["decoder_mb"] = held = self._scales.weigh() // MEGABYTE
        if not 0 < held <= MEMORY_MB:
            report.violations.append(f"a decoder held {held} MB")

    def _outside(self) -> set[tuple[str, int, int]]:
        """Every file in the cage, and those beside the sources that are nobody's."""
        found = [*self._folder.iterdir(), *(self._folder / "cage").rglob("*")]
        ours = ("source-", "out-", "good", "scratch")
        return {
            (str(path), path.stat().st_size, path.stat().st_mtime_ns)
            for path in found
            if path.is_file() and not path.name.startswith(ours)
        }


def _openness(pid: int | None) -> str:
    """What the kernel says of a decoder that is not as it should be; empty when all is."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    told = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    wanted = {"Seccomp": "2", "NoNewPrivs": "1", "CapEff": "0" * 16, "CapBnd": "0" * 16}
    return ", ".join(
        f"{name} {told[name]}" for name, value in wanted.items() if told[name] != value
    )
