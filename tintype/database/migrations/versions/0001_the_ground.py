"""the ground"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "consumer_offsets",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("consumer_group", sa.String(length=80), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shard", "consumer_group"),
    )
    op.create_table(
        "counts",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("subject", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shard", "subject", "name"),
    )
    op.create_table(
        "dead_letters",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("consumer_group", sa.String(length=80), nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=80), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shard", "consumer_group", "position"),
    )
    op.create_table(
        "event_log",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=80), nullable=False),
        sa.Column("key", sa.BigInteger(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shard", "position"),
    )
    op.create_table(
        "idempotency",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("scope", sa.String(length=120), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(length=32), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shard", "scope", "key_hash"),
    )
    op.create_table(
        "jobs",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=80), nullable=False),
        sa.Column("dedupe", sa.String(length=200), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("run_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("leased_until_ms", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("shard", "id"),
        sa.UniqueConstraint("shard", "kind", "dedupe", name="jobs_dedupe"),
    )
    op.create_index(
        "jobs_due", "jobs", ["shard", "state", "kind", "priority", "run_at_ms"], unique=False
    )
    op.create_table(
        "outbox",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=80), nullable=False),
        sa.Column("key", sa.BigInteger(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shard", "id"),
    )
    op.create_table(
        "probes",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shard", "name"),
    )


def downgrade() -> None:
    op.drop_table("probes")
    op.drop_table("outbox")
    op.drop_index("jobs_due", table_name="jobs")
    op.drop_table("jobs")
    op.drop_table("idempotency")
    op.drop_table("event_log")
    op.drop_table("dead_letters")
    op.drop_table("counts")
    op.drop_table("consumer_offsets")
