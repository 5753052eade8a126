"""The origin shield in front of a server whose media are in a bucket."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.cast import ok
from tests.media_rig import photo
from tests.scenario.storage.town import Town
from tools.engines.shield import Shield

pytestmark = [pytest.mark.slow, pytest.mark.engines]


async def test_the_shield_hands_out_what_is_in_the_bucket_and_never_shows_it(
    town: Town, nginx_there: None, tmp_path: Path
) -> None:
    ada, bo = await town.join("ada"), await town.join("bo")
    ok(await bo.call("PATCH", "/v1/accounts/me", json={"private": True}))
    ok(await ada.call("POST", "/v1/follows", json={"followed_id": bo.id}))
    ok(await bo.call("POST", f"/v1/follow-requests/{ada.id}/accept"))
    post = await bo.post(photo(1200, 900))
    shown = ok(await ada.call("GET", f"/v1/posts/{post['id']}"))["slides"][0]
    way = await town.client.get(shown["renditions"][0]["url"])
    shield = Shield(tmp_path / "shield", [urlsplit(str(town.client.base_url)).netloc])
    shield.start()
    town.counted.bodies.clear()

    try:
        async with httpx.AsyncClient(base_url=shield.address) as client:
            named = [
                await client.get(urlsplit(shown["renditions"][0]["url"]).path) for _ in range(3)
            ]
            chosen = await client.get(urlsplit(shown["auto"]).path + "?w=480")
    finally:
        shield.kill()

    assert way.status_code == 302
    assert [answer.status_code for answer in named] == [200, 200, 200]
    assert {answer.headers["content-type"] for answer in named} == {"image/jpeg"}
    assert [answer.headers["x-cache"] for answer in named] == ["MISS", "HIT", "HIT"]
    assert chosen.status_code == 200
    assert not any("location" in answer.headers for answer in [*named, chosen])
    assert town.counted.bytes("/media/") == len(named[0].content) + len(chosen.content)
