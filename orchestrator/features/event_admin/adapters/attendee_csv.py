"""Attendees as CSV (RFC 4180), safe to open in a spreadsheet."""

import csv
import io
import re
from collections.abc import Iterable
from typing import Final

from orchestrator.features.event_admin.schemas import AttendeeView

__all__ = ["COLUMNS", "cells_of", "csv_of", "defused"]

COLUMNS: Final = (
    "category",
    "row_number",
    "seat_number",
    "status",
    "name",
    "email",
    "price_paid",
    "purchased_at",
    "seat_id",
    "user_id",
)
# A spreadsheet takes a cell that begins so for a formula (OWASP, "CSV Injection"); where it divides cells by semicolons
# or tabs, the middle of ours may begin one of its own.
FORMULA: Final = re.compile(r"(?:^|[;,\t])\s*[=+\-@＝＋－＠\t\r\n]")  # noqa: RUF001 - full-width signs count as well


def csv_of(rows: Iterable[Iterable[str]]) -> bytes:
    """Return lines of CSV; fields that hold a comma, a quote or a line's end are quoted."""
    sheet = io.StringIO(newline="")
    csv.writer(sheet).writerows([defused(cell) for cell in row] for row in rows)
    return sheet.getvalue().encode()


def cells_of(attendee: AttendeeView) -> list[str]:
    values = attendee.model_dump(mode="json")
    return ["" if values[column] is None else str(values[column]) for column in COLUMNS]


def defused(cell: str) -> str:
    """Return the cell as text that no spreadsheet computes."""
    return f"'{cell}" if FORMULA.search(cell) else cell
