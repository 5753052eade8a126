"""Which posts a viewer reaches: nothing here decides about people, that is the graph's."""

from __future__ import annotations

from collections.abc import Collection

from tintype.database import Reader
from tintype.graph import Graph
from tintype.kernel.ids import Id
from tintype.posts.errors import NotYourPost, PostNotFound, PostUnpublished
from tintype.posts.model import Post
from tintype.posts.store import posts as store


async def seen(reader: Reader, graph: Graph, ids: Collection[Id], viewer: Id | None) -> set[Id]:
    """Those of the posts that the viewer may see: own ones in any state."""
    facts = await store.facts(reader, ids)
    authors = await graph.authors_seen(viewer, {fact.author for fact in facts.values()})
    return {
        id_
        for id_, fact in facts.items()
        if fact.author in authors
        and (fact.state == "published" or (fact.author == viewer and fact.state != "deleted"))
    }


async def visible(reader: Reader, graph: Graph, post_id: Id, viewer: Id | None) -> Post:
    """A post that the viewer may see: an own one in any state, others' once published.

    Raises:
        PostNotFound: there is none, or not for this viewer.
    """
    post = await store.read(reader, post_id)
    if post is None:
        raise PostNotFound
    if post.author == viewer:
        return post
    if post.state != "published" or not await graph.may_see(viewer, post.author):
        raise PostNotFound
    return post


async def published(reader: Reader, graph: Graph, post_id: Id, viewer: Id) -> Post:
    """A post that the viewer may react to.

    Raises:
        PostNotFound: there is none, or not for this viewer.
        PostUnpublished: the viewer's own, not published yet.
    """
    post = await visible(reader, graph, post_id, viewer)
    if post.state != "published":
        raise PostUnpublished
    return post


async def own(reader: Reader, graph: Graph, post_id: Id, actor: Id) -> Post:
    """A post of the actor's.

    Raises:
        PostNotFound: there is none that the actor may see.
        NotYourPost: it is somebody else's.
    """
    post = await visible(reader, graph, post_id, actor)
    if post.author != actor:
        raise NotYourPost
    return post
