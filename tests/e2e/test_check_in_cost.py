"""The number of remote calls per scan, which must not grow."""

import uuid

import pytest

from orchestrator.features.check_in.schemas import NamedPlace
from orchestrator.features.check_in.service.check_in import CheckInService, PresentedCode
from tests.e2e.in_process import InProcessServices
from tests.e2e.scanner import ScannerClient
from tests.support.statements import remote_calls


@pytest.fixture
def code(scanner: ScannerClient, payload: str) -> PresentedCode:
    return PresentedCode(
        staff_user_id=uuid.UUID(scanner.staff.user_id),
        qr_payload=payload,
        place=NamedPlace(hall_id="HALL-A"),
        scanned_at=None,
        nonce=None,
    )


async def calls_of(service: CheckInService, code: PresentedCode) -> int:
    before = remote_calls()
    await service.verify(code)
    return remote_calls() - before


async def test_scan_takes_six_calls_and_three_when_cached(in_process: InProcessServices, code: PresentedCode) -> None:
    service = in_process.check_in_service()
    assert await calls_of(service, code) == 6  # the seat, its order, event, owner and staff; the check-in
    assert await calls_of(service, code) == 3  # event and users are cached for some seconds
