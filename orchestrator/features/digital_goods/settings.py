"""What digital orders read from the environment."""

from pydantic import Field

from common.settings import EnvironmentSettings


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
