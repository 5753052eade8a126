"""Classes of storage, by the requests that AWS documents: the server of the tests has one class."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.stub import ANY, Stubber
from pydantic import SecretStr

from tintype.adapters.s3 import S3Settings
from tintype.adapters.s3.blobs import S3Blobs
from tintype.ports.blobs import Standing
from tintype.ports.errors import Asleep

PLACE = {"Bucket": "photos", "Key": "originals/00f/1"}
KEY = PLACE["Key"]


@pytest.fixture
async def blobs() -> AsyncIterator[S3Blobs]:
    store = S3Blobs(S3Settings(bucket="photos", access_key="a", secret_key=SecretStr("b")))
    yield store
    store.close()


def _head(**said: Any) -> dict[str, Any]:
    return {"ContentLength": 3, "ETag": '"abc"', **said}


@pytest.mark.parametrize(
    ("said", "standing"),
    [
        ({}, Standing("STANDARD")),
        ({"StorageClass": "GLACIER_IR"}, Standing("GLACIER_IR")),
        ({"StorageClass": "STANDARD_IA"}, Standing("STANDARD_IA")),
        ({"StorageClass": "GLACIER"}, Standing("GLACIER", awake=False)),
        ({"StorageClass": "DEEP_ARCHIVE"}, Standing("DEEP_ARCHIVE", awake=False)),
        (
            {"StorageClass": "INTELLIGENT_TIERING", "ArchiveStatus": "ARCHIVE_ACCESS"},
            Standing("INTELLIGENT_TIERING", awake=False),
        ),
        (
            {"StorageClass": "GLACIER", "Restore": 'ongoing-request="true"'},
            Standing("GLACIER", awake=False, waking=True),
        ),
        (
            {
                "StorageClass": "GLACIER",
                "Restore": 'ongoing-request="false", expiry-date="Fri, 21 Dec 2035 00:00:00 GMT"',
            },
            Standing("GLACIER"),
        ),
    ],
)
async def test_what_the_bucket_says_of_a_class_is_understood(
    blobs: S3Blobs, said: dict[str, Any], standing: Standing
) -> None:
    with Stubber(blobs.connection.client) as aws:
        aws.add_response("head_object", _head(**said), PLACE)

        assert await blobs.standing(KEY) == standing


async def test_a_blob_is_copied_onto_itself_into_another_class(blobs: S3Blobs) -> None:
    with Stubber(blobs.connection.patient) as aws:
        aws.add_response("head_object", _head(), PLACE)
        aws.add_response(
            "copy_object",
            {"CopyObjectResult": {"ETag": '"abc"'}},
            {
                **PLACE,
                "CopySource": PLACE,
                "CopySourceIfMatch": '"abc"',
                "MetadataDirective": "COPY",
                "StorageClass": "GLACIER_IR",
            },
        )

        await blobs.regrade(KEY, "GLACIER_IR")

        aws.assert_no_pending_responses()


async def test_a_blob_that_is_in_the_class_already_is_left_alone(blobs: S3Blobs) -> None:
    with Stubber(blobs.connection.patient) as aws:
        aws.add_response("head_object", _head(StorageClass="GLACIER_IR"), PLACE)

        await blobs.regrade(KEY, "GLACIER_IR")


class _Body(io.BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


async def test_the_request_of_a_copy_is_the_one_that_aws_documents(blobs: S3Blobs) -> None:
    sent: list[AWSPreparedRequest] = []

    def answer(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        sent.append(request)
        headers = HTTPHeaders()
        headers["ETag"], headers["Content-Length"] = '"abc"', "0"
        body = b"<CopyObjectResult/>" if request.method == "PUT" else b""
        return AWSResponse(request.url, 200, headers, _Body(body))

    blobs.connection.patient.meta.events.register("before-send.s3", answer)

    await blobs.regrade(KEY, "GLACIER_IR")

    looked, copied = sent
    assert looked.method == "HEAD"
    assert copied.method == "PUT"
    assert copied.url == "https://s3.amazonaws.com/photos/originals/00f/1"
    told = {name.lower(): _text(value) for name, value in copied.headers.items()}
    assert {name: told[name] for name in told if name.startswith("x-amz-")} == {
        "x-amz-copy-source": "photos/originals/00f/1",
        "x-amz-copy-source-if-match": '"abc"',
        "x-amz-metadata-directive": "COPY",
        "x-amz-storage-class": "GLACIER_IR",
        "x-amz-date": ANY,
        "x-amz-content-sha256": ANY,
    }
    assert "x-amz-storage-class" in told["authorization"]


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


async def test_a_sleeping_blob_is_asked_for_once(blobs: S3Blobs) -> None:
    with Stubber(blobs.connection.client) as aws:
        aws.add_response("head_object", _head(StorageClass="GLACIER"), PLACE)
        aws.add_response(
            "restore_object",
            {},
            {
                **PLACE,
                "RestoreRequest": {"Days": 7, "GlacierJobParameters": {"Tier": "Standard"}},
            },
        )
        waking = _head(StorageClass="GLACIER", Restore='ongoing-request="true"')
        aws.add_response("head_object", waking, PLACE)

        await blobs.wake(KEY, days=7, speed="standard")
        await blobs.wake(KEY, days=7, speed="standard")

        aws.assert_no_pending_responses()


async def test_asking_at_the_same_moment_as_somebody_else_is_fine(blobs: S3Blobs) -> None:
    with Stubber(blobs.connection.client) as aws:
        aws.add_response("head_object", _head(StorageClass="DEEP_ARCHIVE"), PLACE)
        aws.add_client_error("restore_object", "RestoreAlreadyInProgress")

        await blobs.wake(KEY, days=7, speed="bulk")


async def test_reading_a_sleeping_blob_says_that_it_sleeps(blobs: S3Blobs) -> None:
    with Stubber(blobs.connection.client) as aws:
        aws.add_client_error("get_object", "InvalidObjectState", http_status_code=403)

        with pytest.raises(Asleep):
            await blobs.read(KEY)
