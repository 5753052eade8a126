"""recipes"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("uploads", sa.Column("recipe", sa.Text(), nullable=True))
    for name in ("revision", "rendered"):
        op.add_column("uploads", sa.Column(name, sa.Integer(), server_default="0", nullable=False))
    op.add_column(
        "objects",
        sa.Column("served_until_ms", sa.BigInteger(), server_default="0", nullable=False),
    )


def downgrade() -> None:
    op.drop_column("objects", "served_until_ms")
    for name in ("rendered", "revision", "recipe"):
        op.drop_column("uploads", name)
