"""event traces"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox", sa.Column("trace", sa.String(length=80), nullable=True))
    op.add_column("event_log", sa.Column("trace", sa.String(length=80), nullable=True))


def downgrade() -> None:
    op.drop_column("event_log", "trace")
    op.drop_column("outbox", "trace")
