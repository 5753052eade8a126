"""What viewers liked and saved, encoded as the end of a card and held in this process.

An end is the end of a post in a feed that is there because its author is followed, as nearly all
are. What ends it for another reason, or elsewhere, is looked up by it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from tintype.database import Database
from tintype.kernel.ids import Id
from tintype.posts.model import MarksChanged, MarksForgotten, Why
from tintype.posts.service.assembly import marks_of
from tintype.posts.service.held import Held
from tintype.posts.store import reactions
from tintype.posts.views import Marks

VIEWERS = 20_000
NEWEST = 500
"""Likes and saves that are held for each viewer; those of older posts are asked for."""

_encode = msgspec.json.Encoder().encode


def _end(marks: Marks, why: Why) -> bytes:
    return _encode(marks) + b',"why":' + _encode(why) + b"},"


_MARKS = [Marks(liked=liked, saved=saved) for liked in (False, True) for saved in (False, True)]
_ENDS = {(marks.liked, marks.saved): _end(marks, Why.FOLLOWED) for marks in _MARKS}
NEITHER = _ENDS[False, False]
ENDS_OF: Mapping[Why, Mapping[bytes, bytes]] = {
    why: {_end(marks, Why.FOLLOWED): _end(marks, why) for marks in _MARKS} for why in Why
}
"""The end of a post that is in a feed for another reason, by the end that is held."""
ENDS_ELSEWHERE: Mapping[bytes, bytes] = {
    _end(marks, Why.FOLLOWED): _encode(marks) + b"}" for marks in _MARKS
}
"""The end of a post that is shown elsewhere, without what separates it from the next one."""


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

    def at_hand(self, viewer: Id, lowest: Id) -> Mapping[Id, bytes] | None:
        """What ``of`` answers for ids from ``lowest`` on, if nobody needs to be asked."""
        newest = self._held.values.get(viewer)
        if newest is None or newest.floor > lowest:
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
