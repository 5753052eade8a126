"""What an operator may write about a bucket."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tintype.adapters.s3 import S3Settings
from tintype.config import ConfigError, load
from tintype.entry.settings import Settings


def test_without_an_endpoint_it_is_aws_in_its_region() -> None:
    settings = S3Settings(bucket="photos", region="eu-central-1")

    assert settings.home == settings.origin == "https://s3.eu-central-1.amazonaws.com"
    assert settings.path == "/photos/"


@pytest.mark.parametrize(
    ("changes", "origin", "path"),
    [
        ({"endpoint": "http://127.0.0.1:7070"}, "http://127.0.0.1:7070", "/photos/"),
        ({"endpoint": "https://s3.example:443/"}, "https://s3.example", "/photos/"),
        ({"endpoint": "http://[::1]:7070"}, "http://[::1]:7070", "/photos/"),
        (
            {"endpoint": "http://10.0.0.5:3900", "public_endpoint": "https://media.example"},
            "https://media.example",
            "/photos/",
        ),
        (
            {"endpoint": "https://s3.example", "path_style": False},
            "https://photos.s3.example",
            "/",
        ),
    ],
)
def test_browsers_meet_the_bucket_where_it_is_said(
    changes: dict[str, Any], origin: str, path: str
) -> None:
    settings = S3Settings(bucket="photos", **changes)

    assert (settings.origin, settings.path) == (origin, path)


@pytest.mark.parametrize(
    "wrong",
    [
        {"bucket": "ab"},
        {"endpoint": "s3.example"},
        {"endpoint": "ftp://s3.example"},
        {"endpoint": "https://s3.example/photos"},
        {"public_endpoint": "https://"},
        {"access_key": "without its secret"},
        {"secret_key": "without its name"},
        {"events_token": "short"},
        {"threads": 0},
        {"seconds": 0},
    ],
)
def test_what_can_not_work_is_refused_at_the_start(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        S3Settings.model_validate({"bucket": "photos"} | wrong)


def test_secrets_are_not_shown_with_the_settings() -> None:
    settings = S3Settings.model_validate(
        {"bucket": "photos", "access_key": "a", "secret_key": "s" * 20, "events_token": "t" * 20}
    )

    assert "ssss" not in repr(settings)
    assert "tttt" not in repr(settings)


def test_the_section_is_read_from_the_environment_and_misspellings_are_told(
    tmp_path: Path,
) -> None:
    file = tmp_path / "tintype.toml"
    file.write_text('[s3]\nbucket = "photos"\n')

    settings = load(Settings, environ={"TINTYPE_S3__REGION": "garage"}, file=file)
    with pytest.raises(ConfigError, match=r"s3\.buckett.*Did you mean bucket\?"):
        load(Settings, environ={"TINTYPE_S3__BUCKETT": "x"}, file=file)

    assert settings.s3 is not None
    assert (settings.s3.bucket, settings.s3.region) == ("photos", "garage")
    assert load(Settings, environ={}).s3 is None
