"""The pages that browsers open: previews, boot facts, and nothing about what is hidden."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.cast import PASSWORD, World
from tests.missing import missing

CLIENT = Path(__file__).parents[2] / "web" / "dist"


@pytest.fixture
def built() -> None:
    """The web client: built by make test; a test alone is skipped without it, never in CI."""
    if (CLIENT / ".vite" / "manifest.json").exists() or (CLIENT / "manifest.json").exists():
        return
    missing("the web client", "it is not built; run make web")


def boot_in(page: str) -> Any:
    found = re.search(r'<script type="application/json" id="boot">(.*?)</script>', page)
    assert found
    return json.loads(found[1])


def cookie_of(token: str) -> dict[str, str]:
    return {"Cookie": f"tintype_session={token}"}


@pytest.mark.usefixtures("built")
async def test_the_home_page_carries_the_viewer_and_the_first_feed_page(world: World) -> None:
    ada = await world.join("ada")
    post = await ada.post("dawn </script><script>alert(1)</script>")

    page = await world.client.get("/", headers=cookie_of(ada.token))

    boot = boot_in(page.text)
    assert boot["viewer"]["handle"] == "ada"
    assert [item["id"] for item in boot["feed"]["items"]] == [post]
    assert "<script>alert" not in page.text
    assert boot["feed"]["items"][0]["caption"] == "dawn </script><script>alert(1)</script>"


@pytest.mark.usefixtures("built")
async def test_a_visitor_boots_without_viewer_and_feed(world: World) -> None:
    boot = boot_in((await world.client.get("/")).text)

    assert boot["viewer"] is None
    assert boot["feed"] is None
    assert boot["instance"]["registration"] == "open"


@pytest.mark.usefixtures("built")
async def test_a_public_post_previews_with_its_picture_and_a_private_one_says_nothing(
    world: World,
) -> None:
    ada, bo = await world.join("ada"), await world.join("bo")
    public = await ada.post('a "quoted" <dawn>')
    await bo.send("PATCH", "/v1/accounts/me", {"private": True, "display_name": "Bo Secret"})
    private = await bo.post("for friends")

    seen = await world.client.get(f"/p/{public}")
    hidden = await world.client.get(f"/p/{private}")
    never = await world.client.get("/p/1")

    assert 'og:description" content="a &#34;quoted&#34; &lt;dawn&gt;"' in seen.text
    picture = re.search(r'og:image" content="([^"]+)"', seen.text)
    assert picture
    assert (await world.client.get(picture[1])).headers["content-type"] == "image/jpeg"
    assert (seen.status_code, hidden.status_code, never.status_code) == (200, 404, 404)
    assert "Bo Secret" not in hidden.text
    assert "for friends" not in hidden.text


@pytest.mark.usefixtures("built")
async def test_every_page_forbids_what_did_not_come_with_it(world: World) -> None:
    page = await world.client.get("/signin")

    policy = page.headers["Content-Security-Policy"]
    nonce = re.search(r"'nonce-([^']+)'", policy)
    assert nonce
    assert f'nonce="{nonce[1]}"' in page.text
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.usefixtures("built")
async def test_assets_are_immutable_and_nothing_beside_them_is_served(world: World) -> None:
    page = (await world.client.get("/")).text
    entry = re.search(r'src="(/assets/[^"]+\.js)"', page)
    assert entry

    script = await world.client.get(entry[1])

    assert script.status_code == 200
    assert "immutable" in script.headers["Cache-Control"]
    for path in ("/assets/nothing.js", "/assets/../.stamp", "/assets/%2e%2e/.stamp", "/assets/"):
        assert (await world.client.get(path)).status_code == 404


@pytest.mark.usefixtures("built")
async def test_people_who_are_lost_get_a_page_and_programs_a_problem(world: World) -> None:
    ada = await world.join("ada")
    browser = {"Accept": "text/html,*/*"} | cookie_of(ada.token)

    for path in ("/nothing", "/@ada/secrets", "/p/not-a-number", "/admin"):
        program = await world.client.get(path)
        person = await world.client.get(path, headers=browser)

        assert program.status_code == person.status_code == 404, path
        assert program.headers["content-type"] == "application/problem+json"
        assert boot_in(person.text)["viewer"]["handle"] == "ada"
    for path in ("/v1/nothing", "/media/1/x", "/assets/x"):
        answer = await world.client.get(path, headers=browser)
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.usefixtures("built")
async def test_the_chosen_theme_is_drawn_from_the_first_byte(world: World) -> None:
    for theme, drawn in (("dark", "dark"), ("light", "light"), ('x" onload="', "auto")):
        page = await world.client.get("/signin", headers={"Cookie": f"theme={theme}"})
        assert f'data-theme="{drawn}"' in page.text


@pytest.mark.usefixtures("built")
async def test_browsers_are_signed_in_by_a_cookie_and_out_by_its_end(world: World) -> None:
    await world.join("ada")
    browser = {"Origin": "http://tintype.test"}
    body = {"login": "ada", "password": PASSWORD}

    signed = await world.client.post("/v1/sessions", json=body, headers=browser)
    kept = {"Cookie": signed.headers["set-cookie"].split(";")[0]}
    assert boot_in((await world.client.get("/", headers=kept)).text)["viewer"]["handle"] == "ada"

    out = await world.client.delete("/v1/sessions/current", headers=kept | browser)

    assert "Max-Age=0" in out.headers["set-cookie"]
    assert boot_in((await world.client.get("/", headers=kept)).text)["viewer"] is None
