from __future__ import annotations

from tintype.database import Database, upsert
from tintype.database.tables import counts
from tintype.kernel.ids import lowest_id_at, shard_of
from tintype.posts.model import Live, Post
from tintype.posts.store import popular, posts

ADA_SHARD, BO_SHARD = 7, 4000
HERE = (ADA_SHARD, BO_SHARD)


async def _post(database: Database, shard: int, likes: int, state: Live = "published") -> int:
    post = Post(
        id=database.ids.next(shard),
        author=database.ids.next(shard),
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
        if likes:
            row = {"shard": shard_of(post.id), "subject": post.id, "name": "likes", "value": likes}
            await tx.execute(upsert(counts, row, index=["shard", "subject", "name"]))
    return post.id


async def test_the_most_liked_posts_of_some_shards_come_with_their_likes(
    database: Database,
) -> None:
    liked, unliked = await _post(database, ADA_SHARD, 3), await _post(database, BO_SHARD, 0)
    await _post(database, ADA_SHARD, 9, "pending")
    await _post(database, 8, 9)

    async with database.read() as reader:
        found = await popular.most_liked(reader, HERE, since=0, limit=10)
        first = await popular.most_liked(reader, HERE, since=0, limit=1)

    assert found == {liked: 3, unliked: 0}
    assert first == {liked: 3}


async def test_older_posts_are_not_asked_for(database: Database) -> None:
    await _post(database, ADA_SHARD, 3)
    later = lowest_id_at(database.clock.now_ms() + 60_000)

    async with database.read() as reader:
        assert await popular.most_liked(reader, HERE, since=later, limit=10) == {}
