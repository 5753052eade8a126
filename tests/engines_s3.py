"""Fixtures of the S3 server: one process a worker, a bucket of its own for every test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count

import pytest

from tests.missing import missing
from tintype.adapters.s3 import S3Settings
from tools.engines.process import EngineMissing
from tools.engines.s3 import S3Server
from tools.engines.toxiproxy import Toxiproxy

_numbers = count(1)


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A running S3 server; a test that stops it must start it again."""
    try:
        server = S3Server(tmp_path_factory.mktemp("s3"))
    except EngineMissing as error:
        missing("S3", error)
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def toxiproxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Toxiproxy]:
    """A running fault proxy."""
    try:
        proxy = Toxiproxy(tmp_path_factory.mktemp("toxiproxy"))
    except EngineMissing as error:
        missing("the fault proxy", error)
    proxy.start()
    yield proxy
    proxy.kill()


@pytest.fixture
def s3_settings(s3_server: S3Server) -> S3Settings:
    """Settings with an existing, empty bucket for one test."""
    return fresh_bucket(s3_server)


def settings_of(server: S3Server, bucket: str, **changes: object) -> S3Settings:
    known = {
        "endpoint": server.endpoint,
        "bucket": bucket,
        "region": server.region,
        "access_key": server.access_key,
        "secret_key": server.secret_key,
    }
    return S3Settings.model_validate(known | changes)


def fresh_bucket(server: S3Server, **changes: object) -> S3Settings:
    """Settings with an empty bucket that nobody else uses."""
    from tintype.adapters.s3.connection import Connection

    settings = settings_of(server, f"tintype-{os.getpid()}-{next(_numbers)}", **changes)
    with Connection(settings) as connection:
        connection.client.create_bucket(Bucket=settings.bucket)
    return settings
