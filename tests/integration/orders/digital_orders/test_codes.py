"""Sealed codes: their deletion, the rotation of keys, and what periodic tasks look for."""

import uuid
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from common.db.engine import Database
from orchestrator.clients.orders.digital_orders import DigitalOrderStatus, SealedCodes
from tests.integration.orders.digital_orders.digital_order_caller import DigitalOrderCaller, Order, digital_order


async def age(database: Database, order: Order, by: timedelta) -> None:
    """Make an order and its items older."""
    for statement in (
        "UPDATE digital_orders SET status_at = status_at - :by, downloaded_at = downloaded_at - :by WHERE order_id = :key",
        "UPDATE digital_order_items SET status_at = status_at - :by WHERE order_id = :key",
    ):
        await database.execute(text(statement.replace(":by", "CAST(:by AS interval)")), {"key": order.key, "by": by})


async def test_deleted_once_for_all(goods: DigitalOrderCaller) -> None:
    order, other = await goods.at("FULFILLED"), await goods.at("FULFILLED")

    await goods.perform(order, "delete_codes")
    deleted = await goods.find(order)
    await goods.perform(order, "delete_codes")
    await goods.perform(order, "deliver")
    await goods.perform(order, "make_ready")

    assert await goods.find(order) == deleted
    assert (deleted.storage_ref, deleted.keys_deleted_at is not None) == (None, True)
    assert await goods.client.codes(order.key) == []
    assert len(await goods.client.codes(other.key)) == 2


async def test_first_download_is_noted_while_codes_are_stored(goods: DigitalOrderCaller) -> None:
    order, waiting, deleted = await goods.at("READY"), await goods.at("WAITING"), await goods.at("FULFILLED")
    await goods.perform(deleted, "delete_codes")

    await goods.perform(order, "note_download")
    first = (await goods.find(order)).downloaded_at
    for each in (order, waiting, deleted):
        await goods.perform(each, "note_download")

    noted = [(await goods.find(each)).downloaded_at for each in (order, waiting, deleted)]
    assert first is not None
    assert noted == [first, None, None]


async def test_downloaded_long_ago_are_listed_until_they_are_deleted(
    goods: DigitalOrderCaller, database: Database
) -> None:
    old, new, kept = [await goods.at("FULFILLED") for _ in range(3)]
    for order in (old, new):
        await goods.perform(order, "note_download")
    await age(database, old, timedelta(days=31))
    before = datetime.now(UTC) - timedelta(days=30)

    found = {order.order_id for order in await goods.client.downloaded_before(before, limit=1000)}
    await goods.perform(old, "delete_codes")
    left = {order.order_id for order in await goods.client.downloaded_before(before, limit=1000)}

    assert found & {old.key, new.key, kept.key} == {old.key}
    assert old.key not in left


async def test_silent_reservations_are_listed_by_id(goods: DigitalOrderCaller, database: Database) -> None:
    silent, partly, heard, delivered, pending = [
        await goods.at(status) for status in ("WAITING", "WAITING", "WAITING", "WAITING", "PAID")
    ]
    await goods.deliver(partly, partly.item_ids[0])
    await goods.perform(delivered, "deliver")
    await goods.reserve(pending, pending.item_ids[0])
    for order in (silent, partly, delivered, pending):
        await age(database, order, timedelta(minutes=6))
    before = datetime.now(UTC) - timedelta(minutes=5)

    found = [order.order_id for order in await goods.client.silent(before=before, after=None, limit=1000)]
    behind = [order.order_id for order in await goods.client.silent(before=before, after=found[0], limit=1)]

    # Of the delivered one no item is open: the process that was to settle it has crashed.
    every = {each.key for each in (silent, partly, heard, delivered, pending)}
    assert set(found) & every == {silent.key, partly.key, delivered.key}
    assert found == sorted(found)
    assert behind == found[1:2]


async def test_orders_that_failed_long_ago_are_listed(goods: DigitalOrderCaller, database: Database) -> None:
    old, new = await goods.at("FAILED"), await goods.at("FAILED")
    await age(database, old, timedelta(hours=73))
    before = datetime.now(UTC) - timedelta(hours=72)

    found = await goods.client.stalled(DigitalOrderStatus.FAILED, before=before, after=None, limit=1000)

    assert {order.order_id for order in found} & {old.key, new.key} == {old.key}


async def test_keys_are_rotated_while_orders_are_open(goods: DigitalOrderCaller) -> None:
    orders = [await goods.at("READY", digital_order(units=3)) for _ in range(2)]
    mine = {item_id for order in orders for item_id in order.item_ids}

    after: uuid.UUID | None = None
    while page := await goods.client.sealed_codes(after=after, limit=2):
        for codes in page:
            if codes.item_id in mine:
                assert await goods.client.replace_codes(codes, sealed=b"again " + codes.sealed)
                assert not await goods.client.replace_codes(codes, sealed=b"a late copy")
        after = page[-1].item_id

    for order in orders:
        sealed = [codes.sealed for codes in await goods.client.codes(order.key)]
        assert sealed == [b"again sealed \x00 " + item_id.bytes for item_id in order.item_ids]


async def test_deleted_codes_do_not_come_back_by_a_rotation(goods: DigitalOrderCaller) -> None:
    order = await goods.at("FULFILLED")
    [codes, _] = await goods.client.codes(order.key)
    await goods.perform(order, "delete_codes")

    assert not await goods.client.replace_codes(codes, sealed=b"again")
    assert not await goods.client.replace_codes(
        SealedCodes.model_construct(item_id=uuid.uuid4(), sealed=b"x"), sealed=b"y"
    )
    assert await goods.client.codes(order.key) == []
