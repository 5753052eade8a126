"""/v1/accounts/{…}, /v1/follows and what else lies between accounts."""

from __future__ import annotations

from tintype.accounts import AccountNotFound, AccountView
from tintype.graph.errors import FollowRequestNotFound, ListHidden, TooManyFollowees
from tintype.graph.service import Graph, Lists, Mutuals
from tintype.graph.service.lists import Place
from tintype.graph.views import FollowAnswer, ProfileView
from tintype.http import Access, Body, Call, Cursor, IdField, IdPath, Limit, Routes
from tintype.kernel.page import Page

_CREATED, _ACCEPTED = 201, 202


class Follow(Body):
    followed_id: IdField


class Subject(Body):
    account_id: IdField


def _follow_status(answer: FollowAnswer) -> int:
    return _CREATED if answer.state == "following" else _ACCEPTED


def routes(graph: Graph, lists: Lists, mutuals: Mutuals) -> Routes:
    """The routes of the graph slice; they go behind those of accounts, whose paths are longer."""
    table = Routes("graph")

    @table.get(
        "/v1/accounts/{reference}",
        access=Access.ANYONE,
        subject="account",
        rule="visible",
        returns=ProfileView,
        problems=[AccountNotFound],
    )
    async def read_account(call: Call, reference: str) -> ProfileView:
        """A profile, by id or by @handle, and who of those whom you follow follows it."""
        return await mutuals.see_account(reference, call.viewer)

    @table.get(
        "/v1/accounts/{account_id}/followers",
        access=Access.ANYONE,
        subject="account",
        rule="visible",
        returns=Page[AccountView],
        problems=[AccountNotFound, ListHidden],
    )
    async def list_followers(
        call: Call, account_id: IdPath, cursor: Cursor = None, limit: Limit = None
    ) -> Page[AccountView]:
        """Who follows an account, newest first."""
        return await lists.followers(account_id, Place(cursor, limit), viewer=call.viewer)

    @table.get(
        "/v1/accounts/{account_id}/following",
        access=Access.ANYONE,
        subject="account",
        rule="visible",
        returns=Page[AccountView],
        problems=[AccountNotFound, ListHidden],
    )
    async def list_following(
        call: Call, account_id: IdPath, cursor: Cursor = None, limit: Limit = None
    ) -> Page[AccountView]:
        """Whom an account follows, newest first."""
        return await lists.following(account_id, Place(cursor, limit), viewer=call.viewer)

    @table.get(
        "/v1/accounts/{account_id}/mutuals",
        access=Access.ACCOUNT,
        subject="account",
        rule="visible",
        returns=Page[AccountView],
        problems=[AccountNotFound, ListHidden],
    )
    async def list_mutuals(
        call: Call, account_id: IdPath, cursor: Cursor = None, limit: Limit = None
    ) -> Page[AccountView]:
        """Those whom you follow and who follow this account."""
        return await lists.mutuals(account_id, Place(cursor, limit), viewer=call.actor)

    @table.post(
        "/v1/follows",
        access=Access.ACCOUNT,
        returns=FollowAnswer,
        status=_CREATED,
        status_of=_follow_status,
        creates=True,
        problems=[AccountNotFound, TooManyFollowees],
    )
    async def follow(call: Call, body: Follow) -> FollowAnswer:
        """Follow an account; a private one is asked first and answers 202."""
        return await graph.follow(body.followed_id, actor=call.actor)

    @table.delete("/v1/follows/{account_id}", access=Access.ACCOUNT, subject="account", rule="self")
    async def unfollow(call: Call, account_id: IdPath) -> None:
        """Stop following an account, or withdraw the request to."""
        await graph.unfollow(account_id, actor=call.actor)

    @table.delete(
        "/v1/followers/{account_id}", access=Access.ACCOUNT, subject="account", rule="self"
    )
    async def remove_follower(call: Call, account_id: IdPath) -> None:
        """Make an account stop following you."""
        await graph.remove_follower(account_id, actor=call.actor)

    _request_routes(table, graph, lists)
    _block_and_mute_routes(table, graph, lists)
    return table


def _request_routes(table: Routes, graph: Graph, lists: Lists) -> None:
    @table.get("/v1/follow-requests", access=Access.ACCOUNT, returns=Page[AccountView])
    async def list_follow_requests(
        call: Call, cursor: Cursor = None, limit: Limit = None
    ) -> Page[AccountView]:
        """Who asks to follow you, newest first."""
        return await lists.requests(Place(cursor, limit), actor=call.actor)

    @table.post(
        "/v1/follow-requests/{account_id}/accept",
        access=Access.ACCOUNT,
        subject="follow request",
        rule="owner",
        problems=[FollowRequestNotFound],
    )
    async def accept_follow_request(call: Call, account_id: IdPath) -> None:
        """Let an account that asked follow you."""
        await graph.accept_request(account_id, actor=call.actor)

    @table.delete(
        "/v1/follow-requests/{account_id}",
        access=Access.ACCOUNT,
        subject="follow request",
        rule="self",
    )
    async def decline_follow_request(call: Call, account_id: IdPath) -> None:
        """Decline a request to follow you; the other side is not told."""
        await graph.decline_request(account_id, actor=call.actor)


def _block_and_mute_routes(table: Routes, graph: Graph, lists: Lists) -> None:
    @table.get("/v1/blocks", access=Access.ACCOUNT, returns=Page[AccountView])
    async def list_blocks(
        call: Call, cursor: Cursor = None, limit: Limit = None
    ) -> Page[AccountView]:
        """Whom you block, newest first."""
        return await lists.blocks(Place(cursor, limit), actor=call.actor)

    @table.post("/v1/blocks", access=Access.ACCOUNT, creates=True, problems=[AccountNotFound])
    async def block(call: Call, body: Subject) -> None:
        """Hide yourself and an account from each other, at once and everywhere."""
        await graph.block(body.account_id, actor=call.actor)

    @table.delete("/v1/blocks/{account_id}", access=Access.ACCOUNT, subject="account", rule="self")
    async def unblock(call: Call, account_id: IdPath) -> None:
        """End a block; the follows that it ended do not come back."""
        await graph.unblock(account_id, actor=call.actor)

    @table.get("/v1/mutes", access=Access.ACCOUNT, returns=Page[AccountView])
    async def list_mutes(
        call: Call, cursor: Cursor = None, limit: Limit = None
    ) -> Page[AccountView]:
        """Whom you mute, newest first."""
        return await lists.mutes(Place(cursor, limit), actor=call.actor)

    @table.post("/v1/mutes", access=Access.ACCOUNT, creates=True, problems=[AccountNotFound])
    async def mute(call: Call, body: Subject) -> None:
        """Keep an account's posts out of your feed; it is not told."""
        await graph.mute(body.account_id, actor=call.actor)

    @table.delete("/v1/mutes/{account_id}", access=Access.ACCOUNT, subject="account", rule="self")
    async def unmute(call: Call, account_id: IdPath) -> None:
        """Let an account's posts into your feed again."""
        await graph.unmute(account_id, actor=call.actor)
