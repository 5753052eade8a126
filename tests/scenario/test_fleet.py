"""The product on every engine and in seven processes behind one gateway, as ``make fleet`` runs it.

The tests are chapters: one town, which lives through what happens to its server.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from tests.engines_nginx import need
from tests.fleet import FleetProcess, roomy_folder
from tests.pictures import small_photo
from tools.engines.catalog import POSTGRESQL_FOLDERS, kafka_is_there

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
RUNNING = "Tintype is on"
PASSWORD = "correct horse battery"
PATIENCE_S = 60.0
PATIENT = {
    "TINTYPE_RATE_LIMITS__FACTOR": "1000",
    # Other tests run beside this one: a slow answer is not what is looked for here.
    "TINTYPE_REDIS__TIMEOUT_MS": "3000",
    "TINTYPE_FEED__BUDGET_MS": "10000",
}
T = TypeVar("T")
_numbers = itertools.count(1)


@dataclass
class Person:
    """Somebody who talks to one address of the server; ``at`` is the same person at another."""

    handle: str
    id: str
    token: str = field(repr=False)
    address: str

    def at(self, address: str) -> Person:
        return Person(self.handle, self.id, self.token, address)

    def call(self, method: str, path: str, body: Any = None, key: str = "") -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        if key:
            headers["Idempotency-Key"] = key
        return httpx.request(method, self.address + path, headers=headers, json=body, timeout=30)

    def ok(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.call(method, path, body)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def feed(self) -> list[str]:
        return [post["id"] for post in self.ok("GET", "/v1/feed?limit=100")["items"]]

    def sees(self, *posts: str) -> bool:
        """Whether these are in the feed; a feed that is not served right now shows nothing."""
        answer = self.call("GET", "/v1/feed?limit=100")
        if answer.status_code == 503:
            return False
        assert answer.is_success, answer.text
        return {*posts} <= {post["id"] for post in answer.json()["items"]}

    def post(self, caption: str = "") -> str:
        """Upload a photo straight to the bucket and share it; returns before others see it."""
        data = small_photo(next(_numbers))
        asked = {"content_type": "image/jpeg", "bytes": len(data)}
        upload = self.ok("POST", "/v1/uploads", asked)["id"]
        part = self.ok("GET", f"/v1/uploads/{upload}/parts/1")
        sent = httpx.request(part["method"], part["url"], headers=part["headers"], content=data)
        assert sent.is_success, sent.text
        self.ok("POST", f"/v1/uploads/{upload}/complete")
        draft = {"caption": caption, "slides": [{"upload_id": upload}]}
        return str(self.ok("POST", "/v1/posts", draft)["post"]["id"])

    def post_seen_by(self, *others: Person) -> str:
        """Share a photo and wait until it is in these feeds."""
        post = self.post()
        for other in others:
            until(partial(other.sees, post), f"{post} in the feed of {other.handle}")
        return post


@pytest.fixture(scope="module")
def fleet() -> Iterator[FleetProcess]:
    for name in ("redis-server", "redis-cli", "versitygw", "java", "nginx"):
        need(name, "the fleet was not tested")
    need("postgres", "the fleet was not tested", *POSTGRESQL_FOLDERS)
    need("kafka", "the fleet was not tested", there=kafka_is_there())
    folder = roomy_folder("tintype-fleet-")
    opened = FleetProcess(folder / "fleet", variables=PATIENT)
    opened.start(RUNNING)
    yield opened
    opened.kill()
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def ada(fleet: FleetProcess) -> Person:
    return join(fleet, "ada")


@pytest.fixture(scope="module")
def bo(fleet: FleetProcess, ada: Person) -> Person:
    bo = join(fleet, "bo")
    bo.ok("POST", "/v1/follows", {"followed_id": ada.id})
    return bo


def test_a_photo_travels_through_every_engine(ada: Person, bo: Person) -> None:
    post = ada.post_seen_by(bo, ada)

    page = bo.ok("GET", "/v1/feed")
    assert page["tier"] == "chronological"
    shown = next(each for each in page["items"] if each["id"] == post)
    url = shown["slides"][0]["renditions"][0]["url"]
    handed = httpx.get(url, headers={"Authorization": f"Bearer {bo.token}"})
    assert handed.status_code in {302, 307}  # not a byte of media comes from an API process
    photo = httpx.get(handed.headers["location"])
    assert photo.status_code == 200
    assert photo.headers["content-type"].startswith("image/")


def test_counts_and_notifications_follow(ada: Person, bo: Person) -> None:
    post = ada.post_seen_by(bo)
    bo.ok("PUT", f"/v1/posts/{post}/like")
    bo.ok("POST", f"/v1/posts/{post}/comments", {"text": "Where was this?"})

    def counted() -> bool:
        counts = ada.ok("GET", f"/v1/posts/{post}")["counts"]
        return (counts["likes"], counts["comments"]) == (1, 1)

    until(counted, "the counts")
    until(lambda: ada.ok("GET", "/v1/notifications")["items"], "a notification")


def test_what_one_api_process_acknowledged_the_other_shows_at_once(
    fleet: FleetProcess, ada: Person, bo: Person
) -> None:
    first, second = apis(fleet)
    post = ada.post_seen_by(bo)
    for here, there in ((first, second), (second, first)) * 4:
        bo.at(here).ok("PUT", f"/v1/posts/{post}/like")
        assert bo.at(there).ok("GET", "/v1/feed")["items"][0]["viewer"]["liked"] is True
        bo.at(here).ok("DELETE", f"/v1/posts/{post}/like")
        assert bo.at(there).ok("GET", "/v1/feed")["items"][0]["viewer"]["liked"] is False
        ada.at(here).ok("PATCH", f"/v1/posts/{post}", {"caption": f"as of {here}"})
        assert bo.at(there).ok("GET", "/v1/feed")["items"][0]["caption"] == f"as of {here}"
        ada.at(here).ok("POST", "/v1/blocks", {"account_id": bo.id})
        assert bo.at(there).call("GET", f"/v1/posts/{post}").status_code == 404
        assert post not in bo.at(there).feed()
        ada.at(here).ok("DELETE", f"/v1/blocks/{bo.id}")
        bo.at(there).ok("POST", "/v1/follows", {"followed_id": ada.id})
        assert post in bo.at(here).feed()


def test_a_session_that_is_ended_at_one_process_is_ended_at_the_other(
    fleet: FleetProcess, bo: Person
) -> None:
    first, second = apis(fleet)
    for here, there in ((first, second), (second, first)):
        signed_in = httpx.post(
            here + "/v1/sessions", json={"login": bo.handle, "password": PASSWORD}
        ).json()
        other = Person(bo.handle, bo.id, signed_in["token"], here)
        assert other.at(there).call("GET", "/v1/feed").status_code == 200

        other.ok("DELETE", "/v1/sessions/current")

        assert other.at(there).call("GET", "/v1/feed").status_code == 401


def test_a_key_that_was_used_at_one_process_is_known_at_the_other(
    fleet: FleetProcess, ada: Person
) -> None:
    first, second = apis(fleet)
    asked = {"content_type": "image/jpeg", "bytes": 1000}

    answers = [
        ada.at(address).call("POST", "/v1/uploads", asked, key="the same").json()["id"]
        for address in (first, second, first)
    ]

    assert len({*answers}) == 1


@pytest.mark.parametrize("role", ["api-1", "worker-feed", "worker-media", "relay"])
def test_a_role_that_is_killed_is_started_again_and_loses_nothing(
    fleet: FleetProcess, ada: Person, bo: Person, role: str
) -> None:
    before = [ada.post() for _ in range(3)]
    kill_role(fleet, role)
    fleet.wait_for(rf"^{role} +DIED")
    during = [retried(ada.post) for _ in range(3)]

    until(partial(bo.sees, *before, *during), "every post in the follower's feed")
    feed = bo.feed()
    assert len(feed) == len({*feed})


def test_after_kill_nine_of_everything_the_town_goes_on(
    fleet: FleetProcess, ada: Person, bo: Person
) -> None:
    seen = ada.post_seen_by(bo)
    on_the_way = [ada.post() for _ in range(5)]

    fleet.kill()
    fleet.start(RUNNING)

    assert ada.ok("GET", "/v1/accounts/me")["handle"] == "ada"
    until(partial(bo.sees, seen, *on_the_way), "every acknowledged post")
    newest = ada.post_seen_by(bo)
    assert bo.feed()[0] == newest
    until(
        lambda: ada.ok("GET", "/v1/accounts/me")["counts"]["posts"] == len(ada.feed()),
        "the count of posts",
    )


def test_control_c_drains_and_ends_everything(fleet: FleetProcess) -> None:
    status = fleet.stop()

    assert status == 0
    assert fleet.processes() == []


def join(fleet: FleetProcess, handle: str) -> Person:
    body = {"handle": handle, "email": f"{handle}@example.com", "password": PASSWORD}
    joined = httpx.post(fleet.address + "/v1/accounts", json=body, timeout=30)
    assert joined.status_code == 201, joined.text
    return Person(handle, joined.json()["account"]["id"], joined.json()["token"], fleet.address)


def apis(fleet: FleetProcess) -> tuple[str, str]:
    """Both API processes, past the gateway."""
    first, second = (f"http://127.0.0.1:{fleet.port(name)}" for name in ("api-1", "api-2"))
    return first, second


def kill_role(fleet: FleetProcess, role: str) -> None:
    """SIGKILL to the process that was started on the port of this role."""
    mine = f"TINTYPE_BIND=127.0.0.1:{fleet.port(role)}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            started_so = mine in (process / "environ").read_bytes().split(b"\0")
            is_role = b"\0-m\0tintype\0" in (process / "cmdline").read_bytes()
        except OSError:
            continue
        if started_so and is_role:
            found.append(int(process.name))
    assert len(found) == 1, found
    os.kill(found[0], signal.SIGKILL)


def retried(call: Callable[[], T]) -> T:
    """What a client does while a server is away: again, until it answers."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return call()
        except (AssertionError, httpx.TransportError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def until(holds: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE_S:.0f} s"
        time.sleep(0.1)
