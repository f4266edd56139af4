"""What a scan costs in remote calls: a count that must not creep up."""

import uuid

import pytest

from orchestrator.features.check_in.service.check_in import CheckInService, PresentedCode
from tests.e2e.in_process import Workshop
from tests.e2e.scanner import Doorway
from tests.support.statements import remote_calls


@pytest.fixture
def code(door: Doorway, payload: str) -> PresentedCode:
    return PresentedCode(
        staff_user_id=uuid.UUID(door.staff.user_id),
        qr_payload=payload,
        hall_id="HALL-A",
        event_id=None,
        scanned_at=None,
        nonce=None,
    )


async def cost_of(door: CheckInService, code: PresentedCode) -> int:
    before = remote_calls()
    await door.verify(code)
    return remote_calls() - before


async def test_a_scan_asks_each_witness_once_and_remembers_what_rarely_changes(
    workshop: Workshop, code: PresentedCode
) -> None:
    door = workshop.door()
    assert await cost_of(door, code) == 5  # the seat, its order, the event, the owner's name; the check-in
    assert await cost_of(door, code) == 3  # event and name are known for some seconds
