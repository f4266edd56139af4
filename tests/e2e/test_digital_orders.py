"""Digital orders through the gateway, from the order to the codes."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import jwt
from websockets.asyncio.client import ClientConnection

from devstack.stack import Stack
from orchestrator.features.digital_goods.adapters.storage_settings import DEV_LINK_KEY
from tests.e2e.conftest import MakeFan, Providers
from tests.e2e.digital_orders import (
    BY_CRYPTO,
    deliver,
    order_goods,
    provider_id_of,
    reservation_of,
    supply,
    until_status,
)
from tests.e2e.feed import next_message, read_until
from tests.e2e.test_fulfillment_feed import open_fulfillment
from tests.e2e.test_notifications import Inbox
from tests.e2e.test_topup import webhook_log
from tests.e2e.user_client import UserClient
from tests.support.http_client import http_client
from tests.support.waiting import eventually

RESERVE: Final = "/v1/reservations"
LINK_LIFETIME: Final = timedelta(minutes=15)
REVEALS_AN_HOUR: Final = 10

Message = dict[str, Any]


async def open_link(platform: Stack, url: str, method: str = "GET") -> httpx.Response:
    """Open a link to codes as anyone can who has it."""
    async with http_client(platform.urls.gateway) as http:
        return await http.request(method, url)


async def codes_of(providers: Providers, order: Message) -> dict[str, str]:
    """Return the supplier's codes of an order, by item."""
    return {item["item_id"]: (await reservation_of(providers, item))["codes"][0] for item in order["items"]}


def by_item(codes: list[dict[str, str]]) -> dict[str, str]:
    return {each["item_id"]: each["code"] for each in codes}


# In this order, unless one message overtakes another on its way.
MOVES: Final = (
    ("status_changed", "created", "awaiting_payment"),
    ("payment_confirmed", "30.00", "sgd"),
    ("status_changed", "paid", "reserving"),
    ("status_changed", "waiting", "waiting"),
    ("status_changed", "ready", "ready"),
    ("status_changed", "fulfilled", "delivered"),
)


def completes_moves(order_id: str) -> Callable[[Message], bool]:
    left = set(MOVES)

    def is_last(message: Message) -> bool:
        assert message["order_id"] == order_id
        left.difference_update(moves_of([message]))
        return not left

    return is_last


async def link_of(fan: UserClient, order_id: str) -> dict[str, str]:
    link: dict[str, str] = (await fan.get(f"/fulfillment/{order_id}/download-link")).data
    return link


def expired_token(token: str) -> str:
    """Return what the token of a link was an hour ago, now expired."""
    claims = jwt.decode(token, options={"verify_signature": False})
    return jwt.encode(claims | {"exp": claims["exp"] - 3_600}, DEV_LINK_KEY, "HS256")


async def jobs_of(admin: UserClient, order_id: str) -> list[dict[str, Any]]:
    listed = (await admin.get("/admin/jobs", kind="fulfillment", per_page=100)).data
    return [job for job in listed if job["lane"] == order_id]


async def wait_until_no_job_waits(admin: UserClient) -> None:
    async def look() -> bool:
        for status in ("queued", "running", "retrying"):
            assert (await admin.get("/admin/jobs", kind="fulfillment", status=status)).data == []
        return True

    await eventually(look)


async def test_fan_buys_two_keys_by_crypto_watches_the_order_and_gets_the_codes(
    *, platform: Stack, admin: UserClient, new_fan: MakeFan, providers: Providers
) -> None:
    fan, stranger = await new_fan(balance="0"), await new_fan(balance="0")
    inbox = Inbox(platform, fan)
    async with (
        open_fulfillment(platform, fan) as own,
        open_fulfillment(platform, stranger) as strange,
        open_fulfillment(platform, admin) as every,
    ):
        for feed in (own, strange, every):
            await next_message(feed, "subscribed")
        order_id = await order_goods(fan, **BY_CRYPTO)
        payment_id = await provider_id_of(fan, admin)
        ipn = await providers(f"/nowpayments/{payment_id}", status="finished")
        order = await until_status(fan, order_id, "WAITING")
        notices = [await supply(providers, item) for item in order["items"]]
        order = await until_status(fan, order_id, "FULFILLED")
        seen = await read_until(own, completes_moves(order_id))
        await check_admins_feed(every, order_id, webhooks=[ipn, *notices])
        await check_stranger_sees_own_orders_only(strange, stranger)
    assert sorted(moves_of(seen)) == sorted(MOVES)
    numbers = [each["sequence"] for each in seen]
    assert numbers == sorted(set(numbers))
    (fulfilled,) = [each for each in seen if each.get("status") == "fulfilled"]
    assert [item["status"] for item in fulfilled["items"]] == ["delivered", "delivered"]
    for last_seen in (1, 2):  # between the two messages of the payment, and behind them
        async with open_fulfillment(platform, fan, since=numbers[last_seen]) as again:
            await next_message(again, "subscribed")
            assert await read_until(again, lambda message: message == seen[-1]) == seen[last_seen + 1 :]

    assert (order["fulfillment_status"], order["can_reveal"]) == ("delivered", True)
    codes = await codes_of(providers, order)
    link = await link_of(fan, order_id)
    assert timedelta(0) < datetime.fromisoformat(link["expires_at"]) - datetime.now(UTC) <= LINK_LIFETIME
    head, got = [await open_link(platform, link["url"], method) for method in ("HEAD", "GET")]
    assert (head.status_code, head.content, got.status_code) == (200, b"", 200)
    assert by_item(got.json()["codes"]) == codes
    for answer in (head, got):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-disposition"].startswith("attachment")
    assert by_item((await fan.post(f"/fulfillment/{order_id}/reveal")).data["codes"]) == codes
    await check_emails(inbox, platform, order, codes)
    assert await fan.balance() == "0.00"


def moves_of(messages: list[Message]) -> list[tuple[str, str, str]]:
    """Return what each message says: of a payment its amount, of a move the statuses."""
    names = {"payment_confirmed": ("amount", "currency"), "status_changed": ("status", "fulfillment_status")}
    return [(each["type"], *(each[name] for name in names[each["type"]])) for each in messages]


async def check_admins_feed(feed: ClientConnection, order_id: str, *, webhooks: list[dict[str, Any]]) -> None:
    """Check that admins see the order, the webhooks, and the ends of both jobs, without the buyer's id."""
    wanted = {"waiting", "ready", "fulfilled"}
    jobs, providers_ = list[Message](), list[str]()

    def is_complete(message: Message) -> bool:
        if message.get("order_id") == order_id:
            wanted.discard(message.get("status", ""))
            jobs.extend([message] * (message["type"] == "job_completed"))
        if message["type"] == "webhook_received":
            providers_.append(message["provider"])
        assert "user_id" not in message
        return len(jobs) == 2 and not wanted  # one that reserves, one that stores

    await read_until(feed, is_complete)
    assert all(job["duration_seconds"] > 0 and job["kind"] == "fulfillment" for job in jobs)
    assert Counter(providers_) >= Counter(webhook["provider"] for webhook in webhooks)


async def check_stranger_sees_own_orders_only(feed: ClientConnection, stranger: UserClient) -> None:
    own_id = await order_goods(stranger, **BY_CRYPTO)
    first = json.loads(await feed.recv())
    assert (first["order_id"], first["status"]) == (own_id, "created")


async def check_emails(inbox: Inbox, platform: Stack, order: Message, codes: dict[str, str]) -> None:
    paid, here = [await inbox.email_about(about) for about in ("Your order is paid", "Your codes are here")]
    assert "Lantern Drift" in paid["text"]
    for email in (paid, here):
        assert f"{platform.urls.gateway}/#/digital-orders/{order['order_id']}" in email["html"]
        assert not any(code in email["text"] + email["html"] for code in codes.values())


async def test_same_webhook_twice_is_stored_once_and_changes_nothing(
    *, platform: Stack, admin: UserClient, fan: UserClient, providers: Providers
) -> None:
    order_id = await order_goods(fan, quantity=1)
    [item] = (await until_status(fan, order_id, "WAITING"))["items"]
    sent = await supply(providers, item, copies=2)
    order = await until_status(fan, order_id, "FULFILLED")
    link = await link_of(fan, order_id)
    first = (await open_link(platform, link["url"])).json()
    again = await providers(f"/webhooks/{sent['webhook_id']}/send", copies=2)
    assert set(again["statuses"]) == {200}
    late = await supply(providers, item, "failed", moves=False)
    await wait_until_handled(admin, late["webhook_id"])
    [stored] = [each for each in await webhook_log(admin, "kinguin") if each["external_id"] == sent["webhook_id"]]
    assert stored["status"] == "processed"
    assert by_item(first["codes"]) == await codes_of(providers, order)
    for url in (link["url"], (await link_of(fan, order_id))["url"]):
        assert (await open_link(platform, url)).json()["codes"] == first["codes"]
    assert (await until_status(fan, order_id, "FULFILLED"))["items"] == order["items"]
    assert len(await jobs_of(admin, order_id)) == 2
    assert await fan.balance() == "985.00"


async def wait_until_handled(admin: UserClient, external_id: str) -> None:
    async def look() -> bool:
        return external_id in {
            each["external_id"]
            for each in await webhook_log(admin, "kinguin")
            if each["status"] in {"processed", "ignored"}
        }

    await eventually(look)


async def test_two_failures_of_the_supplier_then_success(
    admin: UserClient, fan: UserClient, providers: Providers
) -> None:
    """The pauses are those of tests here; tests/integration/fulfilment/test_fulfilment.py has the real ones."""
    await wait_until_no_job_waits(admin)  # nothing else meets the failures
    await providers("/faults", path=RESERVE, status=502, times=2)
    order_id = await order_goods(fan, quantity=1)
    await deliver(fan, providers, order_id)
    attempts = {job["attempts"]: job["status"] for job in await jobs_of(admin, order_id)}
    assert attempts == {3: "completed", 1: "completed"}  # one that reserves, one that stores


async def test_codes_are_for_their_buyer_while_they_exist(
    *, platform: Stack, admin: UserClient, fan: UserClient, new_fan: MakeFan, providers: Providers
) -> None:
    stranger = await new_fan()
    order_id = await order_goods(fan, quantity=1)
    path = f"/fulfillment/{order_id}"
    assert (await fan.post(f"{path}/reveal")).refused() == (409, "ORDER_INVALID_STATE")
    await deliver(fan, providers, order_id)
    for other in (stranger, admin):
        assert (await other.get(f"{path}/download-link")).refused() == (403, "FORBIDDEN")
        assert (await other.post(f"{path}/reveal")).refused() == (403, "FORBIDDEN")
    url = (await link_of(fan, order_id))["url"]
    prefix, _, token = url.rpartition("/")
    beginning, _, signature = token.rpartition(".")
    for wrong, refusal in (
        (f"{prefix}/{expired_token(token)}", (410, "OFFER_EXPIRED")),
        (f"{prefix}/{beginning}.{signature[::-1]}", (404, "NOT_FOUND")),
    ):
        answer = await open_link(platform, wrong)
        assert (answer.status_code, answer.json()["error_code"]) == refusal
        assert answer.headers["cache-control"] == "no-store"

    for _ in range(REVEALS_AN_HOUR):
        assert (await fan.post(f"{path}/reveal")).status == 200
    too_many = await fan.post(f"{path}/reveal")
    assert too_many.refused() == (429, "RATE_LIMITED")
    assert int(too_many.headers["retry-after"]) > 0
    trail = (await admin.get("/admin/audit", object=order_id, per_page=100)).data
    own = [each for each in trail if each["actor_user_id"] == fan.user_id and each["action"] == "digital_order.reveal"]
    assert Counter(each["outcome"] for each in own) == {"DONE": REVEALS_AN_HOUR, "REFUSED": 2}

    for _ in range(2):
        assert (await fan.post(f"{path}/delete-keys")).data["keys_deleted"] is True
    assert (await fan.post(f"{path}/reveal")).refused() == (410, "KEYS_DELETED")
    assert (await fan.get(f"{path}/download-link")).refused() == (410, "KEYS_DELETED")
    gone = await open_link(platform, url)
    assert (gone.status_code, gone.json()["error_code"]) == (410, "KEYS_DELETED")
    shown = (await fan.get(f"{path}/status")).data
    assert (shown["can_reveal"], shown["keys_deleted"]) == (False, True)
