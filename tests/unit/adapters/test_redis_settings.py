"""The forms of a Redis address."""

from __future__ import annotations

import pytest
from pydantic import SecretStr, ValidationError

from tintype.adapters.redis.settings import Address, Place, RedisSettings, parse


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("redis://h", Place("alone", (Address("h", 6379),), False, "", 0, "", "")),
        ("redis://:p%40@h:1/3", Place("alone", (Address("h", 1),), False, "", 3, "", "p@")),
        ("rediss://a:p@h/0", Place("alone", (Address("h", 6379),), True, "", 0, "a", "p")),
        ("redis://[::1]:7/0", Place("alone", (Address("::1", 7),), False, "", 0, "", "")),
        (
            "redis+sentinel://a:1,b/main",
            Place("sentinel", (Address("a", 1), Address("b", 26379)), False, "main", 0, "", ""),
        ),
        (
            "rediss+sentinel://:p@a/main/2",
            Place("sentinel", (Address("a", 26379),), True, "main", 2, "", "p"),
        ),
        (
            "redis+cluster://a:1,b:2",
            Place("cluster", (Address("a", 1), Address("b", 2)), False, "", 0, "", ""),
        ),
    ],
)
def test_every_form_of_an_address_is_understood(url: str, place: Place) -> None:
    assert parse(url) == place
    assert RedisSettings(url=SecretStr(url)).place() == place


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://h",
        "redis+quorum://h",
        "redis://",
        "redis://a,b",
        "redis://h/one",
        "redis+sentinel://a",
        "redis+sentinel://a/main/two",
        "redis+cluster://a/1",
        "redis+cluster://:1",
    ],
)
def test_an_address_of_no_known_form_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        RedisSettings(url=SecretStr(url))


def test_a_password_is_not_shown_by_accident() -> None:
    assert "secret" not in repr(RedisSettings(url=SecretStr("redis://:secret@h")))
