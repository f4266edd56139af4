"""What customers and admins see of commissions."""

import uuid
from collections.abc import Sequence
from typing import Any

import pytest

from tests.integration.orders.commissions.commission_caller import (
    PATHS,
    CommissionCaller,
    Order,
    backlink,
    commission,
    version_of,
)
from tests.support.callers import Caller

MINE, ALL = "/api/commissions", "/api/admin/commissions"
COST = {"provider", "output_tokens", "cost_usd"}
SHOWN = [status for status in PATHS if status not in {"OPENING", "PUBLISHING"}]


def ids_of(answer: Any) -> list[str]:
    return [order["order_id"] for order in answer.json()["data"]]


@pytest.fixture
async def ordered(fan: Caller, commissions: CommissionCaller) -> Sequence[Order]:
    """One of the fan's orders of each status, and another customer's."""
    await commissions.at("PROCESSING")
    customer = uuid.UUID(fan.user_id)
    return [await commissions.at(status, commission(customer_user_id=customer)) for status in PATHS]


@pytest.fixture
async def revised(fan: Caller, commissions: CommissionCaller) -> Order:
    """An order of the fan with two versions."""
    order = await commissions.at("QUALITY_CHECK", commission(customer_user_id=uuid.UUID(fan.user_id)))
    await commissions.perform(order, "revise")
    second = version_of(content='<p>Come early. The <a href="https://x.example.com">doors</a> open at seven.</p>')
    await commissions.perform(order.renew("add_version"), "add_version", round_number=2, version=second)
    return order


class TestList:
    async def test_has_the_callers_orders_newest_first(self, fan: Caller, ordered: Sequence[Order]) -> None:
        found = await fan.get(MINE)

        visible = [str(order.key) for order, status in zip(ordered, PATHS, strict=True) if status != "OPENING"]
        assert ids_of(found) == visible[::-1]
        assert {order["status"] for order in found.json()["data"]} == set(SHOWN)

    @pytest.mark.parametrize("status", SHOWN)
    async def test_filters_by_status(self, fan: Caller, ordered: Sequence[Order], status: str) -> None:
        found = await fan.get(MINE, status=status)

        hidden = {"ADMIN_REVIEW": ["PUBLISHING"]}.get(status, [])
        wanted = [str(order.key) for order, at in zip(ordered, PATHS, strict=True) if at in {status, *hidden}]
        assert ids_of(found) == wanted[::-1]

    async def test_pages_by_cursor(self, fan: Caller, ordered: Sequence[Order]) -> None:
        first = await fan.get(MINE, per_page=5)
        second = await fan.get(MINE, per_page=5, after=first.json()["pagination"]["next"])

        assert ids_of(first) + ids_of(second) == ids_of(await fan.get(MINE))
        assert len(ordered) == len(ids_of(second)) + 6

    async def test_checkout_is_shown_until_it_is_paid(self, fan: Caller, commissions: CommissionCaller) -> None:
        order = await commissions.at("AWAITING_PAYMENT", commission(customer_user_id=uuid.UUID(fan.user_id)))
        [unpaid] = (await fan.get(MINE)).json()["data"]
        await commissions.perform(order, "accept")
        [paid] = (await fan.get(MINE)).json()["data"]

        assert unpaid["checkout_url"] == f"https://checkout.example.com/{order.key}"
        assert paid["checkout_url"] is None

    @pytest.mark.parametrize("wrong", [{"status": "OPENING"}, {"status": "PUBLISHING"}, {"per_page": 101}], ids=str)
    async def test_unknown_filter_is_refused(self, fan: Caller, wrong: dict[str, Any]) -> None:
        assert (await fan.get(MINE, **wrong)).status_code == 400

    async def test_admin_filters_those_of_all_customers(
        self, admin: Caller, fan: Caller, commissions: CommissionCaller
    ) -> None:
        customer = uuid.UUID(fan.user_id)
        article = str((await commissions.at("PROCESSING", commission(customer_user_id=customer))).key)
        link = str((await commissions.at("FAILED", backlink(customer_user_id=customer))).key)
        other = str((await commissions.at("PROCESSING")).key)

        assert ids_of(await admin.get(ALL, per_page=3)) == [other, link, article]
        assert ids_of(await admin.get(ALL, customer_user_id=fan.user_id)) == [link, article]
        assert ids_of(await admin.get(ALL, customer_user_id=fan.user_id, type="BACKLINK")) == [link]
        assert ids_of(await admin.get(ALL, customer_user_id=fan.user_id, status="PROCESSING")) == [article]
        assert (await fan.get(ALL)).status_code == 403


class TestVersions:
    async def test_cost_is_shown_to_admins_only(self, fan: Caller, admin: Caller, revised: Order) -> None:
        path = f"{MINE}/{revised.key}"
        for caller, shown in (
            (fan, {}),
            (admin, {"provider": "built-in", "output_tokens": 480, "cost_usd": "0.012345"}),
        ):
            compared = (await caller.get(f"{path}/compare")).json()["data"]
            for version in ((await caller.get(f"{path}/versions/1")).json()["data"], compared["to_version"]):
                assert {name: version[name] for name in COST & version.keys()} == shown

    async def test_each_is_shown_to_its_customer_and_admins(self, fan: Caller, admin: Caller, revised: Order) -> None:
        for caller in (fan, admin):
            first, second = [
                (await caller.get(f"{MINE}/{revised.key}/versions/{number}")).json()["data"] for number in (1, 2)
            ]
            assert (first["content"], first["notes"]) == ("<p>The doors open at seven.</p>", "")
            assert (second["number"], second["notes"]) == (2, "A livelier opening, please.")

    async def test_are_compared_side_by_side(self, fan: Caller, revised: Order) -> None:
        path = f"{MINE}/{revised.key}/compare"
        compared, back = [(await fan.get(path, **versions)).json()["data"] for versions in ({}, {"from": 2, "to": 1})]

        assert [compared[name]["number"] for name in ("from_version", "to_version")] == [1, 2]
        assert compared["changes"].splitlines()[1:] == [
            " A night to remember",
            "+Come early.",
            " The doors open at seven.",
            "+doors: https://x.example.com",
        ]
        assert "-doors: https://x.example.com" in back["changes"].splitlines()

    @pytest.mark.parametrize("path", ["versions/1", "compare"])
    async def test_are_hidden_from_others(
        self, fan: Caller, commissions: CommissionCaller, revised: Order, path: str
    ) -> None:
        others, opening = await commissions.at("QUALITY_CHECK"), await commissions.at("OPENING")

        refused = [await fan.get(f"{MINE}/{key}/{path}") for key in (others.key, opening.key, uuid.uuid4())]

        codes = [answer.json().get("error_code") for answer in refused]
        assert codes == ["FORBIDDEN", "ORDER_NOT_FOUND", "ORDER_NOT_FOUND"]
        assert (await fan.get(f"{MINE}/{revised.key}/{path}")).status_code == 200

    @pytest.mark.parametrize(
        ("path", "query", "code"),
        [
            ("versions/3", {}, "NOT_FOUND"),
            ("compare", {"to": 3}, "NOT_FOUND"),
            ("versions/0", {}, "VALIDATION_ERROR"),
            ("versions/1_0", {}, "VALIDATION_ERROR"),
            ("compare", {"from": 0}, "VALIDATION_ERROR"),
        ],
    )
    async def test_unknown_number_is_refused(
        self, fan: Caller, revised: Order, *, path: str, query: dict[str, int], code: str
    ) -> None:
        assert (await fan.get(f"{MINE}/{revised.key}/{path}", **query)).json()["error_code"] == code


async def test_stats_count_orders_and_durations(commissions: CommissionCaller) -> None:
    before = await commissions.client.stats()
    for status in ("COMPLETED", "REFUNDED", "PUBLISHING", "OPENING", "CANCELLED"):
        await commissions.at(status)
    revised = await commissions.at("QUALITY_CHECK")
    await commissions.perform(revised, "revise")
    await commissions.perform(revised.renew("add_version"), "add_version", round_number=2)

    after = await commissions.client.stats()

    more = {status: count - before["orders"].get(status, 0) for status, count in after["orders"].items()}
    assert {status: count for status, count in more.items() if count} == {
        "COMPLETED": 1,
        "REFUNDED": 1,
        "ADMIN_REVIEW": 1,
        "CANCELLED": 1,
        "QUALITY_CHECK": 1,
    }
    assert 0 < after["success_rate"] < 1
    assert 0 < after["revisions_per_order"] < 1
    for what in ("first_version", "publication"):
        median, p95 = after[f"median_seconds_to_{what}"], after[f"p95_seconds_to_{what}"]
        assert 0 < median <= p95


async def test_checkout_leads_to_its_order(commissions: CommissionCaller) -> None:
    order = await commissions.at("AWAITING_PAYMENT")

    assert (await commissions.client.find_by_checkout(f"cs_{order.key}")).order_id == order.key
