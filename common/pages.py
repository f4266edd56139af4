"""Pages of lists: how far they are counted, and an item's place in a list."""

import base64
import binascii
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Self

MAX_COUNTED: Final = 10_000
"""A list is counted this far, and its pages can be chosen by number this far, so that no request reads a whole table."""

COUNT_LIMIT: Final = MAX_COUNTED + 1
"""A bounded count reads this many rows at most: the last one shows that there are more than `MAX_COUNTED`."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """An item's place in a list, newest first: its time, and its id among those of the same time."""

    at: datetime
    key: uuid.UUID

    def __str__(self) -> str:
        return base64.urlsafe_b64encode(f"{self.at.isoformat()} {self.key}".encode()).decode()

    @classmethod
    def parse(cls, cursor: str) -> Self:
        """Return the cursor that a text stands for.

        Raises:
            ValueError: it is not a cursor's text.
        """
        try:
            at, key = base64.b64decode(cursor, altchars=b"-_", validate=True).decode().split(" ")
            moment = datetime.fromisoformat(at)
            if moment.tzinfo is None:
                raise ValueError(cursor)
            return cls(moment.astimezone(UTC), uuid.UUID(key))
        except (binascii.Error, OverflowError) as error:  # in UTC, the time may lie before year 1 or after year 9999
            raise ValueError(cursor) from error


@dataclass(frozen=True, slots=True)
class Total:
    """The number of items on all pages of a list; if it is not exact, there are more.

    `next` is the place of the last row of a full page, behind which the following page begins: a row that cannot be read
    is not shown, but it counts.
    """

    number: int
    is_exact: bool = True
    next: Cursor | None = field(default=None, compare=False)

    @classmethod
    def of_bounded(cls, count: int, *, next_: Cursor | None = None) -> Self:
        """Return the total of a list that was counted to `COUNT_LIMIT`."""
        return cls(min(count, MAX_COUNTED), is_exact=count <= MAX_COUNTED, next=next_)
