-- One purchase of one seat: the rows that the services write, in the same five transactions of one statement each.
-- Omitted is what only the platform needs: the saga log, the outbox, replays of stored responses.
--
-- pgbench defines :client_id; bench/pgbench.py and bench/workloads.py define :clients, :hall_size, :buyers, :seats and the
-- counter :mine. Each group of :buyers attempts competes for :seats seats; 1 and 1 means no contention.
\set mine :mine + 1
\set n (:mine - 1) * :clients + :client_id + 1
\set seat (:n - 1) / :buyers * :seats + (:n - 1) % :seats + 1
\set event (:seat - 1) / :hall_size

-- 1. Hold the seat: lock without waiting, check, change, count, store the request. {lock} is NOWAIT, or SKIP LOCKED if
-- seats are contended, because pgbench aborts a client at an error.
WITH locked AS MATERIALIZED (
    SELECT seat_id, category, price FROM inventory.seats
    WHERE seat_id = md5('seat' || :seat::text)::uuid AND event_id = md5('event' || :event::text)::uuid
        AND (status = 'AVAILABLE' OR status = 'HELD' AND held_until <= clock_timestamp())
    ORDER BY seat_id FOR UPDATE {lock}),
held AS (
    UPDATE inventory.seats SET status = 'HELD', hold_id = md5('order' || :n::text)::uuid,
        held_by_user_id = md5('fan' || :n::text)::uuid, held_until = clock_timestamp() + interval '300 s',
        hold_size = 1, version = version + 1
    FROM locked WHERE seats.seat_id = locked.seat_id
    RETURNING seats.seat_id, seats.event_id, seats.category, seats.price, seats.held_until),
counted AS (
    INSERT INTO inventory.seat_count_changes (event_id, category, available, held, sold, blocked)
    SELECT event_id, category, -1, 1, 0, 0 FROM held),
stored AS (
    INSERT INTO inventory.requests (request_id, fingerprint, result)
    SELECT md5('hold request' || :n::text)::uuid, md5('hold'), jsonb_build_object('seat_id', seat_id,
        'price', price::text, 'held_until', held_until) FROM held
    RETURNING result)
SELECT count(*) AS held FROM stored
\gset
\if :held

-- 2. Open the order, with its seat and the first row of its history.
WITH opened AS (
    INSERT INTO orders.orders (order_id, user_id, event_id, status, total, held_until)
    VALUES (md5('order' || :n::text)::uuid, md5('fan' || :n::text)::uuid, md5('event' || :event::text)::uuid,
        'PENDING', 350, clock_timestamp() + interval '300 s')
    RETURNING order_id, status, total),
seated AS (
    INSERT INTO orders.order_seats (order_id, seat_id, category, row_number, seat_number, price)
    SELECT order_id, md5('seat' || :seat::text)::uuid, 'CAT1', 'R1', 1, total FROM opened),
noted AS (
    INSERT INTO orders.order_history (order_id, to_status) SELECT order_id, status FROM opened)
INSERT INTO orders.requests (request_id, fingerprint, result)
SELECT md5('open request' || :n::text)::uuid, md5('open'), jsonb_build_object('order_id', order_id, 'status', status,
    'total', total::text) FROM opened
RETURNING result;

-- 3. Debit the wallet, with two entries in the ledger.
WITH debited AS (
    UPDATE users.balances SET amount = amount - 350
    WHERE account_kind = 'wallet' AND account_owner = md5('fan' || :n::text)::uuid::text AND currency = 'SGD'
        AND amount >= 350
    RETURNING account_owner, amount),
movement AS (
    INSERT INTO users.ledger_transactions (transaction_id, request_id, kind, reference)
    SELECT gen_random_uuid(), md5('charge request' || :n::text)::uuid, 'deduct', md5('order' || :n::text) FROM debited
    RETURNING transaction_id),
entries AS (
    INSERT INTO users.ledger_entries (transaction_id, account_kind, account_owner, currency, amount)
    SELECT transaction_id, side.kind, side.owner, 'SGD', side.change FROM movement, debited
    CROSS JOIN LATERAL (VALUES ('wallet', account_owner, -350),
        ('revenue', md5('event' || :event::text)::uuid::text, 350)) AS side (kind, owner, change))
INSERT INTO users.requests (request_id, fingerprint, result)
SELECT md5('charge request' || :n::text)::uuid, md5('charge'), jsonb_build_object('transaction_id', transaction_id,
    'balance', amount::text) FROM movement, debited
RETURNING result;

-- 4. Sell the held seat.
WITH locked AS MATERIALIZED (
    SELECT seat_id FROM inventory.seats WHERE hold_id = md5('order' || :n::text)::uuid AND status = 'HELD'
    ORDER BY seat_id FOR UPDATE),
sold AS (
    UPDATE inventory.seats SET status = 'SOLD', owner_user_id = held_by_user_id, price_paid = price,
        purchased_at = clock_timestamp(), held_by_user_id = NULL, held_until = NULL, hold_size = NULL,
        version = version + 1
    FROM locked WHERE seats.seat_id = locked.seat_id AND held_until > clock_timestamp()
    RETURNING seats.seat_id, event_id, category, purchased_at),
counted AS (
    INSERT INTO inventory.seat_count_changes (event_id, category, available, held, sold, blocked)
    SELECT event_id, category, 0, -1, 1, 0 FROM sold)
INSERT INTO inventory.requests (request_id, fingerprint, result)
SELECT md5('sell request' || :n::text)::uuid, md5('sell'), jsonb_build_object('seat_id', seat_id,
    'purchased_at', purchased_at) FROM sold
RETURNING result;

-- 5. Confirm the order.
WITH moved AS (
    UPDATE orders.orders SET status = 'CONFIRMED', confirmed_at = now()
    WHERE order_id = md5('order' || :n::text)::uuid AND status = 'PENDING'
    RETURNING order_id, status),
noted AS (
    INSERT INTO orders.order_history (order_id, from_status, to_status) SELECT order_id, 'PENDING', status FROM moved)
INSERT INTO orders.requests (request_id, fingerprint, result)
SELECT md5('confirm request' || :n::text)::uuid, md5('confirm'), jsonb_build_object('order_id', order_id,
    'status', status) FROM moved
RETURNING result;
\endif
