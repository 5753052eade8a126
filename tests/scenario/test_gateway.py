"""The shipped gateway configuration, in a real nginx in front of servers that tell what came."""

import json
import os
import re
import signal
import ssl
import time
from pathlib import Path

import httpx
import pytest

from tests.engines_nginx import Upstream, certify, gateway, logged, upstreams
from tools.engines.nginx import Nginx
from tools.engines.process import answers, free_port

__all__ = ["gateway", "upstreams"]

pytestmark = pytest.mark.slow
DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
MIB = 1024 * 1024
BENCHED_S = 2.5
"""Longer than the gateway leaves out a process that failed."""


def test_nginx_accepts_the_shipped_configuration(nginx_there: None, tmp_path: Path) -> None:
    gateway = Nginx(tmp_path, ["127.0.0.1:1", "127.0.0.1:2"])

    gateway.write()

    assert gateway.complaints() == ""


def test_nginx_refuses_a_broken_configuration(nginx_there: None, tmp_path: Path) -> None:
    gateway = Nginx(tmp_path, ["127.0.0.1:1"], extra="no_such_directive on;")

    gateway.write()

    assert "no_such_directive" in gateway.complaints()


def test_the_tls_lines_of_the_page_serve_tls(upstreams: list[Upstream], tmp_path: Path) -> None:
    [lines] = re.findall(r"```nginx\n(.*?)```", (DEPLOY / "README.md").read_text(), re.DOTALL)
    certify(tmp_path)
    port = free_port()
    gateway = Nginx(
        tmp_path / "gateway",
        [f"127.0.0.1:{upstreams[0].port}"],
        bind=f"127.0.0.1:{port} ssl http2",
        extra=lines.replace("/etc/nginx/tls", str(tmp_path)),
    )
    gateway.start()
    try:
        trusted = ssl.create_default_context(cafile=tmp_path / "fullchain.pem")
        answer = httpx.get(f"https://127.0.0.1:{port}/v1/feed", verify=trusted)
    finally:
        gateway.kill()

    assert answer.json()["headers"]["x-forwarded-proto"] == "https"
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert answer.headers["x-request-id"]


def test_requests_are_spread_over_the_api_processes(gateway: Nginx) -> None:
    with httpx.Client(base_url=gateway.address) as client:
        names = {client.get("/v1/feed").json()["name"] for _ in range(40)}

    assert names == {"one", "two"}


def test_a_request_without_an_id_gets_one_that_api_caller_and_log_share(gateway: Nginx) -> None:
    answer = httpx.get(f"{gateway.address}/v1/feed?grant=secret")

    given = answer.headers["x-request-id"]
    assert len(given) == 32
    assert answer.json()["headers"]["x-request-id"] == given
    line = json.loads(logged(gateway, given))
    assert line["path"] == "/v1/feed"
    assert line["api_request"] == "of-the-api"
    assert line["status"] == 200


def test_the_log_of_the_gateway_holds_no_grants(gateway: Nginx) -> None:
    given = httpx.get(f"{gateway.address}/media/g/secret/7/a.jpg").headers["x-request-id"]

    assert json.loads(logged(gateway, given))["path"] == "/media/g/-/7/a.jpg"


@pytest.mark.parametrize(
    ("sent", "kept"), [("trace-4711.a_b", True), ('no"quotes"', False), ("short", False)]
)
def test_a_callers_request_id_is_kept_when_it_looks_like_one(
    gateway: Nginx, sent: str, kept: bool
) -> None:
    answer = httpx.get(f"{gateway.address}/v1/feed", headers={"X-Request-Id": sent})

    assert (answer.headers["x-request-id"] == sent) is kept


def test_what_a_caller_claims_about_proxies_does_not_reach_the_api(gateway: Nginx) -> None:
    claims = {
        "X-Forwarded-For": "203.0.113.9",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "evil.example",
        "Forwarded": "for=203.0.113.9",
        "X-Real-IP": "203.0.113.9",
        "X-Tintype-Shield": "1",
    }

    arrived = httpx.get(f"{gateway.address}/v1/feed", headers=claims).json()["headers"]

    assert arrived["x-forwarded-for"] == "127.0.0.1"
    assert arrived["x-forwarded-proto"] == "http"
    assert not {"x-forwarded-host", "forwarded", "x-real-ip", "x-tintype-shield"} & arrived.keys()
    assert arrived["host"] == gateway.bind


def test_a_body_within_the_limit_of_the_api_passes(gateway: Nginx) -> None:
    answer = httpx.post(f"{gateway.address}/v1/posts", content=b"x" * MIB)

    assert answer.json()["body"] == MIB


def test_a_body_beyond_the_limit_of_the_api_is_a_problem(gateway: Nginx) -> None:
    answer = httpx.post(f"{gateway.address}/v1/posts", content=b"x" * (MIB + 1))

    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == "/problems/body-too-large"
    assert problem["instance"].endswith(answer.headers["x-request-id"])


def test_a_part_of_an_upload_may_be_sixteen_mebibytes(gateway: Nginx) -> None:
    whole = httpx.put(f"{gateway.address}/parts/1/1", content=b"x" * (16 * MIB), timeout=30)
    beyond = httpx.put(f"{gateway.address}/parts/1/1", content=b"x" * (16 * MIB + 1), timeout=30)

    assert whole.json()["body"] == 16 * MIB
    assert beyond.status_code == 413


def test_answers_are_compressed_and_media_are_not(gateway: Nginx) -> None:
    feed = httpx.get(f"{gateway.address}/v1/feed", headers={"Accept-Encoding": "gzip"})
    photo = httpx.get(f"{gateway.address}/media/1/a.jpg", headers={"Accept-Encoding": "gzip"})

    assert feed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in photo.headers


def test_a_live_event_leaves_the_gateway_when_it_happens(gateway: Nginx) -> None:
    began = time.monotonic()
    with httpx.stream("GET", f"{gateway.address}/v1/events") as stream:
        lines = stream.iter_lines()
        first = next(lines)
        waited = time.monotonic() - began
        rest = [line for line in lines if line]

    assert first == "data: 0"
    assert waited < 0.4
    assert rest == ["data: 1", "data: 2"]


def test_the_gateway_hides_figures_and_says_that_it_lives(gateway: Nginx) -> None:
    hidden = httpx.get(f"{gateway.address}/metrics")

    assert hidden.status_code == 404
    assert hidden.json()["type"] == "/problems/no-such-route"
    assert httpx.get(f"{gateway.address}/gatewayz").text == "alive\n"


def test_callers_notice_nothing_when_an_api_process_is_killed(
    gateway: Nginx, upstreams: list[Upstream]
) -> None:
    upstreams[0].kill()
    try:
        with httpx.Client(base_url=gateway.address) as client:
            told = [client.get("/v1/feed") for _ in range(30)]
            told += [client.put("/v1/posts/1/like") for _ in range(10)]
            told += [client.post("/v1/posts", content=b"{}") for _ in range(10)]
    finally:
        upstreams[0].begin()

    assert {answer.status_code for answer in told} == {200}
    assert {answer.json()["name"] for answer in told} == {"two"}


def test_without_any_api_process_the_answer_is_a_problem_with_a_time(
    gateway: Nginx, upstreams: list[Upstream]
) -> None:
    for upstream in upstreams:
        upstream.kill()
    try:
        answer = httpx.get(f"{gateway.address}/v1/feed")
    finally:
        for upstream in upstreams:
            upstream.begin()

    assert answer.status_code == 503
    assert answer.json()["type"] == "/problems/unavailable"
    assert answer.headers["retry-after"] == "2"
    assert answer.headers["x-request-id"] in answer.json()["instance"]


@pytest.mark.parametrize(("method", "processes"), [("POST", 1), ("GET", 2)])
def test_only_what_may_be_repeated_is_sent_to_a_second_process(
    gateway: Nginx, upstreams: list[Upstream], method: str, processes: int
) -> None:
    """Whoever is asked for ``/fatal`` notes it and dies before it answers."""
    time.sleep(BENCHED_S)
    before = Upstream.deaths(upstreams)
    try:
        answer = httpx.request(method, f"{gateway.address}/fatal", content=b"{}")
    finally:
        for upstream in upstreams:
            upstream.kill()
            upstream.begin()

    assert answer.status_code == 503
    assert Upstream.deaths(upstreams) - before == processes


def test_an_impatient_address_is_told_to_wait(upstreams: list[Upstream], tmp_path: Path) -> None:
    gateway = Nginx(tmp_path, [f"127.0.0.1:{upstreams[0].port}"], rate=1)
    gateway.start()
    try:
        with httpx.Client(base_url=gateway.address) as client:
            told = [client.get("/v1/feed") for _ in range(450)]
    finally:
        gateway.kill()

    refused = [answer for answer in told if answer.status_code == 429]
    assert len(told) - len(refused) in range(401, 410)
    assert refused[0].json()["type"] == "/problems/rate-limited"
    assert refused[0].headers["retry-after"] == "1"


def test_a_gateway_starts_again_after_its_master_alone_was_killed(
    upstreams: list[Upstream], tmp_path: Path
) -> None:
    gateway = Nginx(tmp_path, [f"127.0.0.1:{upstreams[0].port}"])
    gateway.start()
    os.kill(gateway.pid, signal.SIGKILL)
    while gateway.running:
        time.sleep(0.02)
    # A worker outlives its master, and on a busy machine it takes its time to answer.
    late = time.monotonic() + 20
    while not answers(int(gateway.bind.rpartition(":")[2])):
        assert time.monotonic() < late, "no worker outlived the master"
        time.sleep(0.1)

    gateway.start()
    try:
        told = httpx.get(f"{gateway.address}/v1/feed")
    finally:
        gateway.kill()

    assert told.is_success
