"""Whoever must be asked and gives no answer keeps the door shut; the same nonce tells later what came of a scan."""

import signal
import time
import uuid
from dataclasses import replace

import pytest

from common.errors import Unavailable
from devstack.stack import Stack
from orchestrator.clients.inventory import check_in as entrance_module
from orchestrator.features.check_in.service import check_in as door_module
from orchestrator.features.check_in.service.check_in import CheckInService, PresentedCode
from tests.e2e.in_process import Workshop
from tests.e2e.scanner import Doorway, Ticket, new_nonce

DEAD = "127.0.0.1:1"  # nobody listens there
# Looks and check-ins are given longer here than on a real door, so that "at once" can be told from waiting for their end
# on a busy machine. It is also less than what a service's answer is waited for.
PATIENT_SECONDS = 60.0
AT_ONCE_SECONDS = 25.0


@pytest.fixture(autouse=True)
def patient_door(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door_module, "LOOK_SECONDS", PATIENT_SECONDS)
    monkeypatch.setattr(entrance_module, "SCAN_DEADLINE_SECONDS", PATIENT_SECONDS)


@pytest.fixture
def code(door: Doorway, payload: str) -> PresentedCode:
    return PresentedCode(
        staff_user_id=uuid.UUID(door.staff.user_id),
        qr_payload=payload,
        hall_id="HALL-A",
        event_id=None,
        scanned_at=None,
        nonce=new_nonce(),
    )


async def is_refused(door: CheckInService, code: PresentedCode) -> bool:
    """Tell whether the door says that it cannot know, with the contract's code, and at once."""
    began = time.monotonic()
    with pytest.raises(Unavailable) as refusal:
        await door.verify(code)
    said = refusal.value
    return (said.kind, said.code) == (
        "unavailable",
        "SERVICE_UNAVAILABLE",
    ) and time.monotonic() < began + AT_ONCE_SECONDS


async def test_a_dead_witness_admits_nobody(
    workshop: Workshop, door: Doorway, code: PresentedCode, ticket: Ticket
) -> None:
    for moved in ({"orders_url": f"http://{DEAD}"}, {"events_url": f"http://{DEAD}"}, {"inventory_address": DEAD}):
        assert await is_refused(workshop.door(moved), code)
    assert await door.log_of(ticket.event_id) == []
    assert (await workshop.door().verify(code)).result == "SUCCESS"


async def test_a_silent_witness_does_not_keep_the_queue(
    workshop: Workshop, code: PresentedCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door_module, "LOOK_SECONDS", 0.25)
    assert await is_refused(workshop.door({"orders_url": f"http://{await workshop.silence()}"}), code)


async def test_the_name_is_a_courtesy(workshop: Workshop, code: PresentedCode) -> None:
    """Dead or silent, the users service neither keeps the door shut nor slows the scan."""
    began = time.monotonic()
    for users in (await workshop.silence(), DEAD):
        verdict = await workshop.door({"users_url": f"http://{users}"}).verify(code)
        assert (verdict.result, verdict.owner_name) == ("SUCCESS", None)
    assert time.monotonic() < began + AT_ONCE_SECONDS


async def test_who_cannot_be_told_their_hall_is_not_let_off(workshop: Workshop, code: PresentedCode) -> None:
    assert await is_refused(workshop.door({"users_url": f"http://{DEAD}"}), replace(code, hall_id=None))


class TestWithoutAnswerOfTheCheckIn:
    async def test_dead(self, workshop: Workshop, code: PresentedCode) -> None:
        shut = workshop.door(entrance=workshop.entrance(address=DEAD))
        assert await is_refused(shut, code)
        assert await is_refused(shut, replace(code, qr_payload="nonsense"))

    async def test_lost_once(self, workshop: Workshop, door: Doorway, code: PresentedCode, ticket: Ticket) -> None:
        verdict = await workshop.door(entrance=workshop.entrance(losses=1)).verify(replace(code, nonce=None))
        assert verdict.result == "SUCCESS"
        assert len(await door.log_of(ticket.event_id)) == 1

    async def test_lost_again(self, workshop: Workshop, door: Doorway, code: PresentedCode, ticket: Ticket) -> None:
        """The owner went in, and the scanner does not know: the same nonce tells."""
        assert await is_refused(workshop.door(entrance=workshop.entrance(losses=2)), code)
        assert (await workshop.door().verify(code)).result == "SUCCESS"
        assert (await workshop.door().verify(replace(code, nonce=None))).result == "DUPLICATE"
        assert len(await door.log_of(ticket.event_id)) == 2


async def test_the_gateway_passes_the_refusal_on(platform: Stack, door: Doorway, ticket: Ticket, payload: str) -> None:
    nonce = new_nonce()
    platform.send_signal("orders", signal.SIGSTOP)
    try:
        assert (await door.scan(payload, nonce=nonce)).refused() == (503, "SERVICE_UNAVAILABLE")
    finally:
        platform.send_signal("orders", signal.SIGCONT)
    assert await door.log_of(ticket.event_id) == []
    assert await door.result_of(payload, nonce=nonce) == "SUCCESS"
