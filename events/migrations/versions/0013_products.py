"""Products, and what orders took from their stock."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"

UUID = postgresql.UUID(as_uuid=True)


def upgrade() -> None:
    op.create_table(
        "products",
        sa.Column("product_id", UUID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False, server_default=""),
        sa.Column("price", sa.Numeric(14, 2), nullable=False),
        sa.Column("supplier_product_id", sa.Text(), nullable=False),
        sa.Column("stock", sa.Integer()),
        sa.Column("is_active", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("product_id", name="pk_products"),
        sa.CheckConstraint("price > 0", name="ck_products_price"),
        sa.CheckConstraint("stock >= 0", name="ck_products_stock"),
    )
    op.create_index(
        "ix_products_active_name", "products", ["name", "product_id"], postgresql_where=sa.text("is_active")
    )
    op.create_index("ix_products_newest", "products", [sa.text("created_at DESC"), sa.text("product_id DESC")])
    op.create_table(
        "stock_movements",
        sa.Column("request_id", UUID, nullable=False),
        sa.Column("product_id", UUID, nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("returned_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("request_id", "product_id", name="pk_stock_movements"),
        sa.ForeignKeyConstraint(["product_id"], ["products.product_id"], name="fk_stock_movements_product_id_products"),
        sa.CheckConstraint("quantity > 0", name="ck_stock_movements_quantity"),
    )


def downgrade() -> None:
    op.drop_table("stock_movements")
    op.drop_table("products")
