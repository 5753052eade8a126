"""A photo can be edited though its original has gone cold, and nothing is left over."""

from __future__ import annotations

from tests.cast import ok
from tests.scenario.tiers.life import Life, needles_in

CROP = {"crop": {"x": 0, "y": 0, "width": 0.5, "height": 0.5}, "look": "ink"}


async def test_a_cold_original_is_brought_back_to_edit_its_photo(on_disk: Life) -> None:
    ada = await on_disk.world.join("ada")
    post = await ada.post("dawn")
    upload = (await on_disk.uploads_of(ada.id))[0]
    await on_disk.wait(2)
    await on_disk.wait(13)
    cold = await on_disk.original(upload)
    assert cold is not None
    assert cold.tier == "cold"
    before = (await ada.get(f"/v1/posts/{post}"))["slides"][0]
    kept = await on_disk.files_of(upload)

    await ada.send("PUT", f"/v1/uploads/{upload}/recipe", CROP)
    await on_disk.wait(1)
    await on_disk.wait(1)

    after = (await ada.get(f"/v1/posts/{post}"))["slides"][0]
    assert after["width"] == before["width"] // 2
    back = await on_disk.original(upload)
    assert back is not None
    assert back.tier == "warm"
    found = await on_disk.audit()
    assert found.clean, found.offences
    ok(await ada.call("DELETE", f"/v1/posts/{post}"))
    await on_disk.wait(1)
    assert on_disk.hits(needles_in(kept)) == []
