"""The codes of an order from their arrival to their deletion: sealed, stored, read, deleted, rewrapped."""

import traceback
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from pydantic import ValidationError

from common.errors import Unavailable
from common.sealing import SealBroken, Sealer, is_sealed
from orchestrator.clients.orders.digital_orders import DigitalOrderFacts, DigitalOrderStatus
from orchestrator.features.digital_goods.adapters.interfaces import CodeStorage
from orchestrator.features.digital_goods.errors import CodesUnreadable, KeysDeleted, StorageUnavailable
from orchestrator.features.digital_goods.schemas.codes import CodesDocument
from orchestrator.features.digital_goods.service.codes import OrderCodes
from orchestrator.features.digital_goods.service.reading import DownloadedCodesTask
from tests.integration.digital_goods.code_fixtures import Interrupting, OrdersInMemory, nothing, waiting_order

OLD, NEW = b"o" * 32, b"n" * 32


async def _crash() -> None:
    raise StorageUnavailable


@pytest.fixture
def orders() -> OrdersInMemory:
    return OrdersInMemory()


@pytest.fixture
def codes(orders: OrdersInMemory, storage: CodeStorage) -> OrderCodes:
    return OrderCodes(orders=orders, storage=storage, sealer=Sealer({"k1": OLD}))


def arrived(orders: OrdersInMemory, codes: OrderCodes) -> DigitalOrderFacts:
    """Add an order of three items: one with one code, one with two, one that has failed."""
    order = waiting_order(uuid.uuid4(), items=3)
    one, two, _ = order.items
    orders.add(order, [codes.seal(two.item_id, ["B-1", "B-2"]), codes.seal(one.item_id, ["A-1"])])
    return order


async def test_stored_codes_are_sealed_and_read_in_the_order_of_the_items(
    orders: OrdersInMemory, codes: OrderCodes, storage: CodeStorage
) -> None:
    order = arrived(orders, codes)
    await codes.store(order)
    ready = await orders.find(order.order_id)
    assert (ready.status, ready.storage_ref) == (DigitalOrderStatus.READY, f"orders/{order.order_id}/keys.json")
    stored = await storage.get(f"orders/{order.order_id}/keys.json")
    assert stored is not None
    assert is_sealed(stored)
    assert b"A-1" not in stored
    document = orjson.loads(codes.sealer.open(stored, context=f"digital order {order.order_id}"))
    assert document == {
        "codes": [
            {"item_id": str(item.item_id), "name": item.name, "code": code}
            for item, code in zip((order.items[0], order.items[1], order.items[1]), ("A-1", "B-1", "B-2"), strict=True)
        ],
        "downloaded_at": None,
    }
    assert [each.code for each in (await codes.read(ready)).codes] == ["A-1", "B-1", "B-2"]
    assert "A-1" not in repr(await codes.read(ready))


async def test_codes_of_one_item_do_not_open_as_another_ones(orders: OrdersInMemory, codes: OrderCodes) -> None:
    order = arrived(orders, codes)
    swapped = [
        sealed.model_copy(update={"item_id": order.items[2].item_id}) for sealed in orders.sealed[order.order_id]
    ]
    orders.add(order, swapped[:1])
    with pytest.raises(SealBroken):
        await codes.store(order)


async def test_storage_that_is_away_leaves_the_order_waiting_until_a_retry(
    orders: OrdersInMemory, codes: OrderCodes, storage: CodeStorage
) -> None:
    order, away = arrived(orders, codes), Interrupting(storage)
    away.before_put = _crash
    with pytest.raises(Unavailable):
        await replace(codes, storage=away).store(order)
    assert (await orders.find(order.order_id)).status is DigitalOrderStatus.WAITING
    away.before_put, away.after_put = nothing, _crash  # written, and the answer lost
    with pytest.raises(Unavailable):
        await replace(codes, storage=away).store(order)
    for _ in range(2):
        await codes.store(await orders.find(order.order_id))
    assert len((await codes.read(await orders.find(order.order_id))).codes) == 3


async def test_deleted_codes_are_gone_even_if_a_late_worker_stores_them_meanwhile(
    orders: OrdersInMemory, codes: OrderCodes, storage: CodeStorage
) -> None:
    """Wherever the deletion comes: before the late write, or between its write and its check."""
    for when in ("before_put", "after_put"):
        order, late = arrived(orders, codes), Interrupting(storage)
        await codes.store(order)
        setattr(late, when, lambda order_id=order.order_id: codes.delete(order_id))
        await replace(codes, storage=late).store(order)
        assert await storage.get(f"orders/{order.order_id}/keys.json") is None, when
    # The late write falls into the deletion, between the object and the rows.
    order = arrived(orders, codes)
    await codes.store(order)
    orders.before_delete = lambda: codes.store(order)
    await codes.delete(order.order_id)
    assert await storage.get(f"orders/{order.order_id}/keys.json") is None


def test_error_about_codes_does_not_show_them() -> None:
    with pytest.raises(ValidationError) as raised:
        CodesDocument.model_validate_json(b'{"codes": [["AAAA-BBBB"], {"code": "AAAA-BBBB"}]}')
    assert "AAAA-BBBB" not in str(raised.value)


@pytest.mark.parametrize("document", [b'{"codes": ["AAAA-BBBB"]}', b'{"codes": [{"code": "AAAA-BBBB"}]}'])
async def test_object_of_another_shape_is_refused_without_its_codes(
    orders: OrdersInMemory, codes: OrderCodes, storage: CodeStorage, document: bytes
) -> None:
    order = arrived(orders, codes)
    await codes.store(order)
    await storage.put(f"orders/{order.order_id}/keys.json", document, metadata={})
    with pytest.raises(CodesUnreadable) as raised:
        await codes.read(await orders.find(order.order_id))
    assert "AAAA-BBBB" not in "".join(traceback.format_exception(raised.value)) + str(raised.value.private)


async def test_deletion_that_crashed_is_completed_by_a_repetition(
    orders: OrdersInMemory, codes: OrderCodes, storage: CodeStorage
) -> None:
    order, crashing = arrived(orders, codes), Interrupting(storage)
    await codes.store(order)
    crashing.before_delete = _crash
    with pytest.raises(Unavailable):
        await replace(codes, storage=crashing).delete(order.order_id)
    assert (await codes.read(await orders.find(order.order_id))).codes
    former = await orders.find(order.order_id)
    for _ in range(2):
        await codes.delete(order.order_id)
    assert (orders.sealed[order.order_id], await storage.get(former.storage_ref or "")) == ([], None)
    with pytest.raises(KeysDeleted):
        await codes.read(former)  # found before the deletion


async def test_open_orders_move_to_a_new_key(orders: OrdersInMemory, codes: OrderCodes, storage: CodeStorage) -> None:
    order, plain = arrived(orders, codes), arrived(orders, codes)
    await codes.store(order)
    await replace(codes, is_presigned=True).store(plain)
    name = f"orders/{order.order_id}/keys.json"
    both = replace(codes, sealer=Sealer({"k2": NEW, "k1": OLD}))
    assert [await both.rewrap(name), await both.rewrap(name)] == [True, False]
    assert await both.rewrap(f"orders/{plain.order_id}/keys.json") is False
    new = replace(codes, sealer=Sealer({"k2": NEW}))
    assert len((await new.read(await orders.find(order.order_id))).codes) == 3
    # A deletion during the rotation wins.
    late = Interrupting(storage)
    late.before_put = lambda: codes.delete(order.order_id)
    await replace(codes, storage=late, sealer=Sealer({"k3": OLD, "k2": NEW})).rewrap(name)
    assert await storage.get(name) is None


async def test_downloaded_codes_are_deleted_after_their_time(orders: OrdersInMemory, codes: OrderCodes) -> None:
    old, recent, unread = (arrived(orders, codes) for _ in range(3))
    now = datetime.now(UTC)
    for order in (old, recent, unread):
        await codes.store(order)
    orders.change(old.order_id, downloaded_at=now - timedelta(days=31))
    orders.change(recent.order_id, downloaded_at=now - timedelta(days=29))
    await DownloadedCodesTask(codes, timedelta(days=30)).delete_all()
    deleted = [(await orders.find(order.order_id)).keys_deleted_at is not None for order in (old, recent, unread)]
    assert deleted == [True, False, False]
