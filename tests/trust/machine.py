"""E4b: a state machine over the HTTP API, beside the plain model of the social network.

``python -m tests.trust.machine --examples 2000 --steps 50`` runs the long version; ``--sabotage``
with one of ``FAULTS`` must turn it red, with the shortest history that shows it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import sys
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch

import httpx
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.cast import Person, World, ok, open_world
from tests.trust.social import Truth

_PEOPLE = 3
_PHOTOS = 3
_ANYBODY = st.integers(0, _PEOPLE - 1)
_EDGES = [edge for edge in itertools.product(range(_PEOPLE), repeat=2) if edge[0] != edge[1]]
_numbers = itertools.count(1)


class Theatre:
    """One server for all histories: each is played by people of its own, on its own photos."""

    def __init__(self, folder: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self.world: World = self.run(open_world(folder))

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(coroutine)

    def close(self) -> None:
        self.run(self.world.close())
        self.loop.close()


class SocialMachine(RuleBasedStateMachine):
    """Three people do everything to each other; after each step nobody sees too much."""

    theatre: ClassVar[Theatre]

    def __init__(self) -> None:
        super().__init__()
        self.truth = Truth()
        self.people: list[Person] = []

    @initialize(follows=st.sets(st.sampled_from(_EDGES), min_size=2))
    def sign_up(self, follows: set[tuple[int, int]]) -> None:
        """Three newcomers, some follows, one post: what everything else is about."""
        number = next(_numbers)
        self.people = [
            self._run(self.theatre.world.join(f"p{number}_{place}")) for place in range(_PEOPLE)
        ]
        for follower, followed in sorted(follows):
            self.follow(follower, followed)
        self.post(min(follows)[1])

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self.theatre.run(coroutine)

    def _call(self, actor: int, method: str, path: str, body: Any = None) -> httpx.Response:
        options = {} if body is None else {"json": body}
        answer: httpx.Response = self._run(self.people[actor].call(method, path, **options))
        return answer

    def _id(self, place: int) -> str:
        return self.people[place].id

    @rule(actor=_ANYBODY, other=_ANYBODY)
    def follow(self, actor: int, other: int) -> None:
        answer = self._call(actor, "POST", "/v1/follows", {"followed_id": self._id(other)})
        expected = self.truth.follow(self._id(actor), self._id(other))
        if expected is None:
            assert answer.status_code == (422 if actor == other else 404)
        else:
            assert answer.status_code == (201 if expected == "following" else 202)
            assert answer.json()["state"] == expected

    @rule(actor=_ANYBODY, other=_ANYBODY)
    def unfollow(self, actor: int, other: int) -> None:
        assert self._call(actor, "DELETE", f"/v1/follows/{self._id(other)}").status_code == 204
        self.truth.unfollow(self._id(actor), self._id(other))

    @rule(actor=_ANYBODY, other=_ANYBODY)
    def remove_follower(self, actor: int, other: int) -> None:
        assert self._call(actor, "DELETE", f"/v1/followers/{self._id(other)}").status_code == 204
        self.truth.follows.discard((self._id(other), self._id(actor)))

    @rule(actor=_ANYBODY, other=_ANYBODY)
    def accept(self, actor: int, other: int) -> None:
        edge = (self._id(other), self._id(actor))
        answer = self._call(actor, "POST", f"/v1/follow-requests/{edge[0]}/accept")
        if edge in self.truth.requests:
            self.truth.requests.discard(edge)
            self.truth.follows.add(edge)
        assert answer.status_code == (204 if edge in self.truth.follows else 404)

    @rule(actor=_ANYBODY, other=_ANYBODY)
    def decline(self, actor: int, other: int) -> None:
        path = f"/v1/follow-requests/{self._id(other)}"
        assert self._call(actor, "DELETE", path).status_code == 204
        self.truth.requests.discard((self._id(other), self._id(actor)))

    @rule(actor=_ANYBODY, other=_ANYBODY)
    def block(self, actor: int, other: int) -> None:
        answer = self._call(actor, "POST", "/v1/blocks", {"account_id": self._id(other)})
        assert answer.status_code == (422 if actor == other else 204)
        if actor != other:
            self.truth.block(self._id(actor), self._id(other))

    @rule(actor=_ANYBODY, other=_ANYBODY)
    def unblock(self, actor: int, other: int) -> None:
        assert self._call(actor, "DELETE", f"/v1/blocks/{self._id(other)}").status_code == 204
        self.truth.blocks.discard((self._id(actor), self._id(other)))

    @rule(actor=_ANYBODY, other=_ANYBODY)
    def mute(self, actor: int, other: int) -> None:
        answer = self._call(actor, "POST", "/v1/mutes", {"account_id": self._id(other)})
        if actor == other or self.truth.blocked(self._id(actor), self._id(other)):
            assert answer.status_code == (422 if actor == other else 404)
        else:
            assert answer.status_code == 204
            self.truth.mutes.add((self._id(actor), self._id(other)))

    @rule(actor=_ANYBODY, other=_ANYBODY)
    def unmute(self, actor: int, other: int) -> None:
        assert self._call(actor, "DELETE", f"/v1/mutes/{self._id(other)}").status_code == 204
        self.truth.mutes.discard((self._id(actor), self._id(other)))

    @rule(actor=_ANYBODY, private=st.booleans())
    def switch_privacy(self, actor: int, private: bool) -> None:
        assert self._call(actor, "PATCH", "/v1/accounts/me", {"private": private}).is_success
        # Who waits for somebody who becomes public follows soon after, not at once.
        self._settle()
        self.truth.set_private(self._id(actor), private=private)

    @precondition(lambda self: len(self.truth.posts) < _PHOTOS)
    @rule(actor=_ANYBODY)
    def post(self, actor: int) -> None:
        self.truth.posts[self._run(self.people[actor].post("a photo"))] = self._id(actor)

    @precondition(lambda self: self.truth.posts)
    @rule(actor=_ANYBODY, data=st.data())
    def delete(self, actor: int, data: st.DataObject) -> None:
        post = self._some_post(data)
        mine = self.truth.posts[post] == self._id(actor)
        status = self._call(actor, "DELETE", f"/v1/posts/{post}").status_code
        # Whoever shares the shard of a hidden post may have had one there: 204, and it stays.
        hidden = {204, 404}
        assert status in ({204} if mine else {403} if self._sees(actor, post) else hidden)
        if mine:
            self.truth.delete_post(post)

    @precondition(lambda self: self.truth.posts)
    @rule(actor=_ANYBODY, liked=st.booleans(), data=st.data())
    def like(self, actor: int, liked: bool, data: st.DataObject) -> None:
        post = self._some_post(data)
        answer = self._call(actor, "PUT" if liked else "DELETE", f"/v1/posts/{post}/like")
        assert answer.status_code == (200 if self._sees(actor, post) else 404)
        if answer.is_success:
            edge = (self._id(actor), post)
            (self.truth.likes.add if liked else self.truth.likes.discard)(edge)
            assert answer.json()["viewer"]["liked"] == liked
            assert answer.json()["counts"]["likes"] == self._likes(post)

    @precondition(lambda self: self.truth.posts)
    @rule(actor=_ANYBODY, data=st.data())
    def comment(self, actor: int, data: st.DataObject) -> None:
        post = self._some_post(data)
        answer = self._call(actor, "POST", f"/v1/posts/{post}/comments", {"text": "hello"})
        assert answer.status_code == (201 if self._sees(actor, post) else 404)
        if answer.is_success:
            self.truth.comments[answer.json()["id"]] = (post, "hello")

    @rule()
    def settle(self) -> None:
        """Everything arrived: feeds are whole, counts are exact."""
        self._settle()
        for viewer in range(_PEOPLE):
            assert self._feed(viewer) == self.truth.feed(self._id(viewer))
            counts = ok(self._call(viewer, "GET", "/v1/accounts/me"))["counts"]
            assert counts == self._counts(self._id(viewer))
        for post, author in self.truth.posts.items():
            owner = next(place for place, each in enumerate(self.people) if each.id == author)
            comments = sum(on == post for on, _ in self.truth.comments.values())
            view = ok(self._call(owner, "GET", f"/v1/posts/{post}"))
            assert view["counts"] == {"likes": self._likes(post), "comments": comments}

    @invariant()
    def nobody_sees_what_they_must_not(self) -> None:
        for viewer in range(len(self.people)):
            found = self._feed(viewer)
            assert len(found) == len(set(found))
            assert found == sorted(found, key=int, reverse=True)
            assert set(found) <= set(self.truth.feed(self._id(viewer)))

    @invariant()
    def authors_see_their_own_posts_at_once(self) -> None:
        for viewer in range(len(self.people)):
            own = {post for post, by in self.truth.posts.items() if by == self._id(viewer)}
            assert own <= set(self._feed(viewer))

    def teardown(self) -> None:
        if self.people:
            self.settle()

    def _some_post(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(sorted(self.truth.posts, key=int)))

    def _sees(self, viewer: int, post: str) -> bool:
        return self.truth.may_see(self._id(viewer), self.truth.posts[post])

    def _likes(self, post: str) -> int:
        return sum(on == post for _, on in self.truth.likes)

    def _counts(self, account: str) -> dict[str, int]:
        return {
            "posts": sum(by == account for by in self.truth.posts.values()),
            "followers": sum(followed == account for _, followed in self.truth.follows),
            "following": sum(follower == account for follower, _ in self.truth.follows),
        }

    def _feed(self, viewer: int) -> list[str]:
        """Every page, two posts at a time, so that cursors are walked too."""
        found: list[str] = []
        query = "?limit=2"
        while True:
            page = ok(self._call(viewer, "GET", f"/v1/feed{query}"))
            found += [item["id"] for item in page["items"]]
            if page["next_cursor"] is None:
                return found
            query = f"?limit=2&cursor={page['next_cursor']}"

    def _settle(self) -> None:
        self._run(self.theatre.world.settle())


def _mutes_ignored() -> Any:
    from tintype.graph.model import RelationSets, Ties
    from tintype.graph.service.sight import Sight

    honest = Sight._sets_of

    async def sets_of(self: Sight, viewer: int, ties: Ties) -> RelationSets:
        found = await honest(self, viewer, ties)
        return RelationSets(viewer, found.sources, found.sources, found.hidden, found.muted)

    return patch.object(Sight, "_sets_of", sets_of)


def _blocks_keep_follows() -> Any:
    from tintype.graph import Graph

    async def part(*_: object) -> None:
        """Leave the follow where it is."""

    return patch.object(Graph, "_part", part)


def _unfollows_forgotten() -> Any:
    """What a viewer is to others is not looked up again."""
    from tintype.graph.service.held import Held

    def forget(*_: object) -> None:
        """Keep what was held."""

    return patch.object(Held, "forget", forget)


def _comments_counted_twice() -> Any:
    from tintype.kernel.event import Delta
    from tintype.posts.events import Commented

    def deltas(self: Commented) -> tuple[Delta, ...]:
        return (Delta(subject=self.post, name="comments", by=2),)

    return patch.object(Commented, "deltas", deltas)


FAULTS: dict[str, Callable[[], Any]] = {
    "mutes": _mutes_ignored,
    "blocks": _blocks_keep_follows,
    "staleness": _unfollows_forgotten,
    "counts": _comments_counted_twice,
}


def play(*, examples: int, steps: int, same: bool = True, sabotage: str | None = None) -> None:
    """Play so many histories of so many steps, the ``same`` ones each time or fresh ones.

    Raises:
        AssertionError: one of them went another way than the model; Hypothesis prints it.
    """
    phases = [Phase.generate] if sabotage else [Phase.generate, Phase.shrink]
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        derandomize=same,
        phases=phases,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        theatre = Theatre(folder)
        stack.callback(theatre.close)
        if sabotage:
            stack.enter_context(FAULTS[sabotage]())

        class Machine(SocialMachine):
            pass

        Machine.theatre = theatre
        run_state_machine_as_test(Machine, settings=chosen)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=2_000)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--sabotage", choices=sorted(FAULTS))
    chosen = parser.parse_args()
    play(examples=chosen.examples, steps=chosen.steps, same=False, sabotage=chosen.sabotage)
    return 0


if __name__ == "__main__":
    sys.exit(main())
