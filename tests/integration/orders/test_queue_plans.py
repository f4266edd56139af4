# ruff: noqa: SLF001 - the test reads the statements themselves
"""A purchased item's statements read no more in a queue of 10,000 than in one of 10. PostgreSQL's plans count pages, not time."""

import uuid
from collections.abc import AsyncIterator
from typing import Any, Final

import asyncpg
import pytest
from sqlalchemy import TextClause, text

from orders.performer_queues import repository as queues
from orders.purchased_items import statements as items
from tests.support.plans import Explainer
from tests.support.servers import DatabaseFactory

SHORT: Final = 10
LONG: Final = 10_000
# Items of one performer, each a minute long, and then one more that is opened, but not in the queue.
OPEN: Final = """
    INSERT INTO purchased_items (
        purchased_item_id, type, buyer_user_id, performer_id, offer_id, name, price, execution_mode, queue_request_id,
        estimated_minutes, time_zone, opened_on, status, settlement_status, opened_by_request_id)
    SELECT gen_random_uuid(), 'menu_item', gen_random_uuid(), $1, $1, 'a song', 1, 'QUEUED', gen_random_uuid(),
        1, 'UTC', current_date, 'OPENING', 'pending', gen_random_uuid()
    FROM generate_series(1, $2)
    RETURNING purchased_item_id, opened_by_request_id
"""
ENQUEUE: Final = "UPDATE purchased_items SET status = 'PENDING', is_due = true WHERE purchased_item_id = ANY($1)"
BATCH: Final = 100  # one transaction each: until its end, every version of the queue's row stays
# In a batch the old versions of a block's row cannot be removed, as they are between single moves.
LAY_OUT: Final = "CLUSTER queue_blocks USING pk_queue_blocks"
LAST: Final = "SELECT * FROM purchased_items WHERE performer_id = $1 AND place = $2"


async def queue_of(connection: "asyncpg.Connection[asyncpg.Record]", length: int) -> dict[str, Any]:
    """Make a queue of that length, and return the parameters of statements about its last item."""
    performer_id = uuid.uuid4()
    keys = [row["purchased_item_id"] for row in await connection.fetch(OPEN, performer_id, length)]
    for first in range(0, length, BATCH):
        await connection.execute(ENQUEUE, keys[first : first + BATCH])
    [opened] = await connection.fetch(OPEN, performer_id, 1)
    last = await connection.fetchrow(LAST, performer_id, length)
    assert last is not None
    return {
        "request_id": uuid.uuid4(),
        "fingerprint": "x",
        "correlation_id": "x",
        "performer_id": performer_id,
        "performer_ids": [performer_id],
        "place": length,
        "opened_item_id": opened["purchased_item_id"],
        "purchased_item_id": last["purchased_item_id"],
        "queue_request_id": last["queue_request_id"],
        "undoes_request_id": last["opened_by_request_id"],
        "is_funded": True,
        "status": "FAILED",
        "note": "",
        "file_url": "",
        "explanation": "",
        "limit": SHORT,
        "offset": 0,
        "last": SHORT,
        "batch": 100,
    }


@pytest.fixture(scope="module")
async def explainers(database_url: DatabaseFactory) -> AsyncIterator[tuple[Explainer, Explainer]]:
    connection = await asyncpg.connect(database_url("orders").replace("postgresql+asyncpg", "postgresql"))
    parameters = [await queue_of(connection, length) for length in (SHORT, LONG)]
    await connection.execute(LAY_OUT)
    await connection.execute("VACUUM ANALYZE")
    short, long = (Explainer(connection, each) for each in parameters)
    yield short, long
    await connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param(text("SELECT * FROM queue_place(:performer_id, :place)"), id="position"),
        pytest.param(items.FIND_BY_QUEUE_REQUEST, id="item of a queue request"),
        pytest.param(items.FIND_WITH_HISTORY, id="item with its history"),
        pytest.param(text(items.MOVES["enqueue"].text.replace(":purchased_item_id", ":opened_item_id")), id="enqueue"),
        pytest.param(items.MOVES["start"], id="start"),
        pytest.param(items.MOVES["complete"], id="complete"),
        pytest.param(items.END, id="end"),
        pytest.param(queues._FIND, id="state of the queue"),
        pytest.param(queues._ITEMS, id="first page of the queue"),
        pytest.param(queues._ANNOUNCE_NEXT, id="whose turn comes"),
    ],
)
async def test_statements_read_no_more_in_a_longer_queue(
    explainers: tuple[Explainer, Explainer], statement: TextClause
) -> None:
    short, long = [await explainer.explain(statement) for explainer in explainers]

    # At most 63 items of the last block, 63 blocks of 64 places and two of 4,096 are added up, whose rows are side by side.
    assert long.pages <= short.pages + 12, (short, long)
    assert not {scan for scan in long.scans if scan.startswith("Seq Scan purchased_items")}
