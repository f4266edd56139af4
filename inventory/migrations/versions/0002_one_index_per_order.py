"""Add an index for each order in which seats are read, so that no plan uses a similar one by mistake.

A category's best seats must not be searched in hall order, nor its promising rows in the order of all rows.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NUMBER_SEATS = """
    UPDATE seats SET hall_position = numbered.hall_position
    FROM (SELECT seat_id, row_number() OVER (PARTITION BY event_id ORDER BY row_rank, seat_number) AS hall_position
        FROM seats) AS numbered
    WHERE seats.seat_id = numbered.seat_id
"""
NUMBER_ROWS = """
    UPDATE seat_rows SET rank_in_category = numbered.rank_in_category
    FROM (SELECT event_id, row_rank,
            row_number() OVER (PARTITION BY event_id, category ORDER BY row_rank) AS rank_in_category
        FROM seat_rows) AS numbered
    WHERE seat_rows.event_id = numbered.event_id AND seat_rows.row_rank = numbered.row_rank
"""


def upgrade() -> None:
    op.add_column("seats", sa.Column("hall_position", sa.Integer()))
    op.execute(NUMBER_SEATS)
    op.alter_column("seats", "hall_position", nullable=False)
    op.create_index("ix_seats_hall_position", "seats", ["event_id", "hall_position"], unique=True)
    op.drop_index("ix_seats_hall_order", "seats")

    op.add_column("seat_rows", sa.Column("rank_in_category", sa.Integer()))
    op.execute(NUMBER_ROWS)
    op.alter_column("seat_rows", "rank_in_category", nullable=False)
    op.drop_index("ix_seat_rows_promising", "seat_rows")
    op.create_index("ix_seat_rows_promising", "seat_rows", ["event_id", "category", "free_run", "rank_in_category"])


def downgrade() -> None:
    op.drop_index("ix_seat_rows_promising", "seat_rows")
    op.drop_column("seat_rows", "rank_in_category")
    op.create_index("ix_seat_rows_promising", "seat_rows", ["event_id", "category", "free_run", "row_rank"])
    op.drop_index("ix_seats_hall_position", "seats")
    op.drop_column("seats", "hall_position")
    op.create_index("ix_seats_hall_order", "seats", ["event_id", "row_rank", "seat_number"], unique=True)
