from __future__ import annotations

import shutil
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.cast import BASE, World, ok, open_world
from tintype.adapters.disk import DiskSettings
from tintype.admin import AdminSettings
from tintype.database import SqliteDatabase


def _from(world: World, address: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=world.server.asgi, client=(address, 4321))
    return httpx.AsyncClient(transport=transport, base_url=BASE)


async def _figures(world: World) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    page = await world.anyone("GET", "/metrics")
    assert page.status_code == 200
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page.text)
        for sample in family.samples
    }


async def test_a_running_server_is_alive_and_ready(world: World) -> None:
    alive = ok(await world.anyone("GET", "/livez"))
    ready = ok(await world.anyone("GET", "/readyz"))

    assert alive["status"] == "alive"
    assert ready["status"] in {"ready", "degraded"}


async def test_a_server_that_is_being_stopped_takes_no_more_requests(world: World) -> None:
    world.server.admin.health.drain()

    answer = await world.anyone("GET", "/readyz")

    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "/problems/not-ready"
    assert [each["name"] for each in answer.json()["failed"]] == ["process"]
    assert ok(await world.anyone("GET", "/v1/instance"))


async def test_a_database_that_can_not_be_written_is_not_ready(world: World) -> None:
    database = world.server.database
    assert isinstance(database, SqliteDatabase)
    database._failed = OSError("fsync")

    answer = await world.anyone("GET", "/readyz")

    assert answer.status_code == 503
    assert "writes" in {each["name"] for each in answer.json()["failed"]}
    database._failed = None


async def test_a_disk_below_its_floor_degrades_and_says_how_to_mend_it(tmp_path: Path) -> None:
    floor = shutil.disk_usage(tmp_path).free * 2
    world = await open_world(tmp_path, disk=DiskSettings(free_floor=floor))

    ready = ok(await world.anyone("GET", "/readyz"))

    found = {each["name"]: each["detail"] for each in ready["degraded"]}
    assert ready["status"] == "degraded"
    assert "disk.free_floor" in found["disk"]
    await world.close()


async def test_the_figures_count_answers_by_class_and_status(world: World) -> None:
    before = await _figures(world)

    await world.anyone("GET", "/v1/instance")
    await world.anyone("GET", "/v1/accounts/me")

    after = await _figures(world)
    read_ok = ("tintype_requests_total", frozenset({("route_class", "read"), ("status", "200")}))
    refused = ("tintype_requests_total", frozenset({("route_class", "read"), ("status", "401")}))
    assert after[read_ok] - before.get(read_ok, 0) == 1
    assert after[refused] - before.get(refused, 0) == 1
    count = ("tintype_request_seconds_count", frozenset({("route_class", "read")}))
    assert after[count] - before.get(count, 0) == 2


async def test_the_figures_tell_of_commits_and_of_what_waits(world: World) -> None:
    await world.join("ada")
    await world.settle()

    figures = await _figures(world)

    assert figures["tintype_commits_total", frozenset()] >= 1
    assert figures["tintype_outbox_oldest_seconds", frozenset()] == 0
    assert figures["tintype_outbox_events", frozenset()] == 0
    assert figures["tintype_consumer_behind_events", frozenset({("group", "counters")})] == 0
    assert figures["tintype_consumer_oldest_seconds", frozenset({("group", "counters")})] == 0


@pytest.mark.parametrize("address", ["10.1.2.3", "192.0.2.7", "2001:db8::1"])
async def test_figures_are_not_for_other_machines(world: World, address: str) -> None:
    async with _from(world, address) as client:
        refused = await client.get("/metrics")

    assert refused.status_code == 403
    assert refused.json()["type"] == "/problems/metrics-closed"


async def test_a_proxy_on_this_machine_does_not_open_the_figures(world: World) -> None:
    forwarded = {"X-Forwarded-For": "203.0.113.9"}

    assert (await world.anyone("GET", "/metrics", headers=forwarded)).status_code == 403


async def test_the_token_opens_the_figures_from_anywhere(tmp_path: Path) -> None:
    world = await open_world(tmp_path, admin=AdminSettings(metrics_token="scrape me"))

    async with _from(world, "192.0.2.7") as client:
        right = await client.get("/metrics", headers={"Authorization": "Bearer scrape me"})
        wrong = await client.get("/metrics", headers={"Authorization": "Bearer scrape you"})
        none = await client.get("/metrics")

    assert (right.status_code, wrong.status_code, none.status_code) == (200, 403, 403)
    await world.close()


async def test_the_machinery_is_in_the_reference(world: World) -> None:
    paths = ok(await world.anyone("GET", "/openapi.json"))["paths"]

    assert {"/livez", "/readyz", "/metrics"} <= paths.keys()
