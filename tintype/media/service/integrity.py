"""Whether the original that was stored is the file that was sent."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

from tintype.codecs import HEAD_BYTES, Limits, Rejected, check_head
from tintype.media.model import DAMAGED, Upload, original_key
from tintype.ports.blobs import Blobs

_PIECE = 1024 * 1024
_LIMITS = Limits()


async def check_beginning(blobs: Blobs, upload: Upload) -> None:
    """Refuse by the first bytes alone, before gigabytes are fetched.

    Raises:
        Rejected: no file of its kind begins like this, or it claims more than is allowed.
    """
    head = await blobs.read(original_key(upload.id), length=HEAD_BYTES)
    check_head(head, _LIMITS, video=upload.kind == "video")


async def check_whole(upload: Upload, source: Path) -> str:
    """The SHA-256 of the original at ``source``, read once, in lower-case hex.

    Raises:
        Rejected: ``damaged``; it is not what the owner's client declared.
    """
    whole, of_parts = await asyncio.to_thread(_digests, source, upload.part_bytes)
    if upload.declared_sha256 not in {None, whole} or upload.declared_parts_sha256 not in {
        None,
        of_parts,
    }:
        raise Rejected(
            DAMAGED, "This file arrived damaged: it is not what was sent. Please send it again."
        )
    return whole


def _digests(path: Path, part_bytes: int) -> tuple[str, str]:
    """The hash of a file, and the hash of its parts' hashes."""
    whole, of_parts, part = hashlib.sha256(), hashlib.sha256(), hashlib.sha256()
    left = part_bytes
    with path.open("rb") as file:
        while piece := file.read(min(_PIECE, left)):
            whole.update(piece)
            part.update(piece)
            left -= len(piece)
            if not left:
                of_parts.update(part.digest())
                part, left = hashlib.sha256(), part_bytes
    if left != part_bytes:
        of_parts.update(part.digest())
    return whole.hexdigest(), of_parts.hexdigest()
