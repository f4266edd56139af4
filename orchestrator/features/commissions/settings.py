"""What commissions read from the environment."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

from pydantic import Field

from common.money import PositiveMoney
from common.settings import EnvironmentSettings
from orchestrator.clients.orders.commissions import CommissionType


class CommissionSettings(EnvironmentSettings):
    commission_article_price: PositiveMoney = Field(
        default=Decimal("40.00"), description="The price of an article (C1)."
    )
    commission_backlink_price: PositiveMoney = Field(
        default=Decimal("25.00"), description="The price of a backlink into a published article (C1)."
    )
    commission_ttl_days: float = Field(
        default=90.0, gt=0, description="How long after its order a text may still be published; then it is refunded."
    )
    commission_backlink_ttl_days: float = Field(
        default=14.0, gt=0, description="The same of a backlink, which keeps others out of its article meanwhile."
    )
    commission_checkout_seconds: float = Field(
        default=3_600.0,
        ge=2_400,
        le=82_800,
        description="How long a checkout may be paid. Stripe allows 30 minutes to a day, also for one created late.",
    )
    commission_refund_hours: float = Field(
        default=72.0, gt=0, description="How long a failed order waits for an admin's retry; then it is refunded (C6)."
    )
    failed_commissions_interval_seconds: float = Field(
        default=60.0, gt=0, description="How often workers look for failed orders that are to be refunded (C6)."
    )

    @property
    def commission_prices(self) -> Mapping[CommissionType, Decimal]:
        return {
            CommissionType.ARTICLE: self.commission_article_price,
            CommissionType.BACKLINK: self.commission_backlink_price,
        }

    @property
    def commission_ttls(self) -> Mapping[CommissionType, timedelta]:
        return {
            CommissionType.ARTICLE: timedelta(days=self.commission_ttl_days),
            CommissionType.BACKLINK: timedelta(days=self.commission_backlink_ttl_days),
        }
