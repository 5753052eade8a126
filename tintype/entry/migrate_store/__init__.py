"""Moving an embedded instance to PostgreSQL and a bucket, and proving that it arrived.

    data folder ──snapshot, settled──► moving/ ──rows──►  PostgreSQL ┐
         └──────────────────────────────blobs──────────►  bucket     ┴─► read again and compared

The folder itself is never changed. Whatever interrupts a move, the next run goes on from there.
"""

from tintype.entry.migrate_store.model import Difference, MoveRefused, Verdict
from tintype.entry.migrate_store.move import Outcome, move, rehearse, verify_only
from tintype.entry.migrate_store.progress import Progress
from tintype.entry.migrate_store.source import Source

__all__ = [
    "Difference",
    "MoveRefused",
    "Outcome",
    "Progress",
    "Source",
    "Verdict",
    "move",
    "rehearse",
    "verify_only",
]
