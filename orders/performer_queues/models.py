"""The tables of performers' queues.

A position is 1 + the items that wait before it. Counting them would cost more in a longer queue, so the items of every 64
places, and of every 4,096, are counted when they come and go: a position adds up the counts before it, and counts at most 63
items.
"""

from typing import Final

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Index, Integer, Table, text
from sqlalchemy.dialects.postgresql import UUID

from orders.database import metadata


def _count(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False, server_default="0")


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False, server_default=text("false"))


performer_queues: Final = Table(
    "performer_queues",
    metadata,
    Column("performer_id", UUID(as_uuid=True), primary_key=True),
    _flag("is_paused"),
    _count("last_place"),
    _count("waiting"),
    _count("waiting_minutes"),
    _count("in_progress"),
    _count("in_progress_minutes"),
    _count("announced_place"),  # of the item whose turn was announced last
    _flag("is_changed"),  # since its next item was looked for
    CheckConstraint("waiting >= 0 AND in_progress >= 0", name="counts"),
    Index("ix_performer_queues_changed", "performer_id", postgresql_where=text("is_changed")),
)

# Of the items that wait in the places from `block` * `size` on. There is no row without an item.
queue_blocks: Final = Table(
    "queue_blocks",
    metadata,
    Column("performer_id", UUID(as_uuid=True), primary_key=True),
    Column("size", Integer, primary_key=True),
    Column("block", BigInteger, primary_key=True),
    Column("items", BigInteger, nullable=False),
    Column("minutes", BigInteger, nullable=False),
)
