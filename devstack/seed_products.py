"""Three products: one that the supplier always has, and two with a counted stock. What exists already stays as it is."""

import uuid
from decimal import Decimal
from typing import Final, NamedTuple

from sqlalchemy.dialects.postgresql import insert

from common.db.engine import Database
from events.products.models import products

__all__ = ["ALWAYS_IN_STOCK_ID", "COUNTED_ID", "FEW_ID", "seed_products"]

ALWAYS_IN_STOCK_ID: Final = uuid.UUID("d1d1d1d1-d1d1-d1d1-d1d1-d1d1d1d1d1d1")
COUNTED_ID: Final = uuid.UUID("d1d1d1d1-d1d1-d1d1-d1d1-d1d1d1d1d1d2")
FEW_ID: Final = uuid.UUID("d1d1d1d1-d1d1-d1d1-d1d1-d1d1d1d1d1d3")


class _Product(NamedTuple):
    product_id: uuid.UUID
    name: str
    description: str
    price: Decimal
    supplier_product_id: str
    stock: int | None


PRODUCTS: Final = (
    _Product(
        ALWAYS_IN_STOCK_ID,
        "Lantern Drift",
        "A quiet game about a lamp, a boat and a long river. The key is for one account.",
        Decimal("15.00"),
        "lantern-drift-standard",
        stock=None,
    ),
    _Product(
        COUNTED_ID,
        "Reef Runner",
        "A race through the coral, for one or two players.",
        Decimal("25.00"),
        "reef-runner-standard",
        stock=500,
    ),
    _Product(
        FEW_ID,
        "Night Market, collector's edition",
        "Run a stall for forty nights. With the soundtrack and a map of the market.",
        Decimal("40.00"),
        "night-market-collector",
        stock=25,
    ),
)


async def seed_products(database: Database) -> None:
    """Add what is missing."""
    for product in PRODUCTS:
        await database.execute(insert(products).values(product._asdict()).on_conflict_do_nothing())
