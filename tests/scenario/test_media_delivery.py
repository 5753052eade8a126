"""Handing out files: what everybody gets, what only some get, and when it ends."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import msgspec
import pytest
import sqlalchemy as sa

from tests.cast import BASE, PASSWORD, ok
from tests.media_rig import Rig, Uploader, manual_clock, open_rig, photo
from tintype.database import metadata
from tintype.kernel.clock import ManualClock
from tintype.kernel.ids import shard_of
from tintype.media import UploadInUse, UploadNotFound


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with open_rig(tmp_path) as opened:
        yield opened


@pytest.fixture
async def ada(rig: Rig) -> Uploader:
    return await rig.join("ada")


@pytest.fixture
async def bo(rig: Rig) -> Uploader:
    """Private."""
    person = await rig.join("bo")
    ok(await person.call("PATCH", "/v1/accounts/me", json={"private": True}))
    rig.circle.private.add(person.id)
    return person


async def _published(person: Uploader, seed: int = 1) -> str:
    upload = await person.ready(photo(seed=seed))
    await person.share(upload["id"])
    return str(upload["id"])


async def _published_large(person: Uploader) -> str:
    upload = await person.ready(photo(800, 600))
    await person.share(upload["id"])
    return str(upload["id"])


def bare_of(url: str) -> str:
    """The address without the grant in it."""
    return re.sub(r"/g/[^/]+/", "/", url)


def _first(slide: Any) -> str:
    return str(slide.renditions[0].url)


# --- public


async def test_a_public_file_is_for_everybody_and_for_ever(rig: Rig, ada: Uploader) -> None:
    upload = await _published(ada)

    url = _first(await ada.slide(upload))
    file = await rig.fetch(url)

    assert "/g/" not in url
    assert file.status_code == 200
    assert file.headers["content-type"] == "image/jpeg"
    assert "public" in file.headers["cache-control"]
    assert "immutable" in file.headers["cache-control"]
    assert file.headers["etag"].strip('"') in url
    assert file.headers["x-content-type-options"] == "nosniff"
    assert file.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert "set-cookie" not in file.headers
    assert file.content[:3] == b"\xff\xd8\xff"


async def test_a_file_is_served_in_ranges(rig: Rig, ada: Uploader) -> None:
    url = _first(await ada.slide(await _published(ada)))
    whole = await rig.fetch(url)
    size, etag = len(whole.content), whole.headers["etag"]

    middle = await rig.fetch(url, range="bytes=10-19")
    tail = await rig.fetch(url, range="bytes=-5")
    beyond = await rig.fetch(url, range=f"bytes={size}-")
    same = await rig.fetch(url, range="bytes=0-1", if_range=etag)
    changed = await rig.fetch(url, range="bytes=0-1", if_range='"other"')

    assert (middle.status_code, middle.content) == (206, whole.content[10:20])
    assert middle.headers["content-range"] == f"bytes 10-19/{size}"
    assert middle.headers["content-length"] == "10"
    assert (tail.status_code, tail.content) == (206, whole.content[-5:])
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{size}")
    assert (same.status_code, changed.status_code) == (206, 200)
    assert changed.content == whole.content


async def test_a_file_that_is_at_hand_is_not_sent_again(rig: Rig, ada: Uploader) -> None:
    url = _first(await ada.slide(await _published(ada)))
    etag = (await rig.fetch(url)).headers["etag"]

    again = await rig.fetch(url, if_none_match=etag)
    other = await rig.fetch(url, if_none_match='"other"')

    assert (again.status_code, again.content) == (304, b"")
    assert (again.headers["etag"], other.status_code) == (etag, 200)


async def test_the_headers_can_be_asked_for_alone(rig: Rig, ada: Uploader) -> None:
    url = _first(await ada.slide(await _published(ada))).replace("\x01", BASE)
    whole = await rig.client.get(url)

    head = await rig.client.head(url)

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(whole.content))
    assert head.headers["etag"] == whole.headers["etag"]
    known = await rig.client.head(url, headers={"If-None-Match": head.headers["etag"]})
    assert known.status_code == 304


async def test_pages_of_other_origins_may_show_measure_and_read_a_file(
    rig: Rig, ada: Uploader
) -> None:
    url = _first(await ada.slide(await _published(ada)))

    file = await rig.fetch(url, origin="https://elsewhere.example")

    assert file.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in file.headers
    assert "Content-Range" in file.headers["access-control-expose-headers"]
    assert file.headers["cross-origin-resource-policy"] == "cross-origin"
    assert file.headers["timing-allow-origin"] == "*"


async def test_strangers_may_remember_for_a_moment_that_nothing_is_there(
    rig: Rig, ada: Uploader
) -> None:
    path = f"/media/1/{'0' * 32}.jpg"

    stranger, known = await rig.client.get(path), await ada.call("GET", path)

    assert stranger.headers["cache-control"] == "public, max-age=10"
    assert known.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "path", ["1/a.jpg", "{id}/../../secret", "{id}/" + "0" * 32 + ".jpg", "{id}/original", "{id}/"]
)
async def test_what_is_no_rendition_is_not_there(rig: Rig, ada: Uploader, path: str) -> None:
    upload = await _published(ada)

    answer = await rig.client.get(f"/media/{path.format(id=upload)}")

    assert answer.status_code == 404


async def test_one_hash_does_not_fit_another_extension(rig: Rig, ada: Uploader) -> None:
    url = _first(await ada.slide(await _published(ada)))

    assert (await rig.fetch(url.replace(".jpg", ".mp4"))).status_code == 404


async def test_a_signed_in_viewer_who_may_not_see_it_gets_not_found(
    rig: Rig, ada: Uploader
) -> None:
    url = _first(await ada.slide(await _published(ada))).replace("\x01", BASE)
    dee = await rig.join("dee")
    before = await dee.call("GET", url)

    rig.circle.blocked.add((dee.id, ada.id))
    after = await dee.call("GET", url)

    assert (before.status_code, after.status_code) == (200, 404)
    assert after.headers["cache-control"] == "no-store"


# --- guarded


async def test_a_private_file_takes_a_grant(rig: Rig, ada: Uploader, bo: Uploader) -> None:
    rig.circle.followers.add((ada.id, bo.id))
    upload = await _published(bo)

    granted = _first(await bo.slide(upload, viewer=ada.id))
    file = await rig.fetch(granted)
    bare = await rig.fetch(bare_of(granted))
    with_session = await ada.call("GET", bare_of(granted).replace("\x01", BASE))

    assert file.status_code == 200
    assert file.headers["cache-control"] == "private, max-age=60"
    assert (bare.status_code, with_session.status_code) == (404, 404)


async def test_a_slide_encoded_for_nobody_is_granted_to_each_viewer(
    rig: Rig, ada: Uploader, bo: Uploader
) -> None:
    rig.circle.followers.add((ada.id, bo.id))
    upload = await _published(bo)
    shared = msgspec.json.encode(await bo.slide(upload, viewer=None))

    filled = msgspec.json.decode(rig.media.media.granted(shared, ada.id))
    nobodys = msgspec.json.decode(rig.media.media.granted(shared, None))

    urls = [rendition["url"] for rendition in filled["renditions"]]
    assert urls[0] == _first(await bo.slide(upload, viewer=ada.id))
    assert [(await rig.fetch(url)).status_code for url in urls] == [200] * len(urls)
    assert (await rig.fetch(nobodys["renditions"][0]["url"])).status_code == 404


async def test_a_grant_is_never_stronger_than_the_present(
    rig: Rig, ada: Uploader, bo: Uploader
) -> None:
    rig.circle.followers.add((ada.id, bo.id))
    granted = _first(await bo.slide(await _published(bo), viewer=ada.id))
    before = await rig.fetch(granted)

    rig.circle.followers.clear()
    after = await rig.fetch(granted)
    conditional = await rig.fetch(granted, if_none_match=before.headers["etag"])

    assert (before.status_code, after.status_code, conditional.status_code) == (200, 404, 404)


async def test_a_grant_passed_on_to_somebody_signed_in_is_of_no_use(
    rig: Rig, ada: Uploader, bo: Uploader
) -> None:
    rig.circle.followers.add((ada.id, bo.id))
    granted = _first(await bo.slide(await _published(bo), viewer=ada.id)).replace("\x01", BASE)
    dee = await rig.join("dee")

    assert (await dee.call("GET", granted)).status_code == 404
    assert (await ada.call("GET", granted)).status_code == 200


async def test_signing_out_one_device_ends_what_was_granted_to_it_alone(
    rig: Rig, ada: Uploader, bo: Uploader
) -> None:
    upload = (await bo.ready(photo()))["id"]
    signing_in = {"login": "bo", "password": PASSWORD}
    phone = ok(await rig.client.post("/v1/sessions", json=signing_in))["token"]
    headers = {"Authorization": f"Bearer {phone}"}
    seen = ok(await rig.client.get(f"/v1/uploads/{upload}", headers=headers))
    on_the_phone = seen["slide"]["renditions"][0]["url"]
    on_the_laptop = (await bo.read(upload))["slide"]["renditions"][0]["url"]
    before = await rig.fetch(on_the_phone)

    ok(await rig.client.delete("/v1/sessions/current", headers=headers))

    assert (before.status_code, (await rig.fetch(on_the_phone)).status_code) == (200, 404)
    assert (await rig.fetch(on_the_laptop)).status_code == 200


async def test_a_grant_is_good_for_what_the_file_names_beside_itself(
    rig: Rig, bo: Uploader
) -> None:
    slide = (await bo.ready(photo(1200, 900)))["slide"]
    first, second = slide["renditions"][0]["url"], slide["renditions"][1]["url"]

    beside = urljoin(first, second.rpartition("/")[2])

    assert beside == second
    assert (await rig.fetch(beside)).status_code == 200
    assert (await rig.fetch(urljoin(first, "../1/" + second.rpartition("/")[2]))).status_code == 404


async def test_signing_out_ends_what_was_granted(rig: Rig, ada: Uploader, bo: Uploader) -> None:
    rig.circle.followers.add((ada.id, bo.id))
    granted = _first(await bo.slide(await _published(bo), viewer=ada.id))
    before = await rig.fetch(granted)

    ok(await ada.call("DELETE", "/v1/sessions/current"))

    assert (before.status_code, (await rig.fetch(granted)).status_code) == (200, 404)


async def test_a_grant_runs_out(tmp_path: Path) -> None:
    clock: ManualClock = manual_clock()
    async with open_rig(tmp_path, clock=clock) as rig:
        bo = await rig.join("bo")
        upload = await bo.ready(photo())
        url = upload["slide"]["renditions"][0]["url"]

        clock.advance(299)
        stable = (await bo.read(upload["id"]))["slide"]["renditions"][0]["url"]
        clock.advance(300)
        in_time = await rig.fetch(url)
        clock.advance(1)
        late = await rig.fetch(url)

    assert stable == url
    assert (in_time.status_code, late.status_code) == (200, 404)


async def test_going_private_closes_the_open_addresses(rig: Rig, ada: Uploader) -> None:
    upload = await _published(ada)
    open_url = _first(await ada.slide(upload))
    assert (await rig.fetch(open_url)).status_code == 200

    ok(await ada.call("PATCH", "/v1/accounts/me", json={"private": True}))
    rig.circle.private.add(ada.id)

    assert (await rig.fetch(open_url)).status_code == 404
    granted = _first(await ada.slide(upload, viewer=ada.id))
    assert (await rig.fetch(granted)).status_code == 200


async def test_what_is_not_published_is_for_its_owner_alone(
    rig: Rig, ada: Uploader, bo: Uploader
) -> None:
    upload = (await ada.ready(photo()))["id"]

    own = _first(await ada.slide(upload, viewer=ada.id))
    others = _first(await ada.slide(upload, viewer=bo.id))

    assert (await rig.fetch(own)).status_code == 200
    assert (await rig.fetch(others)).status_code == 404
    assert (await rig.fetch(bare_of(own))).status_code == 404


async def test_what_is_withdrawn_is_for_its_owner_alone(rig: Rig, ada: Uploader) -> None:
    upload = await _published(ada)
    url = _first(await ada.slide(upload))

    async with rig.database.write() as tx:
        await rig.media.media.withdraw(tx, [int(upload)])
    withdrawn = await rig.fetch(url)
    async with rig.database.write() as tx:
        await rig.media.media.publish(tx, [int(upload)])

    assert withdrawn.status_code == 404
    assert (await rig.fetch(url)).status_code == 200


# --- whichever fits


async def test_one_address_answers_each_caller_with_what_fits(rig: Rig, ada: Uploader) -> None:
    slide = await ada.slide(await _published_large(ada))
    named = {(each.format, each.width): each.url.rpartition("/")[2] for each in slide.renditions}

    async def ask(width: int, **headers: str) -> tuple[int, str, str]:
        file = await rig.fetch(f"{slide.auto}?w={width}", **headers)
        return file.status_code, file.headers["content-type"], file.headers["etag"].strip('"')

    def answer(format_: str, width: int) -> tuple[int, str, str]:
        return 200, f"image/{format_}", named[format_, width].partition(".")[0]

    assert await ask(640, accept="image/webp,*/*") == answer("webp", 640)
    assert await ask(500, accept="image/webp,*/*") == answer("webp", 640)
    assert await ask(500, accept="*/*") == answer("jpeg", 640)
    assert await ask(640, accept="image/webp", save_data="on") == answer("webp", 480)
    assert await ask(640, accept="image/webp", ect="slow-2g") == answer("webp", 480)
    assert await ask(20_000, accept="image/webp") == answer("webp", 800)


async def test_what_was_chosen_is_kept_for_two_days_unless_a_better_one_is_to_come(
    rig: Rig, ada: Uploader
) -> None:
    slide = await ada.slide(await _published_large(ada))

    settled = await rig.fetch(f"{slide.auto}?w=640", accept="image/webp")
    waiting = await rig.fetch(f"{slide.auto}?w=640", accept="image/avif,image/webp")
    hinted = await rig.fetch(slide.auto, accept="image/webp", sec_ch_width="150")

    shared = "s-maxage=60, stale-while-revalidate=86400"
    assert settled.headers["cache-control"] == f"public, max-age=172800, {shared}"
    assert waiting.headers["cache-control"] == f"public, max-age=300, {shared}"
    assert settled.headers["vary"] == "Accept, Save-Data, ECT"
    assert hinted.headers["vary"].endswith("Sec-CH-Width, Sec-CH-Viewport-Width, Sec-CH-DPR")
    assert len(hinted.content) < len(settled.content)
    named = await rig.client.get(settled.headers["content-location"])
    assert named.content == settled.content
    known = {"accept": "image/webp", "if_none_match": settled.headers["etag"]}
    same = await rig.fetch(f"{slide.auto}?w=640", **known)
    assert (same.status_code, same.headers["vary"]) == (304, settled.headers["vary"])


async def test_what_fits_takes_the_same_leave_as_a_file_by_its_name(
    rig: Rig, ada: Uploader, bo: Uploader
) -> None:
    rig.circle.followers.add((ada.id, bo.id))
    granted = (await bo.slide(await _published(bo), viewer=ada.id)).auto
    before = await rig.fetch(granted)

    bare = await rig.fetch(bare_of(granted))
    strange = await rig.fetch(granted.rpartition("/")[0] + "/1")
    rig.circle.followers.clear()
    after = await rig.fetch(granted)

    assert (before.status_code, before.headers["cache-control"]) == (200, "private, max-age=60")
    assert (bare.status_code, strange.status_code, after.status_code) == (404, 404, 404)


@pytest.mark.parametrize("width", ["0", "-1", "20001", "wide"])
async def test_a_width_that_is_none_is_refused(rig: Rig, ada: Uploader, width: str) -> None:
    slide = await ada.slide(await _published(ada))

    assert (await rig.fetch(f"{slide.auto}?w={width}")).status_code == 422


# --- the end


async def test_a_released_file_is_gone_at_once_and_its_bytes_soon(rig: Rig, ada: Uploader) -> None:
    upload = await _published(ada)
    url = _first(await ada.slide(upload))

    async with rig.database.write() as tx:
        await rig.media.media.release(tx, [int(upload)])
    at_once = await rig.fetch(url)
    await rig.settle()

    assert at_once.status_code == 404
    assert rig.files() == []


async def test_a_release_during_processing_leaves_nothing(rig: Rig, ada: Uploader) -> None:
    upload = await ada.upload(photo(2000, 1500))
    ok(await ada.complete(upload))

    async with rig.database.write() as tx:
        await rig.media.media.release(tx, [int(upload)])
    await rig.settle()

    assert rig.files() == []
    assert (await ada.call("GET", f"/v1/uploads/{upload}")).status_code == 404


async def test_an_erased_account_leaves_no_byte(rig: Rig, ada: Uploader, bo: Uploader) -> None:
    await _published(ada)
    await ada.upload(photo(seed=2))
    kept = await _published(bo)

    await rig.media.media.erase_account(ada.id)
    await rig.media.media.erase_account(ada.id)

    assert rig.files()
    assert all(kept in name for name in rig.files())
    await rig.settle()
    assert all(kept in name for name in rig.files())


# --- claims


async def test_an_upload_is_used_once_and_by_its_owner(rig: Rig, ada: Uploader) -> None:
    upload = int((await ada.ready(photo()))["id"])
    bo = await rig.join("bo")
    media = rig.media.media

    async def claim(ids: list[int], owner: int) -> None:
        async with rig.database.write() as tx:
            await media.claim(tx, ids, owner=owner, subject=7)

    with pytest.raises(UploadNotFound):
        await claim([upload], bo.id)
    with pytest.raises(UploadInUse):
        await claim([upload, upload], ada.id)
    await claim([upload], ada.id)
    with pytest.raises(UploadInUse):
        await claim([upload], ada.id)


async def test_a_failed_upload_is_processed_again_on_request(rig: Rig, ada: Uploader) -> None:
    upload = (await ada.ready(b"no photo at all"))["id"]
    uploads = metadata.tables["uploads"]
    # As after decoders that died, whatever the file: nothing is known against its bytes.
    there = (uploads.c.shard == shard_of(int(upload)), uploads.c.id == int(upload))

    async with rig.database.write() as tx:
        hopeless = await rig.media.media.retry(tx, [int(upload)])
        await tx.execute(sa.update(uploads).where(*there).values(reason_code="gave-up"))
        again = await rig.media.media.retry(tx, [int(upload)])
        states = await rig.media.media.states(tx, [int(upload)])
    await rig.settle()

    assert hopeless == 0
    assert (again, states[int(upload)].state) == (1, "processing")
    assert (await ada.read(upload))["state"] == "failed"


# --- avatars


async def test_an_avatar_is_for_everybody_and_replaces_the_one_before(
    rig: Rig, bo: Uploader
) -> None:
    first, second = await bo.ready(photo()), await bo.ready(photo(seed=2))

    chosen = await bo.call("PUT", "/v1/accounts/me/avatar", json={"upload_id": first["id"]})
    shown = await rig.fetch(chosen.json()["avatar"])
    replaced = await bo.call("PUT", "/v1/accounts/me/avatar", json={"upload_id": second["id"]})
    await rig.settle()

    assert (chosen.status_code, shown.status_code) == (200, 200)
    assert "public" in shown.headers["cache-control"]
    assert (await rig.fetch(replaced.json()["avatar"])).status_code == 200
    assert (await rig.fetch(chosen.json()["avatar"])).status_code == 404
    assert all(second["id"] in name for name in rig.files())


async def test_an_avatar_may_be_chosen_before_it_is_ready(rig: Rig, bo: Uploader) -> None:
    upload = await bo.upload(photo())

    chosen = await bo.call("PUT", "/v1/accounts/me/avatar", json={"upload_id": upload})
    ok(await bo.complete(upload))
    await rig.settle()

    assert (chosen.status_code, chosen.json()["avatar"]) == (202, None)
    account = ok(await bo.call("GET", "/v1/accounts/me"))
    assert (await rig.fetch(account["avatar"])).status_code == 200


async def test_an_avatar_can_be_taken_away(rig: Rig, bo: Uploader) -> None:
    upload = (await bo.ready(photo()))["id"]
    body = {"upload_id": upload}
    url = ok(await bo.call("PUT", "/v1/accounts/me/avatar", json=body))["avatar"]

    ok(await bo.call("DELETE", "/v1/accounts/me/avatar"))
    ok(await bo.call("DELETE", "/v1/accounts/me/avatar"))
    await rig.settle()

    assert ok(await bo.call("GET", "/v1/accounts/me"))["avatar"] is None
    assert (await rig.fetch(url)).status_code == 404
    assert rig.files() == []


async def test_what_is_used_or_broken_makes_no_avatar(rig: Rig, ada: Uploader) -> None:
    used = await _published(ada)
    broken = (await ada.ready(b"no photo"))["id"]
    video = (await ada.begin("video/mp4", 100))["id"]

    answers = [
        await ada.call("PUT", "/v1/accounts/me/avatar", json={"upload_id": upload})
        for upload in (used, broken, video, "1")
    ]

    slugs = [answer.json()["type"].rpartition("/")[2] for answer in answers]
    assert slugs == ["upload-in-use", "upload-failed", "avatar-needs-photo", "upload-not-found"]
