"""Whom the load reads and posts as: sampled from a world, and signed in."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import sqlalchemy as sa

from tintype.accounts.store import sessions
from tintype.database import Database
from tintype.entry.bench.numbering import Numbering
from tintype.entry.bench.sorting import Numbers
from tintype.entry.bench.world_file import Author, Celebrity, Viewer
from tintype.entry.bench.worlds import STRATA, authorship
from tintype.kernel.ids import Id, shard_of

AUTHORS, FAMOUS = 500, 20
_NEAR = 1.25
_BATCH = 500


class Sampled(NamedTuple):
    """The people of the load, by number."""

    viewers: list[tuple[int, str]]
    authors: list[int]
    famous: list[int]


def sample(
    followees: Numbers, followers: Numbers, fans: Sequence[int], *, viewers: int, seed: int
) -> Sampled:
    """Viewers of each stratum, authors by how often they post, and who has the most followers.

    ``followees`` and ``followers`` count those of each account; ``fans`` follow the famous.
    """
    rng = np.random.default_rng([seed, 4])
    each = max(1, viewers // (len(STRATA) + 1))
    found: list[tuple[int, str]] = []
    for stratum in STRATA:
        away = np.abs(np.log(np.maximum(followees, 1) / stratum))
        near = np.flatnonzero(away <= np.log(_NEAR))
        if not near.size:
            # A small world has nobody so eager: the most similar ones read for them.
            near = np.argsort(away)[:1]
        chosen = rng.choice(near, min(each, near.size), replace=False)
        found += [(int(number), str(stratum)) for number in chosen]
    some = rng.permutation(np.array(sorted(set(fans)), np.int64))[:each]
    found += [(int(number), "celebrity") for number in some]
    count = min(AUTHORS, followers.size)
    authors = rng.choice(followers.size, count, replace=False, p=authorship(followers))
    famous = np.argsort(-followers, kind="stable")[: min(FAMOUS, followers.size)]
    return Sampled(found, authors.tolist(), famous.tolist())


class Admitted(NamedTuple):
    """Everybody of the load with their tokens, as the world file names them."""

    viewers: list[Viewer]
    authors: list[Author]
    celebrities: list[Celebrity]


async def admit(
    database: Database,
    numbering: Numbering,
    sampled: Sampled,
    followees: Numbers,
    followers: Numbers,
) -> Admitted:
    """Sign the sampled people in."""
    everybody = {number for number, _ in sampled.viewers}
    order = np.array(sorted(everybody | set(sampled.authors) | set(sampled.famous)), np.int64)
    ids = dict(zip(order.tolist(), numbering.accounts_of(order).tolist(), strict=True))
    tokens = await _signed_in(database, ids.values())
    odds = authorship(followers)
    total = float(odds[sampled.authors].sum())
    return Admitted(
        [
            Viewer(
                account=str(ids[number]),
                token=tokens[ids[number]],
                followees=int(followees[number]),
                stratum=stratum,
            )
            for number, stratum in sampled.viewers
        ],
        [
            Author(
                account=str(ids[number]),
                token=tokens[ids[number]],
                followers=int(followers[number]),
                weight=float(odds[number]) / total,
            )
            for number in sampled.authors
        ],
        [
            Celebrity(
                account=str(ids[number]),
                token=tokens[ids[number]],
                followers=int(followers[number]),
            )
            for number in sampled.famous
        ],
    )


async def _signed_in(database: Database, ids: Iterable[Id]) -> dict[Id, str]:
    tokens = {each: f"{shard_of(each):03x}{secrets.token_urlsafe(32)}" for each in ids}
    now = database.clock.now_ms()
    rows = [
        {
            "shard": shard_of(account),
            "id": database.ids.next(shard_of(account)),
            "account": account,
            "token_hash": hashlib.sha256(token.encode()).digest(),
            "created_ms": now,
            "seen_ms": now,
            "agent": "tintype bench",
            "address": "",
        }
        for account, token in tokens.items()
    ]
    for start in range(0, len(rows), _BATCH):
        async with database.write() as tx:
            await tx.execute(sa.insert(sessions), rows[start : start + _BATCH])
    return tokens
