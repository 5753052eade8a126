"""Flags: what an operator switches while the server runs, known in every process without asking."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from tintype.admin import store
from tintype.admin.errors import FlagNotFound
from tintype.admin.model import Flag, FlagChanged, FlagState
from tintype.admin.views import FlagList, FlagView, flag_view
from tintype.database import Database
from tintype.kernel.ids import Id
from tintype.kernel.problem import Unavailable

log = structlog.get_logger(__name__)

AT_A_SHELL: Id = 0
"""Who changed a flag with a command of the server: nobody with an account."""
_LOCK: Id = 1
"""What every change of a flag takes: no account or post has this id."""

Condition = Callable[[], Awaitable[None]]


class Flags:
    """The declared flags and how they stand.

    What is held is as new as the last acknowledged change, in every process that catches up with
    the notices before it answers; a process that misses some looks again within seconds. While the
    database does not answer, flags stay as they were last known, and at their defaults before.
    """

    def __init__(self, database: Database, declared: Mapping[str, Flag]) -> None:
        self._database = database
        self._declared = dict(declared)
        self._states: dict[str, FlagState] = {}
        self._conditions: dict[str, Condition] = {}
        self._listeners: list[Callable[[], None]] = []
        self._looking: asyncio.Task[None] | None = None
        database.notices.hear(FlagChanged, self._heard)
        database.notices.on_doubt(self._doubted)

    def is_on(self, name: str) -> bool:
        """Whether a declared flag is on; never waits.

        Raises:
            FlagNotFound.
        """
        flag = self._flag(name)
        state = self._states.get(name)
        return flag.default if state is None or state.on is None else state.on

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` now, and whenever a flag stands otherwise than before."""
        self._listeners.append(listener)
        listener()

    def before_on(self, name: str, condition: Condition) -> None:
        """Await ``condition`` before this flag is switched on; a problem that it raises refuses."""
        self._conditions[self._flag(name).name] = condition

    def all(self) -> FlagList:
        """Every flag as this process obeys it, in the order of the names."""
        return FlagList(items=[self._view(name) for name in sorted(self._declared)])

    async def switch(self, name: str, *, on: bool | None, actor: Id) -> FlagView:
        """Switch a flag; ``None`` lets its default hold again. Who did it and when is kept.

        Raises:
            FlagNotFound: nothing of this name was declared.
            Problem: what the flag needs to be on is not there.
        """
        flag = self._flag(name)
        await self.refresh()
        condition = self._conditions.get(name)
        becomes = flag.default if on is None else on
        if condition is not None and becomes and not self.is_on(name):
            await condition()
        async with self._database.write() as tx:
            await tx.lock(_LOCK)
            last = (await store.flag_states(tx)).get(name)
            now = max(self._database.clock.now_ms(), last.changed_ms + 1 if last else 0)
            state = FlagState(on, now, actor)
            await store.put_flag(tx, name, state)
            tx.notify(FlagChanged(name=name, on=on, changed_ms=now, changed_by=actor))
        log.info("flag.changed", name=name, on=becomes, cleared=on is None, actor=actor)
        self._learn({name: state})
        return self._view(name)

    async def refresh(self) -> None:
        """Look every flag up. Nothing changes while the database does not answer."""
        try:
            async with self._database.read() as reader:
                states = await store.flag_states(reader)
        except Unavailable:
            return
        self._learn(states)

    def _heard(self, notice: FlagChanged) -> None:
        state = FlagState(notice.on, notice.changed_ms, notice.changed_by)
        self._learn({notice.name: state})

    def _doubted(self) -> None:
        # Kept until something newer is known: a flag that falls back would switch by itself.
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self.refresh())

    def _learn(self, states: Mapping[str, FlagState]) -> None:
        before = self._standing()
        for name, state in states.items():
            known = self._states.get(name)
            if known is None or known.changed_ms < state.changed_ms:
                self._states[name] = state
        if self._standing() != before:
            for listener in self._listeners:
                listener()

    def _standing(self) -> list[bool]:
        return [self.is_on(name) for name in self._declared]

    def _view(self, name: str) -> FlagView:
        return flag_view(self._declared[name], self._states.get(name), on=self.is_on(name))

    def _flag(self, name: str) -> Flag:
        if name not in self._declared:
            known = ", ".join(sorted(self._declared))
            raise FlagNotFound(f"Nothing is called {name[:60]!r} here. Flags: {known}.")
        return self._declared[name]
