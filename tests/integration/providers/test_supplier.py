"""The supplier's adapter and the sandbox's supplier, over HTTP."""

import logging
from collections.abc import AsyncIterator, Callable

import pytest
from pydantic import SecretStr

from devstack.sandbox.settings import Settings
from orchestrator.features.digital_goods.adapters.supplier import SupplierApi
from orchestrator.features.digital_goods.errors import SupplierRefused, SupplierUnavailable
from orchestrator.features.inbound_webhooks.adapters.supplier import SupplierWebhooks
from orchestrator.features.payments.errors import SignatureInvalid
from tests.integration.providers.conftest import (
    SHORT_TIMEOUT_SECONDS,
    TIMEOUT_SECONDS,
    TOO_SLOW_SECONDS,
    Control,
    WebhookReceiver,
)

SIGNATURE = "X-KINGUIN-SIGNATURE"
RESERVE = "/v1/reservations"
NewSupplier = Callable[..., SupplierApi]


@pytest.fixture
async def new_supplier(sandbox_url: str, settings: Settings) -> AsyncIterator[NewSupplier]:
    made = []

    def make(
        *, url: str = sandbox_url, key: SecretStr = settings.supplier_api_key, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> SupplierApi:
        made.append(SupplierApi(api_url=url, key=key, timeout_seconds=timeout_seconds))
        return made[-1]

    yield make
    for supplier in made:
        await supplier.close()


async def test_reservation_gets_its_codes_once_it_is_ready(new_supplier: NewSupplier, control: Control) -> None:
    supplier = new_supplier()
    made = await supplier.reserve("one", request_id="codes")
    assert (made.status, made.codes) == ("waiting", ())
    assert await supplier.reserve("one", request_id="codes") == made
    with pytest.raises(SupplierUnavailable):  # it waits
        await supplier.give(made.reservation_id)
    await control(f"/supplier/{made.reservation_id}", status="ready", copies=0)
    ready = await supplier.find(made.reservation_id)
    given = [await supplier.give(made.reservation_id) for _ in range(2)]
    assert [each.status for each in (ready, *given)] == ["ready", "delivered", "delivered"]
    assert {each.codes for each in (ready, *given)} == {ready.codes}
    assert len(ready.codes) == 1
    assert ready.codes[0] not in repr(ready)


async def test_refusals_differ_from_failures(
    new_supplier: NewSupplier, control: Control, caplog: pytest.LogCaptureFixture
) -> None:
    supplier = new_supplier()
    await control("/supplier-products/gone", is_sold_out=True)
    with pytest.raises(SupplierRefused):
        await supplier.reserve("gone", request_id="gone")
    with pytest.raises(SupplierRefused):
        await supplier.find("R-unknown/../else")
    for status in (429, 500, 401):
        await control("/faults", path=RESERVE, status=status, times=1)
        with pytest.raises(SupplierUnavailable):
            await supplier.reserve("one", request_id="failed")
    await control("/faults", path="supplier", delay_seconds=TOO_SLOW_SECONDS, times=1)
    impatient = new_supplier(timeout_seconds=SHORT_TIMEOUT_SECONDS)
    wrong_key, elsewhere = new_supplier(key=SecretStr("wrong")), new_supplier(url="http://127.0.0.1:9")
    for away in (impatient, wrong_key, elsewhere):
        with pytest.raises(SupplierUnavailable):
            await away.reserve("one", request_id="failed")
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_adapter_accepts_sandbox_webhooks(
    new_supplier: NewSupplier, control: Control, webhook_receiver: WebhookReceiver
) -> None:
    webhooks = SupplierWebhooks(SecretStr("sandbox-supplier-webhook-secret"))
    made = await new_supplier().reserve("one", request_id="webhooks")
    path = f"/supplier/{made.reservation_id}"
    await control(path, status="ready", has_codes=False)
    await control(path, status="delivered", copies=2)
    await control(path, status="failed", moves=False, reason="sold out")
    await control(path, status="failed", has_wrong_signature=True)
    *accepted, forged = [(headers, body) for _, headers, body in webhook_receiver.received]
    facts = [webhooks.verify(body, headers[SIGNATURE]) for headers, body in accepted]
    notices = [webhooks.read_notice(body) for _, body in accepted]
    said = [(notice.reservation.status.value, len(notice.reservation.codes)) for notice in notices if notice]
    assert said == [("ready", 0), ("delivered", 1), ("delivered", 1), ("failed", 0)]
    assert facts[1] == facts[2]
    assert len({fact.external_id for fact in facts}) == 3
    with pytest.raises(SignatureInvalid):
        webhooks.verify(forged[1], forged[0][SIGNATURE])
