"""Changes of uploads that the ledger of stored objects follows, in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tintype.database import Transaction
from tintype.kernel.ids import Id
from tintype.media.model import Upload
from tintype.media.store.objects import note_original
from tintype.media.store.uploads import change as change_row
from tintype.media.store.uploads import insert as insert_row

_TELLING = frozenset({"state", "sha256", "bytes"})


async def insert(tx: Transaction, upload: Upload) -> None:
    await insert_row(tx, upload)
    await note_original(tx, upload.id)


async def change(
    tx: Transaction,
    upload: Id,
    values: Mapping[str, object],
    *,
    only_in: Sequence[str] | None = None,
) -> bool:
    """Change an upload, if it is in one of these states; tells whether it was."""
    changed = await change_row(tx, upload, values, only_in=only_in)
    if changed and not _TELLING.isdisjoint(values):
        await note_original(tx, upload)
    return changed
