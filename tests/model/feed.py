"""The feed as specified: pure, small, and the judge of everything that serves one.

    E(v) = live posts by v and by those whom v follows, unless either blocks the other or v mutes
           the author; newest first.

Nothing here knows about timelines, fan-out, caches or time. Every operation is total: what makes
no sense has no effect, so any sequence of operations is a valid history.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

Account = int
Post = int


@dataclass
class FeedModel:
    """A whole instance, as far as feeds can tell."""

    authors: dict[Post, Account] = field(default_factory=dict)
    live: set[Post] = field(default_factory=set)
    following: defaultdict[Account, set[Account]] = field(default_factory=lambda: defaultdict(set))
    requested: defaultdict[Account, set[Account]] = field(default_factory=lambda: defaultdict(set))
    blocking: defaultdict[Account, set[Account]] = field(default_factory=lambda: defaultdict(set))
    muting: defaultdict[Account, set[Account]] = field(default_factory=lambda: defaultdict(set))
    private: set[Account] = field(default_factory=set)
    keeps: Callable[[Post, Account, int], bool] | None = None
    """Whether an account that follows so many gets a post; ``None``: everybody gets everything."""
    seen: defaultdict[Account, set[Post]] = field(default_factory=lambda: defaultdict(set))

    # ---- what happens ----------------------------------------------------------------------------

    def publish(self, author: Account, post: Post) -> None:
        """The post is live from now on; its place is its id, whenever this happens."""
        self.authors[post] = author
        self.live.add(post)

    def delete(self, post: Post) -> None:
        self.live.discard(post)

    def follow(self, follower: Account, followee: Account) -> str:
        """ "following", "requested" of a private account, or "refused"."""
        if follower == followee or self.severed(follower, followee):
            return "refused"
        if followee in self.following[follower]:
            return "following"
        if followee in self.private:
            self.requested[follower].add(followee)
            return "requested"
        self.following[follower].add(followee)
        return "following"

    def accept(self, followee: Account, follower: Account) -> bool:
        """Turns a request into a follow."""
        if followee not in self.requested[follower]:
            return False
        self.requested[follower].discard(followee)
        self.following[follower].add(followee)
        return True

    def unfollow(self, follower: Account, followee: Account) -> bool:
        """Ends a follow, or withdraws a request; ``True`` if a follow ended."""
        self.requested[follower].discard(followee)
        if followee not in self.following[follower]:
            return False
        self.following[follower].discard(followee)
        return True

    def block(self, actor: Account, other: Account) -> None:
        """Hides each from the other and ends the follows between them."""
        if actor == other:
            return
        self.blocking[actor].add(other)
        self.unfollow(actor, other)
        self.unfollow(other, actor)

    def unblock(self, actor: Account, other: Account) -> None:
        """Brings no follow back."""
        self.blocking[actor].discard(other)

    def mute(self, actor: Account, other: Account) -> None:
        if actor != other:
            self.muting[actor].add(other)

    def unmute(self, actor: Account, other: Account) -> None:
        self.muting[actor].discard(other)

    def make_private(self, account: Account) -> None:
        """Followers stay; from now on one has to ask."""
        self.private.add(account)

    def make_public(self, account: Account) -> None:
        """Accepts every request that waits."""
        self.private.discard(account)
        for follower, asked in self.requested.items():
            if account in asked:
                asked.discard(account)
                self.following[follower].add(account)

    def see(self, viewer: Account, post: Post) -> None:
        """The viewer has looked at a post of their feed."""
        if self.is_eligible(viewer, post):
            self.seen[viewer].add(post)

    # ---- what is true ----------------------------------------------------------------------------

    def severed(self, one: Account, other: Account) -> bool:
        return other in self.blocking[one] or one in self.blocking[other]

    def sources(self, viewer: Account) -> set[Account]:
        """Whose posts are delivered to the viewer."""
        return self.following[viewer] | {viewer}

    def shown(self, viewer: Account) -> set[Account]:
        """Whose posts the viewer's feed may show."""
        return {
            author
            for author in self.sources(viewer)
            if author not in self.muting[viewer] and not self.severed(viewer, author)
        }

    def followers(self, author: Account) -> set[Account]:
        return {follower for follower, theirs in self.following.items() if author in theirs}

    def is_eligible(self, viewer: Account, post: Post) -> bool:
        shown = post in self.live and self.authors[post] in self.shown(viewer)
        return shown and self.gets(viewer, post)

    def gets(self, viewer: Account, post: Post) -> bool:
        """Whether the post is among those for which the viewer follows few enough."""
        return self.keeps is None or self.keeps(post, viewer, len(self.following[viewer]))

    def feed(self, viewer: Account) -> list[Post]:
        """E(v), newest first."""
        shown = self.shown(viewer)
        due = [
            post for post in self.live if self.authors[post] in shown and self.gets(viewer, post)
        ]
        return sorted(due, reverse=True)

    def unseen(self, viewer: Account) -> list[Post]:
        """The feed without what was seen."""
        return [post for post in self.feed(viewer) if post not in self.seen[viewer]]

    def caught_up(self, viewer: Account, page: list[Post], since: Post) -> Post | None:
        """The newest post of a page that was seen and below which the whole feed holds nothing
        unseen from ``since`` on.
        """
        news = [post for post in self.unseen(viewer) if post >= since]
        return next(
            (
                post
                for post in page
                if post in self.seen[viewer] and not any(new < post for new in news)
            ),
            None,
        )

    def page(self, viewer: Account, below: Post | None, limit: int) -> tuple[list[Post], bool]:
        """The feed below a cursor, and whether more follows."""
        rest = [post for post in self.feed(viewer) if below is None or post < below]
        return rest[:limit], len(rest) > limit
