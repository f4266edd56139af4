"""The statuses of an event."""

import enum

__all__ = ["EventStatus"]


class EventStatus(enum.StrEnum):
    """DRAFT while its hall is being provisioned, then PUBLISHED; a CANCELLED event is over for good."""

    DRAFT = "DRAFT"
    PUBLISHED = "PUBLISHED"
    CANCELLED = "CANCELLED"
