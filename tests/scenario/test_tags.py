from __future__ import annotations

from tests.cast import Person, World


async def _tagged(person: Person, tag: str) -> list[str]:
    return [post["id"] for post in (await person.get(f"/v1/tags/{tag}/posts"))["items"]]


async def test_a_post_is_found_by_every_hashtag_of_its_caption(world: World) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    dawn = await ada.post("#Dawn over the #Málaga bay, #dawn again")
    other = await bo.post("also #dawn")

    assert await _tagged(bo, "dawn") == await _tagged(bo, "DAWN") == [other, dawn]
    assert await _tagged(bo, "málaga") == [dawn]
    assert await _tagged(bo, "%23dawn") == [other, dawn]
    assert await _tagged(bo, "noon") == []


async def test_an_edited_caption_moves_the_post_to_its_new_tags(world: World) -> None:
    ada = await world.join("ada")
    dawn = await ada.post("#dawn #sea")

    await ada.send("PATCH", f"/v1/posts/{dawn}", {"caption": "#dusk #sea"})

    assert await _tagged(ada, "dawn") == []
    assert await _tagged(ada, "dusk") == await _tagged(ada, "sea") == [dawn]


async def test_a_tag_page_leaves_out_what_the_viewer_may_not_see(world: World) -> None:
    ada, bo, cy = [await world.join(handle) for handle in ("ada", "bo", "cy")]
    open_ = await ada.post("#sea")
    hidden = await bo.post("#sea #secret")
    await bo.send("PATCH", "/v1/accounts/me", {"private": True})

    assert await _tagged(cy, "sea") == [open_]
    await cy.follow(bo)
    assert await _tagged(cy, "sea") == [hidden, open_]


async def test_a_pending_post_is_under_no_tag(world: World) -> None:
    ada = await world.join("ada")
    media = {"content_type": "image/jpeg", "bytes": 1000}

    await ada.send("POST", "/v1/posts", {"caption": "#soon", "slides": [{"media": media}]})

    assert await _tagged(ada, "soon") == []


async def test_tags_that_start_so_are_offered_only_with_a_visible_post(world: World) -> None:
    ada, bo, cy = [await world.join(handle) for handle in ("ada", "bo", "cy")]
    await ada.post("#dawn #day")
    await ada.post("#day")
    await bo.post("#darkroom")
    await bo.send("PATCH", "/v1/accounts/me", {"private": True})
    posts = world.server.posts

    offered = await posts.tags_starting("#Da", viewer=int(cy.id), limit=10)
    own = await posts.tags_starting("#Da", viewer=int(bo.id), limit=10)

    assert [(each.tag, each.posts) for each in offered] == [("day", 2), ("dawn", 1)]
    assert [each.tag for each in own] == ["day", "darkroom", "dawn"]


async def test_the_number_beside_a_hashtag_tells_nothing_about_hidden_posts(world: World) -> None:
    ada, bo, cy = [await world.join(handle) for handle in ("ada", "bo", "cy")]
    await ada.post("#sun")
    await bo.post("#sun")
    await bo.send("PATCH", "/v1/accounts/me", {"private": True})
    await world.settle()

    found = [(await each.get("/v1/search", q="#sun"))["tags"] for each in (bo, cy)]

    assert found == [[{"tag": "sun", "posts": 2}], [{"tag": "sun", "posts": 1}]]
