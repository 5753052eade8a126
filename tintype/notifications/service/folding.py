"""Folding notes into notifications: read once, worked out in memory, written once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

import msgspec

from tintype.database import Database, Transaction
from tintype.kernel.ids import Id, shard_of
from tintype.notifications import store
from tintype.notifications.model import (
    DAY_MS,
    LATEST,
    SHOWN,
    ActorKey,
    ActorState,
    Group,
    GroupKey,
    Kind,
    Note,
    Withdrawal,
)

Change = Note | Withdrawal


class Folding:
    """What is stored, as it will be after the changes. The same changes again change nothing."""

    def __init__(self, day: int, mint: Callable[[Id], Id]) -> None:
        self._day = day
        self._mint = mint
        self.actors: dict[ActorKey, ActorState] = {}
        self.groups: dict[GroupKey, Group] = {}

    def apply(self, change: Change) -> None:
        """Put a note into its group, or take it out of the one that it is in.

        A note that was withdrawn on the same day comes back quietly; on another day it is news.
        """
        key = ActorKey(change.account, change.kind, change.subject, change.actor)
        state = self.actors.get(key)
        if isinstance(change, Withdrawal):
            if state is not None and state.active:
                self.actors[key] = msgspec.structs.replace(state, active=False)
                self._leave(GroupKey(*key[:3], state.day), change.actor)
        elif state is None or not state.active:
            self._join(key, state, change)

    def _join(self, key: ActorKey, state: ActorState | None, note: Note) -> None:
        quiet = state is not None and state.day == self._day
        id_ = state.id if state is not None and quiet else self._mint(note.account)
        self.actors[key] = ActorState(self._day, id_, active=True)
        place = GroupKey(*key[:3], self._day)
        group = self.groups.get(place)
        if group is None:
            group = Group(
                account=note.account,
                kind=note.kind,
                subject=note.subject,
                day=self._day,
                id=id_,
                post=note.post,
                comment=note.comment,
                actors=0,
                latest=(),
            )
        latest = (*group.latest, note.actor) if quiet else (note.actor, *group.latest)
        self.groups[place] = msgspec.structs.replace(
            group,
            id=group.id if quiet else id_,
            actors=group.actors + 1,
            latest=latest[:LATEST],
        )

    def _leave(self, place: GroupKey, actor: Id) -> None:
        group = self.groups.get(place)
        if group is not None:
            self.groups[place] = msgspec.structs.replace(
                group,
                actors=max(0, group.actors - 1),
                latest=tuple(each for each in group.latest if each != actor),
            )


async def fold(tx: Transaction, database: Database, changes: Sequence[Change]) -> None:
    """Apply changes within a transaction; the cost goes by the groups, not by the changes."""
    folding = Folding(
        database.clock.now_ms() // DAY_MS,
        lambda account: database.ids.next(shard_of(account)),
    )
    await tx.lock(*{change.account for change in changes})
    await _load(tx, folding, changes)
    actors, groups = dict(folding.actors), dict(folding.groups)
    for change in changes:
        folding.apply(change)
    await store.put_actors(tx, _new(folding.actors, actors), _other(folding.actors, actors))
    for place, group in _changed(folding.groups, groups):
        if len(group.latest) < min(group.actors, SHOWN):
            latest = await store.newest_actors(tx, group, LATEST)
            folding.groups[place] = msgspec.structs.replace(group, latest=tuple(latest))
    new = [group for place, group in folding.groups.items() if place not in groups]
    known = [group for place, group in _changed(folding.groups, groups) if place in groups]
    await store.put_groups(tx, new, known)


async def _load(tx: Transaction, folding: Folding, changes: Iterable[Change]) -> None:
    wanted: dict[tuple[Id, Kind, Id], set[Id]] = defaultdict(set)
    for change in changes:
        wanted[change.account, change.kind, change.subject].add(change.actor)
    for (account, kind, subject), actors in wanted.items():
        folding.actors.update(await store.actor_states(tx, account, kind, subject, actors))
        for group in await store.groups_of(tx, account, kind, subject):
            folding.groups[group.key] = group


def _new(
    now: dict[ActorKey, ActorState], before: dict[ActorKey, ActorState]
) -> dict[ActorKey, ActorState]:
    return {key: state for key, state in now.items() if key not in before}


def _other(
    now: dict[ActorKey, ActorState], before: dict[ActorKey, ActorState]
) -> dict[ActorKey, ActorState]:
    return {key: state for key, state in now.items() if key in before and before[key] != state}


def _changed(
    now: dict[GroupKey, Group], before: dict[GroupKey, Group]
) -> list[tuple[GroupKey, Group]]:
    return [(place, group) for place, group in now.items() if before.get(place) != group]
