"""Purchased items, their history, performers' queues, and the outbox."""

from alembic import op

revision = "0009"
down_revision = "0008"

# Every move updates the queue's row and two of its blocks: half of a page is left for their new versions.
TABLES = (
    """
    CREATE TABLE outbox (
        message_id uuid CONSTRAINT pk_outbox PRIMARY KEY,
        exchange text NOT NULL,
        routing_key text NOT NULL,
        body bytea NOT NULL,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        sent_at timestamptz
    )
    """,
    "CREATE INDEX ix_outbox_unsent ON outbox (created_at) WHERE sent_at IS NULL",
    "CREATE INDEX ix_outbox_sent ON outbox (sent_at) WHERE sent_at IS NOT NULL",
    """
    CREATE TABLE purchased_items (
        purchased_item_id uuid CONSTRAINT pk_purchased_items PRIMARY KEY,
        type text NOT NULL CONSTRAINT ck_purchased_items_type
            CHECK (type IN ('tip_grid_item', 'menu_item', 'subscription')),
        buyer_user_id uuid NOT NULL,
        performer_id uuid NOT NULL,
        offer_id uuid NOT NULL,
        menu_id uuid,
        conversation_id uuid,
        name text NOT NULL,
        description text NOT NULL DEFAULT '',
        price numeric(14, 2) NOT NULL,
        execution_mode text NOT NULL,
        message text NOT NULL DEFAULT '',
        idempotency_key text,
        queue_request_id uuid,
        scheduled_for timestamptz,
        estimated_minutes integer NOT NULL DEFAULT 0,
        bonus_points integer NOT NULL DEFAULT 0,
        is_batched boolean NOT NULL DEFAULT false,
        time_zone text NOT NULL,
        opened_on date NOT NULL,
        status text NOT NULL CONSTRAINT ck_purchased_items_status CHECK (status IN (
            'OPENING', 'PENDING', 'IN_PROGRESS', 'SUCCESS', 'FAILED', 'CANCELLED', 'DECLINED', 'EXPIRED')),
        settlement_status text NOT NULL CONSTRAINT ck_purchased_items_settlement_status
            CHECK (settlement_status IN ('pending', 'held', 'settled', 'refunded')),
        note text NOT NULL DEFAULT '',
        file_url text NOT NULL DEFAULT '',
        explanation text NOT NULL DEFAULT '',
        device jsonb,
        is_due boolean NOT NULL DEFAULT false,
        place bigint,
        payout_id uuid,
        opened_by_request_id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        started_at timestamptz,
        ended_at timestamptz,
        CONSTRAINT ck_purchased_items_amounts CHECK (price >= 0 AND estimated_minutes >= 0 AND bonus_points >= 0),
        CONSTRAINT ck_purchased_items_two_people CHECK (buyer_user_id <> performer_id),
        CONSTRAINT ck_purchased_items_started_at CHECK (status <> 'IN_PROGRESS' OR started_at IS NOT NULL),
        CONSTRAINT ck_purchased_items_ended_at CHECK (
            (status IN ('SUCCESS', 'FAILED', 'CANCELLED', 'DECLINED', 'EXPIRED')) = (ended_at IS NOT NULL)),
        CONSTRAINT ck_purchased_items_settled CHECK (settlement_status <> 'settled' OR status = 'SUCCESS')
    )
    """,
    """
    CREATE UNIQUE INDEX uq_purchased_items_idempotency_key
        ON purchased_items (buyer_user_id, (type = 'subscription'), idempotency_key)
        WHERE idempotency_key IS NOT NULL
    """,
    """
    CREATE UNIQUE INDEX uq_purchased_items_queue_request_id ON purchased_items (queue_request_id)
        WHERE queue_request_id IS NOT NULL
    """,
    """
    CREATE INDEX ix_purchased_items_day ON purchased_items (offer_id, opened_on, buyer_user_id)
        WHERE status IN ('OPENING', 'PENDING', 'IN_PROGRESS', 'SUCCESS')
    """,
    """
    CREATE INDEX ix_purchased_items_queue ON purchased_items (performer_id, place) INCLUDE (estimated_minutes)
        WHERE status = 'PENDING'
    """,
    """
    CREATE INDEX ix_purchased_items_in_progress ON purchased_items (performer_id, started_at)
        WHERE status = 'IN_PROGRESS'
    """,
    """
    CREATE INDEX ix_purchased_items_scheduled ON purchased_items (scheduled_for)
        WHERE status = 'PENDING' AND NOT is_due
    """,
    """
    CREATE INDEX ix_purchased_items_earned ON purchased_items (performer_id) INCLUDE (price)
        WHERE status = 'SUCCESS' AND settlement_status = 'pending'
    """,
    """
    CREATE INDEX ix_purchased_items_buyer_newest
        ON purchased_items (buyer_user_id, created_at DESC, purchased_item_id DESC)
    """,
    """
    CREATE INDEX ix_purchased_items_performer_newest
        ON purchased_items (performer_id, created_at DESC, purchased_item_id DESC)
    """,
    """
    CREATE TABLE purchased_item_history (
        purchased_item_id uuid CONSTRAINT fk_purchased_item_history_purchased_item_id_purchased_items
            REFERENCES purchased_items (purchased_item_id),
        history_id bigint GENERATED ALWAYS AS IDENTITY,
        from_status text,
        to_status text NOT NULL,
        at timestamptz NOT NULL DEFAULT now(),
        request_id uuid NOT NULL,
        CONSTRAINT pk_purchased_item_history PRIMARY KEY (purchased_item_id, history_id)
    )
    """,
    """
    CREATE TABLE performer_queues (
        performer_id uuid CONSTRAINT pk_performer_queues PRIMARY KEY,
        is_paused boolean NOT NULL DEFAULT false,
        last_place bigint NOT NULL DEFAULT 0,
        waiting bigint NOT NULL DEFAULT 0,
        waiting_minutes bigint NOT NULL DEFAULT 0,
        in_progress bigint NOT NULL DEFAULT 0,
        in_progress_minutes bigint NOT NULL DEFAULT 0,
        announced_place bigint NOT NULL DEFAULT 0,
        is_changed boolean NOT NULL DEFAULT false,
        CONSTRAINT ck_performer_queues_counts CHECK (waiting >= 0 AND in_progress >= 0)
    ) WITH (fillfactor = 50)
    """,
    "CREATE INDEX ix_performer_queues_changed ON performer_queues (performer_id) WHERE is_changed",
    """
    CREATE TABLE queue_blocks (
        performer_id uuid,
        size integer,
        block bigint,
        items bigint NOT NULL,
        minutes bigint NOT NULL,
        CONSTRAINT pk_queue_blocks PRIMARY KEY (performer_id, size, block)
    ) WITH (fillfactor = 50)
    """,
)

# The database enforces the transitions of orders/purchased_items/status.py.
GUARDS = (
    """
    CREATE TRIGGER purchased_items_begin_opening BEFORE INSERT ON purchased_items FOR EACH ROW
    WHEN (NEW.status <> 'OPENING') EXECUTE FUNCTION refuse_move()
    """,
    """
    CREATE TRIGGER purchased_items_move_legally BEFORE UPDATE OF status ON purchased_items FOR EACH ROW
    WHEN ((OLD.status, NEW.status) NOT IN (
        ('OPENING', 'PENDING'), ('OPENING', 'SUCCESS'),
        ('PENDING', 'IN_PROGRESS'), ('PENDING', 'SUCCESS'), ('IN_PROGRESS', 'SUCCESS'),
        ('PENDING', 'FAILED'), ('PENDING', 'CANCELLED'), ('PENDING', 'DECLINED'), ('PENDING', 'EXPIRED'),
        ('IN_PROGRESS', 'FAILED'), ('IN_PROGRESS', 'CANCELLED'), ('IN_PROGRESS', 'DECLINED'), ('IN_PROGRESS', 'EXPIRED')))
    EXECUTE FUNCTION refuse_move()
    """,
    """
    CREATE TRIGGER purchased_items_are_kept BEFORE DELETE ON purchased_items FOR EACH ROW
    WHEN (OLD.status <> 'OPENING') EXECUTE FUNCTION refuse_move()
    """,
)

# Which limit is reached, `item` or `user`, if any. The lock serializes the openings of one limited offer on one day, and the
# query after it has a new snapshot, so it counts what they committed. An offer without a limit takes no lock.
COUNTED = "status IN ('OPENING', 'PENDING', 'IN_PROGRESS', 'SUCCESS')"
REACHED_DAILY_LIMIT = f"""
    CREATE FUNCTION reached_daily_limit(
        asked_offer_id uuid, asked_day date, asked_user_id uuid, item_limit integer, user_limit integer)
    RETURNS text LANGUAGE plpgsql VOLATILE AS $$
    BEGIN
        IF item_limit IS NULL AND user_limit IS NULL THEN
            RETURN NULL;
        END IF;
        PERFORM pg_advisory_xact_lock(hashtextextended('daily limit ' || asked_offer_id || ' ' || asked_day, 0));
        IF EXISTS (SELECT FROM purchased_items WHERE item_limit IS NOT NULL
                   AND offer_id = asked_offer_id AND opened_on = asked_day AND {COUNTED}
                   OFFSET greatest(item_limit - 1, 0)) THEN
            RETURN 'item';
        END IF;
        IF EXISTS (SELECT FROM purchased_items WHERE user_limit IS NOT NULL
                   AND offer_id = asked_offer_id AND opened_on = asked_day AND buyer_user_id = asked_user_id AND {COUNTED}
                   OFFSET greatest(user_limit - 1, 0)) THEN
            RETURN 'user';
        END IF;
        RETURN NULL;
    END $$
"""

# Counts an item in or out of its performer's queue, in the statement that moves it. It enters when it is PENDING and due;
# then it gets its place. The row of the queue is locked until the transaction ends, after that of the item.
KEEP_QUEUE = """
    CREATE FUNCTION keep_performer_queue() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        enters CONSTANT boolean := NEW.status = 'PENDING' AND NEW.is_due AND NEW.place IS NULL;
        leaves CONSTANT boolean := NEW.status <> 'PENDING' AND OLD.status = 'PENDING' AND OLD.place IS NOT NULL;
        waits CONSTANT integer := enters::integer - leaves::integer;
        runs CONSTANT integer := (NEW.status = 'IN_PROGRESS')::integer - (OLD.status = 'IN_PROGRESS')::integer;
        given_place bigint;
    BEGIN
        INSERT INTO performer_queues (performer_id) VALUES (NEW.performer_id) ON CONFLICT DO NOTHING;
        UPDATE performer_queues SET
            last_place = last_place + enters::integer,
            waiting = waiting + waits,
            waiting_minutes = waiting_minutes + waits * NEW.estimated_minutes,
            in_progress = in_progress + runs,
            in_progress_minutes = in_progress_minutes + runs * NEW.estimated_minutes,
            is_changed = true
        WHERE performer_id = NEW.performer_id
        RETURNING last_place INTO given_place;
        IF enters THEN
            NEW.place := given_place;
            INSERT INTO queue_blocks AS b (performer_id, size, block, items, minutes)
            SELECT NEW.performer_id, size, NEW.place / size, 1, NEW.estimated_minutes
            FROM (VALUES (64), (4096)) AS sizes (size)
            ON CONFLICT (performer_id, size, block)
            DO UPDATE SET items = b.items + 1, minutes = b.minutes + excluded.minutes;
        ELSIF leaves THEN
            UPDATE queue_blocks SET items = items - 1, minutes = minutes - NEW.estimated_minutes
            WHERE performer_id = NEW.performer_id
              AND (size = 64 AND block = OLD.place / 64 OR size = 4096 AND block = OLD.place / 4096);
            DELETE FROM queue_blocks
            WHERE performer_id = NEW.performer_id AND items = 0
              AND (size = 64 AND block = OLD.place / 64 OR size = 4096 AND block = OLD.place / 4096);
        END IF;
        RETURN NEW;
    END $$
"""
KEEPS_QUEUE = """
    CREATE TRIGGER purchased_items_keep_queue BEFORE UPDATE OF status, is_due ON purchased_items FOR EACH ROW
    WHEN (NEW.status = 'PENDING' OR OLD.status IN ('PENDING', 'IN_PROGRESS')) EXECUTE FUNCTION keep_performer_queue()
"""

# The position of a place, and the minutes until its turn; NULL for no place. One query, so one snapshot; a volatile
# function, so that a statement that moves an item is told the queue with that move.
QUEUE_PLACE = """
    CREATE FUNCTION queue_place(
        asked_performer_id uuid, asked_place bigint, OUT queue_position bigint, OUT estimated_wait_minutes bigint)
    LANGUAGE plpgsql VOLATILE AS $$
    BEGIN
        IF asked_place IS NULL THEN
            RETURN;
        END IF;
        SELECT 1 + coalesce(sum(items), 0),
               coalesce(sum(minutes), 0) + coalesce(
                   (SELECT in_progress_minutes FROM performer_queues WHERE performer_id = asked_performer_id), 0)
        INTO queue_position, estimated_wait_minutes
        FROM (
            SELECT items, minutes FROM queue_blocks
            WHERE performer_id = asked_performer_id AND size = 4096 AND block < asked_place / 4096
            UNION ALL
            SELECT items, minutes FROM queue_blocks
            WHERE performer_id = asked_performer_id AND size = 64
              AND block >= asked_place / 4096 * 64 AND block < asked_place / 64
            UNION ALL
            SELECT 1, estimated_minutes FROM purchased_items
            WHERE performer_id = asked_performer_id AND status = 'PENDING'
              AND place >= asked_place / 64 * 64 AND place < asked_place
        ) AS before;
    END $$
"""


def upgrade() -> None:
    for statement in (*TABLES, *GUARDS, REACHED_DAILY_LIMIT, KEEP_QUEUE, KEEPS_QUEUE, QUEUE_PLACE):
        op.execute(statement)


def downgrade() -> None:
    for table in ("queue_blocks", "performer_queues", "purchased_item_history", "purchased_items", "outbox"):
        op.drop_table(table)
    for function in ("queue_place", "keep_performer_queue", "reached_daily_limit"):
        op.execute(f"DROP FUNCTION {function}")
