"""The rows of a world, as columns of the tables that are there. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

import tintype.feed.store  # noqa: F401 - it declares a table
from tintype.accounts.store import accounts, credentials, emails, handles
from tintype.database import metadata
from tintype.database.tables import counts
from tintype.entry.bench.bulk import Columns
from tintype.entry.bench.numbering import Numbering, hashed
from tintype.entry.bench.sorting import Numbers
from tintype.entry.bench.worlds import ends
from tintype.graph.store import FOLLOWERS, FOLLOWING
from tintype.kernel.ids import Id, shard_for_text
from tintype.posts.store.posts import posts, slides

HANDLE = "bench_"
"""With this begins the handle of every account of a world."""
DOMAIN = "@bench.invalid"
"""With this ends the e-mail address of every account of a world: nobody has it."""
NO_PASSWORD = "!"  # noqa: S105 - the opposite of one
"""Stands for a hash that no password has."""
CAPTION = "A scene as it was seen from the shore on a mild day, number %09d #bench"

Rows = Iterator[tuple[sa.Table, Columns]]
_reaches = metadata.tables["feed_reaches"]


def people_rows(numbering: Numbering, first: int, last: int) -> Rows:
    """The accounts of these numbers, with names and credentials by which nobody can sign in."""
    numbers = np.arange(first, last, dtype=np.int64)
    ids, shards = numbering.accounts_of(numbers), numbering.shards(numbers)
    names, addresses = _texts(HANDLE + "%08d", numbers), _texts(HANDLE + "%08d" + DOMAIN, numbers)
    yield (
        accounts,
        {
            "shard": shards,
            "id": ids,
            "handle": names,
            "display_name": _texts("Person %08d", numbers),
            "bio": "",
            "avatar": None,
            "private": 0,
            "state": "active",
            "admin": 0,
            "created_ms": numbering.born_ms(numbers),
        },
    )
    yield (
        credentials,
        {
            "shard": shards,
            "account": ids,
            "email": addresses,
            "password_hash": NO_PASSWORD,
            "changed_ms": numbering.born_ms(numbers),
        },
    )
    for table, column, texts in ((handles, "handle", names), (emails, "email", addresses)):
        of_text = np.array([shard_for_text(each.decode()) for each in texts.tolist()], np.int64)
        order = np.argsort(of_text, kind="stable")
        yield (
            table,
            {"shard": of_text[order], column: texts[order], "account": ids[order]},
        )


def count_rows(numbering: Numbering, name: str, values: Numbers) -> Rows:
    """The counter of every account that has something to count."""
    numbers = np.flatnonzero(values).astype(np.int64)
    if numbers.size:
        yield (
            counts,
            {
                "shard": numbering.shards(numbers),
                "subject": numbering.accounts_of(numbers),
                "name": name,
                "value": values[numbers],
            },
        )


def following_rows(numbering: Numbering, follows: Numbers) -> Rows:
    """Packed follows in the shards of the followers."""
    followers, followees = ends(follows)
    yield (
        FOLLOWING.table,
        {
            "shard": numbering.shards(followers),
            "follower": numbering.accounts_of(followers),
            "followee": numbering.accounts_of(followees),
            "id": numbering.follows_of(followers, followees),
        },
    )


def followers_rows(numbering: Numbering, turned: Numbers) -> Rows:
    """Follows packed the other way round (followee, follower) in the shards of the followees."""
    followees, followers = ends(turned)
    hashes = hashed(numbering.accounts_of(followers))
    order = np.lexsort((hashes, followees))
    followees, followers = followees[order], followers[order]
    yield (
        FOLLOWERS.table,
        {
            "shard": numbering.shards(followees),
            "followee": numbering.accounts_of(followees),
            "h16": hashes[order],
            "follower": numbering.accounts_of(followers),
            "id": numbering.follows_of(followers, followees),
        },
    )


def post_rows(
    numbering: Numbering,
    ids: Numbers,
    authors: Numbers,
    pulled: npt.NDArray[np.bool_],
    uploads: Sequence[Id],
) -> Rows:
    """Published posts, sorted by id within a shard, each with one of a few shared photos.

    ``pulled`` says of every account whether its posts are merged on reading.
    """
    order = np.lexsort((ids, numbering.shards(authors)))
    ids, authors = ids[order], authors[order]
    shards = numbering.shards(authors)
    yield (
        posts,
        {
            "shard": shards,
            "id": ids,
            "author": numbering.accounts_of(authors),
            "state": "published",
            "reason": None,
            "caption": _texts(CAPTION, ids % 1_000_000_000),
            "comments_enabled": 1,
            "version": 1,
            "delivery": np.where(pulled[authors], b"pull", b"push"),
            "edited_ms": None,
            "retryable": 0,
        },
    )
    yield (
        slides,
        {
            "shard": shards,
            "post": ids,
            "upload": np.asarray(uploads, np.int64)[ids % len(uploads)],
            "position": 0,
            "alt": "A painted scene",
        },
    )


def reach_rows(numbering: Numbering, pulled: npt.NDArray[np.bool_], since_ms: int) -> Rows:
    """Which authors have been pulled since then."""
    numbers = np.flatnonzero(pulled).astype(np.int64)
    if numbers.size:
        yield (
            _reaches,
            {
                "shard": numbering.shards(numbers),
                "author": numbering.accounts_of(numbers),
                "delivery": "pull",
                "since_ms": since_ms,
            },
        )


def _texts(template: str, numbers: Numbers) -> npt.NDArray[np.bytes_]:
    """The template with each number in it; all of one length."""
    return np.array([(template % number).encode() for number in numbers.tolist()])
