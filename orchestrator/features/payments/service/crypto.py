"""Payments by crypto: recorded, created at NOWPayments, and linked to it, with the address to pay to."""

import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from orchestrator.clients.users.payments import PaymentFacts, PaymentsClient, Provider, Purpose
from orchestrator.features.payments.adapters.nowpayments import CryptoPayment, NowPayments

__all__ = ["CryptoPayments"]

PAY_ADDRESS: Final = "pay_address"
PAY_CURRENCY: Final = "pay_currency"


@dataclass(frozen=True, slots=True)
class CryptoPayments:
    """Every step may be repeated; after a crash at any of them, nothing has to be undone."""

    payments: PaymentsClient
    nowpayments: NowPayments

    async def open(
        self,
        *,
        payment_id: uuid.UUID,
        user_id: uuid.UUID,
        purpose: Purpose,
        reference: uuid.UUID,
        amount: Decimal,
        pay_currency: str,
    ) -> PaymentFacts:
        """Return the payment, whose `details` have `pay_address`, `pay_amount`, `pay_currency` and `expires_at`.

        Raises:
            InvalidRequest: the provider refuses the amount in that currency.
            Unprocessable: IDEMPOTENCY_KEY_REUSED; the payment exists with other facts.
            Unavailable: NOWPayments or the users service does not respond; repeating it continues.
        """
        opened = await self.payments.open(
            payment_id=payment_id,
            user_id=user_id,
            provider=Provider.NOWPAYMENTS,
            purpose=purpose,
            reference=reference,
            amount=amount,
            details={PAY_CURRENCY: pay_currency},
        )
        # Its present state differs from the first answer if it was opened before.
        payment = await self.payments.find(opened.payment_id)
        if payment.provider_payment_id is None:
            created = await self.nowpayments.create(payment_id=payment_id, amount=amount, pay_currency=pay_currency)
            payment = await self._attach(payment, created)
        if PAY_ADDRESS not in payment.details:
            # The answer with the address was lost, and NOWPayments' first notification set its id before this request.
            payment = await self._attach(payment, await self.nowpayments.find(str(payment.provider_payment_id)))
        return payment

    async def _attach(self, payment: PaymentFacts, created: CryptoPayment) -> PaymentFacts:
        return await self.payments.attach(
            payment.payment_id,
            provider_payment_id=created.payment_id,
            expires_at=created.expiration_estimate_date,
            details=_instructions(created),
        )


def _instructions(created: CryptoPayment) -> dict[str, str | None]:
    expires_at = created.expiration_estimate_date
    return {
        PAY_ADDRESS: created.pay_address,
        "pay_amount": f"{created.pay_amount:f}",
        PAY_CURRENCY: created.pay_currency,
        "expires_at": expires_at.isoformat() if expires_at else None,
    }
