"""The addresses that people open in a browser: the client's pages, its files, its previews.

Every page is the same shell with other words about itself; the client takes over from there. A
hidden post or account answers 404 here as it does in the API, and says nothing about itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec
from fastapi import Request
from starlette.responses import PlainTextResponse, Response

from tintype.accounts import AccountView
from tintype.http import Access, Call, IdPath, Kit, RequestCall, Routes
from tintype.http.problems import Lost, NoSuchRoute
from tintype.http.shell import Page, Shell
from tintype.kernel.links import HERE
from tintype.kernel.problem import Problem
from tintype.posts import PostView

_CLIENT_PAGES = (
    *("signin", "signup", "setup", "new", "search", "notifications", "requests", "saved"),
    "settings",
)
_LONGEST_DESCRIPTION = 200
_PREVIEW_WIDTH = 1080
_ROBOTS = "User-agent: *\nDisallow: /v1/\nDisallow: /media/\nDisallow: /settings\n"


@dataclass(frozen=True)
class Sources:
    """What the pages show, asked from the slices."""

    instance: Callable[[], Awaitable[msgspec.Struct]]
    own_account: Callable[[int], Awaitable[msgspec.Struct]]
    first_feed_page: Callable[[int, str], Awaitable[bytes]]
    account: Callable[[str, int | None], Awaitable[AccountView]]
    post: Callable[[int, int | None], Awaitable[PostView]]


class Pages:
    """Puts the facts that the client starts from into the shell."""

    def __init__(self, shell: Shell, sources: Sources) -> None:
        self._shell = shell
        self._sources = sources

    async def page(self, call: RequestCall, page: Page, *, feed: bool = False) -> Response:
        """The shell around a page, with the viewer and, on request, the first feed page inside."""
        viewer = call.viewer
        instance = msgspec.json.encode(await self._sources.instance())
        account, posts = b"null", b"null"
        if viewer is not None:
            account = msgspec.json.encode(await self._sources.own_account(viewer))
            if feed:
                posts = await self._sources.first_feed_page(viewer, call.base_url)
        boot = b'{"viewer":%b,"instance":%b,"feed":%b}' % (account, instance, posts)
        return self._shell.render(page, boot, base_url=call.base_url, theme=call.theme)

    async def post(self, call: RequestCall, post_id: int, url: str) -> Page:
        """What a post says about itself; nothing when the viewer may not see it."""
        try:
            post = await self._sources.post(post_id, call.viewer)
        except Problem as problem:
            return _missing(url, problem)
        name = f"{post.author.display_name} (@{post.author.handle})"
        slide = next((slide for slide in post.slides if slide.renditions or slide.poster), None)
        return Page(
            title=f"{name} on Tintype",
            url=url,
            description=_short(post.caption) or f"A post by {name}",
            kind="article",
            image=None if slide is None else _preview(slide, call.base_url),
            image_alt=(slide.alt if slide else "") or f"Posted by {name}",
            indexed=call.viewer is None,
        )

    async def profile(self, call: RequestCall, reference: str, url: str) -> Page:
        """What an account says about itself; nothing when the viewer may not see it."""
        try:
            account = await self._sources.account(reference, call.viewer)
        except Problem as problem:
            return _missing(url, problem)
        avatar = account.avatar
        return Page(
            title=f"{account.display_name} (@{account.handle}) on Tintype",
            url=url,
            description=_short(account.bio) or f"{account.counts.posts} posts",
            kind="profile",
            image=avatar.replace(HERE, call.base_url) if avatar else None,
            image_alt=f"Avatar of {account.display_name}",
            indexed=not account.private,
        )


def lost(pages: Pages, kit: Kit) -> Lost:
    """The shell around nothing, for somebody who opened an address where nothing is."""

    async def answer(request: Request, problem: Problem) -> Response:
        call = await kit.caller(request)
        return await pages.page(call, _missing(_url(call, request), problem))

    return answer


def routes(pages: Pages, shell: Shell) -> Routes:
    """The routes of the pages; none of them is part of the API."""
    table = Routes("pages")

    @table.get("/", access=Access.ANYONE, hidden=True)
    async def home(call: Call, request: Request) -> Response:
        """The feed, or the door for visitors."""
        page = Page(title="Tintype", url=_url(call, request))
        return await pages.page(call, page, feed=True)

    @table.get("/p/{post_id}", access=Access.ANYONE, subject="post", rule="visible", hidden=True)
    async def post_page(call: Call, request: Request, post_id: IdPath) -> Response:
        """A post by its permanent address."""
        return await pages.page(call, await pages.post(call, post_id, _url(call, request)))

    @table.get("/@{handle}", access=Access.ANYONE, subject="account", rule="visible", hidden=True)
    async def profile_page(call: Call, request: Request, handle: str) -> Response:
        """Somebody's profile."""
        page = await pages.profile(call, f"@{handle}", _url(call, request))
        return await pages.page(call, page)

    @table.get(
        "/@{handle}/{section}",
        access=Access.ANYONE,
        subject="account",
        rule="visible",
        hidden=True,
    )
    async def people_page(call: Call, request: Request, handle: str, section: str) -> Response:
        """Somebody's followers, or whom they follow."""
        if section not in {"followers", "following"}:
            raise NoSuchRoute
        page = await pages.profile(call, f"@{handle}", _url(call, request))
        return await pages.page(call, page)

    @table.get("/t/{tag}", access=Access.ANYONE, subject="tag", rule="anyone", hidden=True)
    async def tag_page(call: Call, request: Request, tag: str) -> Response:
        """Posts with a hashtag."""
        page = Page(title=f"#{tag[:100]} on Tintype", url=_url(call, request))
        return await pages.page(call, page)

    async def client_page(call: Call, request: Request) -> Response:
        """A page that only the client knows how to fill."""
        page = Page(title="Tintype", url=_url(call, request), indexed=False)
        return await pages.page(call, page)

    for name in _CLIENT_PAGES:
        table.get(f"/{name}", access=Access.ANYONE, hidden=True)(client_page)

    @table.get(
        "/settings/{section}",
        access=Access.ANYONE,
        subject="section",
        rule="anyone",
        hidden=True,
    )
    async def settings_page(call: Call, request: Request, section: str) -> Response:  # noqa: ARG001 - the client reads it
        """One part of the settings."""
        return await client_page(call, request)

    _add_files(table, shell)
    return table


def _add_files(table: Routes, shell: Shell) -> None:
    @table.get(
        "/assets/{name:path}",
        access=Access.ANYONE,
        subject="asset",
        rule="anyone",
        limit="media",
        hidden=True,
    )
    async def asset(call: Call, request: Request, name: str) -> Response:  # noqa: ARG001 - every route takes a call
        """A built file of the client; its name changes with its content."""
        found = shell.asset(name, request.headers.get("accept-encoding", ""))
        if found is None:
            raise NoSuchRoute
        return found

    @table.get("/robots.txt", access=Access.ANYONE, hidden=True)
    async def robots(call: Call) -> Response:  # noqa: ARG001 - every route takes a call
        """What crawlers may read."""
        return PlainTextResponse(_ROBOTS)


def _url(call: RequestCall, request: Request) -> str:
    return call.base_url + request.url.path


def _missing(url: str, problem: Problem) -> Page:
    return Page(
        title="Nothing here · Tintype",
        url=url,
        description=problem.title() + ".",
        indexed=False,
        status=problem.status,
    )


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_DESCRIPTION else line[: _LONGEST_DESCRIPTION - 1] + "…"


def _preview(slide: object, base_url: str) -> str | None:
    """The widest JPEG of a slide: previews rarely read anything newer."""
    renditions = getattr(slide, "renditions", [])
    jpegs = [each for each in renditions if each.format == "jpeg" and each.width <= _PREVIEW_WIDTH]
    if jpegs:
        url: str = max(jpegs, key=lambda each: each.width).url
        return url.replace(HERE, base_url)
    poster: str | None = getattr(slide, "poster", None)
    return poster.replace(HERE, base_url) if poster else None
