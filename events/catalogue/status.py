"""The statuses of an event."""

import enum


class EventStatus(enum.StrEnum):
    """DRAFT while its hall is provisioned, then PUBLISHED; CANCELLED is final."""

    DRAFT = "DRAFT"
    PUBLISHED = "PUBLISHED"
    CANCELLED = "CANCELLED"


class EventMove(enum.StrEnum):
    """A move of the status; the value is part of its requests' fingerprints."""

    PUBLISH = "publish"
    CANCEL = "cancel"
