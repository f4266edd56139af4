"""Sagas and jobs store their trace, so that the process that continues them continues it."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("sagas", sa.Column("traceparent", sa.Text()))
    op.add_column("jobs", sa.Column("traceparent", sa.Text()))


def downgrade() -> None:
    op.drop_column("jobs", "traceparent")
    op.drop_column("sagas", "traceparent")
