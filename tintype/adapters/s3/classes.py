"""Classes of storage: what AWS charges less for, and gives back more slowly.

Other servers know one class, and refuse to be asked for another or take no notice.
"""

from __future__ import annotations

import re
from typing import Any

from botocore.exceptions import ClientError

from tintype.adapters.s3.errors import code_of, translated
from tintype.ports.blobs import Speed, Standing

STANDARD = "STANDARD"
_ARCHIVES = frozenset({"GLACIER", "DEEP_ARCHIVE"})
_TIERS: dict[Speed, str] = {"expedited": "Expedited", "standard": "Standard", "bulk": "Bulk"}
_WAKING = "RestoreAlreadyInProgress"
_ONGOING = re.compile(r'ongoing-request="(true|false)"')


def standing(client: Any, place: dict[str, str]) -> Standing:
    """What the bucket tells of a blob's class; of an archive, whether a copy was brought out."""
    with translated(place["Key"]):
        found = client.head_object(**place)
    grade = str(found.get("StorageClass") or STANDARD)
    archived = grade in _ARCHIVES or bool(found.get("ArchiveStatus"))
    restore = _ONGOING.search(str(found.get("Restore", "")))
    waking = restore is not None and restore.group(1) == "true"
    return Standing(
        grade=grade, awake=not archived or (restore is not None and not waking), waking=waking
    )


def wake(client: Any, place: dict[str, str], days: int, speed: Speed) -> None:
    """Have a copy brought out of the archive for so many days."""
    seen = standing(client, place)
    if seen.awake or seen.waking:
        return
    asked: dict[str, Any] = {"GlacierJobParameters": {"Tier": _TIERS[speed]}, "Days": days}
    with translated(place["Key"]):
        try:
            client.restore_object(**place, RestoreRequest=asked)
        except ClientError as error:
            if code_of(error) != _WAKING:
                raise


def regrade(client: Any, place: dict[str, str], grade: str) -> None:
    """Copy a blob onto itself in another class, if it is still the one that was looked at."""
    with translated(place["Key"]):
        found = client.head_object(**place)
        if str(found.get("StorageClass") or STANDARD) == grade:
            return
        client.copy_object(
            **place,
            CopySource=dict(place),
            CopySourceIfMatch=found["ETag"],
            MetadataDirective="COPY",
            StorageClass=grade,
        )
