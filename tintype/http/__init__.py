"""The HTTP kit: route tables, callers, problems, limits and keys."""

from tintype.http.app import create_app
from tintype.http.call import Authenticator, Call, Identity, RequestCall, SignInRequired
from tintype.http.fresh import Fresh
from tintype.http.hot import Answers, ShortAnswer, ShortWay
from tintype.http.keys import Keeper
from tintype.http.kit import Kit
from tintype.http.limits import Limiter, RateLimiter, RateLimitSettings, SharedRateLimiter
from tintype.http.meter import Meter
from tintype.http.middleware import Envelope
from tintype.http.routes import Access, Body, Cursor, IdField, IdPath, Limit, Route, Routes

__all__ = [
    "Access",
    "Answers",
    "Authenticator",
    "Body",
    "Call",
    "Cursor",
    "Envelope",
    "Fresh",
    "IdField",
    "IdPath",
    "Identity",
    "Keeper",
    "Kit",
    "Limit",
    "Limiter",
    "Meter",
    "RateLimitSettings",
    "RateLimiter",
    "RequestCall",
    "Route",
    "Routes",
    "SharedRateLimiter",
    "ShortAnswer",
    "ShortWay",
    "SignInRequired",
    "create_app",
]
