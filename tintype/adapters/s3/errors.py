"""What the storage and the way to it report, in the port's words."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    HTTPClientError,
    ReadTimeoutError,
)

from tintype.ports.errors import (
    AdapterError,
    Asleep,
    BlobNotFound,
    Corrupt,
    NoSuchUpload,
    OutOfSpace,
    TimedOut,
    Unavailable,
)

NOT_FOUND = frozenset({"NoSuchKey", "404", "ObjectParentIsFile"})

_WRONG_PARTS = frozenset({"InvalidPart", "InvalidPartOrder", "EntityTooSmall", "MalformedXML"})
_FULL = frozenset({"InsufficientStorage", "QuotaExceeded", "XMinioStorageFull", "507"})
_KINDS: tuple[tuple[frozenset[str], type[AdapterError]], ...] = (
    (frozenset({"NoSuchUpload"}), NoSuchUpload),
    (NOT_FOUND, BlobNotFound),
    (frozenset({"InvalidObjectState"}), Asleep),
    (_WRONG_PARTS, Corrupt),
    (_FULL, OutOfSpace),
)
_DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


@contextlib.contextmanager
def translated(key: str = "") -> Iterator[None]:
    """Turn what botocore raises into the port's errors; ``key`` is what was asked for."""
    try:
        yield
    except ClientError as error:
        raise _translation(error, key) from error
    except (ReadTimeoutError, ConnectTimeoutError) as error:
        raise TimedOut(str(error)) from error
    except (BotoCoreError, HTTPClientError) as error:
        raise Unavailable(f"the bucket does not answer: {error}") from error


@contextlib.contextmanager
def translated_files() -> Iterator[None]:
    """The same for a local file that is written or read on the way."""
    try:
        yield
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno in _DISK_FULL:
            raise OutOfSpace(str(error)) from error
        raise Unavailable(str(error)) from error


def code_of(error: ClientError) -> str:
    """The code of the refusal, as the server named it."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _translation(error: ClientError, key: str) -> AdapterError:
    code = code_of(error)
    for codes, kind in _KINDS:
        if code in codes:
            return kind(f"{key}: {error}" if kind in {Corrupt, OutOfSpace} else key)
    if code == "NoSuchBucket":
        return Unavailable("the bucket does not exist; run: tintype storage setup")
    return Unavailable(f"the bucket refused: {error}")
