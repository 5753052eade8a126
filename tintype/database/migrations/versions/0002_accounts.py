"""accounts"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("handle", sa.String(length=30), nullable=False),
        sa.Column("display_name", sa.String(length=60), nullable=False),
        sa.Column("bio", sa.Text(), nullable=False),
        sa.Column("avatar", sa.Text(), nullable=True),
        sa.Column("private", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("admin", sa.Boolean(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shard", "id"),
    )
    op.create_table(
        "credentials",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("changed_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shard", "account"),
    )
    op.create_table(
        "emails",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("account", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shard", "email"),
    )
    op.create_table(
        "handles",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("handle", sa.String(length=30), nullable=False),
        sa.Column("account", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shard", "handle"),
    )
    op.create_table(
        "instance",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("shard", "name"),
    )
    op.create_table(
        "invites",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("uses_left", sa.Integer(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shard", "code"),
    )
    op.create_table(
        "sessions",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account", sa.BigInteger(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("seen_ms", sa.BigInteger(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("shard", "id"),
        sa.UniqueConstraint("shard", "token_hash", name="sessions_token"),
    )
    op.create_index("sessions_of", "sessions", ["shard", "account"], unique=False)


def downgrade() -> None:
    op.drop_index("sessions_of", table_name="sessions")
    op.drop_table("sessions")
    op.drop_table("invites")
    op.drop_table("instance")
    op.drop_table("handles")
    op.drop_table("emails")
    op.drop_table("credentials")
    op.drop_table("accounts")
