"""A ticket is never disputed and passed on at the same time, whenever the dispute comes; see `test_actions`.

The ticket was transferred once, and its new owner passes it on. The saga that does is held at a moment, and the first
transfer is disputed.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from typing import Final

import pytest

from common.errors import Conflict
from orchestrator.container import Container
from orchestrator.features.marketplace.saga.resale import RESALE, Resale, resale_plan
from orchestrator.features.transfers.saga.transfer import TRANSFER, Transfer, transfer_plan
from orchestrator.features.transfers.service.disputes import DisputeService
from orchestrator.saga_engine.observer import StepMoment
from orchestrator.saga_engine.plan import AnyPlan, SagaData, StepKind
from orchestrator.saga_engine.record import SagaState
from tests.contracts import resale, transfer
from tests.contracts.cases import ACTION_MOMENTS
from tests.contracts.databases import Databases
from tests.contracts.event_fixtures import PublishedEvent
from tests.contracts.faults import Faults, refused
from tests.contracts.saga_harness import SagaHarness
from tests.contracts.saga_run import PauseAt, SagaRun
from tests.contracts.scenario import NothingLapses
from tests.contracts.ticket_fixtures import OwnedTicket, TicketFixtures

AMOUNT: Final = Decimal("30.00")
OUTLINES: Final[Mapping[str, AnyPlan]] = {TRANSFER: transfer.OUTLINE, RESALE: resale.OUTLINE}
MOMENTS: Final = [
    pytest.param(kind, step.name, moment, id=f"{kind}: {step.name}, {moment}")
    for kind, plan in OUTLINES.items()
    for step in plan.steps
    if step.action is not None and plan.is_past_wait(step.name)
    for moment in ACTION_MOMENTS
]


class PassingOn(NothingLapses):
    """The saga that passes a transferred ticket on."""

    def __init__(self, plan: AnyPlan, data: SagaData, *, seller_id: uuid.UUID, first: Transfer) -> None:
        self.plan, self.data, self.requested_by, self.first = plan, data, seller_id, first


NewRun = Callable[[str, PauseAt], Awaitable[SagaRun]]


@pytest.fixture
def new_run(harness: SagaHarness, container: Container, databases: Databases, event: PublishedEvent) -> NewRun:
    clients = container.resources.clients
    plans: Mapping[str, AnyPlan] = {TRANSFER: transfer_plan(clients), RESALE: resale_plan(clients)}

    async def new_run(kind: str, observer: PauseAt) -> SagaRun:
        tickets = TicketFixtures(container, databases, event)
        [owned] = await tickets.buy()
        first = await tickets.complete_transfer(owned, amount=AMOUNT)
        present = OwnedTicket(owned.ticket, first.buyer_user_id)
        data: Transfer | Resale
        if kind == TRANSFER:
            data = tickets.transfer_of(present, to=await tickets.new_fan(), amount=AMOUNT)
        else:
            data = await tickets.sale_of(await tickets.list_ticket(present))
        scenario = PassingOn(plans[kind], data, seller_id=present.owner_id, first=first)
        return SagaRun(engines=harness.engines, scenario=scenario, observer=observer)  # type: ignore[arg-type] # is not asserted

    return new_run


class Ticket:
    """The ticket of a run, and the first transfer of it."""

    def __init__(self, container: Container, databases: Databases, run: SagaRun) -> None:
        self._disputes = DisputeService(container.resources.engine, container.resources.clients)
        self._databases = databases
        assert isinstance(run.scenario, PassingOn)
        self.first = run.scenario.first

    async def dispute(self) -> bool:
        """Dispute the first transfer, and return whether that was accepted."""
        try:
            await self._disputes.dispute(
                self.first.transfer_id, caller_id=self.first.seller_user_id, reason="a contract", key=None
            )
        except Conflict as refusal:
            if refusal.code != "TRANSFER_INVALID_STATE":
                raise
            return False
        return True

    async def is_passed_on(self) -> bool:
        [seat] = await self._databases.seats([self.first.ticket.seat_id])
        return bool(seat["owner_user_id"] != self.first.buyer_user_id)


@pytest.mark.parametrize(("kind", "step", "moment"), MOMENTS)
async def test_dispute_while_the_ticket_is_passed_on(
    *, new_run: NewRun, container: Container, databases: Databases, kind: str, step: str, moment: StepMoment
) -> None:
    pause = PauseAt(moment, step)
    run = await new_run(kind, pause)
    ticket = Ticket(container, databases, run)
    passing_on = asyncio.create_task(run.to_end())
    await pause.paused.wait()
    is_disputed = await ticket.dispute()
    pause.resume.set()
    saga = await passing_on
    assert saga is not None
    assert (saga.state is SagaState.UNWOUND) is is_disputed
    assert await ticket.is_passed_on() is not is_disputed
    assert await ticket.dispute() is False


@pytest.mark.parametrize("kind", OUTLINES)
async def test_dispute_after_the_ticket_was_not_passed_on(
    new_run: NewRun, container: Container, databases: Databases, kind: str
) -> None:
    """Once the saga has unwound, it blocks no dispute."""
    [pivot] = [step.name for step in OUTLINES[kind].steps if step.kind is StepKind.PIVOT]
    run = await new_run(kind, PauseAt(StepMoment.BEFORE_ACTION, ""))
    run.faults = Faults().inject(pivot, "action", refused)
    saga = await run.to_end()
    assert saga is not None
    assert saga.state is SagaState.UNWOUND
    assert await Ticket(container, databases, run).dispute()
