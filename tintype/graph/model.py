"""The pure rules of the graph: who may do what to whom."""

from __future__ import annotations

import enum
import functools
import hashlib
from typing import Literal, NamedTuple

import msgspec

from tintype.kernel.ids import Id
from tintype.kernel.notice import Notice

FollowState = Literal["following", "requested"]

MOST_FOLLOWEES = 7_500
"""How many accounts one account may follow; requests that still wait count."""

_GOLDEN = 0x9E37_79B9_7F4A_7C15


class Action(enum.Enum):
    """What somebody wants with an account."""

    SEE_PROFILE = "see its profile wherever accounts are listed"
    OPEN_PROFILE = "open its profile by its own address"
    SEE_POSTS = "see its posts, its stories and their media"
    SEE_LISTS = "see who follows it and whom it follows"
    FOLLOW = "follow it"
    MUTE = "mute it"
    BLOCK = "block it"


_SEEING = frozenset({Action.SEE_PROFILE, Action.OPEN_PROFILE, Action.SEE_POSTS, Action.SEE_LISTS})
_OF_FOLLOWERS = frozenset({Action.SEE_POSTS, Action.SEE_LISTS})


class Standing(msgspec.Struct, frozen=True):
    """What an account is to everybody."""

    id: Id
    live: bool
    private: bool


class Ties(msgspec.Struct, frozen=True):
    """Everybody at the other end of a viewer's rows: what the relation sets are made from."""

    followees: frozenset[Id]
    muted: frozenset[Id]
    barred_by: frozenset[Id]
    blocked: frozenset[Id]


class RelationSets(msgspec.Struct, frozen=True):
    """What one account is to others.

    ``sources`` are those whose posts concern it: the followees and the account itself. ``shown``
    are the sources whose posts its feed may hold: live and not muted. ``hidden`` are the accounts
    with a block in either direction, ``barred_by`` those of them that block this account.
    """

    account: Id
    sources: frozenset[Id]
    shown: frozenset[Id]
    hidden: frozenset[Id] = frozenset()
    muted: frozenset[Id] = frozenset()
    barred_by: frozenset[Id] = frozenset()

    def follows(self, account: Id) -> bool:
        return account in self.sources and account != self.account

    @property
    def weight(self) -> int:
        """How many ids are held: what this takes of memory."""
        shown = 0 if self.shown is self.sources else len(self.shown)
        return (
            1 + len(self.sources) + shown + len(self.hidden) + len(self.muted) + len(self.barred_by)
        )


class SetsChanged(Notice, frozen=True, kw_only=True, tag="sets_changed"):
    """What these accounts are to others is different."""

    accounts: tuple[Id, ...]


class EdgeMade(Notice, frozen=True, kw_only=True, tag="edge_made"):
    """Somebody follows somebody from now on."""

    follower: Id
    followee: Id


class Edge(NamedTuple):
    """A line of a list: the account at the other end, and the id that orders the list."""

    id: Id
    account: Id


@functools.lru_cache(maxsize=16)
def with_oneself(followees: frozenset[Id], account: Id) -> frozenset[Id]:
    """The sources of an account: who is followed, and itself.

    Thousands of followees are read several times within a request; they are put together once.
    """
    return followees | {account}


def pair(one: Id, other: Id) -> Id:
    """A lock for what is between two accounts: the same from either side.

    Two pairs may share one; then they take turns without need.
    """
    low, high = sorted((one, other))
    return int.from_bytes(hashlib.blake2b(b"%d %d" % (low, high), digest_size=8).digest()) >> 1


def can(viewer: RelationSets | None, action: Action, subject: Standing) -> bool:
    """Whether a viewer (``None``: nobody signed in) may do this to an account.

    This is the one place that decides. An account that is not live and one with a block in either
    direction do not exist for others, with two exceptions: blocking works through a block, so that
    the blocked side can protect itself too, and whoever blocks can still open the profile, which is
    where a block is taken back.
    """
    if viewer is None:
        return (
            subject.live and action in _SEEING and not (subject.private and action in _OF_FOLLOWERS)
        )
    if viewer.account == subject.id:
        return action in _SEEING
    if not subject.live:
        return False
    if action is Action.BLOCK:
        return True
    if subject.id in viewer.hidden:
        return action is Action.OPEN_PROFILE and subject.id not in viewer.barred_by
    return not (subject.private and action in _OF_FOLLOWERS) or viewer.follows(subject.id)


def h16(account: Id) -> int:
    """A stable 16-bit hash that spreads followers evenly over ranges (Knuth's multiplicative)."""
    return ((account * _GOLDEN) & 0xFFFF_FFFF_FFFF_FFFF) >> 48
