"""Undone check-ins, and scans for another event."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

RESULT = (
    "result IN ('SUCCESS', 'DUPLICATE', 'UNPAID', 'NOT_FOUND', 'WRONG_HALL', 'EXPIRED', 'NOT_OWNER', 'QR_INVALID',"
    " 'WRONG_EVENT', 'UNDONE')"
)
RESULT_BEFORE = (
    "result IN ('SUCCESS', 'DUPLICATE', 'UNPAID', 'NOT_FOUND', 'WRONG_HALL', 'EXPIRED', 'NOT_OWNER', 'QR_INVALID')"
)


def upgrade() -> None:
    op.add_column("entry_logs", sa.Column("reason", sa.Text()))
    op.drop_constraint(op.f("ck_entry_logs_result"), "entry_logs")
    for name, condition in (("result", RESULT), ("reason", "(result = 'UNDONE') = (reason IS NOT NULL)")):
        op.create_check_constraint(op.f(f"ck_entry_logs_{name}"), "entry_logs", condition, postgresql_not_valid=True)


def downgrade() -> None:
    op.execute("DELETE FROM entry_logs WHERE result IN ('WRONG_EVENT', 'UNDONE')")
    op.drop_constraint(op.f("ck_entry_logs_reason"), "entry_logs")
    op.drop_constraint(op.f("ck_entry_logs_result"), "entry_logs")
    op.create_check_constraint(op.f("ck_entry_logs_result"), "entry_logs", RESULT_BEFORE)
    op.drop_column("entry_logs", "reason")
