"""Events: facts in the past tense that slices publish and consumers read."""

from __future__ import annotations

import msgspec

from tintype.kernel.ids import Id


class Delta(msgspec.Struct, frozen=True):
    """A change of one counter: ``by`` is added to ``name`` of ``subject``."""

    subject: Id
    name: str
    by: int


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A fact that was committed together with its effect.

    Subclasses give a ``tag`` (its stable wire name) and a ``key``. Delivery is at least once and
    in commit order per key; consumers are idempotent.
    """

    def key(self) -> Id:
        """The id of the aggregate that changed: events of one key keep their order."""
        raise NotImplementedError(type(self).__name__)

    def deltas(self) -> tuple[Delta, ...]:
        """What this fact changes in the counts; folded exactly once."""
        return ()

    def forgets(self) -> tuple[Id, ...]:
        """The subjects that are gone with this fact: their counts are dropped, late ones too."""
        return ()


def wire_name(event: type[Event]) -> str:
    """The stable name under which events of this type are stored."""
    tag = event.__struct_config__.tag
    if not isinstance(tag, str):
        message = f"{event.__name__} has no tag"
        raise TypeError(message)
    return tag
