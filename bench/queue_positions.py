"""A performer's queue of many items, in a database of its own, and the last item's position as the service reads it."""

import asyncio
import time
import uuid
from typing import Final

from pydantic import SecretStr
from sqlalchemy import text

from bench.errors import BenchFailedError
from bench.own_database import migrated_database
from common.db.engine import Database
from common.settings import DatabaseSettings
from devstack.database import connected
from orders.purchased_items.repository import PurchasedItemRepository

__all__ = ["read_last_position"]

PERFORMER: Final = uuid.UUID(int=1)
WARM_UP: Final = 50
OPEN: Final = """
    INSERT INTO purchased_items (
        purchased_item_id, type, buyer_user_id, performer_id, offer_id, name, price, execution_mode, estimated_minutes,
        time_zone, opened_on, status, settlement_status, opened_by_request_id)
    SELECT gen_random_uuid(), 'tip_grid_item', gen_random_uuid(), $1, gen_random_uuid(), 'Applause', 10, 'QUEUED', 3,
        'Asia/Singapore', current_date, 'OPENING', 'pending', gen_random_uuid()
    FROM generate_series(1, $2)
"""
# In batches: within one transaction, each item would find more versions of its queue's row.
BATCH: Final = 500
ENQUEUE: Final = """
    UPDATE purchased_items SET status = 'PENDING', is_due = true
    WHERE purchased_item_id IN (SELECT purchased_item_id FROM purchased_items WHERE status = 'OPENING' LIMIT $1)
"""
LAST: Final = text("SELECT purchased_item_id FROM purchased_items ORDER BY place DESC LIMIT 1")


def read_last_position(server_url: str, *, items: int, reads: int) -> list[float]:
    """Fill a queue with items, and read the last one's position; return the seconds of each read.

    Raises:
        BenchFailedError: its position is not the number of items.
    """
    with migrated_database(server_url, "orders") as url:
        return asyncio.run(_measure(url, items, reads))


async def _measure(url: str, items: int, reads: int) -> list[float]:
    async with connected(url) as connection:
        await connection.execute(OPEN, PERFORMER, items)
        for _ in range(0, items, BATCH):
            await connection.execute(ENQUEUE, BATCH)  # the table's trigger keeps the queue
        await connection.execute("VACUUM ANALYZE")
    database = Database(DatabaseSettings(database_url=SecretStr(url)), application_name="bench")
    try:
        [last] = await database.fetch_all(LAST)
        repository = PurchasedItemRepository(database)
        seconds = [await _read(repository, last["purchased_item_id"], items) for _ in range(WARM_UP + reads)]
        return seconds[WARM_UP:]
    finally:
        await database.close()


async def _read(repository: PurchasedItemRepository, item_id: uuid.UUID, items: int) -> float:
    began = time.perf_counter()
    item = await repository.find(item_id)
    seconds = time.perf_counter() - began
    if item is None or item.queue_position != items:
        raise BenchFailedError(f"the last of {items} items has another position")
    return seconds
