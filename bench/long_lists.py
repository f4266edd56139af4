"""Lists of admins over tables of many rows, in databases of their own: filled by PostgreSQL, read as the services do."""

# ruff: noqa: S608 - statements are composed of constants of this module

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import SecretStr
from sqlalchemy import text

from bench.own_database import migrated_database
from common.db.engine import Database
from common.pages import MAX_COUNTED, Cursor
from common.sealing import Sealer
from common.settings import DatabaseSettings
from devstack.database import connected
from inventory.repository.check_in import CheckInRepository
from orchestrator.clients.users.payments import Provider
from orchestrator.features.inbound_webhooks.models.records import WebhookStatus
from orchestrator.features.inbound_webhooks.repository import WebhookLog
from orchestrator.features.outbound_webhooks.repository import SubscriptionStore
from orchestrator.features.parked_messages.models.records import ParkedStatus
from orchestrator.features.parked_messages.repository import ParkedMessageStore
from orchestrator.jobs.record import Failure, JobStatus
from orchestrator.jobs.repository.admin import JobQueries
from orchestrator.saga_engine.plan import Call, Plan, SagaData, pivot
from orchestrator.saga_engine.record import SagaState
from orchestrator.saga_engine.repository import SagaLog
from orders.ticket_orders.repository import OrderRepository
from orders.ticket_orders.status import OrderStatus
from orders.transfers.repository import TransferRepository
from orders.transfers.status import TransferStatus
from users.payments.repository import PaymentRepository
from users.payments.status import PaymentStatus

__all__ = ["LISTS", "LongList", "measure_list"]

READS: Final = 5
PER_PAGE: Final = 20
STATEMENT_TIMEOUT_SECONDS: Final = 3_600.0
SUBSCRIPTION: Final = uuid.UUID(int=1)
EVENT: Final = uuid.UUID(int=2)
USER: Final = uuid.UUID(int=3)
# One row in 100,000 has a rare status. A list of these must not read the others.
RARE: Final = "n % 100000 = 0"
AT: Final = "now() - n * interval '1 second'"

Page = Callable[..., Awaitable[tuple[Sequence[Any], object]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class LongList:
    """A list: how its table is filled with rows 1 to $1, and the page that its repository returns with each filter.

    `place` names an item's time and id, if the list can be continued after an item.
    """

    name: str
    package: str
    fill: str
    page: Callable[[Database], Page]
    filters: tuple[dict[str, Any], ...] = ({},)
    place: tuple[str, str] | None = None


async def _no_step(data: SagaData, _: Call) -> SagaData:
    return data


def _sagas(database: Database) -> Page:
    log = SagaLog(database, [Plan("bench", SagaData, pivot("none", _no_step))], wake_relay=lambda: None)
    return log.list_page


LISTS: Final = (
    LongList(
        name="sagas",
        package="orchestrator",
        fill=f"""
            INSERT INTO sagas (saga_id, kind, requested_by, fingerprint, state, step, data, correlation_id, due_at, created_at)
            SELECT gen_random_uuid(), 'purchase', gen_random_uuid(), '', state, 0, '{{}}', '',
                CASE WHEN state IN ('RUNNING', 'WAITING') THEN now() END, {AT}
            FROM generate_series(1, $1) AS n, LATERAL (SELECT CASE
                WHEN n % 100000 < 4 THEN (ARRAY['RUNNING', 'WAITING', 'STUCK', 'UNWOUND'])[n % 100000 + 1]
                ELSE 'COMPLETED' END AS state) AS its
        """,
        page=_sagas,
        filters=({"state": None}, *({"state": state} for state in SagaState)),
        place=("created_at", "saga_id"),
    ),
    LongList(
        name="jobs",
        package="orchestrator",
        fill=f"""
            INSERT INTO jobs (job_id, kind, payload, idempotency_key, priority, status, failure, max_attempts,
                correlation_id, queued_at, run_at, created_at, finished_at)
            SELECT gen_random_uuid(), CASE WHEN {RARE} THEN 'webhook' ELSE 'email' END, '{{}}', '', 0,
                CASE WHEN {RARE} THEN 'failed' ELSE 'completed' END, CASE WHEN {RARE} THEN 'dead' END, 1, '',
                {AT}, {AT}, {AT}, {AT}
            FROM generate_series(1, $1) AS n
        """,
        page=lambda database: JobQueries(database).page,
        filters=(
            {"kind": None, "status": None},
            {"kind": "webhook", "status": None},
            {"kind": None, "status": JobStatus.FAILED},
            {"kind": None, "status": None, "failure": Failure.DEAD},
            {"kind": "email", "status": JobStatus.COMPLETED},
        ),
        place=("created_at", "job_id"),
    ),
    LongList(
        name="webhooks",
        package="orchestrator",
        fill=f"""
            INSERT INTO webhook_log (webhook_id, provider, external_id, event_type, body, status, job_id, received_at)
            SELECT gen_random_uuid(), CASE WHEN {RARE} THEN 'nowpayments' ELSE 'stripe' END, n::text, '', '',
                CASE WHEN {RARE} THEN 'failed' ELSE 'processed' END, gen_random_uuid(), {AT}
            FROM generate_series(1, $1) AS n
        """,
        page=lambda database: WebhookLog(database, Sealer({"bench": bytes(32)})).page,
        filters=(
            {"provider": None, "status": None},
            {"provider": Provider.NOWPAYMENTS, "status": None},
            {"provider": None, "status": WebhookStatus.FAILED},
            {"provider": Provider.STRIPE, "status": WebhookStatus.PROCESSED},
        ),
        place=("received_at", "webhook_id"),
    ),
    LongList(
        name="deliveries of a subscription",
        package="orchestrator",
        fill=f"""
            WITH subscription AS (
                INSERT INTO webhook_subscriptions (subscription_id, url, message_types, secret, created_by)
                VALUES ('{SUBSCRIPTION}', '', '{{}}', '', gen_random_uuid()))
            INSERT INTO webhook_deliveries (delivery_id, subscription_id, message_id, message_type, body, status, created_at)
            SELECT gen_random_uuid(), '{SUBSCRIPTION}', gen_random_uuid(), 'order.confirmed', '',
                CASE WHEN {RARE} THEN 'FAILED' ELSE 'DELIVERED' END, {AT}
            FROM generate_series(1, $1) AS n
        """,
        page=lambda database: SubscriptionStore(database).deliveries,
        filters=(
            {"subscription_id": SUBSCRIPTION, "status": None},
            {"subscription_id": SUBSCRIPTION, "status": "FAILED"},
        ),
        place=("created_at", "delivery_id"),
    ),
    LongList(
        name="parked messages",
        package="orchestrator",
        fill=f"""
            INSERT INTO parked_messages (parked_id, message_id, queue, reason, body, status, parked_at, settled_at)
            SELECT gen_random_uuid(), '', '', '', '', CASE WHEN {RARE} THEN 'parked' ELSE 'discarded' END, {AT},
                CASE WHEN NOT {RARE} THEN now() END
            FROM generate_series(1, $1) AS n
        """,
        page=lambda database: ParkedMessageStore(database).page,
        filters=({"status": None, "queue": None}, {"status": ParkedStatus.PARKED, "queue": None}),
        place=("parked_at", "parked_id"),
    ),
    LongList(
        name="orders",
        package="orders",
        fill=f"""
            INSERT INTO orders (order_id, user_id, event_id, status, total, held_until, created_at, confirmed_at, ended_at)
            SELECT gen_random_uuid(), '{USER}', '{EVENT}', CASE WHEN {RARE} THEN 'REFUNDED' ELSE 'CONFIRMED' END, 1, now(),
                {AT}, now(), CASE WHEN {RARE} THEN now() END
            FROM generate_series(1, $1) AS n;
            INSERT INTO order_seats (order_id, seat_id, category, row_number, seat_number, price)
            SELECT order_id, gen_random_uuid(), 'CAT1', 'A', 1, 1 FROM orders
        """,
        page=lambda database: OrderRepository(database).page,
        filters=(
            {"user_id": None, "status": None},
            {"user_id": None, "status": OrderStatus.REFUNDED},
            {"user_id": USER, "status": None},
        ),
        place=("created_at", "order_id"),
    ),
    LongList(
        name="transfers",
        package="orders",
        fill=f"""
            INSERT INTO transfers (transfer_id, seat_id, order_id, event_id, category, row_number, seat_number,
                seller_user_id, buyer_user_id, initiated_by_user_id, credits_amount, status, moved_by_request_id,
                expires_at, created_at, completed_at, disputed_at)
            SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), '{EVENT}', 'CAT1', 'A', 1, '{USER}', '{EVENT}',
                '{USER}', 1, CASE WHEN {RARE} THEN 'DISPUTED' ELSE 'COMPLETED' END, gen_random_uuid(), now(), {AT}, now(),
                CASE WHEN {RARE} THEN now() END
            FROM generate_series(1, $1) AS n
        """,
        page=lambda database: TransferRepository(database).page,
        filters=(
            {"party_user_id": None, "status": None},
            {"party_user_id": None, "status": TransferStatus.DISPUTED},
        ),
        place=("created_at", "transfer_id"),
    ),
    LongList(
        name="payments",
        package="users",
        fill=f"""
            INSERT INTO payments (payment_id, user_id, provider, purpose, reference, amount, currency, status, flags,
                created_at, credited_at)
            SELECT gen_random_uuid(), '{USER}', CASE WHEN {RARE} THEN 'nowpayments' ELSE 'stripe' END, 'topup', '', 1,
                'sgd', CASE WHEN {RARE} THEN 'FAILED' ELSE 'SUCCEEDED' END,
                CASE WHEN {RARE} THEN ARRAY['SHORTFALL'] ELSE ARRAY[]::text[] END, {AT},
                CASE WHEN NOT {RARE} THEN now() END
            FROM generate_series(1, $1) AS n
        """,
        page=lambda database: PaymentRepository(database).page,
        filters=(
            {},
            {"provider": "nowpayments"},
            {"status": PaymentStatus.FAILED},
            {"is_flagged": True},
            {"provider": "stripe", "status": PaymentStatus.SUCCEEDED},
        ),
        place=("created_at", "payment_id"),
    ),
    LongList(
        name="scans",
        package="inventory",
        fill=f"""
            INSERT INTO entry_logs (scan_id, event_id, staff_user_id, hall_presented, result, logged_at)
            SELECT gen_random_uuid(), CASE WHEN n % 2 = 0 THEN CAST('{EVENT}' AS uuid) END, '{USER}', '',
                CASE WHEN n % 2 = 0 THEN 'SUCCESS' ELSE 'QR_INVALID' END, {AT}
            FROM generate_series(1, $1) AS n
        """,
        page=lambda database: CheckInRepository(database).scans,
        filters=({"event_id": EVENT}, {"event_id": None}),
    ),
)


def measure_list(server_url: str, long_list: LongList, *, rows: int) -> list[float]:
    """Fill the list's table in a new database and read its pages; return the seconds of each read.

    The database is dropped at the end.
    """
    with migrated_database(server_url, long_list.package) as url:
        return asyncio.run(_measure(url, long_list, rows))


async def _measure(url: str, long_list: LongList, rows: int) -> list[float]:
    async with connected(url) as connection:
        await connection.execute("SET session_replication_role = replica")  # no trigger, no foreign key
        await connection.execute(long_list.fill.replace("$1", str(rows)), timeout=STATEMENT_TIMEOUT_SECONDS)
        await connection.execute("VACUUM ANALYZE", timeout=STATEMENT_TIMEOUT_SECONDS)
    database = Database(DatabaseSettings(database_url=SecretStr(url)), application_name="bench")
    try:
        await database.fetch_one(text("SELECT 1"))
        page = long_list.page(database)
        return [seconds for filters in long_list.filters for seconds in await _read(page, long_list, filters)]
    finally:
        await database.close()


async def _read(page: Page, long_list: LongList, filters: dict[str, Any]) -> list[float]:
    """Read the first page, the last one by number, one behind the end, and the one after the last one by number."""
    deepest = MAX_COUNTED - PER_PAGE
    places: list[dict[str, Any]] = [{"offset": 0}, {"offset": deepest}, {"offset": 1_000 * MAX_COUNTED}]
    if long_list.place is not None:
        found, _ = await page(**filters, limit=PER_PAGE, offset=deepest)
        places += [{"offset": 0, "after": _cursor(found[-1], long_list.place)}] if found else []
    seconds = []
    for place in places:
        for _ in range(READS):
            began = time.perf_counter()
            await page(**filters, limit=PER_PAGE, **place)
            seconds.append(time.perf_counter() - began)
    return seconds


def _cursor(item: Any, place: tuple[str, str]) -> Cursor:
    at, key = (item[name] if isinstance(item, dict) or hasattr(item, "keys") else getattr(item, name) for name in place)
    return Cursor(at, key)
