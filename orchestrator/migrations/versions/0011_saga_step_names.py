"""The saga log names the step a saga stands at; the step's position stays for releases that read it.

docs/adr/0016-saga-steps-are-stored-by-name.md
"""

import json
from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

# The plans when their sagas were stored by position.
STEP_NAMES: Final = {
    "cancel event": ["cancel event", "close hall", "give everything back", "announce cancellation"],
    "list for resale": ["open listing", "list seat", "activate listing"],
    "purchase": [
        "hold seats",
        "open order",
        "announce hold",
        "pay",
        "charge wallet",
        "sell seats",
        "confirm order",
        "announce sale",
    ],
    "put on sale": ["draft event", "provision seats", "publish event"],
    "refund": ["begin refund", "take seats back", "pay back", "refund order", "announce refund"],
    "resale": [
        "claim listing",
        "hold credits",
        "send seller a code",
        "announce sale",
        "approve",
        "change owner",
        "pay seller",
        "complete listing",
        "announce new owner",
    ],
    "reversal": ["begin reversal", "give ticket back", "return credits", "close dispute", "announce reversal"],
    "transfer": [
        "open transfer",
        "send initiator a code",
        "send the other a code",
        "announce transfer",
        "confirm",
        "hold credits",
        "change owner",
        "pay seller",
        "complete transfer",
        "announce new owner",
    ],
    "withdraw listing": ["begin withdrawal", "withdraw seat", "cancel listing"],
}
# A position that no release has: it lists the saga and cannot run it.
NO_POSITION: Final = 1_000

# A saga at its end stands at no step. A position without a name stays visible as such.
NAME_OF_POSITION: Final = f"""
    CREATE FUNCTION saga_step_name(kind text, step integer, state text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
        SELECT CASE
            WHEN $3 IN ('COMPLETED', 'UNWOUND') THEN ''
            ELSE coalesce(CASE WHEN $2 >= 0 THEN CAST('{json.dumps(STEP_NAMES)}' AS jsonb) -> $1 ->> $2 END, 'step ' || $2)
        END
    $$
"""

# An older release writes the position only. A release that writes the name never changes the position alone.
NAME_WRITES_OF_OLDER_RELEASES: Final = (
    """
    CREATE FUNCTION name_saga_step() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.step_name := saga_step_name(NEW.kind, NEW.step, NEW.state);
        RETURN NEW;
    END
    $$
    """,
    """
    CREATE TRIGGER name_inserted_step BEFORE INSERT ON sagas FOR EACH ROW
    WHEN (NEW.step_name = '') EXECUTE FUNCTION name_saga_step()
    """,
    """
    CREATE TRIGGER name_updated_step BEFORE UPDATE OF step ON sagas FOR EACH ROW
    WHEN (NEW.step <> OLD.step AND NEW.step_name = OLD.step_name) EXECUTE FUNCTION name_saga_step()
    """,
)

RESTORE_POSITIONS: Final = sa.text(
    """
    UPDATE sagas SET step = known.position
    FROM (
        SELECT plan.kind, step.name, step.number - 1 AS position
        FROM jsonb_each(CAST(:step_names AS jsonb)) AS plan (kind, names),
             jsonb_array_elements_text(plan.names) WITH ORDINALITY AS step (name, number)) AS known
    WHERE sagas.kind = known.kind AND sagas.step_name = known.name AND sagas.step <> known.position
      AND sagas.state NOT IN ('COMPLETED', 'UNWOUND')
    """
)

# A saga at a step that the older release does not have must not go on at another one.
STICK_UNKNOWN_STEPS: Final = sa.text(
    """
    UPDATE sagas SET state = 'STUCK', step = :no_position, due_at = NULL, error = coalesce(error, jsonb_build_object(
        'kind', 'internal', 'code', 'SAGA_STEP_UNKNOWN', 'public_message', 'Something went wrong.', 'step', step_name))
    WHERE saga_step_name(kind, step, state) <> step_name AND state NOT IN ('COMPLETED', 'UNWOUND')
    """
)


def upgrade() -> None:
    # The constant default makes this cheap for the many sagas that are at their end.
    op.add_column("sagas", sa.Column("step_name", sa.Text(), nullable=False, server_default=sa.text("''")))
    op.execute(NAME_OF_POSITION)
    op.execute(
        """
        UPDATE sagas SET step_name = saga_step_name(kind, step, state)
        WHERE state NOT IN ('COMPLETED', 'UNWOUND')
        """
    )
    for statement in NAME_WRITES_OF_OLDER_RELEASES:
        op.execute(statement)


def downgrade() -> None:
    for trigger in ("name_updated_step", "name_inserted_step"):
        op.execute(f"DROP TRIGGER {trigger} ON sagas")
    op.execute("DROP FUNCTION name_saga_step()")
    op.execute(RESTORE_POSITIONS.bindparams(step_names=json.dumps(STEP_NAMES)))
    op.execute(STICK_UNKNOWN_STEPS.bindparams(no_position=NO_POSITION))
    op.execute("DROP FUNCTION saga_step_name(text, integer, text)")
    op.drop_column("sagas", "step_name")
