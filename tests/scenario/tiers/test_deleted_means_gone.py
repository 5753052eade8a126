"""What was deleted is nowhere any more: not in any tier, not half moved, not in any folder."""

from __future__ import annotations

import pytest

from tests.cast import PASSWORD, Person, ok
from tests.media_rig import photo
from tests.scenario.tiers.life import HOUR, Life, needles_in

PHASES = ["hot", "cold", "moving", "restored", "restoring"]


async def _brought_to(life: Life, phase: str, ada: Person, upload: int) -> None:
    """Have the original in a phase of its life, also in the middle of one."""
    await life.wait(2)
    if phase == "hot":
        return
    if phase == "moving":
        await life.kill_while(upload, "moving")
        return
    await life.wait(12)
    original = await life.original(upload)
    assert original is not None
    assert (original.tier, original.state) == ("cold", "resting")
    if phase == "cold":
        return
    await life.wait(1)
    if phase == "restored":
        await ada.send("POST", f"/v1/uploads/{upload}/restore")
        await life.beat()
        return
    await life.world.server.background.stop()
    await ada.send("POST", f"/v1/uploads/{upload}/restore")
    await life.kill_while(upload, "restoring")
    life.world.server.background.start()


@pytest.mark.parametrize("phase", PHASES)
async def test_no_byte_of_a_deleted_post_is_left_wherever_it_was(life: Life, phase: str) -> None:
    ada = await life.world.join("ada")
    upload = int(await ada.upload(photo(600, 500, seed=11, kind=".png")))
    body = {"caption": "dawn", "slides": [{"upload_id": str(upload)}]}
    made = await ada.send("POST", "/v1/posts", body)
    await life.world.settle()
    needles = needles_in(await life.files_of(upload))
    await _brought_to(life, phase, ada, upload)
    assert life.hits(needles)

    ok(await ada.call("DELETE", f"/v1/posts/{made['post']['id']}"))
    await life.world.settle()
    for _ in range(4):
        await life.wait(61 / HOUR)

    assert life.hits(needles) == []
    assert (await life.audit()).clean


async def test_no_byte_of_a_deleted_account_is_left_in_any_tier(life: Life) -> None:
    ada, bo = await life.world.join("ada"), await life.world.join("bo")
    for seed in (21, 22):
        await ada.send("PUT", "/v1/accounts/me/avatar", {"upload_id": await ada.upload()})
        await ada.upload(photo(500, 400, seed=seed))
    theirs = int(await bo.upload(photo(500, 400, seed=23)))
    await life.world.settle()
    others = await life.files_of(theirs)
    needles = [
        needle
        for upload in await life.uploads_of(ada.id)
        for needle in needles_in(await life.files_of(upload))
        if not any(needle in each for each in others)  # tables that every small JPEG has
    ]
    assert len(needles) > len(others)
    await life.wait(2)
    await life.wait(12)
    assert life.hits(needles)

    ok(await ada.call("DELETE", "/v1/accounts/me", json={"password": PASSWORD}))
    await life.world.settle()
    await life.wait(61 / HOUR)

    assert life.hits(needles) == []
    assert life.hits(needles_in(await life.files_of(theirs)))
    assert (await life.audit()).clean
