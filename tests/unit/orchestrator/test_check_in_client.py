"""Scans of a newer inventory, with results that this release does not know."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import SecretStr

from common.auth.service_tokens import ServiceTokens
from common.rpc.client import RpcCaller
from orchestrator.clients.inventory.check_in import CheckInClient, Scan, ScanOutcome, ScanResult
from proto.inventory.v1 import inventory_pb2 as pb

FUTURE: Any = 99
LOGGED_AT = "2027-03-01T20:00:00Z"


@dataclass(frozen=True, kw_only=True)
class NewerInventory(RpcCaller):
    """Answers each call, without an inventory."""

    async def call(self, method: Any, request: Any, *, deadline_seconds: float = 0) -> Any:  # noqa: ARG002 - the base's
        scan = pb.Scan(staff_user_id=str(uuid.uuid4()), hall_presented="HALL-A")
        logged = [pb.LoggedScan(scan_id=str(uuid.uuid4()), scan=scan, result=FUTURE, logged_at=LOGGED_AT)]
        counts = [pb.ResultCount(result=result, scans=1) for result in (FUTURE, pb.SUCCESS, FUTURE + 1)]
        answers = {
            pb.CheckInRequest: pb.CheckInResponse(result=FUTURE),
            pb.ListScansRequest: pb.ListScansResponse(scans=logged, total=1),
            pb.GetEntryStatsRequest: pb.GetEntryStatsResponse(result_counts=counts),
        }
        return answers[type(request)]


@pytest.fixture
async def client() -> AsyncIterator[CheckInClient]:
    tokens = ServiceTokens(service="orchestrator", secret=SecretStr("s" * 32))
    client = CheckInClient("127.0.0.1:1", NewerInventory(callee="inventory", tokens=tokens))
    yield client
    await client.close()


async def test_unknown_result_is_no_admission(client: CheckInClient) -> None:
    scan = Scan(staff_user_id=uuid.uuid4(), hall_presented="HALL-A")
    assert await client.check_in(uuid.uuid4(), scan) == ScanOutcome(ScanResult.UNKNOWN)


async def test_unknown_results_are_listed_and_counted_together(client: CheckInClient) -> None:
    [logged], _ = await client.scans(None, offset=0, limit=1)
    assert logged.result is ScanResult.UNKNOWN
    stats = await client.stats(uuid.uuid4(), minutes=1)
    assert stats.scans_by_result == {ScanResult.UNKNOWN: 2, ScanResult.SUCCESS: 1}
