"""The headers of a parked message: its queue, why it was parked, and when."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from common.errors import ServiceError

__all__ = ["ParkingHeaders"]

QUEUE_HEADER: Final = "parked-from"
REASON_HEADER: Final = "parked-because"
TIME_HEADER: Final = "parked-at"


@dataclass(frozen=True, slots=True)
class ParkingHeaders:
    """`queue` is None if it is unknown, as for messages published to `parking` by hand."""

    queue: str | None
    reason: str
    parked_at: datetime

    @classmethod
    def of(cls, queue: str, error: Exception) -> "ParkingHeaders":
        """Return the headers for a message whose handler failed permanently.

        Only a service error's message is public; another error's may quote the message, so it stays in the log.
        """
        reason = error.public_message if isinstance(error, ServiceError) else type(error).__name__
        return cls(queue, reason, datetime.now(UTC))

    @property
    def headers(self) -> dict[str, str]:
        return {
            QUEUE_HEADER: self.queue or "",
            REASON_HEADER: self.reason,
            TIME_HEADER: self.parked_at.isoformat(),
        }

    @classmethod
    def read(cls, headers: Mapping[str, Any]) -> "ParkingHeaders | None":
        """Return a message's headers, by a consumer or by the broker at its delivery limit; None without either."""
        if TIME_HEADER in headers:
            return cls._by_consumer(headers)
        match headers.get("x-death"):  # the latest comes first
            case [{"queue": str(queue), "reason": str(reason), "time": datetime() as parked_at}, *_]:
                return cls(queue, reason, parked_at)
        return None

    @classmethod
    def _by_consumer(cls, headers: Mapping[str, Any]) -> "ParkingHeaders | None":
        try:
            parked_at = datetime.fromisoformat(str(headers[TIME_HEADER])).astimezone(UTC)
        except ValueError:
            return None
        queue, reason = headers.get(QUEUE_HEADER), headers.get(REASON_HEADER, "")
        return cls(str(queue) if queue else None, str(reason), parked_at)
