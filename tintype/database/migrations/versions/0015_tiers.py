"""tiers"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# What an id says of its time: milliseconds since 2024 in its upper 41 bits.
_STORED = "id / 4194304 + 1704067200000"
_RESTING = f"'hot', 'resting', 'main', NULL, 0, 0, {_STORED}, {_STORED}"
_INTO = (
    "INSERT INTO objects (shard, upload, name, kind, bytes, sha256, tier, state, place, target,"
    " claimed_ms, stays_until_ms, stored_ms, changed_ms) "
)
_NAME = "substr(sha256, 1, 32) || '.' || CASE format WHEN 'jpeg' THEN 'jpg' ELSE format END"


def upgrade() -> None:
    op.create_table(
        "objects",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("upload", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("tier", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("place", sa.String(length=60), nullable=False),
        sa.Column("target", sa.String(length=60), nullable=True),
        sa.Column("claimed_ms", sa.BigInteger(), nullable=False),
        sa.Column("stays_until_ms", sa.BigInteger(), nullable=False),
        sa.Column("stored_ms", sa.BigInteger(), nullable=False),
        sa.Column("changed_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shard", "upload", "name"),
    )
    op.create_index("objects_due", "objects", ["state", "tier", "kind", "stored_ms"], unique=False)
    op.execute(
        _INTO + f"SELECT shard, id, 'original', 'original', bytes, sha256, {_RESTING} FROM uploads"  # noqa: S608 - constants of this page
        " WHERE state IN ('processing', 'ready', 'failed')"
    )
    stored = _RESTING.replace("id /", "upload /")
    op.execute(
        _INTO + f"SELECT shard, upload, {_NAME}, 'rendition', max(bytes), max(sha256), {stored}"  # noqa: S608 - constants of this page
        f" FROM renditions GROUP BY shard, upload, {_NAME}"
    )


def downgrade() -> None:
    op.drop_index("objects_due", table_name="objects")
    op.drop_table("objects")
