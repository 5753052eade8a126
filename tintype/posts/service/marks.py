"""What viewers liked and saved, encoded as the end of a card and held in this process."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from tintype.database import Database
from tintype.kernel.ids import Id
from tintype.posts.model import MarksChanged, MarksForgotten
from tintype.posts.service.assembly import marks_of
from tintype.posts.service.held import Held
from tintype.posts.store import reactions
from tintype.posts.views import Marks

VIEWERS = 20_000
NEWEST = 500
"""Likes and saves that are held for each viewer; those of older posts are asked for."""

_encode = msgspec.json.Encoder().encode


def _end(marks: Marks) -> bytes:
    return _encode(marks) + b"},"


_ENDS = {
    (liked, saved): _end(Marks(liked=liked, saved=saved))
    for liked in (False, True)
    for saved in (False, True)
}
NEITHER = _ENDS[False, False]


class _Newest(NamedTuple):
    """The ends of every marked post from ``floor`` on."""

    floor: Id
    ends: dict[Id, bytes]


class HeldMarks:
    """The ends of posts by viewer; a post that is missing is neither liked nor saved."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._held: Held[Id, _Newest] = Held(VIEWERS)
        database.notices.hear(MarksChanged, self._changed)
        database.notices.hear(MarksForgotten, lambda notice: self._held.drop([notice.viewer]))
        database.notices.on_doubt(self._held.clear)

    def at_hand(self, viewer: Id, ids: Iterable[Id]) -> Mapping[Id, bytes] | None:
        """What ``of`` answers, if nobody needs to be asked; ``ids`` are looked at once at most."""
        newest = self._held.values.get(viewer)
        if newest is None or (newest.floor and newest.floor > min(ids)):
            return None
        return newest.ends

    def known(self, viewer: Id) -> Mapping[Id, bytes]:
        """The ends that are held, of the newest marked posts at most; empty when none are."""
        newest = self._held.values.get(viewer)
        return {} if newest is None else newest.ends

    async def of(self, viewer: Id, ids: Sequence[Id]) -> Mapping[Id, bytes]:
        """The ends of these posts for a viewer, as of the last acknowledged change."""
        newest = self._held.values.get(viewer)
        if newest is None:
            newest = await self._load(viewer)
        if newest.floor <= min(ids):
            return newest.ends
        async with self._database.read() as reader:
            found = await marks_of(reader, ids, viewer)
        return {id_: _ENDS[marks.liked, marks.saved] for id_, marks in found.items()}

    def _changed(self, notice: MarksChanged) -> None:
        viewer = notice.viewer
        if not self._database.notices.in_order:
            # The notice of a later commit may have come before this one.
            self._held.drop([viewer])
            return
        self._held.interrupt([viewer])
        newest = self._held.values.get(viewer)
        if newest is None:
            return
        if notice.liked or notice.saved:
            newest.ends[notice.post] = _ENDS[notice.liked, notice.saved]
        else:
            newest.ends.pop(notice.post, None)

    async def _load(self, viewer: Id) -> _Newest:
        fill = self._held.begin([viewer])
        found = {}
        try:
            async with self._database.read() as reader:
                liked = await reactions.newest_liked(reader, viewer, NEWEST)
                saved = await reactions.newest_saved(reader, viewer, NEWEST)
            floor = max(_floor(liked), _floor(saved))
            both = set(liked), set(saved)
            newest = _Newest(
                floor,
                {
                    id_: _ENDS[id_ in both[0], id_ in both[1]]
                    for id_ in both[0] | both[1]
                    if id_ >= floor
                },
            )
            found[viewer] = newest
        finally:
            self._held.finish(fill, found)
        return newest


def _floor(newest: Sequence[Id]) -> Id:
    """The id from which on a list of the newest is complete."""
    return newest[-1] if len(newest) == NEWEST else 0
