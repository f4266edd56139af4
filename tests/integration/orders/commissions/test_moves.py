"""Commissions: opening, moves, their repetition, and the messages that leave with them."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from common.db.engine import Database
from common.errors import Conflict
from orchestrator.clients.orders.commissions import CommissionStatus
from tests.integration.orders.commissions.commission_caller import (
    PATHS,
    CommissionCaller,
    Order,
    at_once,
    backlink,
    commission,
    outcome,
    version_of,
)
from tests.integration.orders.item_caller import told_of
from tests.support.waiting import eventually

MOVES = {
    "await_payment": {"OPENING": "AWAITING_PAYMENT"},
    "accept": {"OPENING": "PROCESSING", "AWAITING_PAYMENT": "PROCESSING"},
    "add_version": {"PROCESSING": "QUALITY_CHECK"},
    "fail": {"PROCESSING": "FAILED"},
    "retry": {"FAILED": "PROCESSING"},
    "revise": {"QUALITY_CHECK": "PROCESSING"},
    "submit": {"QUALITY_CHECK": "ADMIN_REVIEW"},
    "send_back": {"ADMIN_REVIEW": "QUALITY_CHECK"},
    "begin_publication": {"ADMIN_REVIEW": "PUBLISHING"},
    "complete": {"PUBLISHING": "COMPLETED"},
}
"""By the client's methods."""
_WAITING = text("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
_LOCK = text("SELECT FROM commissions WHERE article_id = :article_id FOR UPDATE")
ANNOUNCED = {
    "accept": ["received"],
    "add_version": ["ready"],
    "fail": ["failed"],
    "submit": ["submitted"],
    "send_back": ["sent_back"],
    "complete": ["completed"],
}


class TestOpen:
    async def test_is_invisible_and_not_announced(self, commissions: CommissionCaller, database: Database) -> None:
        order = await commissions.at("OPENING")

        assert await outcome(commissions.find(order)) == "ORDER_NOT_FOUND"
        assert await told_of(database, str(order.key)) == []

    async def test_repeated_has_the_same_answer(self, commissions: CommissionCaller) -> None:
        order = await commissions.at("OPENING")

        assert await outcome(commissions.perform(order, "open")) is None

    async def test_id_of_another_request_is_refused(self, commissions: CommissionCaller) -> None:
        order = await commissions.at("PROCESSING")

        assert await outcome(commissions.perform(order.renew("open"), "open")) == "ORDER_INVALID_STATE"

    async def test_facts_are_kept(self, commissions: CommissionCaller) -> None:
        ordered = backlink(links_allowed=True)
        facts = (await commissions.find(await commissions.at("AWAITING_PAYMENT", ordered))).model_dump()

        assert {name: facts[name] for name in ordered.model_dump()} == ordered.model_dump()
        assert facts["checkout_url"] == f"https://checkout.example.com/{ordered.order_id}"
        assert (facts["round"], facts["paid_at"], facts["versions"]) == (0, None, ())


class TestBacklinks:
    """Two texts that are based on the same content would overwrite each other."""

    @pytest.mark.parametrize("status", PATHS)
    async def test_into_an_article_wait_until_the_first_that_is_paid_is_over(
        self, commissions: CommissionCaller, status: str
    ) -> None:
        first = await commissions.at(status, backlink())
        second = Order(backlink(first.facts.article_id))

        if status in {"OPENING", "AWAITING_PAYMENT", "COMPLETED", "REFUNDED", "CANCELLED"}:
            await commissions.perform(second, "open")
            await commissions.perform(second, "accept")
        else:
            with pytest.raises(Conflict) as refused:
                await commissions.perform(second, "open")
            details = {"article_id": str(first.facts.article_id)}
            assert (refused.value.code, refused.value.details) == ("ORDER_INVALID_STATE", details)

    async def test_of_those_that_are_paid_at_once_one_is_accepted(
        self, commissions: CommissionCaller, database: Database
    ) -> None:
        """None of them sees another one's acceptance as it begins: the index decides."""
        article_id = uuid.uuid4()
        orders = [await commissions.at("AWAITING_PAYMENT", backlink(article_id)) for _ in range(3)]

        async def all_wait() -> bool:
            return len(await database.fetch_all(_WAITING)) == len(orders)

        async with database.transaction() as connection:
            await connection.execute(_LOCK, {"article_id": article_id})
            accepting = asyncio.gather(*(outcome(commissions.perform(order, "accept")) for order in orders))
            await eventually(all_wait)
        accepted = await accepting

        assert sorted(map(str, accepted)) == ["None", *["ORDER_INVALID_STATE"] * 2]
        first = orders.pop(accepted.index(None))
        assert await commissions.status(first) == "PROCESSING"
        for refused in orders:
            with pytest.raises(Conflict) as again:
                await commissions.perform(refused, "accept")
            assert again.value.details == {"article_id": str(article_id)}

    async def test_into_another_article_and_articles_of_one_event_do_not_wait(
        self, commissions: CommissionCaller
    ) -> None:
        await commissions.at("PROCESSING", backlink())
        await commissions.at("PROCESSING", backlink())
        article = await commissions.at("PROCESSING")

        await commissions.at("PROCESSING", commission(event_id=article.facts.event_id))


class TestMoves:
    @pytest.mark.parametrize("name", MOVES)
    @pytest.mark.parametrize("status", PATHS)
    async def test_status_decides(
        self, commissions: CommissionCaller, database: Database, name: str, status: str
    ) -> None:
        order, to_status = (await commissions.at(status)).renew(name), MOVES[name].get(status)
        told = len(await told_of(database, str(order.key)))

        first = await outcome(commissions.perform(order, name))
        again = await outcome(commissions.perform(order, name))

        kinds = [kind for kind, _ in await told_of(database, str(order.key))][told:]
        assert first == again
        if to_status is None:
            assert first == "ORDER_INVALID_STATE"
            assert kinds == []
        else:
            assert await commissions.status(order) == to_status
            assert kinds == [f"commission.{kind}" for kind in ANNOUNCED.get(name, ())]

    @pytest.mark.parametrize("name", MOVES)
    async def test_unknown_order_is_refused(self, commissions: CommissionCaller, name: str) -> None:
        assert await outcome(commissions.perform(Order(commission()), name)) == "ORDER_NOT_FOUND"

    async def test_repeated_late_changes_nothing(self, commissions: CommissionCaller) -> None:
        """A copy of the first submission arrives when the order was sent back meanwhile."""
        order = await commissions.at("ADMIN_REVIEW")
        await commissions.perform(order, "send_back")

        await commissions.perform(order, "submit")

        assert await commissions.status(order) == "QUALITY_CHECK"

    async def test_refusal_is_stored(self, commissions: CommissionCaller) -> None:
        order = await commissions.at("PROCESSING")
        assert await outcome(commissions.perform(order, "submit")) == "ORDER_INVALID_STATE"
        await commissions.perform(order, "add_version")

        assert await outcome(commissions.perform(order, "submit")) == "ORDER_INVALID_STATE"
        assert await commissions.status(order) == "QUALITY_CHECK"

    async def test_twenty_copies_at_once_move_it_once(self, commissions: CommissionCaller, database: Database) -> None:
        order = await commissions.at("PROCESSING")

        numbers = await at_once(*(commissions.perform(order, "add_version") for _ in range(20)))

        assert set(numbers) == {1}
        assert len((await commissions.find(order)).versions) == 1
        assert len(await told_of(database, str(order.key))) == 2


class TestRaces:
    """Two actions that exclude each other, at once: one of them wins."""

    @pytest.mark.parametrize(
        ("status", "names"),
        [
            ("QUALITY_CHECK", ("revise", "submit")),
            ("QUALITY_CHECK", ("revise", "revise")),
            ("ADMIN_REVIEW", ("begin_publication", "send_back")),
            ("PROCESSING", ("add_version", "fail")),
            ("FAILED", ("retry", "end")),
            ("PUBLISHING", ("complete", "end")),
            ("AWAITING_PAYMENT", ("accept", "end")),
        ],
        ids=str,
    )
    async def test_one_wins(self, commissions: CommissionCaller, status: str, names: tuple[str, str]) -> None:
        for _ in range(10):
            order = await commissions.at(status)
            other = Order(order.facts, {"open": order.call("open")})

            outcomes = await at_once(commissions.perform(order, names[0]), commissions.perform(other, names[1]))

            facts = await commissions.find(order)
            if "end" not in names or "complete" in names:
                assert outcomes.count("ORDER_INVALID_STATE") == 1
            if "complete" in names:
                assert facts.status == ("REFUNDED" if outcomes[1] is None else "COMPLETED")
            elif "end" in names:
                assert (outcomes[1], facts.status in {"REFUNDED", "CANCELLED"}) == (None, True)


class TestRounds:
    async def test_each_text_has_its_round_and_its_number(
        self, commissions: CommissionCaller, database: Database
    ) -> None:
        order = await commissions.at("QUALITY_CHECK")
        assert await commissions.perform(order, "revise", notes="A livelier opening.") == 2
        assert await outcome(commissions.perform(order.renew("add_version"), "add_version")) == "ORDER_INVALID_STATE"
        assert await outcome(commissions.perform(order, "fail")) == "ORDER_INVALID_STATE"
        second = {"round_number": 2, "version": version_of(content="<p>Come early. The doors open at seven.</p>")}

        number = await commissions.perform(order.renew("add_version"), "add_version", **second)

        facts = await commissions.find(order)
        assert (number, facts.round, facts.notes) == (2, 2, "A livelier opening.")
        assert [(version.number, version.notes) for version in facts.versions] == [(1, ""), (2, "A livelier opening.")]
        first_changes, changes = [version.changes for version in facts.versions]
        assert (first_changes, "+Come early." in changes.splitlines()) == ("", True)
        assert facts.version is not None
        assert facts.version.content == second["version"].content  # type: ignore[attr-defined]
        assert (facts.version.quality, facts.version.qc_status) == (version_of().quality, "passed")
        kind, data = (await told_of(database, str(order.key)))[-1]
        assert (kind, data["version_number"], data["title"]) == ("commission.revision_ready", 2, "A night to remember")

    async def test_retry_is_a_new_round_without_the_failure(self, commissions: CommissionCaller) -> None:
        order = await commissions.at("FAILED")
        failed = await commissions.find(order)

        assert await commissions.perform(order, "retry") == 2

        facts = await commissions.find(order)
        assert (failed.failure_code, failed.failure_message) == ("TEXT_REFUSED", "The text did not pass the checks.")
        assert (facts.failure_code, facts.failure_message, facts.failed_at) == (None, "", None)
        assert await outcome(commissions.client.resume(order.key, round_number=1)) == "ORDER_INVALID_STATE"


class TestPublication:
    async def test_begins_only_with_the_version_that_was_read(self, commissions: CommissionCaller) -> None:
        order = await commissions.at("ADMIN_REVIEW")
        refused = await outcome(commissions.perform(order, "begin_publication", version_number=2))
        assert (refused, await commissions.status(order)) == ("ORDER_INVALID_STATE", "ADMIN_REVIEW")
        await commissions.perform(order.renew("begin_publication"), "begin_publication", version_number=1)
        assert await commissions.status(order) == "PUBLISHING"


class TestManyVersions:
    async def test_an_order_is_shown_with_the_latest_and_one_content(self, commissions: CommissionCaller) -> None:
        """Customers ask for as many revisions as they like; the job alone needs all of them."""
        order = await commissions.at("QUALITY_CHECK")
        for number in range(2, 24):
            await commissions.perform(order.renew("revise"), "revise", notes=f"Draft {number}")
            version = version_of(content=f"<p>Draft {number}.</p>")
            await commissions.perform(order.renew("add_version"), "add_version", round_number=number, version=version)
        found = await commissions.find(order)
        assert [version.number for version in found.versions] == [*range(4, 24)]
        assert [version.content for version in found.versions] == [""] * 19 + ["<p>Draft 23.</p>"]
        await commissions.perform(order.renew("revise"), "revise")
        resumed = await commissions.client.resume(order.key, round_number=24)
        assert (len(resumed.versions), resumed.versions[1].content) == (23, "<p>Draft 2.</p>")


class TestResume:
    @pytest.mark.parametrize("status", ["PROCESSING", "FAILED"])
    async def test_order_is_processed_in_its_round(self, commissions: CommissionCaller, status: str) -> None:
        order = await commissions.at(status)

        for _ in range(2):
            facts = await commissions.client.resume(order.key, round_number=1)
            assert (facts.status, facts.failure_code) == ("PROCESSING", None)

        await commissions.perform(order, "add_version")
        assert await commissions.status(order) == "QUALITY_CHECK"

    @pytest.mark.parametrize("status", sorted(PATHS.keys() - {"PROCESSING", "FAILED", "OPENING"}))
    async def test_any_other_is_refused(self, commissions: CommissionCaller, status: str) -> None:
        order = await commissions.at(status)

        assert await outcome(commissions.client.resume(order.key, round_number=1)) == "ORDER_INVALID_STATE"
        assert await commissions.status(order) == status

    async def test_unknown_order_is_refused(self, commissions: CommissionCaller) -> None:
        assert await outcome(commissions.client.resume(uuid.uuid4(), round_number=1)) == "ORDER_NOT_FOUND"


class TestMessages:
    async def test_of_an_article_that_is_sent_back_once(
        self, commissions: CommissionCaller, database: Database
    ) -> None:
        order = await commissions.at("ADMIN_REVIEW")
        await commissions.perform(order, "send_back")
        order = order.renew("submit")
        for name in ("submit", "begin_publication", "complete"):
            await commissions.perform(order, name)

        told = await told_of(database, str(order.key))

        same: dict[str, Any] = {
            "order_id": str(order.key),
            "user_id": str(order.facts.customer_user_id),
            "event_id": str(order.facts.event_id),
            "type": "ARTICLE",
            "amount": "40.00",
            "pay_with": "credits",
            "round": 1,
        }
        written = same | {"version_number": 1, "title": "A night to remember"}
        assert told == [
            ("commission.received", same | {"status": "processing"}),
            ("commission.ready", written | {"status": "quality_check"}),
            ("commission.submitted", written | {"status": "admin_review"}),
            ("commission.sent_back", written | {"status": "quality_check", "notes": "Name the venue."}),
            ("commission.submitted", written | {"status": "admin_review"}),
            ("commission.completed", written | {"status": "completed", "slug": "a-night-to-remember"}),
        ]

    async def test_of_a_failure_and_its_refund_say_why(self, commissions: CommissionCaller, database: Database) -> None:
        order = await commissions.at("FAILED", backlink())
        await commissions.perform(order, "end")

        failed, refunded = (await told_of(database, str(order.key)))[1:]

        why = {"code": "TEXT_REFUSED", "reason": "The text did not pass the checks."}
        assert (failed[0], refunded[0]) == ("commission.failed", "commission.refunded")
        assert failed[1].items() >= (why | {"article_id": str(order.facts.article_id)}).items()
        assert refunded[1].items() >= (why | {"status": "refunded"}).items()


class TestStalled:
    async def test_orders_are_listed_by_id(self, commissions: CommissionCaller) -> None:
        later = datetime.now(UTC) + timedelta(minutes=1)
        failed = sorted([(await commissions.at("FAILED")).key for _ in range(3)])
        processing = await commissions.at("PROCESSING")

        async def listed(status: str, *, before: datetime, after: uuid.UUID | None = None) -> list[uuid.UUID]:
            found = await commissions.client.stalled(CommissionStatus(status), before=before, after=after, limit=1_000)
            return [each.order_id for each in found]

        everything = await listed("FAILED", before=later)
        assert everything == sorted(everything)
        assert set(failed) <= set(everything)
        assert failed[0] not in await listed("FAILED", before=later, after=failed[0])
        assert await listed("FAILED", before=later - timedelta(days=1)) == []
        assert processing.key in await listed("PROCESSING", before=later)
