"""The audit trail."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"

ID = postgresql.UUID(as_uuid=True)
TIME = sa.DateTime(timezone=True)
NOW = sa.text("clock_timestamp()")

REFUSE_UPDATES = """
    CREATE FUNCTION refuse_audit_update() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'the audit trail is append-only';
    END $$
"""


def upgrade() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("entry_id", ID, primary_key=True),
        sa.Column("actor_user_id", ID),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("object_type", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text()),
        sa.Column("address", sa.Text()),
        sa.Column("request", postgresql.JSONB()),
        sa.Column("created_at", TIME, nullable=False, server_default=NOW),
    )
    op.create_index("ix_audit_entries_created_at", "audit_entries", ["created_at"])
    op.create_index("ix_audit_entries_actor", "audit_entries", ["actor_user_id", "created_at"])
    op.create_index("ix_audit_entries_object", "audit_entries", ["object_id", "created_at"])
    op.create_index("ix_audit_entries_action", "audit_entries", ["action", "created_at"])
    op.create_table(
        "audit_outcomes",
        sa.Column("entry_id", ID, sa.ForeignKey("audit_entries.entry_id", ondelete="CASCADE"), primary_key=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("error_code", sa.Text()),
        sa.Column("before", postgresql.JSONB()),
        sa.Column("after", postgresql.JSONB()),
        sa.Column("recorded_at", TIME, nullable=False, server_default=NOW),
        sa.CheckConstraint(
            "outcome IN ('DONE', 'REFUSED', 'IN_PROGRESS', 'UNKNOWN')", name=op.f("ck_audit_outcomes_outcome_known")
        ),
    )
    op.execute(REFUSE_UPDATES)
    for table in ("audit_entries", "audit_outcomes"):
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_audit_update()"
        )


def downgrade() -> None:
    op.drop_table("audit_outcomes")
    op.drop_table("audit_entries")
    op.execute("DROP FUNCTION refuse_audit_update()")
