"""Which webhooks are accepted and stored once, and which are rejected and only counted. No worker runs."""

import uuid

import pytest
from prometheus_client import REGISTRY
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from common.sealing import SealBroken, Sealer
from common.settings import key_encryption_keys
from orchestrator.clients.users.payments import Provider
from orchestrator.features.inbound_webhooks.adapters.supplier import without_codes
from orchestrator.features.inbound_webhooks.repository import WebhookLog
from orchestrator.features.payments.adapters.interfaces import VerifiedWebhook
from orchestrator.jobs.record import NewJob
from tests.integration.users.user_client import code_of
from tests.integration.webhooks.webhook_fixtures import Fan, WebhookHarness, event_id, statuses, success
from tests.support.signing import as_bytes, nowpayments_signature, stripe_event, stripe_signature, supplier_signature

MEBIBYTE = 1_048_576


def rejections(provider: str, reason: str) -> float:
    labels = {"provider": provider, "reason": reason}
    return REGISTRY.get_sample_value("webhook_rejections_total", labels) or 0.0


class TestAccepted:
    async def test_webhook_is_stored_with_its_job(self, harness: WebhookHarness) -> None:
        before = await harness.counts()
        event = stripe_event("customer.created", {"id": "cus_1"}, id=event_id())
        answer = await harness.notify_by_stripe(event)
        assert (answer.status_code, answer.json()) == (200, {"success": True, "data": {"received": True}})
        row = await harness.logged(event["id"])
        assert row is not None
        assert (row["provider"], row["event_type"], row["status"]) == ("stripe", "customer.created", "received")
        assert bytes(row["body"]) == as_bytes(event)
        after = await harness.counts()
        assert (after["webhooks"] - before["webhooks"], after["jobs"] - before["jobs"]) == (1, 1)

    async def test_each_provider_has_its_route(self, harness: WebhookHarness) -> None:
        notice = {"payment_id": 17, "payment_status": "waiting", "price_amount": 5, "price_currency": "sgd"}
        assert (await harness.notify_by_nowpayments(notice)).status_code == 200
        assert (await harness.notify_by_supplier({"event_id": "kg-17", "type": "order.ready"})).status_code == 200
        assert await harness.logged("17:waiting:0")
        assert await harness.logged("kg-17")

    async def test_supplier_webhook_is_announced_to_admins_once(self, harness: WebhookHarness) -> None:
        notice = {"event_id": event_id(), "type": "order.ready"}
        for _ in range(2):
            await harness.notify_by_supplier(notice)
        row = await harness.logged(notice["event_id"])
        assert row is not None
        told = {"webhook_id": str(row["webhook_id"]), "provider": "kinguin", "event_type": "order.ready"}
        assert [data for data in await harness.announced() if data["webhook_id"] == told["webhook_id"]] == [told]

    async def test_hundred_concurrent_copies_are_stored_once(self, harness: WebhookHarness) -> None:
        before = await harness.counts()
        event = stripe_event("customer.created", {}, id=event_id())
        assert await statuses(*(harness.notify_by_stripe(event) for _ in range(100))) == {200: 100}
        after = await harness.counts()
        assert (after["webhooks"] - before["webhooks"], after["jobs"] - before["jobs"]) == (1, 1)

    async def test_ids_are_scoped_to_the_provider(self, harness: WebhookHarness) -> None:
        one = event_id()
        await harness.notify_by_stripe(stripe_event("customer.created", {}, id=one))
        before = await harness.counts()
        assert (await harness.notify_by_supplier({"event_id": one, "type": "order.ready"})).status_code == 200
        assert (await harness.counts())["webhooks"] - before["webhooks"] == 1

    async def test_webhook_is_limited_to_one_mebibyte(self, harness: WebhookHarness) -> None:
        envelope = as_bytes({"event_id": (one := event_id()), "type": "t", "padding": ""})
        body = envelope[:-2] + b"x" * (MEBIBYTE - len(envelope)) + b'"}'
        secret = harness.settings.supplier_webhook_secret
        assert len(body) == MEBIBYTE
        assert (await harness.send("kinguin", body, supplier_signature(body, secret))).status_code == 200
        assert await harness.logged(one)
        body += b" "
        answer = await harness.send("kinguin", body, supplier_signature(body, secret))
        assert (answer.status_code, code_of(answer)) == (413, "VALIDATION_ERROR")


class TestRefused:
    """A rejected webhook is not stored."""

    async def refused(
        self, harness: WebhookHarness, provider: str, body: bytes, signature: str | None, *, header: str = ""
    ) -> tuple[int, str]:
        before = await harness.counts()
        answer = await harness.send(provider, body, signature, header=header)
        assert await harness.counts() == before
        return answer.status_code, code_of(answer)

    @pytest.mark.parametrize("provider", ["stripe", "nowpayments", "kinguin"])
    async def test_invalid_signature_is_rejected(self, harness: WebhookHarness, provider: str) -> None:
        settings, before = harness.settings, rejections(provider, "signature")
        payload = {"id": "evt_x", "event_id": "x", "payment_id": 1, "payment_status": "finished", "type": "t"}
        body = as_bytes(payload)
        wrong = SecretStr("wrong")
        others = {
            "stripe": stripe_signature(body, secret=settings.stripe_webhook_secret),
            "nowpayments": nowpayments_signature(payload, settings.nowpayments_ipn_secret),
            "kinguin": supplier_signature(body, settings.supplier_webhook_secret),
        }
        forged = {
            "stripe": stripe_signature(body, secret=wrong),
            "nowpayments": nowpayments_signature(payload, wrong),
            "kinguin": supplier_signature(body, wrong),
        }
        signatures = [None, "", "nonsense", forged[provider], *(s for name, s in others.items() if name != provider)]
        for signature in signatures:
            assert await self.refused(harness, provider, body, signature) == (401, "SIGNATURE_INVALID")
        good = others[provider]
        assert await self.refused(harness, provider, body + b" ", good[:-1] + "0") == (401, "SIGNATURE_INVALID")
        assert await self.refused(harness, provider, body, good, header="x-signature") == (401, "SIGNATURE_INVALID")
        assert rejections(provider, "signature") - before == len(signatures) + 2

    async def test_expired_signature_is_rejected(self, harness: WebhookHarness) -> None:
        before = rejections("stripe", "stale")
        body = as_bytes(stripe_event("customer.created", {}))
        old = stripe_signature(body, seconds_ago=301, secret=harness.settings.stripe_webhook_secret)
        assert await self.refused(harness, "stripe", body, old) == (400, "VALIDATION_ERROR")
        assert rejections("stripe", "stale") - before == 1

    async def test_unknown_provider_is_rejected(self, harness: WebhookHarness) -> None:
        assert (await harness.http.post("/api/webhooks/paypal", content=b"{}")).status_code == 404


async def test_webhook_without_its_job_is_not_stored(harness: WebhookHarness) -> None:
    before = await harness.counts()
    job = NewJob(
        kind="webhook",
        payload={},
        idempotency_key="no priority",
        priority=None,  # type: ignore[arg-type]  # what the table refuses
        max_attempts=1,
        correlation_id="",
    )
    with pytest.raises(DBAPIError):
        await WebhookLog(harness.database, Sealer.of(harness.settings)).store(
            VerifiedWebhook(external_id=event_id(), event_type="t"),
            b"{}",
            provider=Provider.STRIPE,
            webhook_id=uuid.uuid4(),
            job=job,
        )
    assert await harness.counts() == before


class TestLog:
    async def test_it_is_for_admins(self, harness: WebhookHarness, fan: Fan) -> None:
        for path in ("/admin/webhook-logs", f"/admin/webhook-logs/{uuid.uuid4()}"):
            answer = await fan.get(path)
            assert (answer.status_code, code_of(answer)) == (403, "FORBIDDEN")
            assert (await harness.http.get(f"/api{path}")).status_code == 401
        answer = await fan.post(f"/admin/webhook-logs/{uuid.uuid4()}/replay")
        assert (answer.status_code, code_of(answer)) == (403, "FORBIDDEN")

    async def test_log_is_filtered_newest_first(self, harness: WebhookHarness, admin: Fan) -> None:
        made = [event_id() for _ in range(3)]
        for one in made:
            await harness.notify_by_stripe(stripe_event("customer.created", {}, id=one))
        await harness.notify_by_supplier({"event_id": event_id(), "type": "order.ready"})
        listed = (await admin.get("/admin/webhook-logs", provider="stripe", status="received", per_page=3)).json()
        assert [webhook["external_id"] for webhook in listed["data"]] == made[::-1]
        assert listed["pagination"]["total"] >= 3
        assert (await admin.get("/admin/webhook-logs", status="processed")).json()["data"] == []
        assert (await admin.get("/admin/webhook-logs", status="lost")).status_code == 400

    async def test_webhook_is_shown_without_secrets(self, harness: WebhookHarness, admin: Fan, fan: Fan) -> None:
        top_up = await fan.top_up()
        event = success(top_up, fan, event_id=event_id(), receipt_email="fan@example.com")
        await harness.notify_by_stripe(event)
        row = await harness.logged(event["id"])
        assert row is not None
        answer = await admin.get(f"/admin/webhook-logs/{row['webhook_id']}")
        shown = answer.json()["data"]
        assert shown["external_id"] == shown["payload"]["id"] == event["id"]
        subject = shown["payload"]["data"]["object"]
        assert (subject["client_secret"], subject["receipt_email"]) == ("[redacted]", "[redacted]")
        assert subject["amount"] == 5_000
        assert top_up["client_secret"] not in answer.text

    async def test_codes_of_the_supplier_are_stored_sealed_and_never_shown(
        self, harness: WebhookHarness, admin: Fan
    ) -> None:
        code, notice = f"CODE-{uuid.uuid4()}", {"event_id": event_id(), "type": "order.ready", "reservation_id": "R-1"}
        body = as_bytes(notice | {"codes": [code]})
        await harness.notify_by_supplier(notice | {"codes": [code]})
        row = await harness.logged(notice["event_id"])
        assert row is not None
        assert code.encode() not in bytes(row["body"]) + bytes(row["sealed_body"])
        answer = await admin.get(f"/admin/webhook-logs/{row['webhook_id']}")
        assert answer.json()["data"]["payload"] == notice | {"codes": "[redacted]"}
        begun = await WebhookLog(harness.database, Sealer.of(harness.settings)).begin(row["webhook_id"], replay=0)
        assert begun is not None
        assert begun.body == body

    async def test_supplier_webhook_of_the_previous_release_is_readable(self, harness: WebhookHarness) -> None:
        one = event_id()
        await harness.notify_by_supplier({"event_id": one, "type": "order.ready"})
        row = await harness.logged(one)
        assert row is not None
        changed = text("UPDATE webhook_log SET body = :body, sealed_body = NULL WHERE webhook_id = :webhook_id")
        await harness.database.execute(changed, {"body": b"[1]", "webhook_id": row["webhook_id"]})
        begun = await WebhookLog(harness.database, Sealer.of(harness.settings)).begin(row["webhook_id"], replay=0)
        assert begun is not None
        assert begun.body == b"[1]"

    @pytest.mark.parametrize("status", ["received", "processed"])
    async def test_codes_that_the_previous_release_stored_are_sealed(
        self, harness: WebhookHarness, status: str
    ) -> None:
        notice = {"event_id": event_id(), "type": "order.ready", "reservation_id": "R-1"}
        await harness.notify_by_supplier(notice)
        row = await harness.logged(notice["event_id"])
        assert row is not None
        body = as_bytes(notice | {"codes": ["AAAA-BBBB"]})
        changed = text(
            "UPDATE webhook_log SET body = :body, sealed_body = NULL, status = :status WHERE webhook_id = :id"
        )
        await harness.database.execute(changed, {"body": body, "status": status, "id": row["webhook_id"]})
        log = WebhookLog(harness.database, Sealer.of(harness.settings))
        assert await log.seal_all(without_goods=without_codes) >= 1
        sealed, found = await harness.logged(notice["event_id"]), await log.find(row["webhook_id"])
        assert sealed is not None
        assert found is not None
        assert b"AAAA-BBBB" not in bytes(sealed["body"])
        # A webhook that is still to be processed needs its codes.
        assert (b"AAAA-BBBB" in found[1]) == (status == "received")
        await harness.database.execute(changed, {"body": b"{}", "status": "ignored", "id": row["webhook_id"]})

    async def test_sealed_webhooks_move_to_a_new_key(self, harness: WebhookHarness) -> None:
        one = event_id()
        await harness.notify_by_supplier({"event_id": one, "type": "order.ready"})
        row = await harness.logged(one)
        assert row is not None
        former = key_encryption_keys(harness.settings.key_encryption_keys)
        both, new = Sealer({"new": b"n" * 32, **former}), Sealer({"new": b"n" * 32})
        log = WebhookLog(harness.database, both)
        with pytest.raises(SealBroken):
            await WebhookLog(harness.database, new).begin(row["webhook_id"], replay=0)
        assert await log.rewrap() >= 1
        assert await log.rewrap() == 0
        assert await WebhookLog(harness.database, new).begin(row["webhook_id"], replay=0)
        await WebhookLog(harness.database, Sealer({**former, "new": b"n" * 32})).rewrap()

    async def test_unknown_id_is_not_found(self, admin: Fan) -> None:
        for answer in (
            await admin.get(f"/admin/webhook-logs/{uuid.uuid4()}"),
            await admin.post(f"/admin/webhook-logs/{uuid.uuid4()}/replay"),
        ):
            assert (answer.status_code, code_of(answer)) == (404, "NOT_FOUND")
        assert code_of(await admin.get("/admin/webhook-logs/7")) == "INVALID_UUID"
