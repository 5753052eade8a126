"""media"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "renditions",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("upload", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("rung", sa.String(length=10), nullable=False),
        sa.Column("format", sa.String(length=10), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("shard", "upload", "rung", "format"),
    )
    op.create_table(
        "uploads",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("owner", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("access", sa.String(length=10), nullable=False),
        sa.Column("subject", sa.String(length=24), nullable=True),
        sa.Column("content_type", sa.String(length=60), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("held_bytes", sa.BigInteger(), nullable=False),
        sa.Column("remote", sa.Text(), nullable=False),
        sa.Column("reason_code", sa.String(length=40), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("duration", sa.Float(), nullable=True),
        sa.Column("thumbhash", sa.String(length=60), nullable=True),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.Column("changed_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shard", "id"),
    )
    op.create_index("uploads_due", "uploads", ["state", "changed_ms"], unique=False)
    op.create_index("uploads_of", "uploads", ["shard", "owner", "state"], unique=False)


def downgrade() -> None:
    op.drop_index("uploads_of", table_name="uploads")
    op.drop_index("uploads_due", table_name="uploads")
    op.drop_table("uploads")
    op.drop_table("renditions")
