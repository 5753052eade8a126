"""fan-out"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "feed_tasks",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("lane", sa.String(length=10), nullable=False),
        sa.Column("owner", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("subject", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.Column("after", sa.BigInteger(), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shard", "lane", "owner", "subject", "first"),
    )
    op.create_table(
        "feed_paces",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("deliveries_per_s", sa.Float(), nullable=False),
        sa.Column("resident_share", sa.Float(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shard", "name"),
    )


def downgrade() -> None:
    op.drop_table("feed_paces")
    op.drop_table("feed_tasks")
