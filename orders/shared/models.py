"""Columns, constraints and indexes that the tables of all aggregates share."""

import enum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import UUID


def id_column(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, UUID(as_uuid=True), nullable=nullable)


def time_column(name: str, *, nullable: bool = True) -> Column[Any]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


def created_at() -> Column[Any]:
    return Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now())


def place_columns() -> tuple[Column[Any], ...]:
    """Return the columns of a seat's place."""
    return (
        Column("category", Text, nullable=False),
        Column("row_number", Text, nullable=False),
        Column("seat_number", Integer, nullable=False),
    )


def history_columns(key: str, *, table: str, ondelete: str | None = None) -> tuple[Column[Any], ...]:
    """Return the columns of a table that holds every move of the status of `table`."""
    return (
        Column(key, UUID(as_uuid=True), ForeignKey(f"{table}.{key}", ondelete=ondelete), primary_key=True),
        Column("history_id", BigInteger, Identity(always=True), primary_key=True),
        Column("from_status", Text),  # NULL for the opening
        Column("to_status", Text, nullable=False),
        Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    )


def status_check(statuses: type[enum.StrEnum]) -> CheckConstraint:
    names = ", ".join(f"'{status}'" for status in statuses)
    return CheckConstraint(f"status IN ({names})", name="status")


def newest_index(name: str, *column: str, key: str) -> Index:
    """Return the index that lists the rows of one value, or all, newest first; the id orders rows of the same instant."""
    return Index(name, *column, text("created_at DESC"), text(f"{key} DESC"))


def oldest_index(name: str, *, key: str) -> Index:
    """Return the index that lists and counts an event's rows of one status, oldest first."""
    return Index(name, "event_id", "status", "created_at", key)


def completed_index(name: str) -> Index:
    """Return the index that finds the changes of a ticket's owner."""
    return Index(name, "order_id", "seat_id", postgresql_where=text("completed_at IS NOT NULL"))
