"""notifications"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "notification_actors",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("subject", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("actor", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("shard", "account", "kind", "subject", "actor"),
    )
    op.create_index("notification_actors_by", "notification_actors", ["actor"], unique=False)
    op.create_index("notification_actors_by_age", "notification_actors", ["id"], unique=False)
    op.create_index(
        "notification_actors_newest",
        "notification_actors",
        ["shard", "account", "kind", "subject", "day", "active", "id"],
        unique=False,
    )
    op.create_table(
        "notification_marks",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("read_up_to", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shard", "account"),
    )
    op.create_table(
        "notifications",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("subject", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("post", sa.BigInteger(), nullable=False),
        sa.Column("comment", sa.BigInteger(), nullable=False),
        sa.Column("actors", sa.Integer(), nullable=False),
        sa.Column("latest", sa.LargeBinary(length=64), nullable=False),
        sa.PrimaryKeyConstraint("shard", "account", "kind", "subject", "day"),
    )
    op.create_index("notifications_by_age", "notifications", ["id"], unique=False)
    op.create_index(
        "notifications_newest", "notifications", ["shard", "account", "id"], unique=False
    )


def downgrade() -> None:
    op.drop_index("notifications_newest", table_name="notifications")
    op.drop_index("notifications_by_age", table_name="notifications")
    op.drop_table("notifications")
    op.drop_table("notification_marks")
    op.drop_index("notification_actors_newest", table_name="notification_actors")
    op.drop_index("notification_actors_by_age", table_name="notification_actors")
    op.drop_index("notification_actors_by", table_name="notification_actors")
    op.drop_table("notification_actors")
