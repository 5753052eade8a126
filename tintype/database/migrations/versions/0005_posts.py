"""posts"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "comment_likes",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("comment", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("shard", "comment", "account"),
    )
    op.create_index("comment_likes_by", "comment_likes", ["account"], unique=False)
    op.create_table(
        "comments",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("post", sa.BigInteger(), nullable=False),
        sa.Column("author", sa.BigInteger(), nullable=False),
        sa.Column("reply_to", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("shard", "id"),
    )
    op.create_index("comments_by", "comments", ["author", "id"], unique=False)
    op.create_index("comments_of", "comments", ["shard", "post", "reply_to", "id"], unique=False)
    op.create_table(
        "likers",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("post", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shard", "post", "account"),
    )
    op.create_index("likers_by_time", "likers", ["shard", "post", "id"], unique=False)
    op.create_table(
        "likes",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("post", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("shard", "account", "post"),
    )
    op.create_table(
        "posts",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("author", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("caption", sa.Text(), nullable=False),
        sa.Column("comments_enabled", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("delivery", sa.String(length=4), nullable=True),
        sa.Column("edited_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("shard", "id"),
    )
    op.create_index("posts_of", "posts", ["author", "state", "id", "shard"], unique=False)
    op.create_table(
        "saves",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("post", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shard", "account", "post"),
    )
    op.create_index("savers_of", "saves", ["post"], unique=False)
    op.create_index("saves_by_time", "saves", ["shard", "account", "id"], unique=False)
    op.create_table(
        "slides",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("post", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("upload", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("alt", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("shard", "post", "upload"),
    )
    op.create_table(
        "tagged",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("tag", sa.String(length=300), nullable=False),
        sa.Column("post", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("shard", "tag", "post"),
    )
    op.create_index("tagged_starting", "tagged", ["tag"], unique=False)


def downgrade() -> None:
    op.drop_index("tagged_starting", table_name="tagged")
    op.drop_table("tagged")
    op.drop_table("slides")
    op.drop_index("saves_by_time", table_name="saves")
    op.drop_index("savers_of", table_name="saves")
    op.drop_table("saves")
    op.drop_index("posts_of", table_name="posts")
    op.drop_table("posts")
    op.drop_table("likes")
    op.drop_index("likers_by_time", table_name="likers")
    op.drop_table("likers")
    op.drop_index("comments_of", table_name="comments")
    op.drop_index("comments_by", table_name="comments")
    op.drop_table("comments")
    op.drop_index("comment_likes_by", table_name="comment_likes")
    op.drop_table("comment_likes")
