"""Commissions, the versions of their texts, and their history."""

from alembic import op

revision = "0012"
down_revision = "0011"

TABLES = (
    """
    CREATE TABLE commissions (
        order_id uuid CONSTRAINT pk_commissions PRIMARY KEY,
        customer_user_id uuid NOT NULL,
        type text NOT NULL,
        price numeric(14, 2) NOT NULL CONSTRAINT ck_commissions_price CHECK (price >= 0),
        pay_with text NOT NULL CONSTRAINT ck_commissions_pay_with CHECK (pay_with IN ('credits', 'stripe')),
        event_id uuid,
        article_id uuid,
        brief text NOT NULL DEFAULT '',
        keywords text[] NOT NULL DEFAULT '{}',
        target_url text,
        anchor_text text,
        links_allowed boolean NOT NULL DEFAULT false,
        status text NOT NULL CONSTRAINT ck_commissions_status CHECK (status IN (
            'OPENING', 'AWAITING_PAYMENT', 'PROCESSING', 'QUALITY_CHECK', 'ADMIN_REVIEW', 'PUBLISHING', 'COMPLETED',
            'FAILED', 'REFUNDED', 'CANCELLED')),
        status_at timestamptz NOT NULL,
        checkout_session_id text,
        checkout_url text,
        checkout_expires_at timestamptz,
        round integer NOT NULL DEFAULT 0,
        notes text NOT NULL DEFAULT '',
        review_notes text NOT NULL DEFAULT '',
        failure_code text,
        failure_message text NOT NULL DEFAULT '',
        version_number integer NOT NULL DEFAULT 0,
        title text NOT NULL DEFAULT '',
        slug text,
        opened_by_request_id uuid NOT NULL,
        moved_by_request_id uuid,
        created_at timestamptz NOT NULL DEFAULT now(),
        paid_at timestamptz,
        failed_at timestamptz,
        ended_at timestamptz,
        CONSTRAINT ck_commissions_type CHECK (
            (type = 'ARTICLE' AND event_id IS NOT NULL AND article_id IS NULL) OR
            (type = 'BACKLINK' AND article_id IS NOT NULL AND event_id IS NULL)),
        CONSTRAINT ck_commissions_link CHECK ((target_url IS NULL) = (anchor_text IS NULL)),
        CONSTRAINT ck_commissions_checkout CHECK (status <> 'AWAITING_PAYMENT' OR checkout_session_id IS NOT NULL),
        CONSTRAINT ck_commissions_paid_at CHECK (
            (status IN ('OPENING', 'AWAITING_PAYMENT', 'CANCELLED')) = (paid_at IS NULL)),
        CONSTRAINT ck_commissions_failed_at CHECK (
            status <> 'FAILED' OR (failed_at IS NOT NULL AND failure_code IS NOT NULL)),
        CONSTRAINT ck_commissions_ended_at CHECK (
            (status IN ('COMPLETED', 'REFUNDED', 'CANCELLED')) = (ended_at IS NOT NULL)),
        CONSTRAINT ck_commissions_slug CHECK ((status = 'COMPLETED') = (slug IS NOT NULL))
    )
    """,
    """
    CREATE UNIQUE INDEX uq_commissions_unfinished_backlink ON commissions (article_id)
        WHERE type = 'BACKLINK' AND status NOT IN (
            'OPENING', 'AWAITING_PAYMENT', 'COMPLETED', 'REFUNDED', 'CANCELLED')
    """,
    """
    CREATE UNIQUE INDEX uq_commissions_checkout_session_id ON commissions (checkout_session_id)
        WHERE checkout_session_id IS NOT NULL
    """,
    """
    CREATE INDEX ix_commissions_stalled ON commissions (status, status_at)
        WHERE status IN ('PROCESSING', 'FAILED')
    """,
    "CREATE INDEX ix_commissions_paid ON commissions (paid_at) WHERE paid_at IS NOT NULL",
    "CREATE INDEX ix_commissions_newest ON commissions (created_at DESC, order_id DESC)",
    """
    CREATE INDEX ix_commissions_customer_newest
        ON commissions (customer_user_id, created_at DESC, order_id DESC)
    """,
    "CREATE INDEX ix_commissions_status_newest ON commissions (status, created_at DESC, order_id DESC)",
    """
    CREATE TABLE commission_versions (
        order_id uuid CONSTRAINT fk_commission_versions_order_id_commissions REFERENCES commissions (order_id),
        number integer,
        version_id uuid NOT NULL DEFAULT gen_random_uuid(),
        round integer NOT NULL,
        title text NOT NULL,
        content text NOT NULL,
        notes text NOT NULL DEFAULT '',
        changes text NOT NULL DEFAULT '',
        quality jsonb NOT NULL,
        provider text NOT NULL,
        model text NOT NULL,
        input_tokens integer,
        output_tokens integer,
        cost_usd numeric(12, 6),
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT pk_commission_versions PRIMARY KEY (order_id, number)
    )
    """,
    """
    CREATE TABLE commission_history (
        order_id uuid CONSTRAINT fk_commission_history_order_id_commissions REFERENCES commissions (order_id),
        history_id bigint GENERATED ALWAYS AS IDENTITY,
        from_status text,
        to_status text NOT NULL,
        at timestamptz NOT NULL DEFAULT now(),
        request_id uuid,
        CONSTRAINT pk_commission_history PRIMARY KEY (order_id, history_id)
    )
    """,
)

# The database enforces the transitions of orders/commissions/status.py.
GUARDS = (
    """
    CREATE TRIGGER commissions_begin_opening BEFORE INSERT ON commissions FOR EACH ROW
    WHEN (NEW.status <> 'OPENING') EXECUTE FUNCTION refuse_move()
    """,
    """
    CREATE TRIGGER commissions_move_legally BEFORE UPDATE OF status ON commissions FOR EACH ROW
    WHEN ((OLD.status, NEW.status) NOT IN (
        ('OPENING', 'AWAITING_PAYMENT'), ('OPENING', 'PROCESSING'),
        ('AWAITING_PAYMENT', 'PROCESSING'), ('AWAITING_PAYMENT', 'CANCELLED'),
        ('PROCESSING', 'QUALITY_CHECK'), ('PROCESSING', 'FAILED'), ('FAILED', 'PROCESSING'),
        ('QUALITY_CHECK', 'PROCESSING'), ('QUALITY_CHECK', 'ADMIN_REVIEW'), ('ADMIN_REVIEW', 'QUALITY_CHECK'),
        ('ADMIN_REVIEW', 'PUBLISHING'), ('PUBLISHING', 'ADMIN_REVIEW'), ('PUBLISHING', 'COMPLETED'),
        ('PROCESSING', 'REFUNDED'), ('QUALITY_CHECK', 'REFUNDED'), ('ADMIN_REVIEW', 'REFUNDED'),
        ('PUBLISHING', 'REFUNDED'), ('FAILED', 'REFUNDED')))
    EXECUTE FUNCTION refuse_move()
    """,
    """
    CREATE TRIGGER commissions_are_kept BEFORE DELETE ON commissions FOR EACH ROW
    WHEN (OLD.status <> 'OPENING') EXECUTE FUNCTION refuse_move()
    """,
)


def upgrade() -> None:
    for statement in (*TABLES, *GUARDS):
        op.execute(statement)


def downgrade() -> None:
    for table in ("commission_history", "commission_versions", "commissions"):
        op.drop_table(table)
