"""What digital orders read from the environment."""

from datetime import timedelta
from typing import Final

from pydantic import Field

from common.settings import EnvironmentSettings

# Before its saga's deadline refunds an order whole, what came of it is stored and delivered. The storage may be away.
LONGEST_MARGIN: Final = timedelta(hours=6)


class DigitalOrderSettings(EnvironmentSettings):
    digital_order_ttl_days: float = Field(
        default=14.0, gt=0, description="How long after its order the supplier may deliver; then the order is refunded."
    )
    digital_order_refund_hours: float = Field(
        default=72.0, gt=0, description="How long a failed order waits for an admin's retry; then it is refunded (F1)."
    )
    failed_digital_orders_interval_seconds: float = Field(
        default=60.0, gt=0, description="How often workers look for failed orders that are to be refunded (F1)."
    )

    @property
    def digital_order_settles_after(self) -> timedelta:
        """The age at which an order waits for nothing any more."""
        ttl = timedelta(days=self.digital_order_ttl_days)
        return ttl - min(LONGEST_MARGIN, ttl / 10)
