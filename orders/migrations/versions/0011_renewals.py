"""Items that renew subscriptions. The keys of periods are not those of other items: a client's key takes no period's place."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

UNIQUE_KEY = "uq_purchased_items_idempotency_key"
KEY = ["buyer_user_id", "idempotency_key"]
KEY_BY_SPACE = ["buyer_user_id", sa.text("(type = 'subscription')"), "idempotency_key"]


def upgrade() -> None:
    op.add_column("purchased_items", sa.Column("renewed_periods", sa.Integer()))
    replace_unique_key(KEY_BY_SPACE)


def downgrade() -> None:
    replace_unique_key(KEY)
    op.drop_column("purchased_items", "renewed_periods")


def replace_unique_key(columns: list[str | sa.TextClause]) -> None:
    op.drop_index(UNIQUE_KEY, "purchased_items")
    op.create_index(
        UNIQUE_KEY,
        "purchased_items",
        columns,
        unique=True,
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    )
