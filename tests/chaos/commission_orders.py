"""Commissions ordered by customers, and what became of them."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import httpx

from orchestrator.clients.orders.commissions import CommissionFacts, CommissionStatus
from orchestrator.container import Container
from orchestrator.features.commissions.models import job_id_of
from orchestrator.features.commissions.schemas.ordering import CommissionRequest
from orchestrator.features.commissions.service.ordering import OrderingService
from orchestrator.features.commissions.service.review import ReviewService
from orchestrator.jobs.record import JobStatus, JobView
from tests.contracts.databases import Databases
from tests.support.waiting import eventually

__all__ = ["CREDITS", "CommissionOrders"]

CREDITS: Final = "10000.00"
TEXT_API: Final = "/v1/chat/completions"
MAKE_DUE: Final = """
    UPDATE jobs SET run_at = now(), token_at = now(),
        progress = jsonb_set(progress, '{limited_since}', to_jsonb(now() - CAST($2 AS interval)))
    WHERE job_id = $1
"""
EXPIRE_LEASE: Final = "UPDATE jobs SET lease_until = now() WHERE job_id = $1 AND status = 'running'"
MESSAGES: Final = """
    SELECT routing_key FROM outbox
    WHERE routing_key LIKE 'commission.%' AND convert_from(body, 'UTF8')::jsonb ->> 'subject' = $1
    ORDER BY created_at
"""


@dataclass(frozen=True, kw_only=True)
class CommissionOrders:
    """One customer's orders of articles about one event."""

    container: Container
    databases: Databases
    sandbox: httpx.AsyncClient
    event_id: uuid.UUID
    customer_id: uuid.UUID

    async def order(self, **changes: Any) -> uuid.UUID:
        facts: Mapping[str, Any] = {
            "type": "ARTICLE",
            "event_id": self.event_id,
            "brief": "Why fans should not miss it",
            "keywords": ["live music"],
            "target_url": "https://example.com/sponsor",
            "anchor_text": "our sponsor",
        }
        ordered = await self.container.resources.service(OrderingService).order(
            CommissionRequest.model_validate({**facts, **changes}), customer_id=self.customer_id, key=None, address=""
        )
        assert ordered.status is CommissionStatus.PROCESSING
        return ordered.order_id

    async def break_texts(self, fault: str, *, times: int = 1, retry_after: str | None = None) -> str:
        """Make the next texts faulty whose brief is the one that is returned."""
        marker = f"Why fans should not miss it, {uuid.uuid4().hex}"
        body = {"fault": fault, "times": times, "contains": marker, "retry_after": retry_after}
        assert (await self.sandbox.post("/control/text/faults", json=body)).is_success
        return marker

    async def break_api(self, *, status: int, calls: int) -> None:
        body = {"path": TEXT_API, "status": status, "times": calls}
        assert (await self.sandbox.post("/control/faults", json=body)).is_success

    async def requests_about(self, marker: str) -> list[dict[str, Any]]:
        """Return what the provider was asked about texts of a brief, oldest first."""
        found = await self.sandbox.get("/control/text/requests", params={"contains": marker})
        requests: list[dict[str, Any]] = found.json()
        return requests

    async def input_tokens_of(self, order_id: uuid.UUID) -> int:
        """Return what is stored with the first text."""
        query = "SELECT input_tokens FROM commission_versions WHERE order_id = $1 AND number = 1"
        [row] = await self.databases.read("orders", query, order_id)
        return int(row["input_tokens"])

    async def make_due(self, order_id: uuid.UUID, *, limited_for: timedelta = timedelta(0)) -> None:
        """Let a postponed job run now, as if the provider had been busy for some time."""
        job_id = job_id_of(order_id, round_number=1)
        await self.databases.change("orchestrator", MAKE_DUE, job_id, limited_for)

    async def expire_lease(self, order_id: uuid.UUID) -> None:
        """Let the order's job be lost to the worker that runs it."""
        await self.databases.change("orchestrator", EXPIRE_LEASE, job_id_of(order_id, round_number=1))

    async def revise(self, order_id: uuid.UUID, notes: str) -> None:
        reviews = self.container.resources.service(ReviewService)
        await reviews.revise(order_id, notes, customer_id=self.customer_id, key=None)

    async def submit(self, order_id: uuid.UUID) -> None:
        reviews = self.container.resources.service(ReviewService)
        await reviews.submit(order_id, customer_id=self.customer_id, key=None)

    async def retry(self, order_id: uuid.UUID) -> None:
        await self.container.resources.service(ReviewService).retry(order_id, admin_id=uuid.uuid4(), key=None)

    async def find(self, order_id: uuid.UUID) -> CommissionFacts:
        return await self.container.resources.clients.commissions.find(order_id)

    async def reaches(self, order_id: uuid.UUID, status: CommissionStatus) -> CommissionFacts:
        async def look() -> CommissionFacts:
            order = await self.find(order_id)
            assert order.status is status, f"{order.status}: {order.failure_code}"
            return order

        return await eventually(look)

    async def job(self, order_id: uuid.UUID, *, round_number: int = 1) -> JobView:
        return await self.container.resources.jobs.find(job_id_of(order_id, round_number=round_number))

    async def job_reaches(self, order_id: uuid.UUID, status: JobStatus, *, round_number: int = 1) -> JobView:
        async def look() -> JobView:
            job = await self.job(order_id, round_number=round_number)
            assert job.status is status, f"{job.status}: {job.error}"
            return job

        return await eventually(look)

    async def messages_about(self, order_id: uuid.UUID) -> list[str]:
        """Return the types of the messages about an order, oldest first."""
        rows = await self.databases.read("orders", MESSAGES, str(order_id))
        return [row["routing_key"].removeprefix("commission.") for row in rows]

    async def assert_failed(self, order_id: uuid.UUID, code: str) -> CommissionFacts:
        order = await self.reaches(order_id, CommissionStatus.FAILED)
        assert order.failure_code == code
        assert await self.databases.escrows_of(order_id) == ["HELD"]
        return order

    async def assert_written_once(self, order_id: uuid.UUID) -> CommissionFacts:
        """Wait until the first text is stored and its job has completed; check that nothing happened twice."""
        order = await self.reaches(order_id, CommissionStatus.QUALITY_CHECK)
        await self.job_reaches(order_id, JobStatus.COMPLETED)
        assert [version.number for version in order.versions] == [1]
        assert order.versions[0].quality.passed
        assert await self.messages_about(order_id) == ["received", "ready"]
        assert await self.databases.escrows_of(order_id) == ["HELD"]
        return order
