"""What a bucket is told once: who may reach it from a browser, and what it throws away itself."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import msgspec
from botocore.exceptions import ClientError

from tintype.adapters.s3.connection import Connection
from tintype.adapters.s3.errors import code_of, translated

SCRATCH = "scratch/"
"""Where blobs live that nobody needs tomorrow."""

_CORS, _ABORT, _EXPIRE = "tintype-browsers", "tintype-abort-uploads", "tintype-expire-scratch"
_COLD = "tintype-cold-originals"
_MISSING = frozenset({"404", "NoSuchBucket", "NotFound"})
_NONE_YET = frozenset({"NoSuchCORSConfiguration", "NoSuchLifecycleConfiguration"})
_UNKNOWN = frozenset({"NotImplemented", "501", "MethodNotAllowed", "405"})

Outcome = Literal["there", "done", "would", "unknown"]
Document = dict[str, Any]


class Step(msgspec.Struct, frozen=True):
    """One thing that was seen to: it was ``there``, is ``done``, ``would`` be, or is ``unknown``.

    ``unknown`` means that this server has no such thing. ``document`` is what was, or would be,
    sent.
    """

    name: str
    outcome: Outcome
    document: Document | None = None


def cors_rules(origins: Sequence[str]) -> list[Document]:
    """Let pages of exactly these origins send parts, read their ETags, and load files."""
    return [
        {
            "ID": _CORS,
            "AllowedOrigins": [*origins],
            "AllowedMethods": ["GET", "HEAD", "PUT"],
            "AllowedHeaders": ["*"],
            "ExposeHeaders": ["ETag", "Content-Length", "Content-Range"],
            "MaxAgeSeconds": 3600,
        }
    ]


def cold_rules(grade: str | None, days: float) -> list[Document]:
    """Have the bucket itself put originals into a colder class; none where this server does it.

    Days are counted from when an original was stored. AWS takes whole ones, and 30 at least for
    the infrequent-access classes.
    """
    if grade is None or not days:
        return []
    return [
        {
            "ID": _COLD,
            "Status": "Enabled",
            "Filter": {"Prefix": "originals/"},
            "Transitions": [{"Days": math.ceil(days), "StorageClass": grade}],
        }
    ]


def lifecycle_rules() -> list[Document]:
    """Abort uploads that nobody ended within 2 days, and delete scratch after one.

    A safety net below the server's own sweeping. An upload lives for 48 hours, and days are
    counted from the midnight after it began, so none is cut short.
    """
    return [
        {
            "ID": _ABORT,
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2},
        },
        {
            "ID": _EXPIRE,
            "Status": "Enabled",
            "Filter": {"Prefix": SCRATCH},
            "Expiration": {"Days": 1},
        },
    ]


def set_up(
    connection: Connection,
    origins: Sequence[str],
    *,
    cold: tuple[str | None, float] = (None, 0),
    dry_run: bool,
) -> Iterator[Step]:
    """Make the bucket what Tintype needs, step by step; what is right already is left alone.

    Without ``origins`` no browser meets it. ``cold`` is the class and the days of ``cold_rules``.
    Rules that others gave the bucket stay. A dry run reads and changes nothing.

    Raises:
        Unavailable: the storage does not answer, or these keys may not do this.
    """
    there, step = _bucket(connection, dry_run=dry_run)
    yield step
    wanted = [("lifecycle", "Rules", [*lifecycle_rules(), *cold_rules(*cold)])]
    if origins:
        wanted.insert(0, ("cors", "CORSRules", cors_rules(origins)))
    for name, key, ours in wanted:
        yield _rules(connection, name, (key, ours), there=there, dry_run=dry_run)


def _bucket(connection: Connection, *, dry_run: bool) -> tuple[bool, Step]:
    settings, client = connection.settings, connection.client
    asked: Document = {"Bucket": settings.bucket}
    with translated():
        try:
            client.head_bucket(**asked)
        except ClientError as error:
            if code_of(error) not in _MISSING:
                raise
        else:
            return True, Step("bucket", "there")
        # AWS wants its region said again, except for the oldest; others know where they are.
        if settings.endpoint is None and settings.region != "us-east-1":
            asked["CreateBucketConfiguration"] = {"LocationConstraint": settings.region}
        if dry_run:
            return False, Step("bucket", "would", asked)
        client.create_bucket(**asked)
    return True, Step("bucket", "done", asked)


def _rules(
    connection: Connection,
    name: str,
    wanted: tuple[str, list[Document]],
    *,
    there: bool,
    dry_run: bool,
) -> Step:
    """Put our rules among those that the bucket has."""
    key, ours = wanted
    client, bucket = connection.client, connection.settings.bucket
    read, write, argument = {
        "cors": (client.get_bucket_cors, client.put_bucket_cors, "CORSConfiguration"),
        "lifecycle": (
            client.get_bucket_lifecycle_configuration,
            client.put_bucket_lifecycle_configuration,
            "LifecycleConfiguration",
        ),
    }[name]
    with translated():
        try:
            found: list[Document] = read(Bucket=bucket).get(key, []) if there else []
        except ClientError as error:
            if code_of(error) in _UNKNOWN:
                return Step(name, "unknown", {key: ours})
            if code_of(error) not in _NONE_YET:
                raise
            found = []
        others = [rule for rule in found if not any(_is(rule, our) for our in ours)]
        document = {key: others + ours}
        if len(found) == len(others) + len(ours) and all(
            any(_same(rule, our) for rule in found) for our in ours
        ):
            return Step(name, "there", document)
        if dry_run:
            return Step(name, "would", document)
        try:
            write(Bucket=bucket, **{argument: document})
        except ClientError as error:
            if code_of(error) in _UNKNOWN:
                return Step(name, "unknown", document)
            raise
    return Step(name, "done", document)


def _is(rule: Document, ours: Document) -> bool:
    """Whether a rule is ours, or an earlier form of it; not every server keeps the names."""
    return rule.get("ID") == ours["ID"] or _same(rule, ours)


def _same(rule: Document, ours: Document) -> bool:
    return _bare(rule) == _bare(ours)


def _bare(rule: Document) -> Document:
    """The rule without its name, lists as sets: neither says what it does."""
    return {
        name: sorted(value) if isinstance(value, list) else value
        for name, value in rule.items()
        if name != "ID"
    }
