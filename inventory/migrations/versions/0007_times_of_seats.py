"""When a seat was created and last changed. Seats from before have no such times: no row is rewritten."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# The default applies to new rows only, because it is set after the column was added.
ADD_COLUMNS = "ALTER TABLE seats ADD COLUMN created_at timestamptz, ADD COLUMN updated_at timestamptz"
SET_DEFAULT = "ALTER TABLE seats ALTER COLUMN created_at SET DEFAULT now()"
# A trigger, because processes of the previous release change seats meanwhile, too.
FUNCTION = """
    CREATE FUNCTION note_seat_update() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.updated_at := clock_timestamp();
        RETURN NEW;
    END $$
"""
TRIGGER = "CREATE TRIGGER note_seat_update BEFORE UPDATE ON seats FOR EACH ROW EXECUTE FUNCTION note_seat_update()"


def upgrade() -> None:
    for statement in (ADD_COLUMNS, SET_DEFAULT, FUNCTION, TRIGGER):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TRIGGER note_seat_update ON seats")
    op.execute("DROP FUNCTION note_seat_update")
    op.execute("ALTER TABLE seats DROP COLUMN updated_at, DROP COLUMN created_at")
