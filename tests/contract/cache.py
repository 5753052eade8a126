"""What every Cache promises. Subclass it and give it a ``cache`` fixture.

A second fixture ``unplug`` is an async callable after which the cache no longer answers.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable

import pytest

from tintype.kernel.problem import Unavailable
from tintype.ports.cache import Cache, Lease

Unplug = Callable[[], Awaitable[None]]


async def keep(cache: Cache, **values: bytes) -> None:
    held = await cache.get(list(values))
    await cache.fill(held.lease, values)


class CacheContract:
    async def test_what_was_never_filled_is_missing(self, cache: Cache) -> None:
        assert (await cache.get(["a", "b"])).values == {}

    async def test_what_was_filled_is_found_beside_what_is_missing(self, cache: Cache) -> None:
        await keep(cache, a=b"1", b=b"")

        held = await cache.get(["a", "b", "c", "a"])

        assert held.values == {"a": b"1", "b": b""}

    async def test_values_and_keys_of_any_bytes_and_letters_come_back(self, cache: Cache) -> None:
        keys, value = ["post:1}{ é\r\n", "}", "{", "{}", " "], bytes(range(256)) * 300
        lease = (await cache.get(keys)).lease

        await cache.fill(lease, dict.fromkeys(keys, value))

        assert (await cache.get(keys)).values == dict.fromkeys(keys, value)

    async def test_many_keys_are_had_in_one_call(self, cache: Cache) -> None:
        values = {f"key:{number}": b"%d" % number for number in range(350)}

        await cache.fill((await cache.get(list(values))).lease, values)

        assert (await cache.get(list(values))).values == values

    async def test_nothing_may_be_asked_filled_and_dropped(self, cache: Cache) -> None:
        held = await cache.get([])
        await cache.fill(held.lease, {})
        await cache.drop([])

        assert held.values == {}

    async def test_a_dropped_value_is_missing(self, cache: Cache) -> None:
        await keep(cache, a=b"1", b=b"2")

        await cache.drop(["a", "never"])

        assert (await cache.get(["a", "b"])).values == {"b": b"2"}

    # ---- leases ----------------------------------------------------------------------------------

    async def test_a_value_made_before_a_drop_is_not_kept(self, cache: Cache) -> None:
        lease = (await cache.get(["a", "b"])).lease

        await cache.drop(["a"])
        await cache.fill(lease, {"a": b"old", "b": b"new"})

        assert (await cache.get(["a", "b"])).values == {"b": b"new"}

    async def test_a_lease_from_before_a_drop_stays_void_after_others_took_one(
        self, cache: Cache
    ) -> None:
        old = (await cache.get(["a"])).lease
        await cache.drop(["a"])
        new = (await cache.get(["a"])).lease

        await cache.fill(old, {"a": b"old"})
        assert (await cache.get(["a"])).values == {}
        await cache.fill(new, {"a": b"new"})
        await cache.fill(old, {"a": b"old"})

        assert (await cache.get(["a"])).values == {"a": b"new"}

    async def test_two_who_miss_together_may_both_fill_and_the_first_wins(
        self, cache: Cache
    ) -> None:
        one, two = (await cache.get(["a"])).lease, (await cache.get(["a"])).lease

        await cache.fill(two, {"a": b"2"})
        await cache.fill(one, {"a": b"1"})

        assert (await cache.get(["a"])).values == {"a": b"2"}

    async def test_what_the_lease_does_not_cover_is_not_kept(self, cache: Cache) -> None:
        lease = (await cache.get(["a"])).lease

        await cache.fill(lease, {"b": b"1"})
        await cache.fill(Lease({"c": 1}), {"c": b"1"})

        assert (await cache.get(["b", "c"])).values == {}

    async def test_no_interleaving_serves_a_value_older_than_the_last_drop(
        self, cache: Cache
    ) -> None:
        dice = random.Random(7)
        version = dict.fromkeys("abcd", 0)
        readers: list[tuple[Lease, dict[str, bytes]]] = []

        for _ in range(600):
            key = dice.choice("abcd")
            match dice.randrange(4):
                case 0:
                    version[key] += 1
                    await cache.drop([key])
                case 1 if readers:
                    lease, values = readers.pop(dice.randrange(len(readers)))
                    await cache.fill(lease, values)
                case _:
                    held = await cache.get(["a", key])
                    for name, value in held.values.items():
                        assert int(value) == version[name]
                    missing = {"a", key} - held.values.keys()
                    made = {name: b"%d" % version[name] for name in missing}
                    readers.append((held.lease, made))

    # ---- outage ----------------------------------------------------------------------------------

    async def test_an_unplugged_cache_answers_unavailable_to_everything(
        self, cache: Cache, unplug: Unplug
    ) -> None:
        held = await cache.get(["a"])

        await unplug()

        calls: list[Callable[[], Awaitable[object]]] = [
            lambda: cache.get(["a"]),
            lambda: cache.fill(held.lease, {"a": b"1"}),
            lambda: cache.drop(["a"]),
        ]
        for call in calls:
            with pytest.raises(Unavailable):
                await call()
