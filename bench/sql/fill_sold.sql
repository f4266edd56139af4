-- After fill.sql: sells every seat to the fan with the same number, in a separate order.
-- bench/workloads.py fills in {seats}.
INSERT INTO orders.orders (order_id, user_id, event_id, status, total, held_until)
SELECT md5('order' || n)::uuid, md5('fan' || n)::uuid, md5('event' || 0)::uuid, 'PENDING', 350,
    clock_timestamp() + interval '300 s'
FROM generate_series(1, {seats}) AS n;

INSERT INTO orders.order_seats (order_id, seat_id, category, row_number, seat_number, price)
SELECT md5('order' || n)::uuid, md5('seat' || n)::uuid, 'CAT1', 'R1', 1, 350
FROM generate_series(1, {seats}) AS n;

UPDATE orders.orders SET status = 'CONFIRMED', confirmed_at = now();

UPDATE inventory.seats SET status = 'SOLD', hold_id = md5('order' || n)::uuid, owner_user_id = md5('fan' || n)::uuid,
    price_paid = price, purchased_at = clock_timestamp()
FROM generate_series(1, {seats}) AS n
WHERE seat_id = md5('seat' || n)::uuid;
