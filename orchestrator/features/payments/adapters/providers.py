"""The payment providers, constructed once."""

from dataclasses import dataclass
from typing import Self

from orchestrator.features.payments.adapters.nowpayments import NowPayments
from orchestrator.features.payments.adapters.stripe import StripePayments
from orchestrator.features.payments.settings import PaymentSettings


@dataclass(frozen=True, slots=True)
class PaymentProviders:
    """No provider is contacted before the first call."""

    stripe: StripePayments
    nowpayments: NowPayments

    @classmethod
    def connect(cls, settings: PaymentSettings) -> Self:
        return cls(stripe=StripePayments.connect(settings), nowpayments=NowPayments.connect(settings))

    async def close(self) -> None:
        await self.stripe.close()
        await self.nowpayments.close()
