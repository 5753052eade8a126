"""A world to measure in is put into an empty instance, is served like any other, and hurts nobody.

Made once for each kind of database; what changes it comes last in a folder of its own.
"""

from __future__ import annotations

import asyncio
import gzip
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cast import World, ok, open_world, settings_in
from tintype.database.settings import DatabaseSettings
from tintype.entry.bench import world_file
from tintype.entry.bench.loading import Wanted, WorldRefused, load_world
from tintype.entry.bench.world_file import NoWorld, read_world
from tintype.feed import FeedSettings
from tintype.media import MediaSettings
from tools.engines.postgres import PostgresServer

WANTED = Wanted(accounts=300, follows=9_000, posts=900, seed=5, viewers=12, edges=None)
TINY = WANTED._replace(accounts=20, follows=60, posts=0, viewers=4)
_NAME = "bench_world"
_EMBEDDED = pytest.mark.parametrize("place", ["sqlite"], indirect=True)

Place = tuple[Path, dict[str, Any]]
"""A folder with a loaded world, and the settings it was loaded with."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp(request.param)
    # Low enough for some of three hundred to be celebrities.
    changes: dict[str, Any] = {
        "feed": FeedSettings(celebrity_threshold=80, budget_ms=30_000),
        "media": MediaSettings(avif=False),
    }
    postgres: PostgresServer | None = None
    if request.param == "postgresql":
        postgres = request.getfixturevalue("postgres")
        changes["database"] = DatabaseSettings(url=postgres.create_database(_NAME), pool_size=4)
    asyncio.run(load_world(settings_in(folder, **changes), WANTED, again=False))
    yield folder, changes
    if postgres is not None:
        postgres.drop_database(_NAME)


@pytest.fixture
async def loaded(place: Place) -> AsyncIterator[tuple[World, world_file.World]]:
    folder, changes = place
    world = await open_world(folder, **changes)
    yield world, read_world(folder / "data")
    await world.close()


async def get(world: World, token: str, path: str) -> Any:
    headers = {"Authorization": f"Bearer {token}"}
    return ok(await world.anyone("GET", path, headers=headers))


async def everybody(world: World, token: str, path: str) -> set[str]:
    """The accounts of all pages of a list."""
    found: set[str] = set()
    cursor = ""
    while True:
        page = await get(world, token, f"{path}?limit=100{cursor}")
        found |= {each["id"] for each in page["items"]}
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


async def test_viewers_read_the_posts_of_those_whom_they_follow(
    loaded: tuple[World, world_file.World],
) -> None:
    world, made = loaded

    assert {each.stratum for each in made.viewers} == {"10", "250", "5000", "celebrity"}
    for viewer in made.viewers[::3]:
        own = await get(world, viewer.token, "/v1/accounts/me")
        followees = await everybody(world, viewer.token, f"/v1/accounts/{viewer.account}/following")
        page = await get(world, viewer.token, "/v1/feed")

        assert own["id"] == viewer.account
        assert len(followees) == viewer.followees == own["counts"]["following"]
        assert len(page["items"]) == 20
        assert {each["author"]["id"] for each in page["items"]} <= followees | {viewer.account}


async def test_both_ends_of_a_follow_say_the_same(
    loaded: tuple[World, world_file.World],
) -> None:
    world, made = loaded
    famous, viewer = made.celebrities[0], made.viewers[0]

    followers = await everybody(world, viewer.token, f"/v1/accounts/{famous.account}/followers")
    seen = await get(world, viewer.token, f"/v1/accounts/{famous.account}")

    assert len(followers) == famous.followers == seen["counts"]["followers"]
    assert famous.account not in followers
    for follower in sorted(followers)[:3]:
        path = f"/v1/accounts/{follower}/following"
        assert famous.account in await everybody(world, viewer.token, path)


@_EMBEDDED
async def test_the_posts_of_celebrities_are_merged_when_their_followers_read(
    loaded: tuple[World, world_file.World],
) -> None:
    world, made = loaded
    famous = made.celebrities[0]
    posts = await get(world, famous.token, f"/v1/accounts/{famous.account}/posts")
    newest = posts["items"][0]["id"]
    fans = await everybody(world, famous.token, f"/v1/accounts/{famous.account}/followers")
    fan = next(each for each in made.viewers if each.account in fans)

    cursor, seen = "", set[str]()
    while newest not in seen:
        page = await get(world, fan.token, f"/v1/feed?limit=100{cursor}")
        seen |= {each["id"] for each in page["items"]}
        assert page["next_cursor"] is not None or newest in seen
        cursor = f"&cursor={page['next_cursor']}"

    assert famous.followers >= 80


@_EMBEDDED
async def test_every_post_shows_a_real_photo(loaded: tuple[World, world_file.World]) -> None:
    world, made = loaded
    viewer = made.viewers[0]

    post = (await get(world, viewer.token, "/v1/feed"))["items"][0]

    rendition = post["slides"][0]["renditions"][0]
    file = await world.anyone("GET", rendition["url"])
    assert file.status_code == 200
    assert len(file.content) > 1_000
    assert file.headers["content-type"].startswith("image/")


@_EMBEDDED
async def test_nobody_can_sign_in_as_somebody_of_a_world(
    loaded: tuple[World, world_file.World],
) -> None:
    world, _ = loaded

    for login in ("bench_00000001", "bench_00000001@bench.invalid"):
        body = {"login": login, "password": "!"}
        refused = await world.anyone("POST", "/v1/sessions", json=body)
        assert refused.status_code == 401


@_EMBEDDED
async def test_authors_are_sampled_with_what_they_post(
    place: Place, loaded: tuple[World, world_file.World]
) -> None:
    _, made = loaded

    assert sum(each.weight for each in made.authors) == pytest.approx(1)
    assert made.celebrities[0].followers == max(each.followers for each in made.celebrities)
    file = place[0] / "data" / world_file.WORLD_FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_a_second_world_takes_the_place_of_the_first_only_when_told_so(place: Place) -> None:
    folder, changes = place
    settings = settings_in(folder, **changes)
    token = read_world(folder / "data").viewers[0].token

    with pytest.raises(WorldRefused, match="--again"):
        await load_world(settings, TINY, again=False)
    made = await load_world(settings, TINY, again=True)

    assert made == read_world(folder / "data")
    assert made.accounts == 20
    world = await open_world(folder, **changes)
    headers = {"Authorization": f"Bearer {token}"}
    assert (await world.anyone("GET", "/v1/accounts/me", headers=headers)).status_code == 401
    seen = await get(world, made.viewers[0].token, "/v1/accounts/me")
    assert seen["counts"]["following"] == made.viewers[0].followees
    await world.close()


@pytest.mark.parametrize("again", [False, True])
async def test_an_instance_with_people_in_it_is_refused_and_stays_as_it_is(
    tmp_path: Path, *, again: bool
) -> None:
    world = await open_world(tmp_path)
    ada = await world.join("ada")
    await world.close()

    with pytest.raises(WorldRefused, match="accounts of people"):
        await load_world(settings_in(tmp_path), TINY, again=again)

    world = await open_world(tmp_path)
    assert (await get(world, ada.token, "/v1/accounts/me"))["handle"] == "ada"
    await world.close()
    with pytest.raises(NoWorld):
        read_world(tmp_path / "data")


async def test_somebody_who_joined_a_world_is_never_cleared_away(tmp_path: Path) -> None:
    await load_world(settings_in(tmp_path), TINY, again=False)
    world = await open_world(tmp_path)
    await world.join("ada")
    await world.close()

    with pytest.raises(WorldRefused, match="ada"):
        await load_world(settings_in(tmp_path), TINY, again=True)


async def test_a_list_of_edges_becomes_follows(tmp_path: Path) -> None:
    edges = tmp_path / "edges.gz"
    lines = [b"%d\t%d" % (n, (n * 7 + k) % 50) for n in range(50) for k in range(1, 6)]
    edges.write_bytes(gzip.compress(b"\n".join([*lines, lines[0], b"3 3", b"hostile"])))

    wanted = TINY._replace(edges=edges)
    made = await load_world(settings_in(tmp_path), wanted, again=False)

    distinct = {tuple(each.split()) for each in lines}
    assert made.accounts == 50
    assert made.follows == sum(follower != followee for follower, followee in distinct)
    assert made.source == "edges.gz"


async def test_a_file_without_edges_changes_nothing(tmp_path: Path) -> None:
    edges = tmp_path / "edges.txt"
    edges.write_text("nothing\n")

    with pytest.raises(WorldRefused, match="no edges"):
        await load_world(settings_in(tmp_path), TINY._replace(edges=edges), again=False)

    await load_world(settings_in(tmp_path), TINY, again=False)


def test_a_server_never_loads_the_harness() -> None:
    script = (
        "import sys, tintype.entry.cli, tintype.entry.compose, tintype.entry.http\n"
        "print([name for name in sys.modules if name.startswith('tintype.entry.bench')])"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"
