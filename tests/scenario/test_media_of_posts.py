"""Files follow their posts: whoever loses the post loses the file with the next request."""

from __future__ import annotations

from typing import Any

import httpx

from tests.cast import Person, World, ok
from tests.media_rig import photo


async def _post(person: Person, seed: int = 1) -> Any:
    data = photo(seed=seed)
    begun = await person.send(
        "POST", "/v1/uploads", {"content_type": "image/jpeg", "bytes": len(data)}
    )
    signed = await person.get(f"/v1/uploads/{begun['id']}/parts/1")
    ok(await person.client.put(signed["url"], content=data))
    await person.send("POST", f"/v1/uploads/{begun['id']}/complete")
    answer = await person.send("POST", "/v1/posts", {"slides": [{"upload_id": begun["id"]}]})
    await person.world.settle()
    return answer["post"]["id"]


async def _url(viewer: Person, post: str) -> str:
    shown = await viewer.get(f"/v1/posts/{post}")
    return str(shown["slides"][0]["renditions"][0]["url"])


async def _fetch(world: World, url: str) -> int:
    return (await world.anyone("GET", url)).status_code


async def _private(world: World, handle: str) -> Person:
    person = await world.join(handle)
    await person.send("PATCH", "/v1/accounts/me", {"private": True})
    return person


async def _befriend(follower: Person, followee: Person) -> None:
    await follower.send("POST", "/v1/follows", {"followed_id": followee.id})
    await followee.send("POST", f"/v1/follow-requests/{follower.id}/accept")


async def test_a_public_file_is_open_until_its_post_is_deleted(world: World) -> None:
    ada = await world.join("ada")
    post = await _post(ada)
    url = await _url(ada, post)
    before = await _fetch(world, url)

    await ada.send("DELETE", f"/v1/posts/{post}")

    assert (before, await _fetch(world, url)) == (200, 404)


async def test_a_follower_loses_the_file_with_the_follow(world: World) -> None:
    ada, bo = await world.join("ada"), await _private(world, "bo")
    await _befriend(ada, bo)
    url = await _url(ada, await _post(bo))
    before = await _fetch(world, url)

    await ada.send("DELETE", f"/v1/follows/{bo.id}")

    assert (before, await _fetch(world, url)) == (200, 404)
    assert await _fetch(world, url.split("?")[0]) == 404


async def test_a_blocked_follower_loses_the_file(world: World) -> None:
    ada, bo = await world.join("ada"), await _private(world, "bo")
    await _befriend(ada, bo)
    url = await _url(ada, await _post(bo))

    await bo.send("POST", "/v1/blocks", {"account_id": ada.id})

    assert await _fetch(world, url) == 404


async def test_a_blocked_viewer_who_is_signed_in_gets_no_public_file(world: World) -> None:
    ada, dee = await world.join("ada"), await world.join("dee")
    url = await _url(ada, await _post(ada))
    await ada.send("POST", "/v1/blocks", {"account_id": dee.id})

    answer: httpx.Response = await dee.call("GET", url)

    assert answer.status_code == 404


async def test_a_file_closes_when_its_owner_goes_private(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    await bo.send("POST", "/v1/follows", {"followed_id": ada.id})
    post = await _post(ada)
    open_url = await _url(bo, post)

    await ada.send("PATCH", "/v1/accounts/me", {"private": True})

    assert await _fetch(world, open_url) == 404
    assert await _fetch(world, await _url(bo, post)) == 200


async def test_the_files_of_an_erased_account_are_gone(world: World) -> None:
    ada = await world.join("ada")
    url = await _url(ada, await _post(ada))
    blobs = world.server.settings.data / "blobs"

    await ada.send("DELETE", "/v1/accounts/me", {"password": "correct horse battery"})
    at_once = await _fetch(world, url)
    await world.settle()

    assert at_once == 404
    assert [path for path in (blobs / "blobs").rglob("*") if path.is_file()] == []


async def _upload(person: Person, data: bytes, name: str) -> dict[str, str]:
    asked = {"content_type": "image/jpeg", "bytes": len(data), "filename": name}
    upload = (await person.send("POST", "/v1/uploads", asked))["id"]
    await person.send_bytes(upload, data)
    return {"upload_id": upload}


async def _share(person: Person, slides: list[dict[str, str]]) -> str:
    """Post uploads first, and complete them then: a file that fails is claimed by that time."""
    post: str = (await person.send("POST", "/v1/posts", {"slides": slides}))["post"]["id"]
    for slide in slides:
        await person.send("POST", f"/v1/uploads/{slide['upload_id']}/complete")
    await person.world.settle()
    return post


async def test_a_post_goes_out_without_the_file_that_failed(world: World) -> None:
    ada = await world.join("ada")
    files = {"dawn.jpg": photo(), "cut.jpg": photo(seed=2)[:-4000], "noon.jpg": photo(seed=3)}
    slides = [await _upload(ada, data, name) for name, data in files.items()]
    post = await _share(ada, slides)
    failed = await ada.get(f"/v1/posts/{post}")
    path = f"/v1/posts/{post}/retry"

    again = await ada.call("POST", path)
    await ada.send("POST", path, {"without_failed": True})
    await world.settle()

    assert (failed["state"], failed["retryable"]) == ("failed", False)
    assert failed["reason"].startswith("cut.jpg, file 2 of 3: This photo is incomplete")
    assert (again.status_code, again.json()["type"]) == (409, "/problems/nothing-to-retry")
    shown = await ada.get(f"/v1/posts/{post}")
    assert shown["state"] == "published"
    assert [slide["id"] for slide in shown["slides"]] == [
        slides[0]["upload_id"],
        slides[2]["upload_id"],
    ]


async def test_a_post_whose_only_file_failed_has_nothing_to_share(world: World) -> None:
    ada = await world.join("ada")
    slides = [await _upload(ada, photo()[:-4000], "cut.jpg")]
    post = await _share(ada, slides)

    answer = await ada.call("POST", f"/v1/posts/{post}/retry", json={"without_failed": True})

    assert answer.status_code == 409
    assert (await ada.get(f"/v1/posts/{post}"))["state"] == "failed"
