"""The search for a venue by its name and address, so that one venue is not added twice."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# A volatile function sees what was committed while it waited for the lock, so of two new venues the second finds the first.
FIND_VENUE = """
    CREATE FUNCTION find_venue(asked_name text, asked_address text) RETURNS uuid LANGUAGE plpgsql VOLATILE AS $$
    DECLARE
        asked text[] := ARRAY[lower(normalize(asked_name)), lower(normalize(asked_address))];
    BEGIN
        PERFORM pg_advisory_xact_lock(hashtextextended(asked::text, 0));
        RETURN (SELECT venue_id FROM venues WHERE ARRAY[lower(normalize(name)), lower(normalize(address))] = asked
                ORDER BY created_at, venue_id LIMIT 1);
    END $$
"""


def upgrade() -> None:
    op.execute(FIND_VENUE)


def downgrade() -> None:
    op.execute("DROP FUNCTION find_venue")
