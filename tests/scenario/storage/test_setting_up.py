"""Telling a bucket what it has to know, and finding out what it really does."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.stub import Stubber
from pydantic import SecretStr

from tests.engines_s3 import fresh_bucket, settings_of
from tintype.adapters.s3 import S3Settings
from tintype.adapters.s3.checks import observe
from tintype.adapters.s3.connection import Connection
from tintype.adapters.s3.setup import set_up
from tintype.ports.errors import Unavailable
from tools.engines.s3 import S3Server

HOME = "https://photos.example"
CORS = {
    "CORSRules": [
        {
            "ID": "tintype-browsers",
            "AllowedOrigins": [HOME],
            "AllowedMethods": ["GET", "HEAD", "PUT"],
            "AllowedHeaders": ["*"],
            "ExposeHeaders": ["ETag", "Content-Length", "Content-Range"],
            "MaxAgeSeconds": 3600,
        }
    ]
}
LIFECYCLE = {
    "Rules": [
        {
            "ID": "tintype-abort-uploads",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2},
        },
        {
            "ID": "tintype-expire-scratch",
            "Status": "Enabled",
            "Filter": {"Prefix": "scratch/"},
            "Expiration": {"Days": 1},
        },
    ]
}
_numbers = count(1)


@pytest.fixture
def unmade(s3_server: S3Server) -> S3Settings:
    """Settings of a bucket that does not exist."""
    return settings_of(s3_server, f"unmade-{os.getpid()}-{next(_numbers)}")


@pytest.fixture
def amazon() -> Iterator[tuple[Connection, Stubber]]:
    """AWS, by its model: what is sent is checked against it, and nothing is sent."""
    settings = S3Settings(
        bucket="photos", region="eu-central-1", access_key="a", secret_key=SecretStr("b")
    )
    with Connection(settings) as connection, Stubber(connection.client) as stub:
        yield connection, stub
        stub.assert_no_pending_responses()


def _outcomes(connection: Connection, **options: Any) -> dict[str, str]:
    options = {"dry_run": False} | options
    return {step.name: step.outcome for step in set_up(connection, [HOME], **options)}


# --- what AWS and Garage are sent


def test_a_bucket_that_moves_cold_originals_itself_is_sent_that_rule_too(
    amazon: tuple[Connection, Stubber],
) -> None:
    connection, stub = amazon
    bucket = {"Bucket": "photos"}
    moves = {
        "ID": "tintype-cold-originals",
        "Status": "Enabled",
        "Filter": {"Prefix": "originals/"},
        "Transitions": [{"Days": 30, "StorageClass": "GLACIER_IR"}],
    }
    rules = {"Rules": [*LIFECYCLE["Rules"], moves]}
    stub.add_response("head_bucket", {}, bucket)
    stub.add_client_error("get_bucket_lifecycle_configuration", "NoSuchLifecycleConfiguration")
    stub.add_response(
        "put_bucket_lifecycle_configuration", {}, bucket | {"LifecycleConfiguration": rules}
    )

    steps = [*set_up(connection, [], cold=("GLACIER_IR", 30), dry_run=False)]

    outcomes = {step.name: step.outcome for step in steps}
    assert outcomes == {"bucket": "there", "lifecycle": "done"}


def test_a_new_bucket_on_aws_gets_its_region_cors_and_lifecycle(
    amazon: tuple[Connection, Stubber],
) -> None:
    connection, stub = amazon
    bucket = {"Bucket": "photos"}
    region = {"CreateBucketConfiguration": {"LocationConstraint": "eu-central-1"}}
    stub.add_client_error("head_bucket", "404", expected_params=bucket)
    stub.add_response("create_bucket", {}, bucket | region)
    stub.add_client_error("get_bucket_cors", "NoSuchCORSConfiguration")
    stub.add_response("put_bucket_cors", {}, bucket | {"CORSConfiguration": CORS})
    stub.add_client_error("get_bucket_lifecycle_configuration", "NoSuchLifecycleConfiguration")
    stub.add_response(
        "put_bucket_lifecycle_configuration", {}, bucket | {"LifecycleConfiguration": LIFECYCLE}
    )

    outcomes = _outcomes(connection)

    assert outcomes == {"bucket": "done", "cors": "done", "lifecycle": "done"}


def test_what_is_right_already_is_left_alone(amazon: tuple[Connection, Stubber]) -> None:
    connection, stub = amazon
    nameless = [{k: v for k, v in rule.items() if k != "ID"} for rule in LIFECYCLE["Rules"]]
    stub.add_response("head_bucket", {})
    stub.add_response("get_bucket_cors", CORS)
    stub.add_response("get_bucket_lifecycle_configuration", {"Rules": nameless})

    assert set(_outcomes(connection).values()) == {"there"}


def test_rules_of_others_stay_and_an_old_one_of_ours_goes(
    amazon: tuple[Connection, Stubber],
) -> None:
    connection, stub = amazon
    theirs = {
        "ID": "to-glacier",
        "Status": "Enabled",
        "Filter": {"Prefix": "originals/"},
        "Transitions": [{"Days": 30, "StorageClass": "GLACIER_IR"}],
    }
    old = CORS["CORSRules"][0] | {"AllowedOrigins": ["https://old.example"]}
    stub.add_response("head_bucket", {})
    stub.add_response("get_bucket_cors", {"CORSRules": [old]})
    stub.add_response("put_bucket_cors", {}, {"Bucket": "photos", "CORSConfiguration": CORS})
    stub.add_response("get_bucket_lifecycle_configuration", {"Rules": [theirs]})
    merged = {"Rules": [theirs, *LIFECYCLE["Rules"]]}
    stub.add_response(
        "put_bucket_lifecycle_configuration",
        {},
        {"Bucket": "photos", "LifecycleConfiguration": merged},
    )

    assert set(_outcomes(connection).values()) == {"there", "done"}


def test_a_dry_run_says_everything_and_sends_nothing(amazon: tuple[Connection, Stubber]) -> None:
    connection, stub = amazon
    stub.add_client_error("head_bucket", "404")

    steps = [*set_up(connection, [HOME], dry_run=True)]

    assert [step.outcome for step in steps] == ["would"] * 3
    assert [step.document for step in steps][1:] == [CORS, LIFECYCLE]


def test_keys_that_may_not_do_this_are_told(amazon: tuple[Connection, Stubber]) -> None:
    connection, stub = amazon
    stub.add_client_error("head_bucket", "403", "Forbidden")

    with pytest.raises(Unavailable, match="Forbidden"):
        _outcomes(connection)


# --- a real server


async def test_a_real_bucket_is_made_and_opened_to_our_pages_alone(unmade: S3Settings) -> None:
    with Connection(unmade) as connection:
        first = await asyncio.to_thread(_outcomes, connection)
        second = await asyncio.to_thread(_outcomes, connection)
    async with httpx.AsyncClient() as browser:
        url = f"{unmade.origin}{unmade.path}originals/000/1"
        asked = {"Access-Control-Request-Method": "PUT"}
        ours = await browser.options(url, headers=asked | {"Origin": HOME})
        theirs = await browser.options(url, headers=asked | {"Origin": "https://else.example"})

    assert first == {"bucket": "done", "cors": "done", "lifecycle": "unknown"}
    assert second == {"bucket": "there", "cors": "there", "lifecycle": "unknown"}
    assert ours.headers["access-control-allow-origin"] == HOME
    assert "etag" in ours.headers["access-control-expose-headers"].lower()
    assert "access-control-allow-origin" not in theirs.headers


async def test_a_server_that_is_set_up_passes_every_probe(unmade: S3Settings) -> None:
    with Connection(unmade) as connection:
        await asyncio.to_thread(_outcomes, connection)

        seen = await observe(unmade, [HOME])

        left = await asyncio.to_thread(connection.client.list_objects_v2, Bucket=unmade.bucket)
    assert {each.level for each in seen} == {"ok"}, seen
    assert [each.name for each in seen] == [
        "bucket",
        "bucket clock",
        "bucket signatures",
        "bucket uploads",
        "bucket reading",
        "bucket cors",
        "bucket lifecycle",
    ]
    assert "Contents" not in left


async def test_a_bucket_without_our_rules_is_found_out(s3_server: S3Server) -> None:
    seen = {each.name: each for each in await observe(fresh_bucket(s3_server), [HOME])}

    assert seen["bucket cors"].level == "failed"
    assert "tintype storage setup" in seen["bucket cors"].detail


async def test_a_bucket_that_everybody_may_read_is_found_out(s3_server: S3Server) -> None:
    settings = fresh_bucket(s3_server)
    policy = (
        '{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject",'
        f'"Resource":"arn:aws:s3:::{settings.bucket}/*"}}]}}'
    )
    with Connection(settings) as connection:
        put = connection.client.put_bucket_policy
        await asyncio.to_thread(lambda: put(Bucket=settings.bucket, Policy=policy))

    seen = {each.name: each for each in await observe(settings, [HOME])}

    assert seen["bucket reading"].level == "failed"
    assert "Anybody" in seen["bucket reading"].detail


@pytest.mark.parametrize(
    "changes",
    [
        {"bucket": "no-such-bucket"},
        {"secret_key": SecretStr("another")},
        {"endpoint": "http://127.0.0.1:9", "public_endpoint": None},
    ],
)
async def test_a_bucket_that_can_not_be_used_is_one_finding(
    s3_settings: S3Settings, changes: dict[str, Any]
) -> None:
    [seen] = await observe(s3_settings.model_copy(update=changes), [HOME])

    assert (seen.name, seen.level) == ("bucket", "failed")
    assert "section s3" in seen.detail


async def test_a_public_address_that_leads_nowhere_is_told(s3_settings: S3Settings) -> None:
    away = s3_settings.model_copy(update={"public_endpoint": "http://127.0.0.1:9"})

    seen = await observe(away, [HOME])

    assert seen[-1].level == "degraded"
    assert "public_endpoint" in seen[-1].detail


# --- the command line


async def _run(folder: Path, s3: S3Settings | None, *arguments: str) -> tuple[int, str, str]:
    values = {"TINTYPE_DATA": str(folder), "TINTYPE_CONFIG": os.devnull}
    values["TINTYPE_PUBLIC_URL"] = HOME
    if s3 is not None and s3.secret_key is not None:
        values |= {
            "TINTYPE_S3__ENDPOINT": str(s3.endpoint),
            "TINTYPE_S3__BUCKET": s3.bucket,
            "TINTYPE_S3__ACCESS_KEY": str(s3.access_key),
            "TINTYPE_S3__SECRET_KEY": s3.secret_key.get_secret_value(),
        }
    said = [f"{name}={value}" for name, value in values.items()]
    pipes = {"stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.PIPE}
    command: Sequence[str] = ["env", *said, sys.executable, "-m", "tintype", *arguments]
    process = await asyncio.create_subprocess_exec(*command, **pipes)  # type: ignore[arg-type]
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


@pytest.mark.slow
async def test_the_command_sets_a_bucket_up_and_the_doctor_likes_it(
    unmade: S3Settings, tmp_path: Path
) -> None:
    dry = await _run(tmp_path, unmade, "storage", "setup", "--dry-run")
    done = await _run(tmp_path, unmade, "storage", "setup", "--origin", "https://app.example")
    _, found, _ = await _run(tmp_path, unmade, "doctor")

    assert (dry[0], done[0]) == (0, 0), dry[2] + done[2]
    assert "bucket: would be set to" in dry[1]
    assert HOME in dry[1]
    assert "cors: set" in done[1]
    assert "https://app.example" in done[1]
    assert "lifecycle: this server has no such thing" in done[1]
    lines = [line for line in found.splitlines() if " bucket" in line]
    assert len(lines) == 7
    assert all(line.startswith("ok") for line in lines)


@pytest.mark.slow
async def test_the_command_says_what_is_missing(unmade: S3Settings, tmp_path: Path) -> None:
    wrong = unmade.model_copy(update={"secret_key": SecretStr("another")})

    without = await _run(tmp_path, None, "storage", "setup")
    refused = await _run(tmp_path, wrong, "storage", "setup")

    assert (without[0], refused[0]) == (1, 1)
    assert "TINTYPE_S3__BUCKET" in without[2]
    assert "refused" in refused[2]
    assert "Traceback" not in refused[2]
