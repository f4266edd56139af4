-- One scan of one ticket: what the services read and write, in the same three transactions of one statement each.
-- Omitted are replays of stored responses, which only the platform needs, and the event and the owner's name, which it
-- caches.
--
-- pgbench defines :client_id; bench/pgbench.py defines :clients and the counter :mine.
\set mine :mine + 1
\set n (:mine - 1) * :clients + :client_id + 1

-- 1. Read the seat.
SELECT seat_id, event_id, category, row_number, seat_number, hall_position, price,
    CASE WHEN status = 'HELD' AND held_until <= (SELECT clock_timestamp()) THEN 'AVAILABLE' ELSE status END AS status,
    owner_user_id, price_paid, purchased_at, CASE WHEN owner_user_id IS NOT NULL THEN hold_id END AS order_id
FROM inventory.seats WHERE seat_id = md5('seat' || :n::text)::uuid;

-- 2. Read its order.
SELECT order_id, user_id, event_id, status FROM orders.order_seats JOIN orders.orders USING (order_id)
WHERE seat_id = md5('seat' || :n::text)::uuid
ORDER BY status = 'CONFIRMED' DESC, created_at DESC, order_id DESC LIMIT 1;

-- 3. Check in: lock, decide, change, log, store the scan.
WITH locked AS MATERIALIZED (
    SELECT seat_id, status, owner_user_id, admitted_at FROM inventory.seats
    WHERE seat_id = md5('seat' || :n::text)::uuid AND event_id = md5('event' || 0)::uuid
    FOR UPDATE),
decision AS MATERIALIZED (
    SELECT CASE
            WHEN owner_user_id <> md5('fan' || :n::text)::uuid THEN 'NOT_OWNER'
            WHEN status = 'CHECKED_IN' THEN 'DUPLICATE'
            ELSE 'SUCCESS' END AS result,
        admitted_at, clock_timestamp() AS at
    FROM locked),
outcome AS MATERIALIZED (
    SELECT result, at, CASE result WHEN 'SUCCESS' THEN at WHEN 'DUPLICATE' THEN admitted_at END AS admitted_at
    FROM decision),
admitted AS (
    UPDATE inventory.seats SET status = 'CHECKED_IN', admitted_at = (SELECT at FROM outcome), version = version + 1
    WHERE seat_id = md5('seat' || :n::text)::uuid AND (SELECT result FROM outcome) = 'SUCCESS'),
logged AS (
    INSERT INTO inventory.entry_logs (scan_id, event_id, seat_id, staff_user_id, ticket_user_id, hall_presented,
        hall_expected, result, logged_at)
    SELECT md5('scan' || :n::text)::uuid, md5('event' || 0)::uuid, md5('seat' || :n::text)::uuid,
        md5('staff' || :client_id::text)::uuid, md5('fan' || :n::text)::uuid, 'HALL-A', 'HALL-A', result, at
    FROM outcome)
INSERT INTO inventory.requests (request_id, fingerprint, result)
SELECT md5('scan' || :n::text)::uuid, md5('scan'), jsonb_build_object('result', result, 'admitted_at', admitted_at)
FROM outcome
RETURNING result;
