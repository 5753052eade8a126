"""upload integrity"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_PART_BYTES = 16 * 1024 * 1024


def upgrade() -> None:
    op.add_column(
        "uploads",
        sa.Column("part_bytes", sa.BigInteger(), server_default=str(_PART_BYTES), nullable=False),
    )
    op.add_column("uploads", sa.Column("filename", sa.String(length=255), nullable=True))
    op.add_column("uploads", sa.Column("declared_sha256", sa.String(length=64), nullable=True))
    op.add_column(
        "uploads", sa.Column("declared_parts_sha256", sa.String(length=64), nullable=True)
    )
    op.add_column("uploads", sa.Column("sha256", sa.String(length=64), nullable=True))
    op.add_column(
        "posts",
        sa.Column("retryable", sa.Boolean(), server_default=sa.false(), nullable=False),
    )


def downgrade() -> None:
    op.drop_column("posts", "retryable")
    for name in ("sha256", "declared_parts_sha256", "declared_sha256", "filename", "part_bytes"):
        op.drop_column("uploads", name)
