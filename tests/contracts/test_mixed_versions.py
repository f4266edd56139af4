"""The contract of every saga while two releases run: a refusal that the participant does not remember decides nothing.

During a deployment a call may reach a release that does not know it, that computes its fingerprint otherwise, or that
does not say which refusals it remembers. In each case its work may have been done by another copy. See `test_actions`.
"""

import uuid
from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest

from common.errors import Conflict, NotFound, PaymentRequired, ServiceError, Unprocessable
from orchestrator.clients import Clients
from orchestrator.clients.calls import post
from orchestrator.container import Container
from orchestrator.saga_engine.observer import StepMoment
from orchestrator.saga_engine.plan import Call, Step, StepKind
from orchestrator.saga_engine.record import SagaRecord
from tests.contracts.cases import can_be_undone, each_refusal_back_to_wait, each_step, faults, must_be_done, unwinding
from tests.contracts.databases import Databases
from tests.contracts.faults import (
    INJECTED_REFUSAL,
    Fault,
    Faults,
    done_and_refused_by_another_release,
    refused_by_another_release,
)
from tests.contracts.saga_harness import SagaHarness
from tests.contracts.saga_run import CrashAt

UNKNOWN_ROUTE: Final = NotFound.code
OF_THE_ORCHESTRATOR: Final = frozenset({"activate device", "enqueue job", "enqueue writing"})
"""Steps that call no participant: they enqueue a job."""


def only_goes_forward(step: Step[Any]) -> bool:
    return step.kind is StepKind.PIVOT or must_be_done(step)


def has_its_own_request(step: Step[Any]) -> bool:
    """Return whether a participant stores the step's result: the batches of a step are sagas of their own."""
    return step.until is None and step.name not in OF_THE_ORCHESTRATOR


class DeploymentAt(CrashAt):
    """Crashes once a step's call is done, as a process that is killed while the participant answers.

    By the time another replica repeats the call, the participant computes its fingerprint otherwise.
    """

    def __init__(self, databases: Databases, moment: StepMoment, step: str) -> None:
        super().__init__(moment, step)
        self._databases, self._moment, self._step = databases, moment, step
        self._request_ids: list[uuid.UUID] = []

    async def moment_reached(self, moment: StepMoment, step: str, saga: SagaRecord) -> None:
        if (moment, step) == (self._moment, self._step) and not self.has_crashed:
            name = f"{step}/{'undo' if moment is StepMoment.AFTER_UNDO else 'action'}"
            self._request_ids.append(uuid.uuid5(saga.saga_id, name))
            await self._databases.change_fingerprint(self._request_ids[-1])
        await super().moment_reached(moment, step, saga)

    async def roll_back(self) -> None:
        for request_id in self._request_ids:
            await self._databases.restore_fingerprint(request_id)


class TestDeploymentInFlight:
    @each_step(lambda step: can_be_undone(step) and has_its_own_request(step))
    async def test_action_before_the_pivot_is_undone(
        self, harness: SagaHarness, databases: Databases, kind: str, step: str
    ) -> None:
        deployment = DeploymentAt(databases, StepMoment.AFTER_ACTION, step)
        run = await harness.new_run(kind, observer=deployment)
        await run.unwinds(because=Unprocessable.code)
        assert deployment.has_crashed

    @each_step(lambda step: only_goes_forward(step) and has_its_own_request(step))
    async def test_action_from_the_pivot_on_is_stuck_until_the_deployment_is_rolled_back(
        self, harness: SagaHarness, databases: Databases, kind: str, step: str
    ) -> None:
        deployment = DeploymentAt(databases, StepMoment.AFTER_ACTION, step)
        run = await harness.new_run(kind, observer=deployment)
        saga = await run.to_stuck()
        assert saga.error is not None
        assert (saga.error.stuck_at, saga.error.stuck_code) == (step, Unprocessable.code)
        await deployment.roll_back()
        await run.completes()

    @each_step(can_be_undone)
    async def test_undo_is_made_sure_of(self, harness: SagaHarness, databases: Databases, kind: str, step: str) -> None:
        deployment = DeploymentAt(databases, StepMoment.AFTER_UNDO, step)
        run = await harness.new_run(kind, unwinding(kind), observer=deployment)
        await run.unwinds(because=INJECTED_REFUSAL)
        assert deployment.has_crashed
        assert not run.was_stuck


class TestUnknownCall:
    """A copy of another release refuses the call, whether its work was done or not."""

    @each_step(can_be_undone)
    @faults(
        not_done=lambda: refused_by_another_release(NotFound()),
        done=lambda: done_and_refused_by_another_release(NotFound()),
    )
    async def test_action_before_the_pivot_is_undone(
        self, harness: SagaHarness, kind: str, step: str, fault: Callable[[], Fault]
    ) -> None:
        run = await harness.new_run(kind, Faults().inject(step, "action", fault()))
        await run.unwinds(because=UNKNOWN_ROUTE)

    @each_step(only_goes_forward)
    @faults(
        not_done=lambda: refused_by_another_release(NotFound()),
        done=lambda: done_and_refused_by_another_release(NotFound()),
    )
    async def test_action_from_the_pivot_on_is_repeated(
        self, harness: SagaHarness, kind: str, step: str, fault: Callable[[], Fault]
    ) -> None:
        run = await harness.new_run(kind, Faults().inject(step, "action", fault()))
        await run.completes()
        assert run.was_stuck

    @each_step(can_be_undone)
    @faults(
        not_done=lambda: refused_by_another_release(NotFound()),
        done=lambda: done_and_refused_by_another_release(NotFound()),
    )
    async def test_undo_is_repeated(
        self, harness: SagaHarness, kind: str, step: str, fault: Callable[[], Fault]
    ) -> None:
        run = await harness.new_run(kind, unwinding(kind).inject(step, "undo", fault()))
        await run.unwinds(because=INJECTED_REFUSAL)
        assert run.was_stuck

    @each_refusal_back_to_wait()
    async def test_refusal_that_may_have_been_a_success_does_not_lead_back_to_the_wait(
        self, harness: SagaHarness, kind: str, step: str, refusal: ServiceError
    ) -> None:
        unsaid = done_and_refused_by_another_release(type(refusal)(code=refusal.code))
        run = await harness.new_run(kind, Faults().inject(step, "action", unsaid))
        await run.unwinds(because=refusal.code)


Ask = Callable[[Clients, Call], Awaitable[object]]


async def _charge(clients: Clients, call: Call, amount: str = "1.00") -> None:
    facts = {"user_id": uuid.UUID(int=1), "event_id": uuid.UUID(int=2), "amount": amount, "reference": ""}
    await post(clients.users_http, "/internal/ledger/deduct", call, **facts)


class TestParticipants:
    """What participants say of their refusals."""

    REMEMBERED: Final[dict[str, Ask]] = {
        "users": _charge,
        "users: codes": lambda clients, call: post(
            clients.users_http,
            "/internal/otp/send",
            call,
            user_id=uuid.UUID(int=1),
            requested_by_user_id=uuid.UUID(int=1),
            context="purchase",
            reference="an-order",
            address="",
        ),
        "orders": lambda clients, call: clients.orders.confirm(call, order_id=uuid.UUID(int=1)),
        "orders: listings": lambda clients, call: clients.listings.activate(call, listing_id=uuid.UUID(int=1)),
        "events": lambda clients, call: clients.events.publish(call, event_id=uuid.UUID(int=1)),
        "inventory": lambda clients, call: clients.inventory.confirm_hold(
            call, hold_id=uuid.UUID(int=1), user_id=uuid.UUID(int=1)
        ),
    }

    @pytest.mark.parametrize("ask", REMEMBERED.values(), ids=list(REMEMBERED))
    async def test_stored_refusal_is_remembered_now_and_when_repeated(self, container: Container, ask: Ask) -> None:
        call = Call(uuid.uuid4())
        codes = set()
        for _ in range(2):
            with pytest.raises(ServiceError) as refused:
                await ask(container.resources.clients, call)
            assert refused.value.is_remembered
            codes.add(refused.value.code)
        assert len(codes) == 1

    async def test_action_after_its_undo_is_remembered(self, container: Container) -> None:
        clients, action = container.resources.clients, Call(uuid.uuid4())
        undo = Call(uuid.uuid4(), undoes_request_id=action.request_id, reason="NO_SEATS")
        await clients.ledger.refund(undo)
        with pytest.raises(Conflict) as refused:
            await _charge(clients, action)
        assert (refused.value.code, refused.value.is_remembered) == ("REQUEST_UNDONE", True)

    UNREMEMBERED: Final[dict[str, tuple[Ask, str]]] = {
        "other arguments": (lambda clients, call: _charge(clients, call, "2.00"), "IDEMPOTENCY_KEY_REUSED"),
        "schema": (lambda clients, call: _charge(clients, call, "free"), "VALIDATION_ERROR"),
        "route": (lambda clients, call: post(clients.users_http, "/internal/ledger/tip", call), "NOT_FOUND"),
        "method": (lambda clients, _: clients.users_http.get("/internal/ledger/deduct"), "VALIDATION_ERROR"),
        "inventory: schema": (
            lambda clients, call: clients.inventory.confirm_hold(
                call,
                hold_id="no id",  # type: ignore[arg-type]
                user_id=uuid.UUID(int=1),
            ),
            "INVALID_UUID",
        ),
    }

    @pytest.mark.parametrize(("ask", "code"), UNREMEMBERED.values(), ids=list(UNREMEMBERED))
    async def test_refusal_without_a_stored_one_is_not_remembered(
        self, container: Container, ask: Ask, code: str
    ) -> None:
        clients, call = container.resources.clients, Call(uuid.uuid4())
        with pytest.raises(ServiceError):
            await _charge(clients, call)
        with pytest.raises(ServiceError) as refused:
            await ask(clients, call)
        assert (refused.value.code, refused.value.is_remembered) == (code, False)

    async def test_too_few_credits_are_remembered(self, container: Container, databases: Databases) -> None:
        fan_id = await databases.new_fan("1.00")
        facts = {"user_id": fan_id, "event_id": uuid.uuid4(), "amount": "1.01", "reference": ""}
        with pytest.raises(PaymentRequired) as refused:
            await post(container.resources.clients.users_http, "/internal/ledger/deduct", Call(uuid.uuid4()), **facts)
        assert refused.value.is_remembered
