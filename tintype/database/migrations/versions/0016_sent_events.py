"""sent events"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sent_events",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=80), nullable=False),
        sa.Column("key", sa.BigInteger(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("trace", sa.String(length=80), nullable=True),
        sa.PrimaryKeyConstraint("shard", "number"),
    )
    op.add_column("consumer_offsets", sa.Column("seen", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("consumer_offsets", "seen")
    op.drop_table("sent_events")
