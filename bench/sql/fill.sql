-- Numbered seats, and a fan for every attempt.
-- Ids are hashes, which spread over the whole index as the services' random ids do.
-- bench/workloads.py fills in {seats}, {fans} and {hall_size}.
INSERT INTO inventory.seats (
    seat_id, event_id, category, row_number, row_rank, seat_number, hall_position, price)
SELECT md5('seat' || n)::uuid, md5('event' || (n - 1) / {hall_size})::uuid, 'CAT1', 'R' || (n - 1) / 20,
    (n - 1) / 20, (n - 1) % 20 + 1, (n - 1) % {hall_size} + 1, 350
FROM generate_series(1, {seats}) AS n;

INSERT INTO users.users (user_id, email, phone, password_hash, roles, is_verified)
SELECT md5('fan' || n)::uuid, 'fan' || n || '@bench.example', '+659' || lpad(n::text, 9, '0'), '!', '{{customer}}', true
FROM generate_series(1, {fans}) AS n;

INSERT INTO users.balances (account_kind, account_owner, currency, amount)
SELECT kind, md5('fan' || n)::uuid::text, 'SGD', CASE kind WHEN 'wallet' THEN 1000 ELSE 0 END
FROM generate_series(1, {fans}) AS n CROSS JOIN unnest(ARRAY['wallet', 'escrow']) AS kind;
