"""An index of a user's ended sagas, by which what the user wrote is erased from them."""

from alembic import op

from common.db.migrations import create_index_online

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    create_index_online("ix_sagas_ended_of_user", "sagas", "requested_by", where="due_at IS NULL")


def downgrade() -> None:
    op.drop_index("ix_sagas_ended_of_user", "sagas")
