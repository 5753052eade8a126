"""Warming: what is about to be wanted by many is fetched through every CDN before they ask."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Sequence

import msgspec
import structlog

from tintype.accounts import Accounts, Card
from tintype.database import Database, Job, LeasedJob, Transaction
from tintype.kernel.clock import Clock
from tintype.kernel.ids import Id, shard_of
from tintype.media import store
from tintype.media.model import MASTERS, PICTURES, Rendition, Upload, Work
from tintype.media.service.origins import Fetch, Origins
from tintype.media.service.processing.later import grow_av1_job

log = structlog.get_logger(__name__)

WARM = "media.warm"

_MINUTE_MS, _HOUR_MS = 60_000, 3_600_000
_WIDTHS = (640, 1080)
_MOST_PLAYLISTS, _MOST_FILMS = 6, 3
_OK = (200, 206)
# The first mebibyte of a film holds its header and its first segments: one slice of a shield.
_BEGINNING = {"Range": "bytes=0-1048575"}
_LATE = 10
"""The priority of warming: after everything that somebody waits for."""


class Velocity:
    """Says when something happens often enough within a minute, once an hour at most.

    Holds the ``most`` things that moved last; minutes are counted from the first happening in each.
    """

    def __init__(self, clock: Clock, threshold: int, *, most: int = 10_000) -> None:
        self._clock = clock
        self._threshold = threshold
        self._most = most
        self._minutes: OrderedDict[Id, tuple[int, int]] = OrderedDict()
        self._told: OrderedDict[Id, int] = OrderedDict()

    def note(self, subject: Id) -> bool:
        """Note one happening; tells whether it is the one that makes it many."""
        now = self._clock.now_ms()
        begun, count = self._minutes.pop(subject, (now, 0))
        if now - begun >= _MINUTE_MS:
            begun, count = now, 0
        self._minutes[subject] = (begun, count + 1)
        if len(self._minutes) > self._most:
            self._minutes.popitem(last=False)
        return 0 < self._threshold <= count + 1 and self.first(subject)

    def first(self, subject: Id) -> bool:
        """Whether the last hour has not heard of this subject; it has from now on."""
        now = self._clock.now_ms()
        told = self._told.pop(subject, None)
        fresh = told is None or now - told >= _HOUR_MS
        self._told[subject] = now if fresh or told is None else told
        if len(self._told) > self._most:
            self._told.popitem(last=False)
        return fresh


class Warmed(msgspec.Struct, frozen=True):
    """One file through one CDN."""

    address: str
    path: str
    headers: dict[str, str]


class Warming:
    """The job ``media.warm``: the likely files of a public upload, through every CDN.

    It is bounded (a dozen requests an upload and CDN, one at a time for each CDN), asks for nothing
    that is not public, and is never worth a second attempt.
    """

    def __init__(
        self,
        database: Database,
        accounts: Accounts,
        origins: Origins,
        fetch: Fetch,
        velocity: Velocity,
        *,
        av1: bool = False,
    ) -> None:
        self._av1 = av1
        self._database = database
        self._accounts = accounts
        self.origins = origins
        self._fetch = fetch
        self.velocity = velocity
        self.fetched: Counter[str] = Counter()
        """Requests by their outcome: ``warm``, ``refused``, ``failed``."""

    @property
    def idle(self) -> bool:
        """Whether nothing is done about what many want."""
        return not self.origins.health and not self._av1

    async def ask(self, tx: Transaction, ids: Sequence[Id]) -> None:
        """Warm these uploads soon, and give videos a rung in AV1 where that is wanted.

        Those that wait for it already are not asked for twice.
        """
        if self._av1:
            for upload in (await store.read_all(tx, ids)).values():
                if upload.kind == "video":
                    await tx.enqueue(grow_av1_job(upload.id))
        for id_ in ids if self.origins.health else ():
            await tx.enqueue(
                Job(
                    kind=WARM,
                    shard=shard_of(id_),
                    payload=Work(upload=id_),
                    dedupe=str(id_),
                    priority=_LATE,
                )
            )

    async def warm(self, job: LeasedJob) -> None:
        """Fetch the likely files; failures are counted, and nothing else comes of them."""
        work: Work = job.payload
        async with self._database.read() as reader:
            upload = await store.read(reader, work.upload)
            made = (await store.renditions_of(reader, [work.upload]))[work.upload]
            cards = await self._accounts.cards_in(reader, [] if upload is None else [upload.owner])
        if upload is None or not _is_public(upload, cards.get(upload.owner)):
            return
        paths = [(f"/media/{upload.id}/{each.name}", _asked(each)) for each in likely(made)]
        well = [each.cdn.address for each in self.origins.health if each.well]
        await asyncio.gather(
            *(
                self._through([Warmed(address, path, headers) for path, headers in paths])
                for address in well
            )
        )

    async def _through(self, files: Sequence[Warmed]) -> None:
        for each in files:
            try:
                status = await self._fetch(each.address + each.path, each.headers)
            except OSError as error:
                self.fetched["failed"] += 1
                log.info("media.not_warmed", address=each.address, error=repr(error))
                return
            self.fetched["warm" if status in _OK else "refused"] += 1


def _is_public(upload: Upload, owner: Card | None) -> bool:
    if upload.state != "ready" or owner is None or not owner.live:
        return False
    return upload.access == "everyone" or (upload.access == "viewers" and not owner.private)


def likely(made: Sequence[Rendition]) -> list[Rendition]:
    """The files that most screens want first: six pictures, the playlists, the first films."""
    pictures = {
        (format_, width): _nearest(made, format_, width)
        for format_ in PICTURES
        for width in _WIDTHS
    }
    playlists = [each for each in made if each.format == "m3u8"]
    playlists.sort(key=lambda each: (each.rung not in MASTERS, each.width))
    films = sorted((each for each in made if each.format == "mp4"), key=lambda each: each.width)
    found = [each for each in pictures.values() if each is not None]
    unique = {each.name: each for each in found}
    return [*unique.values(), *playlists[:_MOST_PLAYLISTS], *films[:_MOST_FILMS]]


def _nearest(made: Sequence[Rendition], format_: str, width: int) -> Rendition | None:
    pictures = [
        each
        for each in made
        if each.format == format_ and (each.rung.isdigit() or each.rung == "poster")
    ]
    wide = [each for each in pictures if each.width >= width]
    if wide:
        return min(wide, key=lambda each: each.width)
    return max(pictures, key=lambda each: each.width, default=None)


def _asked(file: Rendition) -> dict[str, str]:
    return dict(_BEGINNING) if file.format == "mp4" else {}
