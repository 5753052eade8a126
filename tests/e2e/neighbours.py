"""A small neighbourhood made through the API, so that every screen has something to show."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import expect

from tests.e2e.browser import PASSWORD, Visitor
from tests.e2e.originals import Originals
from tintype.codecs.scenes import paint_photo
from tintype.entry.demo.client import Client

LONG_CAPTION = (
    "The whole walk, from the ferry to the lighthouse and back.\n"
    "Wind from the west, seven degrees, nobody else on the path. #coast #walk\n"
    "Thanks to @bo for the map, without which this would have been a swim.\n"
    "Next week the other side of the bay."
)
_MOST_STEPS = 8
_TYPES = {".jpg": "image/jpeg", ".heic": "image/heic", ".mp4": "video/mp4"}


@dataclass(frozen=True)
class Neighbourhood:
    """Ids of what the screens show; everybody signs in with the same password."""

    carousel: str
    own: str


def settle_in(base_url: str, originals: Originals) -> Neighbourhood:
    """Ada, private, follows bo and cy, and bo follows cy; dee is blocked, eve muted; fay waits."""
    visitor = Client(base_url)
    people = {name: _join(visitor, name) for name in ("ada", "bo", "cy", "dee", "eve", "fay")}
    ids = {name: client.call("GET", "/v1/accounts/me")["id"] for name, client in people.items()}
    ada, bo, cy, fay = (people[name] for name in ("ada", "bo", "cy", "fay"))
    for name in ("bo", "cy"):
        ada.call("POST", "/v1/follows", {"followed_id": ids[name]})
        people[name].call("POST", "/v1/follows", {"followed_id": ids["ada"]})
    bo.call("POST", "/v1/follows", {"followed_id": ids["cy"]})
    own = _post(ada, "My own", [originals.noon])
    ada.call("PATCH", "/v1/accounts/me", {"private": True, "bio": "Walks a lot.\nMaps by @bo."})
    ada.call("POST", "/v1/blocks", {"account_id": ids["dee"]})
    ada.call("POST", "/v1/mutes", {"account_id": ids["eve"]})
    fay.call("POST", "/v1/follows", {"followed_id": ids["ada"]})
    _wear(cy, paint_photo(7, 320, 320))
    plain = _post(bo, "", [originals.phone])
    carousel = _post(cy, LONG_CAPTION, [originals.dawn, originals.waves, originals.noon])
    for author, post in ((ada, own), (bo, plain), (cy, carousel)):
        author.wait_for_post(post)
    asked = bo.call("POST", f"/v1/posts/{carousel}/comments", {"text": "Which ferry, @cy?"})
    answer = {"text": "The one at eight.", "reply_to": asked["id"]}
    cy.call("POST", f"/v1/posts/{carousel}/comments", answer)
    cy.call("PUT", f"/v1/comments/{asked['id']}/like")
    for client in (bo, cy):
        client.call("PUT", f"/v1/posts/{own}/like")
    bo.call("PUT", f"/v1/posts/{carousel}/like")
    bo.call("POST", f"/v1/posts/{own}/comments", {"text": "Lovely, @ada."})
    ada.call("PUT", f"/v1/posts/{carousel}/save")
    return Neighbourhood(carousel=carousel, own=own)


async def sign_in(visitor: Visitor, handle: str, *, then: str) -> None:
    """Sign in by typing alone, on the way to ``then``."""
    page = visitor.page
    await visitor.open(f"/signin?next={then}")
    await expect(page.get_by_label("Handle or e-mail")).to_be_visible()
    for _ in range(_MOST_STEPS):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement.autocomplete") == "username":
            break
    await page.keyboard.type(handle)
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url(visitor.address + then)


def _join(visitor: Client, name: str) -> Client:
    body = {"handle": name, "email": f"{name}@example.com", "password": PASSWORD}
    body["display_name"] = f"{name.title()} of the Harbour"
    return visitor.as_account(visitor.call("POST", "/v1/accounts", body)["token"])


def _post(author: Client, caption: str, files: list[Path]) -> str:
    slides = [
        {
            "upload_id": author.upload(file.read_bytes(), _TYPES[file.suffix]),
            "alt": f"What {file.stem} looks like",
        }
        for file in files
    ]
    made: dict[str, Any] = author.call("POST", "/v1/posts", {"caption": caption, "slides": slides})
    return str(made["post"]["id"])


def _wear(account: Client, picture: bytes) -> None:
    account.call(
        "PUT", "/v1/accounts/me/avatar", {"upload_id": account.upload(picture, "image/jpeg")}
    )
