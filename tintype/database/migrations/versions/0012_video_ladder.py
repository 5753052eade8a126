"""video ladder"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("uploads", sa.Column("progress", sa.SmallInteger(), nullable=True))
    op.add_column("uploads", sa.Column("poster_at", sa.Float(), nullable=True))


def downgrade() -> None:
    op.drop_column("uploads", "poster_at")
    op.drop_column("uploads", "progress")
