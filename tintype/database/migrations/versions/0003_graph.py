"""graph"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "blocked_by",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("blocked", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("blocker", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shard", "blocked", "blocker"),
    )
    op.create_index("blocked_by_newest", "blocked_by", ["shard", "blocked", "id"], unique=False)
    op.create_table(
        "blocks",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("blocker", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("blocked", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shard", "blocker", "blocked"),
    )
    op.create_index("blocks_newest", "blocks", ["shard", "blocker", "id"], unique=False)
    op.create_table(
        "follow_requests",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("followee", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("requester", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shard", "followee", "requester"),
    )
    op.create_index(
        "follow_requests_newest", "follow_requests", ["shard", "followee", "id"], unique=False
    )
    op.create_table(
        "followers",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("followee", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("h16", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("follower", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shard", "followee", "h16", "follower"),
    )
    op.create_index("followers_newest", "followers", ["shard", "followee", "id"], unique=False)
    op.create_table(
        "following",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("follower", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("followee", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shard", "follower", "followee"),
    )
    op.create_index("following_newest", "following", ["shard", "follower", "id"], unique=False)
    op.create_table(
        "muted_by",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("muted", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("muter", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shard", "muted", "muter"),
    )
    op.create_index("muted_by_newest", "muted_by", ["shard", "muted", "id"], unique=False)
    op.create_table(
        "mutes",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("muter", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("muted", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shard", "muter", "muted"),
    )
    op.create_index("mutes_newest", "mutes", ["shard", "muter", "id"], unique=False)
    op.create_table(
        "requested_follows",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("requester", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("followee", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shard", "requester", "followee"),
    )
    op.create_index(
        "requested_follows_newest", "requested_follows", ["shard", "requester", "id"], unique=False
    )


def downgrade() -> None:
    op.drop_index("requested_follows_newest", table_name="requested_follows")
    op.drop_table("requested_follows")
    op.drop_index("mutes_newest", table_name="mutes")
    op.drop_table("mutes")
    op.drop_index("muted_by_newest", table_name="muted_by")
    op.drop_table("muted_by")
    op.drop_index("following_newest", table_name="following")
    op.drop_table("following")
    op.drop_index("followers_newest", table_name="followers")
    op.drop_table("followers")
    op.drop_index("follow_requests_newest", table_name="follow_requests")
    op.drop_table("follow_requests")
    op.drop_index("blocks_newest", table_name="blocks")
    op.drop_table("blocks")
    op.drop_index("blocked_by_newest", table_name="blocked_by")
    op.drop_table("blocked_by")
