"""Products: what the public sees, what admins write, what the orchestrator reads and takes."""

import uuid
from typing import Annotated, ClassVar, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from common.fields import Integer, LineText, PlainText, StoredInstant
from common.http.body import PartialBody, RequestBody
from common.http.calls import RepeatableCall
from common.money import Money, PositiveMoney

_WRITTEN: Final[JsonDict] = {
    "name": "Reef Runner",
    "description": "A race through the coral, for one or two players.",
    "price": "25.00",
    "supplier_product_id": "reef-runner-standard",
    "stock": 500,
    "is_active": True,
}
_ID: Final[JsonDict] = {"product_id": "d1d1d1d1-d1d1-d1d1-d1d1-d1d1d1d1d1d2"}

Name = Annotated[LineText, Field(min_length=1, max_length=200)]
Description = Annotated[PlainText, Field(max_length=2_000)]
Price = Annotated[PositiveMoney, Field(le=1_000_000)]
SupplierProductId = Annotated[LineText, Field(min_length=1, max_length=100)]
Stock = Annotated[Integer, Field(ge=0, le=1_000_000, description="null: the supplier always has it.")]


class Product(BaseModel):
    """A product as the public sees one."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": _ID | {name: _WRITTEN[name] for name in ("name", "description", "price")} | {"in_stock": True}
        }
    )

    product_id: uuid.UUID
    name: str
    description: str
    price: Money
    in_stock: bool


class ProductFacts(BaseModel):
    """A product as sagas see one. `stock` is null if the supplier always has it."""

    product_id: uuid.UUID
    name: str
    description: str
    price: Money
    supplier_product_id: str
    stock: int | None
    is_active: bool


class ManagedProduct(ProductFacts):
    """A product as admins see one."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": _ID | _WRITTEN | {"created_at": "2027-03-01T09:00:00Z", "updated_at": "2027-03-01T09:00:00Z"}
        }
    )

    created_at: StoredInstant
    updated_at: StoredInstant = Field(description="The time of the last change by an admin.")


class NewProduct(RequestBody):
    model_config = ConfigDict(json_schema_extra={"example": _WRITTEN})

    name: Name
    description: Description = ""
    price: Price
    supplier_product_id: SupplierProductId
    stock: Stock | None = None
    is_active: bool = True


class ProductChanges(PartialBody):
    """At least one field; the others stay as they are. null clears `stock`: the supplier always has it.

    `stock` is the new number, whatever it was. Orders of which nothing is delivered return theirs to it.
    """

    model_config = ConfigDict(json_schema_extra={"example": {"price": "19.90", "stock": 250}})
    clearable: ClassVar[frozenset[str]] = frozenset({"stock"})

    name: Name | None = None
    description: Description | None = None
    price: Price | None = None
    supplier_product_id: SupplierProductId | None = None
    stock: Stock | None = None
    is_active: bool | None = None


class LookUpProducts(BaseModel):
    product_ids: Annotated[list[uuid.UUID], Field(max_length=100)]


class StockQuantity(BaseModel):
    product_id: uuid.UUID
    quantity: Annotated[int, Field(strict=True, ge=1, le=1_000_000)]


class TakeStock(RepeatableCall):
    """Each product is named once."""

    quantities: Annotated[list[StockQuantity], Field(min_length=1, max_length=100)]

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        if len({each.product_id for each in self.quantities}) < len(self.quantities):
            raise ValueError("a product is named once")
        return self


class StockMoved(BaseModel):
    """An answer without facts: a refusal is an error."""
