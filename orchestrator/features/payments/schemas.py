"""Top-ups by card or crypto."""

import uuid
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from common.http.body import RequestBody
from common.money import Money

__all__ = ["CryptoInstructions", "CryptoRequest", "Ticker", "TopUpRequest", "TopUpStarted"]

# Stripe's limits of one charge in SGD (https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts).
SMALLEST: Final = Decimal("0.50")
LARGEST: Final = Decimal("999999.99")

TopUpAmount = Annotated[Money, Field(ge=SMALLEST, le=LARGEST, examples=["50.00"])]
# A ticker in NOWPayments' spelling, such as btc or usdttrc20.
Ticker = Annotated[str, StringConstraints(to_lower=True, strip_whitespace=True, pattern=r"^[a-zA-Z0-9]{2,20}$")]


class TopUpRequest(RequestBody):
    model_config = ConfigDict(json_schema_extra={"example": {"amount": "50.00"}})

    amount: TopUpAmount


class TopUpStarted(BaseModel):
    """`client_secret` is for Stripe's form in the fan's browser; the wallet is credited when the payment succeeds."""

    payment_id: uuid.UUID
    client_secret: str = Field(examples=["pi_3PqRsT_secret_9a8b7c"])
    amount: Money
    currency: str = Field(examples=["sgd"])


class CryptoRequest(RequestBody):
    """A top-up needs an amount; an order's amount is its total and may be omitted. Both credit the wallet."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"purpose": "topup", "amount": "50.00", "pay_currency": "btc"}}
    )

    purpose: Literal["topup", "order"] = "topup"
    reference_id: uuid.UUID | None = Field(default=None, description="The order's id.")
    amount: TopUpAmount | None = None
    pay_currency: Ticker = Field(examples=["btc"])

    @model_validator(mode="after")
    def _check_amount_and_reference(self) -> Self:
        if self.purpose == "topup" and self.amount is None:
            raise ValueError("a top-up needs an amount")
        if (self.purpose == "order") != (self.reference_id is not None):
            raise ValueError("reference_id is required for an order, and only for an order")
        return self


class CryptoInstructions(BaseModel):
    """Pay exactly `pay_amount` to `pay_address` before `expires_at`."""

    payment_id: uuid.UUID
    pay_address: str = Field(examples=["bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"])
    pay_amount: str = Field(examples=["0.00055556"])
    pay_currency: str = Field(examples=["btc"])
    amount: Money
    currency: str = Field(examples=["sgd"])
    expires_at: datetime | None
