"""Builds the demo world through the public API, as clients would."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from tintype.codecs.scenes import paint_photo, paint_video
from tintype.entry.demo.client import Client
from tintype.entry.demo.people import PASSWORD, PEOPLE, STORIES, Shot, Story

_TALL, _WIDE, _AVATAR = (1080, 1350), (1350, 900), (320, 320)
_FILM = (720, 1280)


def build_world(base_url: str, token: str | None, say: Callable[[str], object]) -> None:
    """Fill a fresh instance: people, follows, posts, likes, comments; says how far it is.

    With the set-up token the first person becomes its admin.
    """
    visitor = Client(base_url)
    clients: dict[str, Client] = {}
    for person in PEOPLE:
        body = {
            "handle": person.handle,
            "display_name": person.name,
            "email": f"{person.handle}@demo.example",
            "password": PASSWORD,
        }
        path = "/v1/accounts"
        if token is not None and not clients:
            path, body = "/v1/admin/setup", body | {"token": token, "name": "Tintype demo"}
        clients[person.handle] = visitor.as_account(visitor.call("POST", path, body)["token"])
    ids = {
        handle: client.call("GET", "/v1/accounts/me")["id"] for handle, client in clients.items()
    }
    for seed, person in enumerate(PEOPLE):
        client = clients[person.handle]
        client.call("PATCH", "/v1/accounts/me", {"bio": person.bio, "private": person.private})
        for followed in person.follows:
            client.call("POST", "/v1/follows", {"followed_id": ids[followed]})
        if person.handle != "you":
            picture = paint_photo(500 + seed, *_AVATAR, scene=person.avatar)
            upload = client.upload(picture, "image/jpeg")
            client.call("PUT", "/v1/accounts/me/avatar", {"upload_id": upload})
    clients["noor"].call("POST", "/v1/follows", {"followed_id": ids["you"]})
    clients["you"].call("POST", "/v1/follows", {"followed_id": ids["noor"]})
    for number, story in enumerate(STORIES, start=1):
        _tell(clients, story, seed=number * 10)
        say(f"{number} of {len(STORIES)} posts are up")


def _tell(clients: dict[str, Client], story: Story, seed: int) -> None:
    author = clients[story.author]
    slides = [
        {"upload_id": _shoot(author, shot, seed + place), "alt": shot.alt}
        for place, shot in enumerate(story.shots)
    ]
    if story.film_seconds:
        slides.append({"upload_id": _film(author, story.film_seconds, seed), "alt": "A short film"})
    made = author.call("POST", "/v1/posts", {"caption": story.caption, "slides": slides})
    post = made["post"]["id"]
    author.wait_for_post(post)
    for liker in story.likes:
        clients[liker].call("PUT", f"/v1/posts/{post}/like")
    for commenter, text in story.comments:
        clients[commenter].call("POST", f"/v1/posts/{post}/comments", {"text": text})


def _shoot(author: Client, shot: Shot, seed: int) -> str:
    size = _WIDE if shot.wide else _TALL
    return author.upload(paint_photo(seed, *size, scene=shot.scene), "image/jpeg")


def _film(author: Client, seconds: float, seed: int) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        paint_video(seed, seconds, *_FILM, path)
        return author.upload(path.read_bytes(), "video/mp4")
