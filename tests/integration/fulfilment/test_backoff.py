"""The pauses between the attempts of a fulfilment job, by its own record."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from orchestrator.features.digital_goods.jobs import POLICY
from orchestrator.features.digital_goods.models import Fulfil
from orchestrator.jobs.record import JobStatus, JobView
from orchestrator.jobs.registry import JobContext
from tests.integration.fulfilment.conftest import Goods
from tests.integration.fulfilment.test_fulfilment import RESERVE


async def test_two_failures_then_success_after_pauses_of_two_and_four_seconds(goods: Goods) -> None:
    attempts: list[JobView] = []

    async def run(work: Fulfil, context: JobContext) -> Mapping[str, Any]:
        attempts.append(await goods.jobs.find(context.job_id))
        return await goods.handler.run(work, context)

    await goods.control("/faults", path=RESERVE, status=502, times=2)
    await goods.harness.start_worker((POLICY, run), payload_model=Fulfil)
    order, job = await goods.order("one")
    done = await goods.harness.reaches(job, JobStatus.COMPLETED)
    assert (done.attempts, goods.orders.statuses(order.order_id)) == (3, ["RESERVED"])
    assert POLICY.retry_seconds == (2.0, 4.0, 8.0, 16.0, 32.0)
    for before, after, seconds in zip(attempts, attempts[1:], POLICY.retry_seconds, strict=False):
        assert before.started_at is not None
        assert after.started_at is not None
        assert after.run_at - before.started_at >= timedelta(seconds=seconds)
        assert after.started_at >= after.run_at
