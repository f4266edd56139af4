"""The bodies and answers of the routes of digital orders."""

import uuid
from typing import Annotated, Literal, Self

from pydantic import Base64Bytes, BaseModel, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from common.fields import SentText, StoredInstant
from common.http.calls import RepeatableCall, UndoCall
from common.money import Money
from orders.digital_orders.status import DigitalItemStatus, DigitalOrderStatus, FulfillmentStatus, ShownStatus

PayWith = Literal["credits", "crypto"]
MoveName = Literal["await-payment", "accept", "fulfil"]
"""As in the routes."""

Words = Annotated[SentText, Field(max_length=10_000)]
Line = Annotated[SentText, Field(min_length=1, max_length=500)]
Sealed = Annotated[Base64Bytes, Field(min_length=1, max_length=100_000)]


class NewItem(BaseModel):
    """One unit of a product."""

    item_id: uuid.UUID
    product_id: uuid.UUID
    name: Line
    supplier_product_id: Line
    price: Money


class OpenOrder(RepeatableCall):
    order_id: uuid.UUID
    buyer_user_id: uuid.UUID
    items: Annotated[tuple[NewItem, ...], Field(min_length=1, max_length=100)]
    total: Money
    pay_with: PayWith

    @model_validator(mode="after")
    def _is_the_sum_of_its_items(self) -> Self:
        if self.total != sum(item.price for item in self.items):
            raise ValueError("the total is the sum of the items' prices")
        return self


class EndOrder(UndoCall):
    """The undo of opening. `reason` is the code of the error that ends the order, `explanation` what its buyer reads."""

    reason: Annotated[SentText, Field(max_length=100)] = ""
    explanation: Words = ""


class NoteReservation(BaseModel):
    reservation_id: Line


class AddCodes(BaseModel):
    """`sealed`, in Base64, is all that this service sees of the codes."""

    sealed: Sealed


class ReplaceCodes(AddCodes):
    """`replaced`, in Base64: only if this is what is stored."""

    replaced: Sealed


class FailItem(BaseModel):
    """`failure`: in plain words, for the buyer."""

    failure: Words


class MakeReady(BaseModel):
    storage_ref: Line


class FailOrder(BaseModel):
    """`message`: in plain words, for the buyer."""

    code: Line
    message: Words


class MovedOrder(BaseModel):
    order_id: uuid.UUID
    status: DigitalOrderStatus


class EndedOrder(BaseModel):
    """`status` is null if there is no such order."""

    order_id: uuid.UUID
    status: DigitalOrderStatus | None


class SealedCodes(BaseModel):
    item_id: uuid.UUID
    sealed: str = Field(description="In Base64.")


class Replaced(BaseModel):
    is_replaced: bool


_EXAMPLE: JsonDict = {
    "order_id": "5d6f1f5c-7b2e-4a35-9f0c-2b6f0a4f7d11",
    "buyer_user_id": "41414141-4141-4141-4141-414141414141",
    "pay_with": "crypto",
    "status": "WAITING",
    "fulfillment_status": "waiting",
    "total": "59.98",
    "items": [
        {
            "item_id": "0b0d3c1e-52a5-4b0e-8a0f-7d4f5f6b7a01",
            "product_id": "d1d1d1d1-d1d1-d1d1-d1d1-d1d1d1d1d1d1",
            "name": "Starfall: Deluxe Edition",
            "price": "29.99",
            "status": "RESERVED",
            "failure": None,
        }
    ],
    "failure_code": None,
    "failure_message": None,
    "created_at": "2026-11-20T10:00:00Z",
    "paid_at": "2026-11-20T10:04:00Z",
    "ready_at": None,
    "downloaded_at": None,
    "keys_deleted_at": None,
    "ended_at": None,
}


class PublicDigitalItem(BaseModel):
    """One unit of a product as its buyer sees it."""

    item_id: uuid.UUID
    product_id: uuid.UUID
    name: str
    price: Money
    status: DigitalItemStatus
    failure: str | None = Field(description="Why it cannot be delivered, in plain words; its price is refunded.")


class DigitalItem(PublicDigitalItem):
    supplier_product_id: str
    reservation_id: str | None
    reserved_at: StoredInstant | None


class _Facts(BaseModel):
    order_id: uuid.UUID
    buyer_user_id: uuid.UUID
    pay_with: PayWith
    fulfillment_status: FulfillmentStatus = Field(description="What the status means for the buyer.")
    total: Money
    failure_code: str | None
    failure_message: str | None = Field(description="Why it has failed or ended, in plain words.")
    created_at: StoredInstant
    paid_at: StoredInstant | None
    ready_at: StoredInstant | None
    downloaded_at: StoredInstant | None = Field(description="The first download or reveal of the codes.")
    keys_deleted_at: StoredInstant | None
    ended_at: StoredInstant | None


class PublicDigitalOrder(_Facts):
    """An order as its buyer and admins see it. It has no code."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    status: ShownStatus
    items: list[PublicDigitalItem]


class DigitalOrder(_Facts):
    """An order as other services see it."""

    status: DigitalOrderStatus
    storage_ref: str | None
    items: list[DigitalItem]

    def public(self) -> PublicDigitalOrder:
        return PublicDigitalOrder.model_validate(self.model_dump(mode="json"))


class Reservation(BaseModel):
    """An item that is reserved at the supplier. `created_at` is when its reservation was stored."""

    order_id: uuid.UUID
    item_id: uuid.UUID
    reservation_id: str
    order_status: DigitalOrderStatus
    created_at: StoredInstant


class ReservationPage(BaseModel):
    """`count`: of all pages, counted to `COUNT_LIMIT`."""

    items: list[Reservation]
    count: int


class ReservedItem(BaseModel):
    order: DigitalOrder
    item: DigitalItem
