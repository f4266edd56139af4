"""What payouts read from the environment."""

from decimal import Decimal

from pydantic import Field

from common.money import PositiveMoney
from common.settings import EnvironmentSettings


class PayoutSettings(EnvironmentSettings):
    payout_interval_seconds: float = Field(
        default=86_400.0, gt=0, description="Pending earnings that are older are paid out (Q6)."
    )
    payout_amount: PositiveMoney = Field(
        default=Decimal("500.00"),
        description="Pending earnings of a performer that reach it are paid out at once (Q6).",
    )
