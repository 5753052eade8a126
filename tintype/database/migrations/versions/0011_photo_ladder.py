"""photo ladder"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("animated", "offered"):
        op.add_column(
            "uploads", sa.Column(name, sa.Boolean(), server_default=sa.false(), nullable=False)
        )
    for name in ("focal_x", "focal_y"):
        op.add_column("slides", sa.Column(name, sa.Float(), nullable=True))


def downgrade() -> None:
    for name in ("focal_y", "focal_x"):
        op.drop_column("slides", name)
    for name in ("offered", "animated"):
        op.drop_column("uploads", name)
