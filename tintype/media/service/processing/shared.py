"""What the steps of photos and of videos have in common."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tintype.codecs import Rendition as MadeFile
from tintype.database import Transaction
from tintype.kernel.ids import Id
from tintype.media import store
from tintype.media.model import Rendition, Upload


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What was found out about an original, and the verified files made from it.

    ``further`` tells that a later job has more to make; ``poster_at`` is the moment that a video's
    poster was asked to show.
    """

    width: int
    height: int
    duration: float | None = None
    thumbhash: str
    animated: bool = False
    files: Sequence[MadeFile]
    further: bool = False
    poster_at: float | None = None

    @property
    def renditions(self) -> list[Rendition]:
        return [rendition_of(file) for file in self.files]


def rendition_of(file: MadeFile) -> Rendition:
    return Rendition(
        rung=file.rung,
        format=file.format,
        width=file.width,
        height=file.height,
        bytes=file.bytes,
        sha256=file.sha256,
    )


async def locked(tx: Transaction, id_: Id) -> Upload | None:
    """The upload, which nobody claims, releases or shows until this transaction has ended."""
    upload = await store.read(tx, id_)
    if upload is None:
        return None
    await tx.lock(id_, upload.owner)
    return await store.read(tx, id_)
