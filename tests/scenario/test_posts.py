from __future__ import annotations

import re
from typing import Any

from tests.cast import BASE, Person, World, ok
from tests.pictures import small_photo
from tintype.posts import FOLLOWED

_WHY = b',"why":"followed"'
"""What a post in a feed has beyond the same post elsewhere."""


async def _pending(person: Person, **fields: Any) -> tuple[str, str]:
    """A post whose only photo is still to be sent: its id and the upload's."""
    media = {"content_type": "image/jpeg", "bytes": len(small_photo(7))}
    new = await person.send("POST", "/v1/posts", {"slides": [{"media": media}], **fields})
    return new["post"]["id"], new["uploads"][0]["id"]


async def _posts(viewer: Person, author: Person, **query: Any) -> list[str]:
    page = await viewer.get(f"/v1/accounts/{author.id}/posts", **query)
    return [post["id"] for post in page["items"]]


async def _status(person: Person | World, path: str) -> int:
    if isinstance(person, World):
        return (await person.anyone("GET", path)).status_code
    return (await person.call("GET", path)).status_code


async def test_a_published_post_is_seen_by_anyone_with_its_media(world: World) -> None:
    ada = await world.join("ada")

    dawn = await ada.post("dawn over the bay", slides=2)

    post = ok(await world.anyone("GET", f"/v1/posts/{dawn}"))
    assert post["author"]["handle"] == "ada"
    assert (post["caption"], post["state"]) == ("dawn over the bay", "published")
    assert post["counts"] == {"likes": 0, "comments": 0}
    assert post["viewer"] == {"liked": False, "saved": False}
    assert len(post["slides"]) == 2
    for slide in post["slides"]:
        for rendition in slide["renditions"]:
            assert rendition["url"].startswith(f"{BASE}/media/")
            assert (await world.anyone("GET", rendition["url"])).status_code == 200


async def test_a_post_of_ready_media_is_published_in_the_answer(world: World) -> None:
    ada = await world.join("ada")
    upload = await ada.upload()
    await world.settle()

    new = await ada.send("POST", "/v1/posts", {"slides": [{"upload_id": upload, "alt": "a boat"}]})

    assert (new["post"]["state"], new["uploads"]) == ("published", [])
    assert new["post"]["slides"][0]["alt"] == "a boat"


async def test_a_post_waits_for_its_bytes_and_only_its_author_sees_it(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")

    post, upload = await _pending(ada, caption="soon")

    assert (await ada.get(f"/v1/posts/{post}"))["state"] == "pending"
    assert await _posts(ada, ada) == [post]
    assert await _status(bo, f"/v1/posts/{post}") == 404
    assert await _posts(bo, ada) == []

    await ada.send_bytes(upload, small_photo(7))
    nudged = await ada.send("PATCH", f"/v1/posts/{post}", {})
    assert nudged["state"] == "processing"
    await world.settle()

    assert (await bo.get(f"/v1/posts/{post}"))["state"] == "published"
    assert await _posts(bo, ada) == [post]
    assert (await bo.get("/v1/accounts/@ada"))["counts"]["posts"] == 1


async def test_the_same_key_posts_once_and_answers_the_same(world: World) -> None:
    ada = await world.join("ada")
    body = {"slides": [{"upload_id": await ada.upload()}]}
    headers = {"Idempotency-Key": "once"}

    first = await ada.call("POST", "/v1/posts", json=body, headers=headers)
    second = await ada.call("POST", "/v1/posts", json=body, headers=headers)

    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    await world.settle()
    assert len(await _posts(ada, ada)) == 1


async def test_a_file_that_is_no_picture_fails_with_a_reason_for_its_author(
    world: World,
) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    junk = await ada.upload(b"this is not a photo at all")

    new = await ada.call("POST", "/v1/posts", json={"slides": [{"upload_id": junk}]})
    await world.settle()

    post = new.json()["post"]["id"]
    seen = await ada.get(f"/v1/posts/{post}")
    assert seen["state"] == "failed"
    assert seen["reason"].endswith(".")
    assert await _status(bo, f"/v1/posts/{post}") == 404
    assert seen["retryable"] is False
    again = await ada.call("POST", f"/v1/posts/{post}/retry")
    assert (again.status_code, again.json()["type"]) == (409, "/problems/nothing-to-retry")
    assert (await ada.get(f"/v1/posts/{post}"))["state"] == "failed"


async def test_a_published_post_can_not_be_retried(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    dawn = await ada.post("dawn")

    refused = await ada.call("POST", f"/v1/posts/{dawn}/retry")
    foreign = await bo.call("POST", f"/v1/posts/{dawn}/retry")

    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/nothing-to-retry")
    assert (foreign.status_code, foreign.json()["type"]) == (403, "/problems/not-your-post")


async def test_an_upload_is_used_once_and_only_by_its_owner(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    upload = await ada.upload()
    body = {"slides": [{"upload_id": upload}]}

    foreign = await bo.call("POST", "/v1/posts", json=body)
    twice_in_one = await ada.call("POST", "/v1/posts", json={"slides": body["slides"] * 2})
    ok(await ada.call("POST", "/v1/posts", json=body))
    again = await ada.call("POST", "/v1/posts", json=body)

    assert (foreign.status_code, foreign.json()["type"]) == (404, "/problems/upload-not-found")
    for refused in (twice_in_one, again):
        assert (refused.status_code, refused.json()["type"]) == (409, "/problems/upload-in-use")


async def test_every_refused_part_of_a_draft_is_pointed_at(world: World) -> None:
    ada = await world.join("ada")
    media = {"content_type": "image/jpeg", "bytes": 1000}
    slide = {"media": media}
    for body, pointer in (
        ({"slides": []}, "/slides"),
        ({"slides": [slide] * 21}, "/slides"),
        ({"slides": [{}]}, "/slides/0"),
        ({"slides": [slide, slide | {"upload_id": "1"}]}, "/slides/1"),
        ({"slides": [slide | {"alt": "x" * 1001}]}, "/slides/0/alt"),
        ({"slides": [slide], "caption": "x" * 2201}, "/caption"),
        ({"slides": [slide], "title": "no such field"}, "/title"),
    ):
        refused = await ada.call("POST", "/v1/posts", json=body)

        assert refused.status_code == 422, body
        assert refused.json()["errors"][0]["pointer"] == pointer


async def test_an_author_edits_caption_alt_texts_and_order(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    dawn = await ada.post("dawn", slides=2)
    one, two = [slide["id"] for slide in (await ada.get(f"/v1/posts/{dawn}"))["slides"]]

    changes = {"caption": "dusk", "alt": {one: "the sea"}, "order": [two, one]}
    edited = await ada.send("PATCH", f"/v1/posts/{dawn}", changes)

    seen = await bo.get(f"/v1/posts/{dawn}")
    assert seen == edited
    assert seen["caption"] == "dusk"
    assert seen["edited_at"] is not None
    assert [(slide["id"], slide["alt"]) for slide in seen["slides"]] == [
        (two, ""),
        (one, "the sea"),
    ]


async def test_an_edit_that_changes_nothing_leaves_no_trace(world: World) -> None:
    ada = await world.join("ada")
    dawn = await ada.post("dawn")
    before = await ada.get(f"/v1/posts/{dawn}")

    after = await ada.send("PATCH", f"/v1/posts/{dawn}", {"caption": " dawn "})

    assert after == before


async def test_a_deleted_post_is_gone_everywhere_with_its_media(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    dawn = await ada.post("dawn #sea")
    url = (await bo.get(f"/v1/posts/{dawn}"))["slides"][0]["renditions"][0]["url"]
    await bo.send("PUT", f"/v1/posts/{dawn}/save")
    await bo.send("POST", f"/v1/posts/{dawn}/comments", {"text": "wow"})

    await ada.send("DELETE", f"/v1/posts/{dawn}")

    assert await _status(bo, f"/v1/posts/{dawn}") == 404
    assert await _status(ada, f"/v1/posts/{dawn}") == 404
    assert (await world.anyone("GET", url)).status_code == 404
    assert await _posts(ada, ada) == []
    assert (await bo.get("/v1/saves"))["items"] == []
    assert (await bo.get("/v1/tags/sea/posts"))["items"] == []
    await world.settle()
    assert (await bo.get("/v1/accounts/@ada"))["counts"]["posts"] == 0
    assert (await ada.get("/v1/accounts/me"))["counts"]["posts"] == 0


async def test_others_can_neither_edit_nor_delete_a_post(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    dawn = await ada.post("dawn")
    hidden, _ = await _pending(ada)

    for method, body in (("PATCH", {"caption": "mine"}), ("DELETE", None)):
        refused = await bo.call(method, f"/v1/posts/{dawn}", json=body)
        unseen = await bo.call(method, f"/v1/posts/{hidden}", json=body)

        assert (refused.status_code, refused.json()["type"]) == (403, "/problems/not-your-post")
        assert (unseen.status_code, unseen.json()["type"]) == (404, "/problems/post-not-found")
    assert (await bo.get(f"/v1/posts/{dawn}"))["caption"] == "dawn"


async def test_private_posts_are_for_followers_and_their_media_too(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    await bo.send("PATCH", "/v1/accounts/me", {"private": True})
    dawn = await bo.post("dawn")

    for stranger in (ada, world):
        assert await _status(stranger, f"/v1/posts/{dawn}") == 404
        assert await _status(stranger, f"/v1/accounts/{bo.id}/posts") == 404
        assert await _status(stranger, f"/v1/posts/{dawn}/likes") == 404
        assert await _status(stranger, f"/v1/posts/{dawn}/comments") == 404
    await ada.follow(bo)

    assert await _posts(ada, bo) == [dawn]
    url = (await ada.get(f"/v1/posts/{dawn}"))["slides"][0]["renditions"][0]["url"]
    assert "/media/g/" in url
    assert (await world.anyone("GET", url)).status_code == 200
    assert (await world.anyone("GET", _without_grants(url))).status_code == 404


async def test_a_block_hides_posts_in_both_directions(world: World) -> None:
    ada, dee = await world.join("ada"), await world.join("dee")
    dawn, dusk = await ada.post("dawn"), await dee.post("dusk")

    await dee.send("POST", "/v1/blocks", {"account_id": ada.id})

    assert await _status(ada, f"/v1/posts/{dusk}") == 404
    assert await _status(dee, f"/v1/posts/{dawn}") == 404
    assert await _status(ada, f"/v1/accounts/{dee.id}/posts") == 404
    assert await _status(world, f"/v1/posts/{dusk}") == 200


async def test_a_profile_is_paged_newest_first_to_its_exact_end(world: World) -> None:
    ada = await world.join("ada")
    ids = [await ada.post(str(number)) for number in range(5)]

    first = await ada.get("/v1/accounts/@ada/posts", limit=2)
    second = await ada.get("/v1/accounts/@ada/posts", limit=2, cursor=first["next_cursor"])
    third = await ada.get("/v1/accounts/@ada/posts", limit=2, cursor=second["next_cursor"])

    pages = [[post["id"] for post in page["items"]] for page in (first, second, third)]
    assert pages == [[ids[4], ids[3]], [ids[2], ids[1]], [ids[0]]]
    assert third["next_cursor"] is None
    exact = await ada.get("/v1/accounts/@ada/posts", limit=5)
    assert exact["next_cursor"] is None
    foreign = await ada.call("GET", "/v1/saves", params={"cursor": first["next_cursor"]})
    assert foreign.json()["type"] == "/problems/unknown-cursor"


async def test_encoded_cards_say_what_the_views_say(world: World) -> None:
    ada, bo, cy = [await world.join(handle) for handle in ("ada", "bo", "cy")]
    await bo.send("PATCH", "/v1/accounts/me", {"private": True})
    await cy.follow(bo)
    ids = [await ada.post("dawn"), await bo.post("dusk", slides=2), await ada.post("noon")]
    await cy.send("PUT", f"/v1/posts/{ids[0]}/like")
    await cy.send("PUT", f"/v1/posts/{ids[2]}/save")
    posts = world.server.posts

    for _ in range(2):
        await world.settle()
        cards = [card for card in await posts.cards([int(id_) for id_ in ids]) if card]
        encoded = await posts.encode(
            cards, viewer=int(cy.id), here=BASE, around=(b"", b""), whys=FOLLOWED
        )
        assert encoded.count(_WHY) == len(cards)
        encoded = encoded.replace(_WHY, b"")

        views = [(await cy.call("GET", f"/v1/posts/{id_}")).text for id_ in ids]
        assert encoded.count(b"/media/g/") == ",".join(views).count("/media/g/") > 0
        assert _without_grants(encoded.decode()) == _without_grants(",".join(views))
        await cy.send("DELETE", f"/v1/posts/{ids[0]}/like")
        await ada.send("PATCH", f"/v1/posts/{ids[2]}", {"caption": "midday"})
        await ada.send("PATCH", "/v1/accounts/me", {"display_name": "Ada L."})


async def test_a_card_is_gone_the_moment_its_post_is_deleted(world: World) -> None:
    ada = await world.join("ada")
    dawn, (soon, _) = int(await ada.post("dawn")), await _pending(ada)
    posts = world.server.posts
    assert [card is not None for card in await posts.cards([dawn, int(soon), 5])] == [
        True,
        False,
        False,
    ]
    assert await posts.unpublished(int(ada.id)) == (int(soon),)

    await ada.send("DELETE", f"/v1/posts/{dawn}")
    await ada.send("DELETE", f"/v1/posts/{soon}")

    assert await posts.cards([dawn]) == [None]
    assert await posts.unpublished(int(ada.id)) == ()


async def test_an_erased_account_leaves_no_post_and_no_count(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    dawn, dusk = await ada.post("dawn"), await bo.post("dusk")
    for actor, post in ((ada, dusk), (bo, dawn), (bo, dusk)):
        await actor.send("PUT", f"/v1/posts/{post}/like")
        comment = await actor.send("POST", f"/v1/posts/{post}/comments", {"text": "hello"})
        await actor.send("PUT", f"/v1/comments/{comment['id']}/like")
    await world.settle()

    await world.server.posts.erase_account(int(ada.id))
    await world.server.posts.erase_account(int(ada.id))
    await world.settle()

    assert await _status(bo, f"/v1/posts/{dawn}") == 404
    seen = await bo.get(f"/v1/posts/{dusk}")
    assert seen["counts"] == {"likes": 1, "comments": 1}
    assert [each["id"] for each in (await bo.get(f"/v1/posts/{dusk}/likes"))["items"]] == [bo.id]
    assert (await bo.get(f"/v1/accounts/{ada.id}"))["counts"]["posts"] == 0


def _without_grants(encoded: str) -> str:
    """Grants are renewed on a grid of time; that each of both has one was seen before."""
    return re.sub(r"/g/[\w-]+/", "/", encoded)


async def test_deleting_a_post_again_is_harmless_and_somebody_elses_stays_hidden(
    world: World,
) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    post = await ada.post("twice")

    statuses = [(await ada.call("DELETE", f"/v1/posts/{post}")).status_code for _ in range(2)]

    assert statuses == [204, 204]
    assert (await bo.call("DELETE", f"/v1/posts/{post}")).status_code == 404
