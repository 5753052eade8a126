from __future__ import annotations

from typing import Any

from tests.cast import Person, World


async def _write(person: Person, post: str, text: str, reply_to: str | None = None) -> Any:
    body = {"text": text} if reply_to is None else {"text": text, "reply_to": reply_to}
    return await person.send("POST", f"/v1/posts/{post}/comments", body)


async def _texts(person: Person, post: str, **query: Any) -> list[str]:
    page = await person.get(f"/v1/posts/{post}/comments", **query)
    return [comment["text"] for comment in page["items"]]


async def _counts(person: Person, post: str) -> Any:
    await person.world.settle()
    return (await person.get(f"/v1/posts/{post}"))["counts"]


async def test_comments_are_listed_oldest_first_and_counted(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    dawn = await ada.post("dawn")

    first = await _write(bo, dawn, " lovely\n@ada ")
    await _write(ada, dawn, "thanks")

    assert first["text"] == "lovely\n@ada"
    assert (first["author"]["handle"], first["post_id"], first["reply_to"]) == ("bo", dawn, None)
    assert first["counts"] == {"likes": 0, "replies": 0}
    assert await _texts(ada, dawn) == ["lovely\n@ada", "thanks"]
    assert await _counts(ada, dawn) == {"likes": 0, "comments": 2}


async def test_a_reply_to_a_reply_joins_the_thread_at_its_top(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    dawn = await ada.post("dawn")

    top = await _write(bo, dawn, "where is this?")
    reply = await _write(ada, dawn, "at home", top["id"])
    deeper = await _write(bo, dawn, "nice home", reply["id"])

    assert reply["reply_to"] == deeper["reply_to"] == top["id"]
    assert await _texts(ada, dawn) == ["where is this?"]
    assert await _texts(ada, dawn, reply_to=top["id"]) == ["at home", "nice home"]
    await world.settle()
    listed = (await ada.get(f"/v1/posts/{dawn}/comments"))["items"]
    assert listed[0]["counts"]["replies"] == 2
    assert (await _counts(ada, dawn))["comments"] == 3


async def test_a_reply_answers_a_comment_of_the_same_post(world: World) -> None:
    ada = await world.join("ada")
    dawn, dusk = await ada.post("dawn"), await ada.post("dusk")
    elsewhere = await _write(ada, dusk, "dusk it is")

    for target in (elsewhere["id"], "12345"):
        refused = await ada.call(
            "POST", f"/v1/posts/{dawn}/comments", json={"text": "hm", "reply_to": target}
        )
        assert (refused.status_code, refused.json()["type"]) == (
            404,
            "/problems/comment-not-found",
        )


async def test_a_comment_is_deleted_by_its_author_or_the_posts_author(world: World) -> None:
    ada, bo, cy = [await world.join(handle) for handle in ("ada", "bo", "cy")]
    dawn = await ada.post("dawn")
    by_bo, by_cy = await _write(bo, dawn, "one"), await _write(cy, dawn, "two")
    await _write(cy, dawn, "a reply", by_bo["id"])

    refused = await bo.call("DELETE", f"/v1/comments/{by_cy['id']}")
    await bo.send("DELETE", f"/v1/comments/{by_bo['id']}")
    await ada.send("DELETE", f"/v1/comments/{by_cy['id']}")
    again = await bo.call("DELETE", f"/v1/comments/{by_bo['id']}")

    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/not-your-comment")
    assert again.status_code == 404
    assert await _texts(ada, dawn) == []
    assert (await _counts(ada, dawn))["comments"] == 0


async def test_a_deleted_reply_leaves_its_thread_counted_right(world: World) -> None:
    ada = await world.join("ada")
    dawn = await ada.post("dawn")
    top = await _write(ada, dawn, "top")
    replies = [await _write(ada, dawn, text, top["id"]) for text in ("one", "two")]

    await ada.send("DELETE", f"/v1/comments/{replies[0]['id']}")

    assert (await _counts(ada, dawn))["comments"] == 2
    listed = (await ada.get(f"/v1/posts/{dawn}/comments"))["items"]
    assert listed[0]["counts"]["replies"] == 1


async def test_a_block_hides_the_comments_of_both(world: World) -> None:
    ada, cy, dee = [await world.join(handle) for handle in ("ada", "cy", "dee")]
    dawn = await cy.post("dawn")
    by_ada, by_dee = await _write(ada, dawn, "by ada"), await _write(dee, dawn, "by dee")
    await _write(cy, dawn, "a reply", by_dee["id"])

    await dee.send("POST", "/v1/blocks", {"account_id": ada.id})

    assert await _texts(cy, dawn) == ["by ada", "by dee"]
    assert await _texts(ada, dawn) == ["by ada"]
    assert await _texts(dee, dawn) == ["by dee"]
    for person, hidden in ((ada, by_dee), (dee, by_ada)):
        for method, path in (
            ("PUT", f"/v1/comments/{hidden['id']}/like"),
            ("DELETE", f"/v1/comments/{hidden['id']}"),
            ("GET", f"/v1/posts/{dawn}/comments?reply_to={hidden['id']}"),
        ):
            assert (await person.call(method, path)).status_code == 404


async def test_a_like_of_a_comment_counts_once(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    dawn = await ada.post("dawn")
    comment = await _write(ada, dawn, "hello")
    path = f"/v1/comments/{comment['id']}/like"

    first, second = await bo.send("PUT", path), await bo.send("PUT", path)
    assert first == second == {"viewer": {"liked": True}, "counts": {"likes": 1, "replies": 0}}
    await world.settle()
    listed = (await bo.get(f"/v1/posts/{dawn}/comments"))["items"][0]
    assert (listed["counts"]["likes"], listed["viewer"]["liked"]) == (1, True)

    gone = [await bo.send("DELETE", path) for _ in range(2)]
    assert [each["counts"]["likes"] for each in gone] == [0, 0]
    await world.settle()
    listed = (await ada.get(f"/v1/posts/{dawn}/comments"))["items"][0]
    assert listed["counts"]["likes"] == 0


async def test_comments_can_be_turned_off_and_on_again(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    dawn = await ada.post("dawn")
    await _write(bo, dawn, "before")

    off = await ada.send("PATCH", f"/v1/posts/{dawn}", {"comments_enabled": False})
    refused = await bo.call("POST", f"/v1/posts/{dawn}/comments", json={"text": "after"})

    assert (off["comments_enabled"], off["edited_at"]) == (False, None)
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/comments-off")
    assert await _texts(bo, dawn) == ["before"]
    await ada.send("PATCH", f"/v1/posts/{dawn}", {"comments_enabled": True})
    await _write(bo, dawn, "again")


async def test_the_same_key_comments_once_and_answers_the_same(world: World) -> None:
    ada = await world.join("ada")
    dawn = await ada.post("dawn")
    options = {"json": {"text": "once"}, "headers": {"Idempotency-Key": "k"}}

    answers = [await ada.call("POST", f"/v1/posts/{dawn}/comments", **options) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert await _texts(ada, dawn) == ["once"]


async def test_comments_are_paged_to_their_exact_end(world: World) -> None:
    ada = await world.join("ada")
    dawn = await ada.post("dawn")
    for number in range(4):
        await _write(ada, dawn, str(number))

    first = await ada.get(f"/v1/posts/{dawn}/comments", limit=2)
    second = await ada.get(f"/v1/posts/{dawn}/comments", limit=2, cursor=first["next_cursor"])

    texts = [[comment["text"] for comment in page["items"]] for page in (first, second)]
    assert texts == [["0", "1"], ["2", "3"]]
    assert second["next_cursor"] is None
