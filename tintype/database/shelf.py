"""Values that are quicker to have than to make, kept for every process of a server.

    shelf.through(ids, make) ──► the cache ──► what is missing there: make, and put it back
    a notice whose commit changes them ──► dropped from the cache before anybody is told

Without a cache every value is made. With one that does not answer, too. A drop that it did not
answer is owed: until it is made, whoever owes it makes these values anew, whatever the cache says.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

import msgspec
import structlog

from tintype.kernel.ids import Id
from tintype.kernel.notice import Notice
from tintype.kernel.problem import Unavailable
from tintype.ports.cache import Cache, Lease

log = structlog.get_logger(__name__)

AGAIN_S = 0.5
"""How soon a drop that failed is tried again."""

_encode = msgspec.msgpack.Encoder().encode
V = TypeVar("V")
N = TypeVar("N", bound=Notice)


class Shelves:
    """The shared cache as the slices use it; empty-handed until it ``stands_on`` one."""

    def __init__(self) -> None:
        self._cache: Cache | None = None
        self._rules: list[tuple[type[Notice], Callable[[Notice], Iterable[str]]]] = []
        # The number tells a debt that was made while an older one of the same key was being paid.
        self._owed: dict[str, int] = {}
        self._debts = itertools.count()
        self._paying: asyncio.Task[None] | None = None

    def stand_on(self, cache: Cache) -> None:
        """Keep values there from now on."""
        self._cache = cache

    def shelf(self, name: str, kind: type[V]) -> Shelf[V]:
        """A shelf for values of this type, under a name of its own."""
        return Shelf(self, name, kind)

    def drop_on(self, kind: type[N], keys: Callable[[N], Iterable[str]]) -> None:
        """Let these keys be dropped with every notice of this kind."""
        self._rules.append((kind, keys))  # type: ignore[arg-type] # looked up by type below

    async def settle(self, notices: Sequence[Notice]) -> None:
        """Drop what these notices end; never fails. A drop that could not be made is owed, and
        made as soon as the cache answers.
        """
        if keys := self._ended_by(notices):
            await self._drop(keys)

    async def drop(self, notices: Sequence[Notice]) -> None:
        """Drop what these notices end.

        Raises:
            Unavailable: the cache does not answer, so it may hold them still.
        """
        keys = self._ended_by(notices)
        if keys and self._cache is not None:
            await self._cache.drop(keys)

    @property
    def owed(self) -> int:
        """How many keys wait for the cache to answer."""
        return len(self._owed)

    def owes(self, key: str) -> bool:
        """Whether the cache may hold a value under this key that was ended here."""
        return key in self._owed

    @property
    def cache(self) -> Cache | None:
        """Where values are kept; ``None``: nowhere."""
        return self._cache

    def _ended_by(self, notices: Sequence[Notice]) -> set[str]:
        if self._cache is None:
            return set()
        return {
            key
            for notice in notices
            for kind, keys_of in self._rules
            if type(notice) is kind
            for key in keys_of(notice)
        }

    async def _drop(self, keys: Collection[str]) -> None:
        assert self._cache is not None  # noqa: S101 - the caller looked
        try:
            await self._cache.drop(keys)
        except Unavailable as error:
            log.warning("shelf.drop_owed", keys=len(keys), error=repr(error))
            self._owed |= dict.fromkeys(keys, next(self._debts))
            if self._paying is None:
                self._paying = asyncio.create_task(self._pay())

    async def _pay(self) -> None:
        while self._owed:
            await asyncio.sleep(AGAIN_S)
            paid = dict(self._owed)
            try:
                await self._cache.drop(paid.keys())  # type: ignore[union-attr] # owed to a cache
            except Unavailable:
                continue
            self._owed = {key: debt for key, debt in self._owed.items() if paid.get(key) != debt}
        self._paying = None


class Shelf(Generic[V]):
    """One kind of value, by id.

    Whatever a value is made from must be told by a notice when it changes, and be named in
    ``drop_on``: the value is then gone from the cache before the change is acknowledged.
    """

    def __init__(self, shelves: Shelves, name: str, kind: type[V]) -> None:
        self._shelves = shelves
        self._name = name
        self._decoder = msgspec.msgpack.Decoder(kind)

    def drop_on(self, kind: type[N], ids: Callable[[N], Iterable[Id]]) -> None:
        """Drop the values of these ids with every notice of this kind."""
        self._shelves.drop_on(kind, lambda notice: map(self._key, ids(notice)))

    async def through(
        self, ids: Collection[Id], make: Callable[[Collection[Id]], Awaitable[Mapping[Id, V]]]
    ) -> dict[Id, V]:
        """The values of these ids: those that are kept, and the others as ``make`` makes them.

        What ``make`` leaves out is left out.
        """
        if not ids:
            return {}
        cache = self._shelves.cache
        if cache is None:
            return dict(await make(ids))
        keys = {self._key(id_): id_ for id_ in ids}
        trusted = [key for key in keys if not self._shelves.owes(key)]
        try:
            held = await cache.get(trusted)
        except Unavailable:
            return dict(await make(ids))
        # Looked at again: a drop may have failed meanwhile.
        values = {key: value for key, value in held.values.items() if not self._shelves.owes(key)}
        found = self._decoded({keys[key]: value for key, value in values.items()})
        missing = [id_ for id_ in ids if id_ not in found]
        if missing:
            made = await make(missing)
            found.update(made)
            await self._fill(cache, held.lease, made)
        return found

    async def _fill(self, cache: Cache, lease: Lease, made: Mapping[Id, V]) -> None:
        try:
            await cache.fill(lease, {self._key(id_): _encode(value) for id_, value in made.items()})
        except Unavailable:
            log.info("shelf.not_filled", name=self._name, values=len(made))

    def _decoded(self, values: Mapping[Id, bytes]) -> dict[Id, V]:
        found = {}
        for id_, value in values.items():
            try:
                found[id_] = self._decoder.decode(value)
            except msgspec.DecodeError:
                # Of another version: it is made anew here, and expires there.
                continue
        return found

    def _key(self, id_: Id) -> str:
        return f"{self._name}{id_}"
