"""A day in the life of an instance; in the evening everything is where the ledger says."""

from __future__ import annotations

from tests.cast import PASSWORD, ok
from tests.media_rig import photo
from tests.scenario.tiers.life import HOUR, Life, told
from tintype.media import store
from tintype.media.model import original_key
from tintype.media.store import objects


async def test_after_a_day_of_everything_the_audit_is_clean(life: Life) -> None:
    world = life.world
    ada, bo, cy = [await world.join(handle) for handle in ("ada", "bo", "cy")]
    posts = [await ada.post(f"dawn {number}", slides=2) for number in range(2)]
    noon, gone = await bo.post("noon"), await bo.post("a mistake")
    await cy.post("for a while")
    await ada.send("PUT", "/v1/accounts/me/avatar", {"upload_id": await ada.upload()})
    unused = await bo.upload(photo(300, 200, seed=31))
    broken = await bo.upload(b"\xff\xd8\xff\xe0 this is no photo")
    await world.settle()
    ok(await ada.call("PATCH", f"/v1/posts/{posts[0]}", json={"caption": "dawn, again"}))
    ok(await bo.call("DELETE", f"/v1/posts/{gone}"))
    ok(await bo.call("DELETE", f"/v1/uploads/{unused}"))
    ok(await ada.call("DELETE", "/v1/accounts/me/avatar"))
    await world.settle()
    await life.wait(2)
    upload = (await life.uploads_of(ada.id))[0]
    await life.kill_while(upload, "moving")
    ok(await cy.call("DELETE", "/v1/accounts/me", json={"password": PASSWORD}))
    ok(await ada.call("DELETE", f"/v1/posts/{posts[1]}"))
    await life.wait(61 / HOUR)
    await life.wait(13)
    await ada.send("POST", f"/v1/uploads/{upload}/restore")
    await life.wait(1)
    await life.wait(1)

    found = await life.audit()
    status, said = told(life.command("storage", "audit", "--hashes", "--json"))

    assert found.clean, found.offences
    assert (status, said["offences"]) == (0, []), said
    assert said["read"] > 5
    assert ok(await ada.call("GET", f"/v1/posts/{posts[0]}"))["caption"] == "dawn, again"
    assert ok(await bo.call("GET", f"/v1/posts/{noon}"))["state"] == "published"
    assert ok(await bo.call("GET", f"/v1/uploads/{broken}"))["state"] == "failed"
    async with world.server.database.read() as reader:
        for person in (ada, bo):
            held = await store.held_bytes(reader, int(person.id))
            assert held == await objects.ledger_bytes(reader, int(person.id))


async def test_the_commands_find_what_is_wrong_and_clear_it_away(on_disk: Life) -> None:
    ada = await on_disk.world.join("ada")
    kept, lost = int(await ada.upload()), int(await ada.upload())
    await on_disk.world.settle()
    stores = on_disk.world.server.media.storage.stores
    await stores["main"].delete(original_key(lost))
    await stores["cold"].write(original_key(kept), b"stray", content_type="x/y")
    await on_disk.wait(2)

    status, said = told(on_disk.command("storage", "audit", "--grace-minutes", "0", "--json"))
    dry = told(on_disk.command("storage", "gc", "--dry-run"))
    plain = told(on_disk.command("storage", "audit", "--grace-minutes", "0"))

    assert status == 1
    kinds = {(each["kind"], each["place"], each["key"]) for each in said["offences"]}
    assert ("missing", "main", original_key(lost)) in kinds
    assert dry[0] == 0
    assert plain[0] == 1
    assert "do not agree" in plain[1]
