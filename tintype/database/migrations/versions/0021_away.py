"""away"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_AWAY = sa.text("state IN ('suspended', 'deleting')")


def upgrade() -> None:
    op.create_index(
        "accounts_away",
        "accounts",
        ["shard", "id"],
        sqlite_where=_AWAY,
        postgresql_where=_AWAY,
    )


def downgrade() -> None:
    op.drop_index("accounts_away", table_name="accounts")
