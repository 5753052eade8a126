"""What happens around every route: the caller, the limits, the key, the problems."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec
from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from tintype.http.attempts import again
from tintype.http.call import (
    AdminsOnly,
    Authenticator,
    CrossSiteRequest,
    Identity,
    RequestCall,
    SignInRequired,
)
from tintype.http.keys import HEADER, Keeper
from tintype.http.limits import Limiter, network_of
from tintype.http.meter import CLASS_KEY
from tintype.http.problems import answer_exception
from tintype.http.routes import Access, Route
from tintype.kernel.asking import asking
from tintype.kernel.links import ENCODED_HERE, Addressed, with_here
from tintype.kernel.problem import Malformed

_HOST = re.compile(rb"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
COOKIE, SECURE_COOKIE = "tintype_session", "__Host-tintype_session"
_COOKIE_AGE_S = 180 * 24 * 3600
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class HostRefused(Malformed):
    """The Host header does not name a server."""


class _Signed(msgspec.Struct):
    token: str


@dataclass(frozen=True)
class Kit:
    """The collaborators that every route shares."""

    authenticator: Authenticator
    limiter: Limiter
    keeper: Keeper
    public_url: str | None
    trust_proxy: bool = False
    addressed: Addressed = with_here

    async def open(self, request: Request, route: Route) -> RequestCall:
        """Identify the caller and decide whether the route may be called at all.

        Raises:
            SignInRequired, AdminsOnly, CrossSiteRequest, TooManyRequests.
        """
        call = await self.caller(request)
        identity = call.identity
        if call.by_cookie and request.method not in _SAFE and not _same_site(request):
            raise CrossSiteRequest
        if route.access is not Access.ANYONE and identity is None:
            raise SignInRequired
        if route.access is Access.ADMIN and not (identity and identity.admin):
            raise AdminsOnly
        await self.spend(route.limit, identity, call.address)
        return call

    async def caller(self, request: Request) -> RequestCall:
        """Who is calling and from where, whatever they call.

        Raises:
            SignInRequired: the token is not good (an ended cookie counts as none).
            HostRefused.
        """
        token, by_cookie = self._token(request)
        identity = await self.authenticator.identify(token) if token else None
        if token and identity is None and not by_cookie:
            raise SignInRequired("This token is unknown, expired or revoked.")
        asking.set(None if identity is None else (identity.account, identity.session))
        return RequestCall(
            identity=identity,
            address=self.address(request),
            agent=request.headers.get("user-agent", "")[:300],
            base_url=self.base_url(request),
            by_cookie=by_cookie,
            theme=request.cookies.get("theme", "auto"),
            token=token if token and identity else "",
        )

    async def spend(self, limit: str, identity: Identity | None, address: str) -> None:
        """Take a token from the caller's bucket: the account's, or the address's."""
        by_address = identity is None or limit.startswith("sign")
        caller = network_of(address) if by_address or identity is None else identity.account
        if (decision := self.limiter.spend(limit, caller)) is not None:
            await decision

    def _token(self, request: Request) -> tuple[str | None, bool]:
        header = request.headers.get("authorization", "")
        if header[:7].lower() == "bearer ":
            return header[7:].strip(), False
        name = SECURE_COOKIE if self.secure(request) else COOKIE
        cookie = request.cookies.get(name)
        return cookie, cookie is not None

    def address(self, request: Request) -> str:
        """The caller's address; the proxy's word is taken only when the operator said so."""
        if self.trust_proxy and (forwarded := request.headers.get("x-forwarded-for")):
            return forwarded.rsplit(",", 1)[-1].strip()
        return request.client.host if request.client else "unknown"

    def base_url(self, request: Request) -> str:
        """Where the caller reaches this server, without a slash at the end.

        Raises:
            HostRefused: the request names no host that could be ours.
        """
        host = request.headers.get("host", "")
        found = self.here(request.url.scheme, host.encode("latin-1"))
        if found is None:
            raise HostRefused
        return found

    def here(self, scheme: str, host: bytes) -> str | None:
        """The address behind a Host header; ``None`` when it is not a plain host and port.

        Addresses are put into JSON and pages, so nothing but names, digits and dots comes through.
        """
        if self.public_url is not None:
            return self.public_url
        return f"{scheme}://{host.decode()}" if _HOST.fullmatch(host) else None

    def secure(self, request: Request) -> bool:
        return self.base_url(request).startswith("https:")

    def set_cookie(self, request: Request, response: Response, token: str) -> None:
        """Hand over the session (or, with an empty token, take it away)."""
        secure = self.secure(request)
        response.set_cookie(
            SECURE_COOKIE if secure else COOKIE,
            token,
            max_age=_COOKIE_AGE_S if token else 0,
            path="/",
            secure=secure,
            httponly=True,
            samesite="lax",
        )


def route_class(kit: Kit, route: Route) -> type[APIRoute]:
    """A framework route that opens the call before the body is looked at."""

    class KitRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            inner = super().get_route_handler()

            async def work(request: Request) -> Response:
                response: Response = await inner(request)
                return response

            async def handle(request: Request) -> Response:
                request.scope[CLASS_KEY] = route.limit
                try:
                    call = await kit.open(request, route)
                    request.scope["tintype.call"] = call
                    if route.creates and HEADER in request.headers:
                        response = await kit.keeper.run(request, call.viewer, route.answer, work)
                    else:
                        response = await again(lambda: work(request))
                except Exception as error:  # noqa: BLE001 - every failure becomes a problem
                    return await answer_exception(request, error)
                _hand_over_session(kit, route, request, response)
                return _with_addresses(kit, response, call.base_url)

            return handle

    return KitRoute


def _with_addresses(kit: Kit, response: Response, base_url: str) -> Response:
    body = getattr(response, "body", b"")
    if ENCODED_HERE in body:
        response.body = kit.addressed(bytes(body), base_url)
        response.headers["Content-Length"] = str(len(response.body))
    return response


def _hand_over_session(kit: Kit, route: Route, request: Request, response: Response) -> None:
    call: RequestCall = request.scope["tintype.call"]
    if route.signs_in and response.status_code < 300 and _same_site(request):  # noqa: PLR2004 - success
        token = msgspec.json.decode(bytes(response.body), type=_Signed).token
        kit.set_cookie(request, response, token)
    elif call.cookie is not None:
        kit.set_cookie(request, response, call.cookie)


def _same_site(request: Request) -> bool:
    """Whether a browser says that one of our own pages sent this; programs say nothing.

    Over plain HTTP on a local network browsers send no ``Sec-Fetch-Site``, only ``Origin``.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc == request.headers.get("host")
