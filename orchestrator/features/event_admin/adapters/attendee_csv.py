"""Attendees as CSV (RFC 4180), safe to open in a spreadsheet."""

import codecs
import csv
import io
import re
from collections.abc import Iterable
from typing import Final

from common.text import one_line
from common.time_zones import zone_of
from orchestrator.features.event_admin.schemas import AttendeeView

__all__ = ["BOM", "COLUMNS", "cells_of", "csv_of", "escape_formula"]

BOM: Final = codecs.BOM_UTF8  # at the start of the file, or Excel reads it in the code page of its country
COLUMNS: Final = (
    "category",
    "row_number",
    "seat_number",
    "status",
    "name",
    "email",
    "price_paid",
    "purchased_at",
    "time_zone",
    "seat_id",
    "user_id",
)
# A spreadsheet takes such a cell for a formula (OWASP, "CSV Injection"). One that splits cells at semicolons or tabs may
# find a formula in the middle of a cell.
FORMULA: Final = re.compile(r"(?:^|[;,\t])\s*[=+\-@＝＋－＠\t\r\n]")  # noqa: RUF001 - full-width signs start a formula, too


def csv_of(rows: Iterable[Iterable[str]]) -> bytes:
    """Return lines of CSV; fields with a comma, a quote or a line break are quoted."""
    sheet = io.StringIO(newline="")
    csv.writer(sheet).writerows([escape_formula(cell) for cell in row] for row in rows)
    return sheet.getvalue().encode()


def cells_of(attendee: AttendeeView, *, time_zone: str) -> list[str]:
    """Return the cells in the order of the columns, with times of that zone."""
    purchased_at = attendee.purchased_at.astimezone(zone_of(time_zone)).isoformat()
    values = attendee.model_dump(mode="json") | {"purchased_at": purchased_at, "time_zone": time_zone}
    return ["" if values[column] is None else one_line(str(values[column])) for column in COLUMNS]


def escape_formula(cell: str) -> str:
    """Return the cell as text that no spreadsheet takes for a formula."""
    return f"'{cell}" if FORMULA.search(cell) else cell
