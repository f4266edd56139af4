"""Transfers only: the two confirmations, disputes, and who may read them."""

import asyncio
import uuid
from typing import Any

import pytest
from httpx import Response
from sqlalchemy import text

from common.db.engine import Database
from tests.integration.orders.deal_caller import TransferCaller
from tests.support.callers import Caller, new_id


class TestConfirmations:
    async def test_seller_and_buyer_confirm_one_after_the_other(self, transfers: TransferCaller) -> None:
        deal = await transfers.at("PENDING_OTP")

        first = await transfers.confirm(deal.key, "buyer")
        second = await transfers.confirm(deal.key, "seller")

        assert first.json()["data"]["waiting_for"] == ["seller"]
        assert second.json()["data"]["waiting_for"] == []
        assert second.json()["data"]["status"] == "PENDING_OTP"
        assert (await transfers.find(deal.key)).json() == second.json()

    async def test_seller_and_buyer_confirm_in_one_request(self, transfers: TransferCaller) -> None:
        deal = await transfers.at("PENDING_OTP")

        answer = await transfers.confirm(deal.key, "seller", "buyer")

        assert answer.json()["data"]["waiting_for"] == []

    async def test_confirmation_is_permanent(self, transfers: TransferCaller) -> None:
        deal = await transfers.at("PENDING_OTP")
        await transfers.confirm(deal.key, "seller")

        again = await transfers.confirm(deal.key, "seller")

        assert again.status_code == 200
        assert again.json()["data"]["waiting_for"] == ["buyer"]

    async def test_first_confirmation_time_is_kept(self, transfers: TransferCaller, database: Database) -> None:
        deal = await transfers.at("PENDING_OTP")
        times = []
        for _ in range(2):
            await transfers.confirm(deal.key, "seller", "buyer")
            noted = await database.fetch_one(
                text("SELECT seller_confirmed_at, buyer_confirmed_at FROM transfers WHERE transfer_id = :key"),
                {"key": deal.key},
            )
            times.append(noted)

        assert times[0] == times[1]

    async def test_repeated_confirmation_gets_the_first_response(self, transfers: TransferCaller) -> None:
        deal, request_id = await transfers.at("PENDING_OTP"), new_id()
        first = await transfers.confirm(deal.key, "seller", "buyer", request_id=request_id)
        await transfers.apply(deal, "complete")

        repeated = await transfers.confirm(deal.key, "buyer", "seller", request_id=request_id)

        assert repeated.status_code == 200
        assert repeated.json() == first.json()

    async def test_request_id_reused_for_the_other_party_is_refused(self, transfers: TransferCaller) -> None:
        deal, request_id = await transfers.at("PENDING_OTP"), new_id()
        await transfers.confirm(deal.key, "seller", request_id=request_id)

        answer = await transfers.confirm(deal.key, "buyer", request_id=request_id)

        assert answer.status_code == 422
        assert (await transfers.find(deal.key)).json()["data"]["waiting_for"] == ["buyer"]

    async def test_concurrent_confirmations_are_both_stored(self, transfers: TransferCaller) -> None:
        for _ in range(20):
            deal = await transfers.at("PENDING_OTP")

            await asyncio.gather(*(transfers.confirm(deal.key, party) for party in ("seller", "buyer")))

            assert (await transfers.find(deal.key)).json()["data"]["waiting_for"] == []

    @pytest.mark.parametrize("status", sorted(set(TransferCaller.paths) - {"PENDING_OTP"}))
    async def test_confirmations_in_other_statuses_are_refused_permanently(
        self, transfers: TransferCaller, status: str
    ) -> None:
        deal, request_id = await transfers.at(status), new_id()

        answers = [await transfers.confirm(deal.key, "buyer", request_id=request_id) for _ in range(2)]

        assert {answer.status_code for answer in answers} == {409}
        assert answers[0].json()["error_code"] == "TRANSFER_INVALID_STATE"
        assert answers[0].json()["details"] == {"status": status}

    async def test_confirmation_of_an_unknown_transfer_is_refused(self, transfers: TransferCaller) -> None:
        answer = await transfers.confirm(new_id(), "buyer")

        assert answer.status_code == 404
        assert answer.json()["error_code"] == "TRANSFER_NOT_FOUND"

    @pytest.mark.parametrize("parties", [[], ["owner"], "seller", None], ids=str)
    async def test_party_is_seller_or_buyer(self, transfers: TransferCaller, parties: Any) -> None:
        deal = await transfers.at("PENDING_OTP")

        answer = await transfers.perform(deal.key, "confirmations", parties=parties)

        assert answer.status_code == 400
        assert answer.json()["error_code"] == "VALIDATION_ERROR"


class TestTimes:
    @pytest.mark.parametrize("status", ["FAILED", "CANCELLED"])
    async def test_ended_at_is_set_when_a_transfer_ends(self, transfers: TransferCaller, status: str) -> None:
        deal = await transfers.at("PENDING_OTP")

        answer = await transfers.undo(deal.key, "end", undoes=deal.request_ids["open"], status=status)

        assert answer.json()["data"] == {"transfer_id": deal.key, "status": status}
        ended = (await transfers.find(deal.key)).json()["data"]
        assert ended["ended_at"] > ended["created_at"]
        assert ended["completed_at"] is None
        assert ended["reason"] == "OTP_MAX_RETRIES"
        assert ended["waiting_for"] == []

    @pytest.mark.parametrize("status", ["COMPLETED", "DISPUTED", "PENDING_OTP", None], ids=str)
    async def test_end_status_is_failed_or_cancelled(self, transfers: TransferCaller, status: Any) -> None:
        deal = await transfers.at("PENDING_OTP")

        answer = await transfers.undo(deal.key, "end", undoes=deal.request_ids["open"], status=status)

        assert answer.status_code == 400
        assert await transfers.status_of(deal.key) == "PENDING_OTP"

    async def test_completed_at_is_kept_during_a_dispute(self, transfers: TransferCaller) -> None:
        deal = await transfers.at("COMPLETED")
        completed = (await transfers.find(deal.key)).json()["data"]

        await transfers.apply(deal, "dispute")
        await transfers.apply(deal, "dismiss")

        dismissed = (await transfers.find(deal.key)).json()["data"]
        assert completed["completed_at"] > completed["created_at"]
        assert dismissed["completed_at"] == completed["completed_at"]
        assert dismissed["ended_at"] is None

    async def test_reversed_at_is_set_by_a_reversal(self, transfers: TransferCaller) -> None:
        deal = await transfers.at("REVERSED")

        reversed_transfer = (await transfers.find(deal.key)).json()["data"]

        assert reversed_transfer["ended_at"] > reversed_transfer["disputed_at"] > reversed_transfer["completed_at"]


class TestDispute:
    async def test_stores_disputer_reason_and_time(self, transfers: TransferCaller) -> None:
        deal, user_id = await transfers.at("COMPLETED"), new_id()

        answer = await transfers.perform(deal.key, "dispute", user_id=user_id, reason="  It was not mine  ")

        disputed = answer.json()["data"]
        assert disputed["disputed_by_user_id"] == user_id
        assert disputed["dispute_reason"] == "It was not mine"
        assert disputed["disputed_at"] > disputed["completed_at"]

    async def test_dispute_is_allowed_again_after_a_dismissal(self, transfers: TransferCaller) -> None:
        deal, user_id = await transfers.at("DISPUTED"), new_id()
        first = (await transfers.find(deal.key)).json()["data"]
        await transfers.apply(deal, "dismiss")

        again = (await transfers.perform(deal.key, "dispute", user_id=user_id, reason="Still not")).json()["data"]

        assert again["status"] == "DISPUTED"
        assert again["disputed_by_user_id"] == user_id
        assert again["disputed_at"] > first["disputed_at"]

    @pytest.mark.parametrize("wrong", [{"user_id": None}, {"user_id": "12"}, {"reason": None}, {"reason": "x" * 501}])
    async def test_dispute_without_user_or_reason_is_400(
        self, transfers: TransferCaller, wrong: dict[str, Any]
    ) -> None:
        deal = await transfers.at("COMPLETED")

        answer = await transfers.perform(deal.key, "dispute", **wrong)

        assert answer.status_code == 400
        assert await transfers.status_of(deal.key) == "COMPLETED"


class TestTicketsInDispute:
    @pytest.mark.parametrize("status", TransferCaller.paths)
    async def test_ticket_is_in_dispute_while_its_transfer_is_disputed_or_reversing(
        self, transfers: TransferCaller, status: str
    ) -> None:
        deal = await transfers.at(status)

        answer = await self._ask(transfers, deal.body["seat_id"], deal.body["order_id"])

        assert answer.status_code == 200
        assert answer.json()["data"] == {"is_disputed": status in {"DISPUTED", "REVERSING"}}

    async def test_dispute_applies_to_that_seat_and_order(self, transfers: TransferCaller) -> None:
        deal = await transfers.at("DISPUTED")

        for ticket in ((deal.body["seat_id"], new_id()), (new_id(), deal.body["order_id"])):
            assert (await self._ask(transfers, *ticket)).json()["data"] == {"is_disputed": False}

    @pytest.mark.parametrize("query", [{}, {"seat_id": new_id()}, {"seat_id": new_id(), "order_id": "42"}], ids=str)
    async def test_both_ids_are_required(self, transfers: TransferCaller, query: dict[str, str]) -> None:
        answer = await transfers.orchestrator.get(f"{transfers.path}/disputed", **query)

        assert answer.status_code == 400

    @staticmethod
    async def _ask(transfers: TransferCaller, seat_id: str, order_id: str) -> Response:
        return await transfers.orchestrator.get(f"{transfers.path}/disputed", seat_id=seat_id, order_id=order_id)

    @pytest.mark.parametrize(
        "open_ones",
        [
            "status IN ('DISPUTED', 'REVERSING') AND order_id = $1",
            "order_id = $1 AND status IN ('PENDING_OTP', 'DISPUTED', 'REVERSING')",
        ],
    )
    async def test_disputes_are_found_by_the_partial_index(self, database: Database, open_ones: str) -> None:
        query = f"PREPARE asked AS SELECT FROM transfers WHERE seat_id = $2 AND {open_ones}"
        async with database.transaction() as connection:
            await connection.execute(text("SET LOCAL enable_seqscan = off"))
            await connection.execute(text("SET LOCAL plan_cache_mode = force_generic_plan"))
            await connection.execute(text(query))
            explained = await connection.execute(text(f"EXPLAIN EXECUTE asked('{new_id()}', '{new_id()}')"))
            plan = "\n".join(explained.scalars())
            await connection.execute(text("DEALLOCATE asked"))

        assert "ix_transfers_seat_open" in plan or "ix_transfers_order_disputed" in plan


class TestShow:
    @pytest.mark.parametrize("party", ["seller_user_id", "buyer_user_id"])
    async def test_party_sees_the_transfer_with_its_history(
        self, transfers: TransferCaller, fan: Caller, party: str
    ) -> None:
        sides = {party: fan.user_id, "initiated_by_user_id": fan.user_id}
        deal = await transfers.at("DISPUTED", **sides)

        shown = (await fan.get(f"/api/transfers/{deal.key}")).json()["data"]

        history = shown.pop("history")
        assert shown == (await transfers.find(deal.key)).json()["data"]
        assert history == [
            _entry(None, "PENDING_OTP", at=shown["created_at"], user_id=fan.user_id),
            _entry("PENDING_OTP", "COMPLETED", at=shown["completed_at"]),
            _entry(
                "COMPLETED",
                "DISPUTED",
                at=shown["disputed_at"],
                user_id=shown["disputed_by_user_id"],
                reason="Never got it",
            ),
        ]

    async def test_ended_transfer_is_shown_with_its_reason(self, transfers: TransferCaller, admin: Caller) -> None:
        deal = await transfers.at("FAILED")

        history = (await admin.get(f"/api/transfers/{deal.key}")).json()["data"]["history"]

        assert [(entry["to_status"], entry["reason"]) for entry in history] == [
            ("PENDING_OTP", None),
            ("FAILED", "OTP_MAX_RETRIES"),
        ]

    async def test_resource_of_another_user_is_403(self, transfers: TransferCaller, fan: Caller) -> None:
        deal = await transfers.at("COMPLETED")

        answer = await fan.get(f"/api/transfers/{deal.key}")

        assert answer.status_code == 403
        assert answer.json()["error_code"] == "FORBIDDEN"
        assert "data" not in answer.json()

    async def test_unknown_id_is_404(self, fan: Caller) -> None:
        answer = await fan.get(f"/api/transfers/{new_id()}")

        assert answer.status_code == 404
        assert answer.json()["error_code"] == "TRANSFER_NOT_FOUND"

    async def test_a_malformed_id(self, fan: Caller) -> None:
        answer = await fan.get("/api/transfers/42")

        assert answer.status_code == 400
        assert answer.json()["error_code"] == "INVALID_UUID"


class TestList:
    async def test_user_lists_own_transfers_newest_first(self, transfers: TransferCaller, fan: Caller) -> None:
        given = await transfers.at("COMPLETED", seller_user_id=fan.user_id)
        gotten = await transfers.at("PENDING_OTP", buyer_user_id=fan.user_id)
        await transfers.at("PENDING_OTP")

        answer = await fan.get("/api/transfers")

        assert [each["transfer_id"] for each in answer.json()["data"]] == [gotten.key, given.key]
        assert answer.json()["data"][0] == (await transfers.find(gotten.key)).json()["data"]
        assert answer.json()["pagination"] == {"page": 1, "per_page": 20, "total": 2, "total_pages": 1}

    async def test_admin_lists_only_own_transfers_here(self, transfers: TransferCaller, admin: Caller) -> None:
        await transfers.at("PENDING_OTP")

        assert (await admin.get("/api/transfers")).json()["data"] == []

    async def test_filters_by_status(self, transfers: TransferCaller, fan: Caller) -> None:
        for status in transfers.paths:
            await transfers.at(status, buyer_user_id=fan.user_id)

        for status in transfers.paths:
            answer = await fan.get("/api/transfers", status=status)

            assert [each["status"] for each in answer.json()["data"]] == [status]

    async def test_pages_of_equal_timestamps_neither_repeat_nor_miss_a_row(
        self, transfers: TransferCaller, fan: Caller, database: Database
    ) -> None:
        mine = {(await transfers.at("PENDING_OTP", seller_user_id=fan.user_id)).key for _ in range(5)}
        await database.execute(
            text("UPDATE transfers SET created_at = '2026-12-01T00:00:00Z' WHERE seller_user_id = :user_id"),
            {"user_id": uuid.UUID(fan.user_id)},
        )

        pages = [(await fan.get("/api/transfers", page=page, per_page=2)).json() for page in (1, 2, 3)]

        listed = [each["transfer_id"] for page in pages for each in page["data"]]
        assert listed == sorted(mine, reverse=True)
        assert pages[0]["pagination"].items() >= {"page": 1, "per_page": 2, "total": 5, "total_pages": 3}.items()

    @pytest.mark.parametrize("query", [{"page": 0}, {"per_page": 101}, {"status": "SOLD"}, {"status": "\x00"}], ids=str)
    async def test_invalid_query_is_refused(self, fan: Caller, query: dict[str, Any]) -> None:
        answer = await fan.get("/api/transfers", **query)

        assert answer.status_code == 400
        assert answer.json()["error_code"] == "VALIDATION_ERROR"

    async def test_admin_lists_all_transfers(self, transfers: TransferCaller, admin: Caller) -> None:
        disputed = [(await transfers.at("DISPUTED")).key for _ in range(2)]
        await transfers.at("COMPLETED")

        answer = await admin.get("/api/admin/transfers", status="DISPUTED", per_page=2)

        assert [each["transfer_id"] for each in answer.json()["data"]] == disputed[::-1]
        everything = (await admin.get("/api/admin/transfers")).json()["pagination"]["total"]
        assert everything > answer.json()["pagination"]["total"] >= 2


def _entry(
    from_status: str | None, to_status: str, *, at: str, user_id: str | None = None, reason: str | None = None
) -> dict[str, str | None]:
    return {"from_status": from_status, "to_status": to_status, "at": at, "user_id": user_id, "reason": reason}
