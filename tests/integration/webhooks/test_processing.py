"""Processing of webhooks: credited once, flagged on a mismatch, kept if the payment is unknown."""

import asyncio
import hashlib
import uuid
from typing import Any

import pytest

from orchestrator.settings import WorkerSettings
from orchestrator.worker import create_worker
from tests.integration.webhooks.conftest import NewFan
from tests.integration.webhooks.webhook_fixtures import Fan, WebhookHarness, event_id, intent, statuses, success
from tests.support.serving import serving
from tests.support.signing import stripe_event, stripe_signature
from tests.support.unused_addresses import UNUSED_URL
from tests.support.waiting import eventually


def charge(top_up: dict[str, Any], fan: Fan, *, cents: int = 5_000) -> dict[str, Any]:
    return {
        "id": "ch_1",
        "object": "charge",
        "amount": 5_000,
        "amount_refunded": cents,
        "currency": "sgd",
        "payment_intent": top_up["intent_id"],
        "metadata": {"payment_id": top_up["payment_id"], "user_id": str(fan.user.user_id)},
    }


class TestUsersUnavailable:
    """First in the file: no other worker runs yet."""

    async def test_exhausted_webhook_is_credited_by_a_replay(
        self, harness: WebhookHarness, fan: Fan, admin: Fan, settings: WorkerSettings
    ) -> None:
        top_up = await fan.top_up()
        event = success(top_up, fan, event_id=event_id())
        deaf = settings.model_copy(update={"users_url": UNUSED_URL})
        async with serving(create_worker(deaf), deaf):
            await harness.notify_by_stripe(event)
            failed = await harness.ends(event["id"], "failed")
        assert (failed["error"]["code"], failed["attempts"]) == ("UPSTREAM_TIMEOUT", 20)
        assert await fan.balance() == "0.00"
        job = (await admin.get(f"/admin/jobs/{failed['job_id']}")).json()["data"]
        assert (job["status"], job["error"]["code"]) == ("failed", "UPSTREAM_TIMEOUT")
        async with serving(create_worker(settings), settings):
            replayed = (await admin.post(f"/admin/webhook-logs/{failed['webhook_id']}/replay")).json()["data"]
            assert (replayed["status"], replayed["replays"], replayed["attempts"]) == ("received", 1, 0)
            assert replayed["job_id"] != str(failed["job_id"])
            row = await harness.ends(event["id"], "processed")
        assert (row["outcome"], row["error"], row["attempts"]) == ("CREDITED", None, 1)
        assert await fan.balance() == "50.00"
        (earlier,) = (await admin.get(f"/admin/webhook-logs/{failed['webhook_id']}")).json()["data"]["earlier"]
        assert (earlier["status"], earlier["error"]["code"], earlier["attempts"]) == ("failed", "UPSTREAM_TIMEOUT", 20)
        assert (earlier["job_id"], earlier["replayed_by"]) == (str(failed["job_id"]), str(admin.user.user_id))


@pytest.mark.usefixtures("running_worker")
class TestStripe:
    async def test_success_is_credited(self, harness: WebhookHarness, fan: Fan) -> None:
        top_up = await fan.top_up("50.00")
        event = success(top_up, fan, event_id=event_id())
        assert (await harness.notify_by_stripe(event)).status_code == 200
        row = await harness.ends(event["id"], "processed")
        assert (row["outcome"], str(row["payment_id"])) == ("CREDITED", top_up["payment_id"])
        assert await fan.balance() == "50.00"
        assert (await fan.payment(top_up["payment_id"]))["status"] == "SUCCEEDED"

    @pytest.mark.parametrize("body", [b'{"hello": "world"}', b"hello", b'{"id": "\\ud800"}', b"[" * 100_000])
    async def test_malformed_webhook_is_kept_for_admins(self, harness: WebhookHarness, admin: Fan, body: bytes) -> None:
        for _ in range(2):
            signature = stripe_signature(body, secret=harness.settings.stripe_webhook_secret)
            assert (await harness.send("stripe", body, signature)).status_code == 200
        failed = await harness.ends(f"sha256:{hashlib.sha256(body).hexdigest()}", "failed")
        assert (failed["event_type"], failed["attempts"]) == ("unreadable", 1)
        assert failed["error"]["message"] == "The webhook cannot be understood."
        shown = (await admin.get(f"/admin/webhook-logs/{failed['webhook_id']}")).json()["data"]
        assert shown["payload"] == ({"hello": "world"} if b"world" in body else None)

    async def test_hundred_concurrent_copies_credit_once(self, harness: WebhookHarness, fan: Fan) -> None:
        top_up = await fan.top_up()
        before = await harness.counts()
        event = success(top_up, fan, event_id=event_id())
        assert await statuses(*(harness.notify_by_stripe(event) for _ in range(100))) == {200: 100}
        await harness.ends(event["id"], "processed")
        after = await harness.counts()
        assert (after["webhooks"] - before["webhooks"], after["jobs"] - before["jobs"]) == (1, 1)
        assert await fan.balance() == "50.00"
        assert await harness.movements(top_up["payment_id"]) == 1

    async def test_hundred_events_of_one_success_credit_once(self, harness: WebhookHarness, fan: Fan) -> None:
        top_up = await fan.top_up()
        events = [success(top_up, fan, event_id=event_id()) for _ in range(100)]
        await asyncio.gather(*(harness.notify_by_stripe(event) for event in events))

        async def outcomes() -> list[str]:
            rows = [await harness.logged(event["id"]) for event in events]
            assert all(row and row["processed_at"] for row in rows)
            return sorted(row["outcome"] for row in rows if row)

        assert await eventually(outcomes) == ["CREDITED"] + ["IGNORED"] * 99
        assert await fan.balance() == "50.00"
        assert await harness.movements(top_up["payment_id"]) == 1

    async def test_late_failure_is_ignored(self, harness: WebhookHarness, fan: Fan) -> None:
        top_up = await fan.top_up()
        paid = success(top_up, fan, event_id=event_id())
        declined = stripe_event("payment_intent.payment_failed", intent(top_up, fan), id=event_id())
        for event, status in ((paid, "processed"), (declined, "ignored")):
            await harness.notify_by_stripe(event)
            await harness.ends(event["id"], status)
        assert await fan.balance() == "50.00"

    async def test_success_after_a_declined_card_is_credited(self, harness: WebhookHarness, fan: Fan) -> None:
        top_up = await fan.top_up()
        declined = stripe_event("payment_intent.payment_failed", intent(top_up, fan), id=event_id())
        await harness.notify_by_stripe(declined)
        await harness.ends(declined["id"], "processed")
        assert (await fan.payment(top_up["payment_id"]))["status"] == "FAILED"
        paid = success(top_up, fan, event_id=event_id())
        await harness.notify_by_stripe(paid)
        await harness.ends(paid["id"], "processed")
        assert await fan.balance() == "50.00"

    async def test_a_refund_takes_the_credits_back(self, harness: WebhookHarness, fan: Fan) -> None:
        top_up = await fan.top_up()
        paid = success(top_up, fan, event_id=event_id())
        refund = stripe_event("charge.refunded", charge(top_up, fan), id=event_id())
        for event in (paid, refund):
            await harness.notify_by_stripe(event)
            await harness.ends(event["id"], "processed")
        assert await fan.balance() == "0.00"
        assert (await fan.payment(top_up["payment_id"]))["status"] == "REFUNDED"

    async def test_refund_before_the_success_leaves_nothing_to_credit(self, harness: WebhookHarness, fan: Fan) -> None:
        top_up = await fan.top_up()
        refund = stripe_event("charge.refunded", charge(top_up, fan), id=event_id())
        await harness.notify_by_stripe(refund)
        await harness.ends(refund["id"], "processed")
        paid = success(top_up, fan, event_id=event_id())
        await harness.notify_by_stripe(paid)
        await harness.ends(paid["id"], "processed")
        assert await fan.balance() == "0.00"
        assert (await fan.payment(top_up["payment_id"]))["status"] == "REFUNDED"

    async def test_partial_refunds_take_their_part_back(self, harness: WebhookHarness, fan: Fan) -> None:
        top_up = await fan.top_up()
        paid = success(top_up, fan, event_id=event_id())
        await harness.notify_by_stripe(paid)
        await harness.ends(paid["id"], "processed")
        for cents, balance in ((2_000, "30.00"), (3_500, "15.00")):
            partial = stripe_event("charge.refunded", charge(top_up, fan, cents=cents), id=event_id())
            await harness.notify_by_stripe(partial)
            await harness.ends(partial["id"], "processed")
            assert await fan.balance() == balance
        payment = await fan.payment(top_up["payment_id"])
        assert (payment["status"], payment["refunded_amount"]) == ("SUCCEEDED", "35.00")

    async def test_refund_of_more_than_was_paid_is_kept_for_admins(self, harness: WebhookHarness, fan: Fan) -> None:
        top_up = await fan.top_up()
        refund = stripe_event("charge.refunded", charge(top_up, fan, cents=5_001), id=event_id())
        await harness.notify_by_stripe(refund)
        assert (await harness.ends(refund["id"], "failed"))["outcome"] == "MISMATCH"

    async def test_dispute_takes_the_credits_until_it_is_won(self, harness: WebhookHarness, fan: Fan) -> None:
        top_up = await fan.top_up()
        paid = success(top_up, fan, event_id=event_id())
        await harness.notify_by_stripe(paid)
        await harness.ends(paid["id"], "processed")
        for type_, movements, status, balance in (
            ("funds_withdrawn", [-5_000], "needs_response", "0.00"),
            ("closed", [-5_000], "won", "50.00"),
        ):
            dispute = {
                "id": f"dp_{top_up['intent_id']}",
                "object": "dispute",
                "amount": 5_000,
                "balance_transactions": [{"amount": cents} for cents in movements],
                "currency": "sgd",
                "payment_intent": top_up["intent_id"],
                "status": status,
            }
            event = stripe_event(f"charge.dispute.{type_}", dispute, id=event_id())
            await harness.notify_by_stripe(event)
            row = await harness.ends(event["id"], "processed")
            assert (row["outcome"], str(row["payment_id"])) == ("NOTED", top_up["payment_id"])
            assert await fan.balance() == balance

    @pytest.mark.parametrize(
        ("wrong", "flag"),
        [
            ({"amount_received": 4_999}, "AMOUNT_MISMATCH"),
            ({"amount_received": 500_000, "amount": 500_000}, "AMOUNT_MISMATCH"),
            ({"currency": "usd"}, "CURRENCY_MISMATCH"),
            ({"metadata": {"user_id": str(uuid.uuid4())}}, "USER_MISMATCH"),
        ],
        ids=["too little", "too much", "currency", "user"],
    )
    async def test_mismatched_payment_is_flagged_and_not_credited(
        self, harness: WebhookHarness, fan: Fan, wrong: dict[str, Any], flag: str
    ) -> None:
        top_up = await fan.top_up()
        event = success(top_up, fan, event_id=event_id(), **wrong)
        await harness.notify_by_stripe(event)
        row = await harness.ends(event["id"], "failed")
        assert row["outcome"] == "MISMATCH"
        assert await fan.balance() == "0.00"
        (payment,) = await harness.payments_of(fan.user.user_id)
        assert (payment["flags"], payment["status"]) == ([flag], "PENDING")

    async def test_unused_event_types_are_stored_and_ignored(self, harness: WebhookHarness) -> None:
        event = stripe_event("radar.early_fraud_warning.created", {"id": "issfr_1"}, id=event_id())
        await harness.notify_by_stripe(event)
        assert (await harness.ends(event["id"], "ignored"))["outcome"] is None

    async def test_unreadable_event_fails_without_retries(self, harness: WebhookHarness, admin: Fan) -> None:
        event = stripe_event("payment_intent.succeeded", {"id": "pi_1"}, id=event_id())
        await harness.notify_by_stripe(event)
        row = await harness.ends(event["id"], "failed")
        assert (row["attempts"], row["error"]["code"]) == (1, "VALIDATION_ERROR")

        async def job_failed() -> bool:
            job = (await admin.get(f"/admin/jobs/{row['job_id']}")).json()["data"]
            return bool(job["status"] == "failed")

        await eventually(job_failed)


@pytest.mark.usefixtures("running_worker")
class TestUnknownPayments:
    async def test_webhook_is_kept_for_admins_and_can_be_replayed(
        self, harness: WebhookHarness, fan: Fan, admin: Fan
    ) -> None:
        stranger = {"intent_id": "pi_unknown", "client_secret": "s", "payment_id": str(uuid.uuid4()), "amount": "50.00"}
        event = success(stranger, fan, event_id=event_id())
        await harness.notify_by_stripe(event)
        row = await harness.ends(event["id"], "unmatched")
        assert row["outcome"] == "UNKNOWN"
        listed = (await admin.get("/admin/webhook-logs", status="unmatched")).json()["data"]
        assert event["id"] in {webhook["external_id"] for webhook in listed}
        await admin.post(f"/admin/webhook-logs/{row['webhook_id']}/replay")
        row = await harness.ends(event["id"], "unmatched")
        assert row["replays"] == 1

    async def test_payment_without_an_attached_id_is_matched_by_payment_id(
        self, harness: WebhookHarness, fan: Fan
    ) -> None:
        """The process crashed between creating the intent and storing its id."""
        top_up = await fan.top_up()
        await harness.clear_attachment(top_up["payment_id"])
        event = success(top_up, fan, event_id=event_id())
        await harness.notify_by_stripe(event)
        await harness.ends(event["id"], "processed")
        assert await fan.balance() == "50.00"


@pytest.mark.usefixtures("running_worker")
class TestReplays:
    async def test_credited_payment_is_not_credited_again(self, harness: WebhookHarness, fan: Fan, admin: Fan) -> None:
        top_up = await fan.top_up()
        event = success(top_up, fan, event_id=event_id())
        await harness.notify_by_stripe(event)
        row = await harness.ends(event["id"], "processed")
        answers = await asyncio.gather(
            *(admin.post(f"/admin/webhook-logs/{row['webhook_id']}/replay") for _ in range(5))
        )
        assert {answer.status_code for answer in answers} == {200}
        row = await harness.ends(event["id"], "ignored")
        assert row["outcome"] == "IGNORED"
        assert await fan.balance() == "50.00"
        assert await harness.movements(top_up["payment_id"]) == 1


@pytest.mark.usefixtures("running_worker")
class TestCrypto:
    async def notice(
        self, harness: WebhookHarness, paid: dict[str, Any], status: str, **changes: Any
    ) -> dict[str, Any]:
        (payment,) = await harness.payments_with(paid["payment_id"])
        reported = {
            "payment_id": payment["provider_payment_id"],
            "payment_status": status,
            "price_amount": 45,
            "price_currency": "sgd",
            "pay_amount": 0.0005,
            "actually_paid": 0.0005 if status in {"finished", "confirming"} else 0,
            "pay_currency": "btc",
            "order_id": paid["payment_id"],
        } | changes
        assert (await harness.notify_by_nowpayments(reported)).status_code == 200
        actually = f"{reported['actually_paid']:g}"
        return reported | {"external_id": f"{reported['payment_id']}:{status}:{actually}"}

    async def test_statuses_advance_to_the_credit(self, harness: WebhookHarness, fan: Fan) -> None:
        paid = await fan.pay_by_crypto()
        for status in ("waiting", "confirming", "confirmed", "sending", "finished"):
            await self.notice(harness, paid, status)
        await fan.has("45.00")
        assert (await fan.payment(paid["payment_id"]))["status"] == "SUCCEEDED"

    async def test_notifications_in_any_order_have_the_same_outcome(
        self, harness: WebhookHarness, new_fan: NewFan
    ) -> None:
        fan = await new_fan()
        paid = await fan.pay_by_crypto()
        for status in ("finished", "waiting", "expired", "confirming", "failed"):
            reported = await self.notice(harness, paid, status)
            await harness.ends(reported["external_id"], "processed" if status == "finished" else "ignored")
        assert await fan.balance() == "45.00"

    async def test_partial_payment_is_flagged_without_credit(self, harness: WebhookHarness, fan: Fan) -> None:
        paid = await fan.pay_by_crypto()
        reported = await self.notice(harness, paid, "partially_paid", actually_paid=0.0002)
        await harness.ends(reported["external_id"], "processed")
        assert await fan.balance() == "0.00"
        (payment,) = await harness.payments_with(paid["payment_id"])
        assert (payment["status"], payment["flags"], str(payment["paid_amount"])) == (
            "PARTIALLY_PAID",
            ["PARTIAL"],
            "0.0002",
        )

    async def test_late_payment_is_credited_and_flagged(self, harness: WebhookHarness, fan: Fan) -> None:
        paid = await fan.pay_by_crypto()
        reported = await self.notice(harness, paid, "expired")
        await harness.ends(reported["external_id"], "processed")
        await self.notice(harness, paid, "finished")
        await fan.has("45.00")
        (payment,) = await harness.payments_with(paid["payment_id"])
        assert (payment["status"], payment["flags"]) == ("SUCCEEDED", ["LATE"])

    async def test_other_price_is_flagged_and_not_credited(self, harness: WebhookHarness, fan: Fan) -> None:
        paid = await fan.pay_by_crypto()
        reported = await self.notice(harness, paid, "finished", price_amount=4500)
        assert (await harness.ends(reported["external_id"], "failed"))["outcome"] == "MISMATCH"
        assert await fan.balance() == "0.00"

    async def test_coins_sent_again_complete_the_payment(self, harness: WebhookHarness, fan: Fan) -> None:
        paid = await fan.pay_by_crypto()
        first = await self.notice(harness, paid, "partially_paid", actually_paid=0.0002)
        await harness.ends(first["external_id"], "processed")
        later = {"payment_id": uuid.uuid4().int % 10**10, "parent_payment_id": first["payment_id"]}
        rest = await self.notice(harness, paid, "finished", actually_paid=0.0003, price_amount=27, **later)
        row = await harness.ends(rest["external_id"], "processed")
        assert (row["outcome"], str(row["payment_id"])) == ("CREDITED", paid["payment_id"])
        assert await fan.balance() == "45.00"
        payment = await fan.payment(paid["payment_id"])
        assert (payment["status"], payment["paid_amount"]) == ("SUCCEEDED", "0.0005")
