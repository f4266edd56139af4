"""Digital orders, their items, sealed codes and history."""

from alembic import op

revision = "0013"
down_revision = "0012"

TABLES = (
    """
    CREATE TABLE digital_orders (
        order_id uuid CONSTRAINT pk_digital_orders PRIMARY KEY,
        buyer_user_id uuid NOT NULL,
        total numeric(14, 2) NOT NULL CONSTRAINT ck_digital_orders_total CHECK (total >= 0),
        pay_with text NOT NULL CONSTRAINT ck_digital_orders_pay_with CHECK (pay_with IN ('credits', 'crypto')),
        status text NOT NULL CONSTRAINT ck_digital_orders_status CHECK (status IN (
            'OPENING', 'CREATED', 'PAID', 'WAITING', 'READY', 'FULFILLED', 'FAILED', 'REFUNDED', 'CANCELLED')),
        status_at timestamptz NOT NULL,
        storage_ref text,
        failure_code text,
        failure_message text NOT NULL DEFAULT '',
        opened_by_request_id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        paid_at timestamptz,
        ready_at timestamptz,
        downloaded_at timestamptz,
        keys_deleted_at timestamptz,
        ended_at timestamptz,
        CONSTRAINT ck_digital_orders_paid_at CHECK (
            (status IN ('OPENING', 'CREATED', 'CANCELLED')) = (paid_at IS NULL)),
        CONSTRAINT ck_digital_orders_ready_at CHECK (status NOT IN ('READY', 'FULFILLED') OR ready_at IS NOT NULL),
        CONSTRAINT ck_digital_orders_storage_ref CHECK (
            storage_ref IS NULL OR (ready_at IS NOT NULL AND keys_deleted_at IS NULL)),
        CONSTRAINT ck_digital_orders_codes CHECK (
            status NOT IN ('READY', 'FULFILLED') OR storage_ref IS NOT NULL OR keys_deleted_at IS NOT NULL),
        CONSTRAINT ck_digital_orders_failure_code CHECK (status <> 'FAILED' OR failure_code IS NOT NULL),
        CONSTRAINT ck_digital_orders_ended_at CHECK (
            (status IN ('FULFILLED', 'REFUNDED', 'CANCELLED')) = (ended_at IS NOT NULL))
    )
    """,
    "CREATE INDEX ix_digital_orders_paid ON digital_orders (order_id) WHERE status = 'PAID'",
    "CREATE INDEX ix_digital_orders_waiting ON digital_orders (order_id) WHERE status = 'WAITING'",
    "CREATE INDEX ix_digital_orders_failed ON digital_orders (order_id) WHERE status = 'FAILED'",
    "CREATE INDEX ix_digital_orders_downloaded ON digital_orders (downloaded_at) WHERE storage_ref IS NOT NULL",
    """
    CREATE INDEX ix_digital_orders_refunded_codes ON digital_orders (order_id)
        WHERE status = 'REFUNDED' AND keys_deleted_at IS NULL
    """,
    "CREATE INDEX ix_digital_orders_newest ON digital_orders (created_at DESC, order_id DESC)",
    """
    CREATE INDEX ix_digital_orders_buyer_newest
        ON digital_orders (buyer_user_id, created_at DESC, order_id DESC)
    """,
    "CREATE INDEX ix_digital_orders_status_newest ON digital_orders (status, created_at DESC, order_id DESC)",
    """
    CREATE TABLE digital_order_items (
        item_id uuid CONSTRAINT pk_digital_order_items PRIMARY KEY,
        order_id uuid NOT NULL CONSTRAINT fk_digital_order_items_order_id_digital_orders
            REFERENCES digital_orders (order_id) ON DELETE CASCADE,
        position integer NOT NULL,
        product_id uuid NOT NULL,
        name text NOT NULL,
        supplier_product_id text NOT NULL,
        price numeric(14, 2) NOT NULL CONSTRAINT ck_digital_order_items_price CHECK (price >= 0),
        status text NOT NULL DEFAULT 'PENDING' CONSTRAINT ck_digital_order_items_status CHECK (
            status IN ('PENDING', 'RESERVED', 'READY', 'DELIVERED', 'FAILED')),
        status_at timestamptz NOT NULL,
        reservation_id text,
        reserved_at timestamptz,
        failure text NOT NULL DEFAULT '',
        CONSTRAINT ck_digital_order_items_reservation_id CHECK (status <> 'RESERVED' OR reservation_id IS NOT NULL),
        CONSTRAINT ck_digital_order_items_reserved_at CHECK ((reservation_id IS NULL) = (reserved_at IS NULL))
    )
    """,
    "CREATE UNIQUE INDEX uq_digital_order_items_position ON digital_order_items (order_id, position)",
    """
    CREATE UNIQUE INDEX uq_digital_order_items_reservation_id ON digital_order_items (reservation_id)
        WHERE reservation_id IS NOT NULL
    """,
    """
    CREATE INDEX ix_digital_order_items_reserved_newest ON digital_order_items (reserved_at DESC, item_id DESC)
        WHERE reserved_at IS NOT NULL
    """,
    """
    CREATE TABLE digital_item_codes (
        item_id uuid CONSTRAINT pk_digital_item_codes PRIMARY KEY
            CONSTRAINT fk_digital_item_codes_item_id_digital_order_items REFERENCES digital_order_items (item_id),
        sealed bytea NOT NULL
    )
    """,
    """
    CREATE TABLE digital_order_history (
        order_id uuid CONSTRAINT fk_digital_order_history_order_id_digital_orders REFERENCES digital_orders (order_id),
        history_id bigint GENERATED ALWAYS AS IDENTITY,
        from_status text,
        to_status text NOT NULL,
        at timestamptz NOT NULL DEFAULT now(),
        request_id uuid,
        CONSTRAINT pk_digital_order_history PRIMARY KEY (order_id, history_id)
    )
    """,
)

# The database enforces the transitions of orders/digital_orders/status.py.
GUARDS = (
    """
    CREATE TRIGGER digital_orders_begin_opening BEFORE INSERT ON digital_orders FOR EACH ROW
    WHEN (NEW.status <> 'OPENING') EXECUTE FUNCTION refuse_move()
    """,
    """
    CREATE TRIGGER digital_orders_move_legally BEFORE UPDATE OF status ON digital_orders FOR EACH ROW
    WHEN ((OLD.status, NEW.status) NOT IN (
        ('OPENING', 'CREATED'), ('OPENING', 'PAID'), ('CREATED', 'PAID'), ('CREATED', 'CANCELLED'),
        ('PAID', 'WAITING'), ('PAID', 'FAILED'), ('WAITING', 'READY'), ('WAITING', 'FAILED'), ('FAILED', 'PAID'),
        ('READY', 'FULFILLED'), ('PAID', 'REFUNDED'), ('WAITING', 'REFUNDED'), ('READY', 'REFUNDED'),
        ('FAILED', 'REFUNDED')))
    EXECUTE FUNCTION refuse_move()
    """,
    """
    CREATE TRIGGER digital_orders_are_kept BEFORE DELETE ON digital_orders FOR EACH ROW
    WHEN (OLD.status <> 'OPENING') EXECUTE FUNCTION refuse_move()
    """,
    """
    CREATE TRIGGER digital_order_items_begin_pending BEFORE INSERT ON digital_order_items FOR EACH ROW
    WHEN (NEW.status <> 'PENDING') EXECUTE FUNCTION refuse_move()
    """,
    """
    CREATE TRIGGER digital_order_items_move_legally BEFORE UPDATE OF status ON digital_order_items FOR EACH ROW
    WHEN (OLD.status <> NEW.status AND (OLD.status, NEW.status) NOT IN (
        ('PENDING', 'RESERVED'), ('PENDING', 'READY'), ('PENDING', 'FAILED'), ('RESERVED', 'READY'),
        ('RESERVED', 'FAILED'), ('FAILED', 'READY'), ('READY', 'DELIVERED')))
    EXECUTE FUNCTION refuse_move()
    """,
    """
    CREATE TRIGGER digital_order_items_are_kept BEFORE DELETE ON digital_order_items FOR EACH ROW
    WHEN (OLD.status <> 'PENDING') EXECUTE FUNCTION refuse_move()
    """,
)

# Whether a buyer has as many unpaid crypto orders as allowed. The lock serializes the openings of one buyer, and the query
# after it has a new snapshot, so it counts what they committed.
REACHED_UNPAID_LIMIT = """
    CREATE FUNCTION reached_unpaid_limit(asked_user_id uuid, most integer)
    RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock(hashtextextended('unpaid digital orders ' || asked_user_id, 0));
        RETURN EXISTS (
            SELECT FROM digital_orders
            WHERE buyer_user_id = asked_user_id AND pay_with = 'crypto' AND status IN ('OPENING', 'CREATED')
            OFFSET most - 1);
    END
    $$
"""

# Whatever ends an order, and whatever is written at that moment: no code of it stays.
FORGETTING = (
    """
    CREATE FUNCTION delete_codes_of_order() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        DELETE FROM digital_item_codes USING digital_order_items AS item
        WHERE item.item_id = digital_item_codes.item_id AND item.order_id = NEW.order_id;
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE TRIGGER digital_orders_forget_codes AFTER UPDATE OF status ON digital_orders FOR EACH ROW
    WHEN (NEW.status IN ('REFUNDED', 'CANCELLED')) EXECUTE FUNCTION delete_codes_of_order()
    """,
)


def upgrade() -> None:
    for statement in (*TABLES, *GUARDS, REACHED_UNPAID_LIMIT, *FORGETTING):
        op.execute(statement)


def downgrade() -> None:
    for table in ("digital_order_history", "digital_item_codes", "digital_order_items", "digital_orders"):
        op.drop_table(table)
    op.execute("DROP FUNCTION delete_codes_of_order(), reached_unpaid_limit(uuid, integer)")
