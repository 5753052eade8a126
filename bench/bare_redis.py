"""The limit for N2: the bare app, with one pipelined read of a timeline in Redis before it answers.

The read goes through the same lean client: calls of one moment share a round trip. What is read is
a timeline of the usual size as another store would keep it, a sorted set of 340 ids.
"""

from __future__ import annotations

import os

from bench.bare import run
from tintype.adapters.redis.client import Redis, slot_of
from tintype.adapters.redis.settings import RedisSettings
from tintype.adapters.redis.words import pack

ENTRIES, PAGE = 340, 22
_KEY = b"bare"


def main() -> None:
    redis = Redis(RedisSettings.model_validate({"url": os.environ["BENCH_REDIS_URL"]}))  # noqa: TID251 - told by the benchmark
    words = [word for each in range(ENTRIES) for word in (0, each.to_bytes(8, "big"))]
    fill, read = pack("ZADD", _KEY, *words), pack("ZRANGE", _KEY, 0, PAGE - 1)
    slot, filled = slot_of(_KEY), False

    async def before() -> None:
        nonlocal filled
        if not filled:
            await redis.call(slot, fill)
            filled = True
        await redis.call(slot, read)

    run(before)


if __name__ == "__main__":
    main()
