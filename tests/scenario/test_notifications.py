from __future__ import annotations

from typing import Any

from tests.cast import Person, World


async def _told(person: Person, **query: Any) -> list[dict[str, Any]]:
    """What somebody finds when looking, once everything has arrived."""
    await person.world.settle()
    items: list[dict[str, Any]] = (await person.get("/v1/notifications", **query))["items"]
    return items


async def _unread(person: Person) -> int:
    await person.world.settle()
    counted: int = (await person.get("/v1/notifications/unread"))["unread"]
    return counted


def _said(items: list[dict[str, Any]]) -> list[tuple[str, list[str], int]]:
    return [
        (each["kind"], [account["handle"] for account in each["accounts"]], each["account_count"])
        for each in items
    ]


async def _comment(person: Person, post: str, text: str, reply_to: str | None = None) -> str:
    body = {"text": text} if reply_to is None else {"text": text, "reply_to": reply_to}
    comment: str = (await person.send("POST", f"/v1/posts/{post}/comments", body))["id"]
    return comment


async def test_likes_of_a_post_fold_into_one_notification(world: World) -> None:
    ada = await world.join("ada")
    fans = [await world.join(handle) for handle in ("bo", "cy", "dee", "eve", "fay")]
    dawn = await ada.post("dawn")

    for fan in fans:
        await fan.send("PUT", f"/v1/posts/{dawn}/like")

    told = await _told(ada)
    assert _said(told) == [("like", ["fay", "eve", "dee"], 5)]
    assert told[0]["post"]["id"] == dawn
    assert told[0]["post"]["thumb"].startswith("http://tintype.test/media/")
    assert told[0]["read"] is False


async def test_a_like_taken_back_leaves_its_notification(world: World) -> None:
    ada, bo, cy = [await world.join(handle) for handle in ("ada", "bo", "cy")]
    dawn = await ada.post("dawn")
    for fan in (bo, cy):
        await fan.send("PUT", f"/v1/posts/{dawn}/like")

    await cy.send("DELETE", f"/v1/posts/{dawn}/like")
    one = _said(await _told(ada))
    await bo.send("DELETE", f"/v1/posts/{dawn}/like")
    none = _said(await _told(ada))

    assert one == [("like", ["bo"], 1)]
    assert none == []
    assert await _unread(ada) == 0


async def test_liking_again_and_again_tells_once(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    dawn = await ada.post("dawn")
    await bo.send("PUT", f"/v1/posts/{dawn}/like")
    await _told(ada)
    await ada.send("POST", "/v1/notifications/read")

    for _ in range(3):
        await bo.send("DELETE", f"/v1/posts/{dawn}/like")
        await bo.send("PUT", f"/v1/posts/{dawn}/like")

    assert _said(await _told(ada)) == [("like", ["bo"], 1)]
    assert await _unread(ada) == 0


async def test_own_actions_notify_nobody(world: World) -> None:
    ada = await world.join("ada")
    dawn = await ada.post("dawn, by @ada")

    await ada.send("PUT", f"/v1/posts/{dawn}/like")
    await _comment(ada, dawn, "my own, says @ada")

    assert await _told(ada) == []


async def test_followers_of_a_day_fold_and_leave_when_they_unfollow(world: World) -> None:
    ada, bo, cy = [await world.join(handle) for handle in ("ada", "bo", "cy")]
    await bo.follow(ada)
    await cy.follow(ada)

    both = _said(await _told(ada))
    await bo.send("DELETE", f"/v1/follows/{ada.id}")

    assert both == [("follow", ["cy", "bo"], 2)]
    assert _said(await _told(ada)) == [("follow", ["cy"], 1)]


async def test_a_request_notifies_and_so_does_its_answer(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    await bo.send("PATCH", "/v1/accounts/me", {"private": True})
    await ada.send("POST", "/v1/follows", {"followed_id": bo.id})
    asked = _said(await _told(bo))

    await bo.send("POST", f"/v1/follow-requests/{ada.id}/accept")

    assert asked == [("follow_request", ["ada"], 1)]
    assert _said(await _told(bo)) == []
    assert _said(await _told(ada)) == [("follow_accepted", ["bo"], 1)]


async def test_a_withdrawn_request_takes_its_notification_along(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    await bo.send("PATCH", "/v1/accounts/me", {"private": True})
    await ada.send("POST", "/v1/follows", {"followed_id": bo.id})
    await _told(bo)

    await ada.send("DELETE", f"/v1/follows/{bo.id}")

    assert _said(await _told(bo)) == []


async def test_a_comment_tells_everybody_once_by_the_closest_reason(world: World) -> None:
    ada, bo, cy = [await world.join(handle) for handle in ("ada", "bo", "cy")]
    dawn = await ada.post("dawn")
    first = await _comment(bo, dawn, "lovely, @ada")

    await _comment(cy, dawn, "so it is, @bo and @ada", reply_to=first)

    assert _said(await _told(bo)) == [("reply", ["cy"], 1)]
    told = await _told(ada)
    assert _said(told) == [("comment", ["cy"], 1), ("comment", ["bo"], 1)]
    assert told[1]["comment"] == {"id": first, "text": "lovely, @ada"}


async def test_a_mention_in_a_caption_or_comment_notifies(world: World) -> None:
    ada, bo, cy = [await world.join(handle) for handle in ("ada", "bo", "cy")]
    dawn = await ada.post("dawn with @bo")

    comment = await _comment(bo, dawn, "ask @cy")

    assert _said(await _told(bo)) == [("mention", ["ada"], 1)]
    mentioned = (await _told(cy))[0]
    assert mentioned["kind"] == "mention"
    assert mentioned["comment"]["id"] == comment


async def test_a_liked_comment_notifies_until_the_like_is_taken_back(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    dawn = await ada.post("dawn")
    comment = await _comment(bo, dawn, "lovely")

    await ada.send("PUT", f"/v1/comments/{comment}/like")
    liked = _said(await _told(bo))
    await ada.send("DELETE", f"/v1/comments/{comment}/like")

    assert liked == [("comment_like", ["ada"], 1)]
    assert _said(await _told(bo)) == []


async def test_a_private_post_tells_the_mentioned_only_when_they_may_see_it(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    await ada.send("PATCH", "/v1/accounts/me", {"private": True})
    await ada.post("secret dawn with @bo")

    before = (_said(await _told(bo)), await _unread(bo))
    await bo.follow(ada)

    after = _said(await _told(bo))
    assert before == ([], 0)
    assert ("mention", ["ada"], 1) in after


async def test_a_deleted_post_or_comment_takes_its_notifications_along(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    dawn = await ada.post("dawn")
    comment = await _comment(bo, dawn, "lovely")
    await bo.send("PUT", f"/v1/posts/{dawn}/like")
    both = _said(await _told(ada))

    await bo.send("DELETE", f"/v1/comments/{comment}")
    without_comment = _said(await _told(ada))
    await ada.send("DELETE", f"/v1/posts/{dawn}")

    assert [kind for kind, _, _ in both] == ["like", "comment"]
    assert [kind for kind, _, _ in without_comment] == ["like"]
    assert await _told(ada) == []
    assert await _unread(ada) == 0


async def test_the_blocked_and_the_muted_never_notify(world: World) -> None:
    ada, bo, cy, dee = [await world.join(handle) for handle in ("ada", "bo", "cy", "dee")]
    dawn = await ada.post("dawn")
    for fan in (bo, cy, dee):
        await fan.send("PUT", f"/v1/posts/{dawn}/like")
    await _told(ada)

    await ada.send("POST", "/v1/mutes", {"account_id": bo.id})
    await cy.send("POST", "/v1/blocks", {"account_id": ada.id})
    await _comment(bo, dawn, "still here")

    told = await _told(ada)
    assert _said(told) == [("like", ["dee"], 1)]
    assert (await ada.get("/v1/notifications"))["unread"] == 1


async def test_reading_marks_up_to_a_notification_and_never_back(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    dusk, dawn = await ada.post("dusk"), await ada.post("dawn")
    await bo.send("PUT", f"/v1/posts/{dusk}/like")
    await bo.send("PUT", f"/v1/posts/{dawn}/like")
    newest, older = await _told(ada)

    await ada.send("POST", "/v1/notifications/read", {"up_to": older["id"]})
    after_older = [each["read"] for each in await _told(ada)]
    await ada.send("POST", "/v1/notifications/read", {"up_to": newest["id"]})
    await ada.send("POST", "/v1/notifications/read", {"up_to": older["id"]})

    assert after_older == [False, True]
    assert [each["read"] for each in await _told(ada)] == [True, True]


async def test_a_mark_far_ahead_reads_nothing_that_is_still_to_come(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    dawn = await ada.post("dawn")
    await bo.send("PUT", f"/v1/posts/{dawn}/like")
    await _told(ada)

    await ada.send("POST", "/v1/notifications/read", {"up_to": str(2**63 - 1)})
    await bo.follow(ada)

    assert await _unread(ada) == 1


async def test_somebody_joining_in_makes_a_read_notification_news_again(world: World) -> None:
    ada, bo, cy = [await world.join(handle) for handle in ("ada", "bo", "cy")]
    dawn = await ada.post("dawn")
    await bo.send("PUT", f"/v1/posts/{dawn}/like")
    await bo.follow(ada)
    await _told(ada)
    await ada.send("POST", "/v1/notifications/read")

    await cy.send("PUT", f"/v1/posts/{dawn}/like")

    told = await _told(ada)
    assert [(each["kind"], each["read"]) for each in told] == [("like", False), ("follow", True)]


async def test_pages_hold_every_notification_exactly_once(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    dawn = await ada.post("dawn")
    for number in range(7):
        comment = await _comment(bo, dawn, f"number {number}")
        if number % 3 == 0:
            await bo.send("DELETE", f"/v1/comments/{comment}")
    await world.settle()

    found: list[str] = []
    cursor = None
    while True:
        query = {"limit": 2} if cursor is None else {"limit": 2, "cursor": cursor}
        page = await ada.get("/v1/notifications", **query)
        assert page["items"]
        found += [each["comment"]["text"] for each in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert found == ["number 5", "number 4", "number 2", "number 1"]


async def test_a_forged_cursor_and_an_anonymous_reader_are_refused(world: World) -> None:
    ada = await world.join("ada")

    forged = await ada.call("GET", "/v1/notifications", params={"cursor": "abc"})

    assert forged.status_code == 400
    assert (await world.anyone("GET", "/v1/notifications")).status_code == 401
    assert (await world.anyone("POST", "/v1/notifications/read")).status_code == 401
