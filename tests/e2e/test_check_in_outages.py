"""A scan returns 503 if a required service does not respond; its nonce later returns the outcome."""

import signal
import time
import uuid
from dataclasses import replace

import pytest

from common.errors import Unavailable
from devstack.stack import Stack
from orchestrator.clients.inventory import check_in as check_in_client
from orchestrator.features.check_in.schemas import NamedPlace
from orchestrator.features.check_in.service import check_in as check_in_service
from orchestrator.features.check_in.service.check_in import CheckInService, PresentedCode
from tests.e2e.in_process import InProcessServices
from tests.e2e.scanner import ScannerClient, Ticket, new_nonce

REFUSING_ADDRESS = "127.0.0.1:1"  # no server listens there
# Time limits are longer than in production, so that failing fast differs from a timeout on a busy machine.
# They stay below the client timeout of a service.
TIMEOUT_SECONDS = 60.0
FAIL_FAST_SECONDS = 25.0


@pytest.fixture(autouse=True)
def long_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_in_service, "LOOKUP_TIMEOUT_SECONDS", TIMEOUT_SECONDS)
    monkeypatch.setattr(check_in_client, "SCAN_DEADLINE_SECONDS", TIMEOUT_SECONDS)


@pytest.fixture
def code(scanner: ScannerClient, payload: str) -> PresentedCode:
    return PresentedCode(
        staff_user_id=uuid.UUID(scanner.staff.user_id),
        qr_payload=payload,
        place=NamedPlace(hall_id="HALL-A"),
        scanned_at=None,
        nonce=new_nonce(),
    )


async def is_unavailable(service: CheckInService, code: PresentedCode) -> bool:
    """Return whether the scan fails fast with 503 and the contract's code."""
    began = time.monotonic()
    with pytest.raises(Unavailable) as raised:
        await service.verify(code)
    error = raised.value
    return (error.kind, error.code) == (
        "unavailable",
        "SERVICE_UNAVAILABLE",
    ) and time.monotonic() < began + FAIL_FAST_SECONDS


async def test_unavailable_service_returns_503_and_admits_no_ticket(
    in_process: InProcessServices, scanner: ScannerClient, code: PresentedCode, ticket: Ticket
) -> None:
    for overrides in (
        {"orders_url": f"http://{REFUSING_ADDRESS}"},
        {"events_url": f"http://{REFUSING_ADDRESS}"},
        {"inventory_address": REFUSING_ADDRESS},
    ):
        assert await is_unavailable(in_process.check_in_service(overrides), code)
    assert await scanner.scans_of(ticket.event_id) == []
    assert (await in_process.check_in_service().verify(code)).result == "SUCCESS"


async def test_lookup_times_out(
    in_process: InProcessServices, code: PresentedCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_in_service, "LOOKUP_TIMEOUT_SECONDS", 0.25)
    assert await is_unavailable(
        in_process.check_in_service({"orders_url": f"http://{await in_process.unresponsive_address()}"}), code
    )


async def test_unavailable_users_service_only_omits_the_name(
    in_process: InProcessServices, code: PresentedCode
) -> None:
    """If the users service is down or unresponsive, the scan succeeds without delay."""
    began = time.monotonic()
    for users_address in (await in_process.unresponsive_address(), REFUSING_ADDRESS):
        outcome = await in_process.check_in_service({"users_url": f"http://{users_address}"}).verify(code)
        assert (outcome.result, outcome.owner_name) == ("SUCCESS", None)
    assert time.monotonic() < began + FAIL_FAST_SECONDS


async def test_unknown_assigned_hall_returns_503(in_process: InProcessServices, code: PresentedCode) -> None:
    assert await is_unavailable(
        in_process.check_in_service({"users_url": f"http://{REFUSING_ADDRESS}"}), replace(code, place=NamedPlace())
    )


class TestCheckInCall:
    async def test_unavailable_inventory_returns_503(self, in_process: InProcessServices, code: PresentedCode) -> None:
        service = in_process.check_in_service(check_in=in_process.check_in_client(address=REFUSING_ADDRESS))
        assert await is_unavailable(service, code)
        assert await is_unavailable(service, replace(code, qr_payload="nonsense"))

    async def test_lost_response_is_retried(
        self, in_process: InProcessServices, scanner: ScannerClient, code: PresentedCode, ticket: Ticket
    ) -> None:
        outcome = await in_process.check_in_service(check_in=in_process.check_in_client(losses=1)).verify(
            replace(code, nonce=None)
        )
        assert outcome.result == "SUCCESS"
        assert len(await scanner.scans_of(ticket.event_id)) == 1

    async def test_nonce_returns_the_result_after_two_lost_responses(
        self, in_process: InProcessServices, scanner: ScannerClient, code: PresentedCode, ticket: Ticket
    ) -> None:
        """The owner was admitted, but the scanner got no response; the same nonce returns the result."""
        assert await is_unavailable(in_process.check_in_service(check_in=in_process.check_in_client(losses=2)), code)
        assert (await in_process.check_in_service().verify(code)).result == "SUCCESS"
        assert (await in_process.check_in_service().verify(replace(code, nonce=None))).result == "DUPLICATE"
        assert len(await scanner.scans_of(ticket.event_id)) == 2


async def test_gateway_forwards_the_503(platform: Stack, scanner: ScannerClient, ticket: Ticket, payload: str) -> None:
    nonce = new_nonce()
    platform.send_signal("orders", signal.SIGSTOP)
    try:
        assert (await scanner.scan(payload, nonce=nonce)).refused() == (503, "SERVICE_UNAVAILABLE")
    finally:
        platform.send_signal("orders", signal.SIGCONT)
    assert await scanner.scans_of(ticket.event_id) == []
    assert await scanner.result_of(payload, nonce=nonce) == "SUCCESS"
