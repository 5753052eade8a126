"""The SQL of the media slice, one function a query."""

from tintype.media.store.ledger import change, insert
from tintype.media.store.renditions import (
    drop_rungs,
    find_lingering,
    find_ready,
    forget,
    put_renditions,
    renditions,
    renditions_of,
)
from tintype.media.store.uploads import (
    avatars_of,
    change_all,
    claim,
    count_under_way,
    held_bytes,
    idle_in,
    ids_of,
    overdue,
    page_of,
    read,
    read_all,
    uploads,
)

__all__ = [
    "avatars_of",
    "change",
    "change_all",
    "claim",
    "count_under_way",
    "drop_rungs",
    "find_lingering",
    "find_ready",
    "forget",
    "held_bytes",
    "idle_in",
    "ids_of",
    "insert",
    "overdue",
    "page_of",
    "put_renditions",
    "read",
    "read_all",
    "renditions",
    "renditions_of",
    "uploads",
]
