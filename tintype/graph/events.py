"""What happened between accounts. Only a row that really appeared or vanished is a fact."""

from __future__ import annotations

from tintype.kernel.event import Delta, Event
from tintype.kernel.ids import Id


class Followed(Event, frozen=True, kw_only=True, tag="account_followed"):
    """A follow began; ``accepted`` when it answers a request."""

    follower: Id
    followee: Id
    accepted: bool = False

    def key(self) -> Id:
        return self.follower

    def deltas(self) -> tuple[Delta, ...]:
        return (Delta(self.follower, "following", 1), Delta(self.followee, "followers", 1))


class Unfollowed(Event, frozen=True, kw_only=True, tag="account_unfollowed"):
    """A follow ended, whoever ended it: either side, a block, or an erasure."""

    follower: Id
    followee: Id

    def key(self) -> Id:
        return self.follower

    def deltas(self) -> tuple[Delta, ...]:
        return (Delta(self.follower, "following", -1), Delta(self.followee, "followers", -1))


class FollowRequested(Event, frozen=True, kw_only=True, tag="follow_requested"):
    """Somebody asked to follow a private account."""

    requester: Id
    followee: Id

    def key(self) -> Id:
        return self.requester


class FollowRequestAccepted(Event, frozen=True, kw_only=True, tag="follow_request_accepted"):
    """A request was granted; the ``Followed`` beside it tells of the follow itself."""

    requester: Id
    followee: Id

    def key(self) -> Id:
        return self.requester


class FollowRequestClosed(Event, frozen=True, kw_only=True, tag="follow_request_closed"):
    """A request went away without a follow: withdrawn, declined, blocked or erased."""

    requester: Id
    followee: Id

    def key(self) -> Id:
        return self.requester


class Blocked(Event, frozen=True, kw_only=True, tag="account_blocked"):
    """A block began; follows and requests between the two are gone, both ways."""

    blocker: Id
    blocked: Id

    def key(self) -> Id:
        return self.blocker


class Unblocked(Event, frozen=True, kw_only=True, tag="account_unblocked"):
    """A block ended; nothing that it severed comes back."""

    blocker: Id
    blocked: Id

    def key(self) -> Id:
        return self.blocker


class Muted(Event, frozen=True, kw_only=True, tag="account_muted"):
    """Somebody keeps an account out of the own feed; the muted one never hears of it."""

    muter: Id
    muted: Id

    def key(self) -> Id:
        return self.muter


class Unmuted(Event, frozen=True, kw_only=True, tag="account_unmuted"):
    """A mute ended."""

    muter: Id
    muted: Id

    def key(self) -> Id:
        return self.muter
