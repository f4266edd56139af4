"""The tables of products and of what orders took from their stock. Orders refer to products, so these stay."""

from typing import Final

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    func,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import UUID

from common.db.base import AMOUNT
from events.database import metadata

products: Final = Table(
    "products",
    metadata,
    Column("product_id", UUID(as_uuid=True), primary_key=True),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False, server_default=""),
    Column("price", AMOUNT, nullable=False),
    Column("supplier_product_id", Text, nullable=False),
    Column("stock", Integer),  # null: the supplier always has it
    Column("is_active", Boolean, nullable=False, server_default=true()),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),  # by an admin
    CheckConstraint("price > 0", name="price"),
    CheckConstraint("stock >= 0", name="stock"),
    Index("ix_products_active_name", "name", "product_id", postgresql_where=text("is_active")),
    Index("ix_products_newest", text("created_at DESC"), text("product_id DESC")),
)

# What a request took of products whose stock is counted. `returned_at`: its undo has returned it.
stock_movements: Final = Table(
    "stock_movements",
    metadata,
    Column("request_id", UUID(as_uuid=True), primary_key=True),
    Column("product_id", UUID(as_uuid=True), ForeignKey("products.product_id"), primary_key=True),
    Column("quantity", Integer, nullable=False),
    Column("taken_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("returned_at", DateTime(timezone=True)),
    CheckConstraint("quantity > 0", name="quantity"),
)
