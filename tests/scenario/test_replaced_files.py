"""What becomes of the files of a photo that was edited, and who may fetch them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.media_rig import Rig, Uploader, manual_clock, open_rig, photo
from tintype.kernel.clock import ManualClock
from tintype.media.model import LINGER_MS

CROP = {"crop": {"x": 0, "y": 0, "width": 0.5, "height": 0.5}}


@pytest.fixture
def clock() -> ManualClock:
    return manual_clock()


@pytest.fixture
async def rig(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Rig]:
    async with open_rig(tmp_path, clock=clock) as opened:
        yield opened


async def edit(person: Uploader, upload: str, recipe: Any) -> None:
    answer = await person.call("PUT", f"/v1/uploads/{upload}/recipe", json=recipe)
    assert answer.status_code == 200, answer.text
    await person.rig.settle()


async def addresses(person: Uploader, upload: str, viewer: int | None = None) -> list[str]:
    return [each["url"] for each in _plain(await person.slide(upload, viewer))["renditions"]]


def _plain(slide: Any) -> Any:
    return {"renditions": [{"url": each.url} for each in slide.renditions]}


async def statuses(rig: Rig, urls: list[str]) -> set[int]:
    return {(await rig.fetch(url)).status_code for url in urls}


async def test_replaced_files_are_served_for_ten_minutes_and_deleted_then(
    rig: Rig, clock: ManualClock
) -> None:
    ada = await rig.join("ada")
    upload = (await ada.ready(photo()))["id"]
    await ada.share(upload)
    old = await addresses(ada, upload)

    await edit(ada, upload, CROP)
    new = await addresses(ada, upload)
    assert set(old).isdisjoint(new)
    assert await statuses(rig, [*old, *new]) == {200}
    assert (await rig.media.tiers.mover.run_due()).failed == 0
    assert await statuses(rig, [*old, *new]) == {200}

    clock.advance(LINGER_MS / 1000)
    assert await statuses(rig, old) == {404}
    await rig.media.tiers.mover.run_due()

    kept = {key.rpartition("/")[2] for key in await rig.kept()}
    assert kept.isdisjoint(url.rpartition("/")[2] for url in old)
    assert kept >= {url.rpartition("/")[2] for url in new}
    assert await statuses(rig, new) == {200}


async def test_a_private_photo_stays_private_when_it_is_edited(rig: Rig) -> None:
    ada, bo, eve = await rig.join("ada"), await rig.join("bo"), await rig.join("eve")
    rig.circle.private.add(ada.id)
    rig.circle.followers.add((bo.id, ada.id))
    upload = (await ada.ready(photo()))["id"]
    await ada.share(upload)
    await _go_private(ada)
    old = await addresses(ada, upload, bo.id)

    await edit(ada, upload, CROP)
    new = await addresses(ada, upload, bo.id)

    for urls in (old, new):
        for url in urls:
            assert (await bo.call("GET", url.replace("\x01", ""))).status_code == 200
            assert (await eve.call("GET", url.replace("\x01", ""))).status_code == 404
            bare = f"/media/{upload}/{url.rpartition('/')[2]}"
            assert (await rig.fetch(bare)).status_code == 404
    rig.circle.followers.clear()
    assert {(await bo.call("GET", url.replace("\x01", ""))).status_code for url in old} == {404}


async def test_an_edit_that_came_too_late_leaves_no_files(rig: Rig, clock: ManualClock) -> None:
    ada = await rig.join("ada")
    upload = (await ada.ready(photo()))["id"]

    for share in (0.2, 0.3, 0.4, 0.5):
        recipe = {"crop": CROP["crop"] | {"width": share}}
        await ada.call("PUT", f"/v1/uploads/{upload}/recipe", json=recipe)
    await rig.settle()
    clock.advance(LINGER_MS / 1000)
    await rig.media.tiers.mover.run_due()

    slide = (await ada.read(upload))["slide"]
    named = {each["url"].rpartition("/")[2] for each in slide["renditions"]}
    named |= {(await ada.read(upload))["unedited"].rpartition("/")[2], upload}
    assert {key.rpartition("/")[2] for key in await rig.kept()} == named
    assert slide["width"] == 200


async def test_files_that_come_back_before_they_are_deleted_stay(
    rig: Rig, clock: ManualClock
) -> None:
    ada = await rig.join("ada")
    upload = (await ada.ready(photo()))["id"]
    await ada.share(upload)
    old = await addresses(ada, upload)

    await edit(ada, upload, CROP)
    clock.advance(LINGER_MS / 2000)
    await edit(ada, upload, {})
    clock.advance(LINGER_MS / 500)
    await rig.media.tiers.mover.run_due()

    assert await addresses(ada, upload) == old
    assert await statuses(rig, old) == {200}
    quota = (await ada.call("GET", "/v1/limits")).json()["quota"]["used"]
    assert quota == sum(
        [(await rig.media.storage.blobs.head(key)).bytes for key in await rig.kept()]
    )


async def test_deleting_an_edited_photo_leaves_nothing(rig: Rig) -> None:
    ada = await rig.join("ada")
    upload = (await ada.ready(photo()))["id"]
    await edit(ada, upload, CROP)

    assert (await ada.call("DELETE", f"/v1/uploads/{upload}")).status_code == 204
    await rig.settle()

    assert await rig.kept() == []


async def _go_private(person: Uploader) -> None:
    answer = await person.call("PATCH", "/v1/accounts/me", json={"private": True})
    assert answer.status_code == 200, answer.text
