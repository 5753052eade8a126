"""Who may keep which answer for how long: the one table of it.

What may be taken back is never kept by shared caches for longer than the minute in which taking it
back must act. They ask again then, and are told that nothing changed (304); none of them serves
what is stale meanwhile, because ``s-maxage`` forbids it (RFC 9111 §5.2.2.10).
"""

from __future__ import annotations

from tintype.media.service import Elsewhere, Served

_YEAR_S, _HOUR_S, _DAY_S = 365 * 24 * 3600, 3600, 24 * 3600
_SHARED_S = 60
_UNSETTLED_S = 300
_AUTO_S = 2 * _DAY_S

GUARDED = "private, max-age=60"
GONE = "public, max-age=10"
"""For a 404 that strangers get; what somebody signed in is refused is kept by nobody."""

_FILE = f"public, max-age={_YEAR_S}, s-maxage={_SHARED_S}, immutable"
_PLAYLIST = f"public, max-age={_HOUR_S}, s-maxage={_SHARED_S}"


def for_file(served: Served) -> str:
    """A file under its own name, which never changes its meaning."""
    if not served.public:
        return GUARDED
    return _PLAYLIST if served.names_others else _FILE


def for_choice(served: Served, *, settled: bool) -> str:
    """A file that was chosen for the caller; better ones may be made later."""
    if not served.public:
        return GUARDED
    kept_s = auto_seconds(settled=settled)
    return f"public, max-age={kept_s}, s-maxage={_SHARED_S}, stale-while-revalidate={_DAY_S}"


def auto_seconds(*, settled: bool) -> int:
    """How long a choice is kept where every answer is asked for leave all the same."""
    return _AUTO_S if settled else _UNSETTLED_S


def for_way(served: Served, elsewhere: Elsewhere) -> str:
    """The way to a file in the bucket, which ends soon."""
    kept = f"max-age={elsewhere.keep_s}"
    return f"public, {kept}, s-maxage={elsewhere.keep_s}" if served.public else f"private, {kept}"
