"""Messages of buckets, in the shapes in which they were met."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from botocore.stub import Stubber
from pydantic import SecretStr

from tintype.adapters.s3 import S3Settings
from tintype.adapters.s3.connection import Connection
from tintype.adapters.s3.events import keys_in
from tintype.adapters.s3.queue import EventQueue
from tintype.ports.errors import Unavailable

KEY = "originals/00f/12"
QUEUE = "https://sqs.eu-central-1.amazonaws.com/123456789012/tintype"

AWS = {
    "eventVersion": "2.1",
    "eventSource": "aws:s3",
    "awsRegion": "eu-central-1",
    "eventTime": "2026-11-21T11:12:34.567Z",
    "eventName": "ObjectCreated:CompleteMultipartUpload",
    "s3": {
        "s3SchemaVersion": "1.0",
        "configurationId": "tintype",
        "bucket": {"name": "photos", "arn": "arn:aws:s3:::photos"},
        "object": {"key": KEY, "size": 3, "eTag": "af5d-1", "sequencer": "0055AED6DCD90281E5"},
    },
}
VERSITYGW = {
    "eventVersion": "2.2",
    "eventSource": "aws:s3",
    "eventName": "s3:ObjectCreated:CompleteMultipartUpload",
    "s3": {
        "bucket": {"name": "photos", "arn": f"arn:aws:s3:::/photos/{KEY}"},
        "object": {"key": KEY, "size": 0, "eTag": '"af5d-1"', "versionId": "", "sequencer": "2"},
    },
    "glacierEventData": {"restoreEventData": {"lifecycleRestorationExpiryTime": ""}},
}
VERSITYGW_TEST = {"Bucket": "Test-Bucket", "Event": "s3:TestEvent", "Service": "S3"}
EVENTBRIDGE = {
    "detail-type": "Object Created",
    "source": "aws.s3",
    "detail": {"bucket": {"name": "photos"}, "object": {"key": KEY, "size": 3}},
}


def _records(*records: Any) -> dict[str, Any]:
    return {"Records": [*records]}


def _with_key(key: Any) -> dict[str, Any]:
    return AWS | {"s3": {"object": {"key": key}}}


@pytest.mark.parametrize(
    "message",
    [
        _records(AWS),
        _records(VERSITYGW),
        _records(AWS, VERSITYGW, AWS),
        _records({"s3": {"object": {"key": KEY}}}),
        _records(AWS | {"eventName": "s3:ObjectCreated:Put", "eventVersion": "9.9"}),
        EVENTBRIDGE,
        {"Type": "Notification", "Message": json.dumps(_records(AWS))},
    ],
)
def test_every_known_shape_names_the_key_once(message: Any) -> None:
    assert keys_in(json.dumps(message).encode()) == [KEY]


@pytest.mark.parametrize(
    ("key", "meant"),
    [("originals%2F00f%2F12", KEY), ("a+b%C3%A4%2B", "a bä+"), (KEY, KEY), ("100%", "100%")],
)
def test_keys_are_read_encoded_or_as_they_are(key: str, meant: str) -> None:
    assert keys_in(json.dumps(_records(_with_key(key))).encode()) == [meant]


@pytest.mark.parametrize(
    "message",
    [
        VERSITYGW_TEST,
        _records(AWS | {"eventName": "ObjectRemoved:Delete"}),
        _records(AWS | {"eventName": 7}),
        _records(AWS | {"s3": None}, {}, None, 5, "text", _with_key(None), _with_key([KEY])),
        {"Records": None},
        {"Records": {"0": AWS}},
        {"Message": "no JSON"},
        {"detail-type": "Object Deleted", "detail": EVENTBRIDGE["detail"]},
        [],
        None,
        "Records",
    ],
)
def test_everything_else_names_no_key(message: Any) -> None:
    assert keys_in(json.dumps(message).encode()) == []


@pytest.mark.parametrize("message", [b"", b"{", b"\xff\xfe", b"<xml/>", b"[" * 100_000])
def test_what_is_no_message_names_no_key(message: bytes) -> None:
    assert keys_in(message) == []


def test_a_message_wrapped_without_end_is_given_up() -> None:
    message = json.dumps(_records(AWS))
    for _ in range(5):
        message = json.dumps({"Message": message})

    assert keys_in(message.encode()) == []


# --- the queue, against the recorded shapes of SQS: no server of it exists to run here


@pytest.fixture
def queue() -> Iterator[EventQueue]:
    settings = S3Settings(bucket="photos", access_key="a", secret_key=SecretStr("b"), seconds=4)
    with Connection(settings) as connection:
        yield EventQueue(connection, QUEUE)


def _message(number: int, body: Any) -> dict[str, str]:
    text = body if isinstance(body, str) else json.dumps(body)
    return {"MessageId": str(number), "ReceiptHandle": f"receipt-{number}", "Body": text}


def _expect_receive(sqs: Stubber, messages: Sequence[dict[str, str]]) -> None:
    asked = {"QueueUrl": QUEUE, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 2}
    sqs.add_response("receive_message", {"Messages": messages} if messages else {}, asked)


def _expect_delete(sqs: Stubber, *receipts: str) -> None:
    entries = [{"Id": str(at), "ReceiptHandle": receipt} for at, receipt in enumerate(receipts)]
    deleted = {"Successful": [{"Id": entry["Id"]} for entry in entries], "Failed": []}
    sqs.add_response("delete_message_batch", deleted, {"QueueUrl": QUEUE, "Entries": entries})


async def test_messages_are_handed_over_and_then_deleted(queue: EventQueue) -> None:
    handled: list[list[str]] = []

    async def handle(keys: Sequence[str]) -> None:
        handled.append([*keys])

    with Stubber(queue.client) as sqs:
        _expect_receive(sqs, [_message(1, _records(AWS)), _message(2, "not ours")])
        _expect_delete(sqs, "receipt-1", "receipt-2")
        _expect_receive(sqs, [_message(3, _records(_with_key("originals/00f/13")))])
        _expect_delete(sqs, "receipt-3")
        _expect_receive(sqs, [])

        seen = await queue.drain(handle)

        sqs.assert_no_pending_responses()
    assert (seen, handled) == (3, [[KEY], ["originals/00f/13"]])


async def test_messages_that_could_not_be_handled_stay_in_the_queue(queue: EventQueue) -> None:
    async def handle(keys: Sequence[str]) -> None:
        raise Unavailable

    with Stubber(queue.client) as sqs:
        _expect_receive(sqs, [_message(1, _records(AWS))])

        with pytest.raises(Unavailable):
            await queue.drain(handle)


async def test_a_queue_that_refuses_is_unavailable(queue: EventQueue) -> None:
    async def handle(keys: Sequence[str]) -> None:
        raise AssertionError

    with Stubber(queue.client) as sqs:
        sqs.add_client_error("receive_message", "QueueDoesNotExist")

        with pytest.raises(Unavailable):
            await queue.drain(handle)
