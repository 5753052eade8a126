from __future__ import annotations

import pytest

from tintype.database import Database
from tintype.kernel.ids import MAX_ID, shard_of
from tintype.posts.model import Comment, Live, MarksChanged, Post, PostSlide
from tintype.posts.service import marks
from tintype.posts.store import comments, posts, reactions, tags

ADA_SHARD, BO_SHARD = 7, 4000


async def _post(database: Database, author: int, state: Live = "published") -> int:
    post = Post(
        id=database.ids.next(shard_of(author)),
        author=author,
        state=state,
        reason=None,
        caption="",
        comments_enabled=True,
        version=1,
        delivery="push",
        edited_ms=None,
    )
    async with database.write() as tx:
        await posts.insert(tx, post)
    return post.id


async def test_the_newest_posts_of_many_authors_come_in_one_order(
    database: Database,
) -> None:
    ada, bo = database.ids.next(ADA_SHARD), database.ids.next(BO_SHARD)
    other = database.ids.next(ADA_SHARD)
    made = [await _post(database, author) for author in (ada, bo, ada)]
    # Within a millisecond ids of different shards come in the order of the shards.
    newest, middle, oldest = sorted(made, reverse=True)
    await _post(database, other)
    await _post(database, ada, "pending")

    async with database.read() as reader:
        everything = await posts.newest(reader, [ada, bo], below=MAX_ID, limit=10)
        below = await posts.newest(reader, [ada, bo], below=newest, limit=1)

    assert everything == [newest, middle, oldest]
    assert below == [middle]


async def test_the_newest_of_more_authors_than_one_query_takes_are_the_same(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posts, "_AUTHORS_AT_ONCE", 2)
    authors = [database.ids.next(number * 11) for number in range(7)]
    ids = [await _post(database, author) for author in authors * 2]

    async with database.read() as reader:
        found = await posts.newest(reader, authors, below=MAX_ID, limit=5)

    assert found == ids[:-6:-1]


async def test_slides_keep_their_order_and_texts(database: Database) -> None:
    post = await _post(database, database.ids.next(ADA_SHARD))
    slides = [PostSlide(9, "nine"), PostSlide(3, ""), PostSlide(5, "five")]

    async with database.write() as tx:
        await posts.put_slides(tx, post, slides[::-1])
        await posts.put_slides(tx, post, slides)

    async with database.read() as reader:
        assert (await posts.slides_of(reader, [post]))[post] == slides


async def test_a_post_changes_only_in_the_states_that_were_named(
    database: Database,
) -> None:
    post = await _post(database, database.ids.next(ADA_SHARD))

    async with database.write() as tx:
        refused = await posts.change(tx, post, {"state": "failed"}, only_in=["pending"])
        changed = await posts.change(tx, post, {"state": "deleted"}, only_in=["published"])

    async with database.read() as reader:
        assert (refused, changed) == (False, True)
        assert await posts.read(reader, post) is None
        assert (await posts.facts(reader, [post]))[post].state == "deleted"


async def test_a_like_is_one_row_in_the_shard_of_either_side(database: Database) -> None:
    bo = database.ids.next(BO_SHARD)
    post = await _post(database, database.ids.next(ADA_SHARD))

    async with database.write() as tx:
        liked = [await reactions.like(tx, post, actor=bo, id_=n) for n in (5, 6)]

    async with database.read() as reader:
        assert liked == [True, False]
        assert await reactions.liked(reader, bo, [post, 1]) == {post}
        assert await reactions.likers_of(reader, post, below=MAX_ID, limit=9) == [(5, bo)]
    async with database.write() as tx:
        unliked = [await reactions.unlike(tx, post, actor=bo) for _ in range(2)]
    async with database.read() as reader:
        assert unliked == [True, False]
        assert await reactions.count_likers(reader, post, most=9) == 0


async def test_likers_are_counted_no_further_than_asked(database: Database) -> None:
    post = await _post(database, database.ids.next(ADA_SHARD))

    async with database.write() as tx:
        for _ in range(5):
            actor = database.ids.next(BO_SHARD)
            await reactions.like(tx, post, actor=actor, id_=database.ids.next(ADA_SHARD))

    async with database.read() as reader:
        assert await reactions.count_likers(reader, post, most=3) == 3
        assert await reactions.count_likers(reader, post, most=9) == 5


async def test_reactions_of_a_deleted_post_are_forgotten_in_batches(
    database: Database,
) -> None:
    post, other = [await _post(database, database.ids.next(ADA_SHARD)) for _ in range(2)]
    async with database.write() as tx:
        for shard in range(5):
            actor = database.ids.next(shard)
            for each in (post, other):
                await reactions.like(tx, each, actor=actor, id_=database.ids.next(ADA_SHARD))
                await reactions.save(tx, each, actor=actor, id_=database.ids.next(shard))

    async with database.write() as tx:
        likers = [await reactions.forget_likers(tx, post, 3) for _ in range(3)]
        savers = [await reactions.forget_savers(tx, post, 3) for _ in range(3)]

    async with database.read() as reader:
        assert likers == savers == [3, 2, 0]
        assert await reactions.liked(reader, actor, [post, other]) == {other}
        assert await reactions.saved(reader, actor, [post, other]) == {other}


async def test_a_thread_goes_with_the_comment_at_its_top(database: Database) -> None:
    ada = database.ids.next(ADA_SHARD)
    post = await _post(database, ada)
    top, reply, other = [
        Comment(database.ids.next(ADA_SHARD), post, ada, None, text) for text in ("a", "b", "c")
    ]
    reply = Comment(reply.id, post, ada, top.id, "b")
    async with database.write() as tx:
        for comment in (top, reply, other):
            await comments.insert(tx, comment)
            await comments.like(tx, comment.id, actor=ada)

    async with database.write() as tx:
        gone = [await comments.delete(tx, top) for _ in range(2)]

    async with database.read() as reader:
        assert gone == [1, None]
        assert await comments.listed(reader, post, reply_to=None, above=0, limit=9) == [other]
        assert await comments.read(reader, reply.id) is None
        assert await comments.liked(reader, ada, [top.id, reply.id, other.id]) == {other.id}


async def test_tags_are_found_by_name_and_by_how_they_start(database: Database) -> None:
    async with database.write() as tx:
        await tags.put(tx, 1, ["dawn", "day"])
        await tags.put(tx, 2, ["day", "night"])
        await tags.put(tx, 2, ["day"])
        await tags.forget(tx, 1, ["dawn"])
        await tags.put(tx, 3, ["dawn"])

    async with database.read() as reader:
        assert await tags.newest(reader, "day", below=MAX_ID, limit=9) == [2, 1]
        assert await tags.newest(reader, "day", below=2, limit=9) == [1]
        assert await tags.starting(reader, "da", 9) == ["day", "dawn"]
        assert await tags.starting(reader, "d%", 9) == []


async def test_marks_of_posts_older_than_what_is_held_are_asked_for(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marks, "NEWEST", 2)
    bo, held = database.ids.next(BO_SHARD), marks.HeldMarks(database)
    ids = [database.ids.next(ADA_SHARD) for _ in range(6)]
    async with database.write() as tx:
        for post in (ids[0], ids[2], ids[4]):
            await reactions.like(tx, post, actor=bo, id_=database.ids.next(ADA_SHARD))
        await reactions.save(tx, ids[1], actor=bo, id_=database.ids.next(BO_SHARD))

    newest, everything = dict(await held.of(bo, ids[3:])), await held.of(bo, ids)
    async with database.write() as tx:
        await reactions.unlike(tx, ids[4], actor=bo)
        await reactions.save(tx, ids[4], actor=bo, id_=database.ids.next(BO_SHARD))
        tx.notify(MarksChanged(viewer=bo, post=ids[4], liked=False, saved=True))
        await reactions.like(tx, ids[5], actor=bo, id_=database.ids.next(ADA_SHARD))
        tx.notify(MarksChanged(viewer=bo, post=ids[5], liked=True, saved=False))
    after = await held.of(bo, ids[4:])

    assert [id_ for id_ in ids[3:] if id_ in newest] == [ids[4]]
    assert newest[ids[4]] == b'{"liked":true,"saved":false},"why":"followed"},'
    assert set(everything) == {ids[0], ids[1], ids[2], ids[4]}
    assert after[ids[4]] == b'{"liked":false,"saved":true},"why":"followed"},'
    assert after[ids[5]] == b'{"liked":true,"saved":false},"why":"followed"},'
