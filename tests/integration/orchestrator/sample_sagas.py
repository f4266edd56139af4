"""Sample sagas for the tests of the engine. A test orders the failures of their participant.

Order: reserve → announce reservation → wait for `pay` → charge → **ship** → confirm → announce shipment.
Delivery: **dispatch** → deliver parcels until all are delivered.
"""

import asyncio
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from common.errors import Conflict, Gone, OutcomeUnknown, PaymentRequired, PreconditionRequired, ServiceError
from common.messaging.message import Message
from common.messaging.outbox import OutgoingMessage
from orchestrator.saga_engine.plan import (
    Call,
    Plan,
    SagaData,
    must_finish,
    pivot,
    publish,
    undoable,
    wait,
)
from tests.support.timeouts import CONDITION_SECONDS

__all__ = [
    "Delivery",
    "Order",
    "Participant",
    "PaymentExpired",
    "ProofMissing",
    "TooFewCredits",
    "action_of",
    "delivery_plan",
    "order_message",
    "order_plan",
    "undo_of",
]


class PaymentExpired(Gone):
    code = "PAYMENT_EXPIRED"


class TooFewCredits(PaymentRequired):
    code = "TOO_FEW_CREDITS"


class ProofMissing(PreconditionRequired):
    code = "PROOF_MISSING"


class Delivery(SagaData):
    parcels: int
    delivered: int = 0


class Order(SagaData):
    wait_seconds: float = 60
    steps: tuple[str, ...] = ()


class Participant:
    """Does the steps' work. It stores a result per request id, and tombstones, as every participant must.

    Its refusals are remembered unless a test says otherwise.
    """

    def __init__(self) -> None:
        self.done: list[str] = []
        self.makes_progress = True
        self.calls: Counter[tuple[str, uuid.UUID]] = Counter()
        self._results: dict[uuid.UUID, ServiceError | None] = {}
        self._faults: dict[str, list[ServiceError]] = {}
        self._resumes: dict[str, asyncio.Event] = {}
        self._crashes: Counter[str] = Counter()
        self._crash_error: dict[str, BaseException] = {}
        self._lose_reply: dict[str, tuple[ServiceError, ...]] = {}

    def fail(self, step: str, *errors: ServiceError, is_remembered: bool = True) -> None:
        """Refuse the next calls of a step, or leave them unanswered, one by one, before their work is done."""
        for error in errors:
            error.is_remembered = is_remembered and not isinstance(error, OutcomeUnknown)
        self._faults.setdefault(step, []).extend(errors)

    def lose_reply(self, step: str, *then: ServiceError) -> None:
        """Do the next call of a step, lose its reply, and fail the calls after it without remembering that."""
        self._lose_reply[step] = then

    def hang(self, step: str) -> None:
        """Leave the calls of a step unanswered until `resume`."""
        self._resumes[step] = asyncio.Event()

    def resume(self) -> None:
        for event in self._resumes.values():
            event.set()

    def crash(self, step: str, *, times: int, error: BaseException | None = None) -> None:
        """Let the next calls of a step raise an error that is no `ServiceError`."""
        self._crashes[step] = times
        self._crash_error[step] = error or ZeroDivisionError(step)

    async def act(self, step: str, call: Call) -> None:
        if step in self._resumes:
            await self._resumes[step].wait()
        self._count_and_fault(step, call)
        if call.request_id in self._results:
            if refusal := self._results[call.request_id]:
                raise refusal
        else:
            self._results[call.request_id] = None
            self.done.append(step)
        self._maybe_lose_reply(step)

    async def undo(self, step: str, call: Call) -> None:
        assert call.undoes_request_id is not None
        undo_step = f"undo {step}"
        self._count_and_fault(undo_step, call)
        if refusal := self._results.get(call.request_id):
            raise refusal
        if self._results.get(call.undoes_request_id, Conflict()) is None:
            self._results[call.undoes_request_id] = Conflict(code="REQUEST_UNDONE")
            self.done.remove(step)
        self._results.setdefault(call.undoes_request_id, Conflict(code="REQUEST_UNDONE"))
        self._maybe_lose_reply(undo_step)

    def _count_and_fault(self, step: str, call: Call) -> None:
        self.calls[step, call.request_id] += 1
        if self._crashes[step] > 0:
            self._crashes[step] -= 1
            raise self._crash_error[step]
        if not (faults := self._faults.get(step)):
            return
        fault = faults.pop(0)
        if fault.is_remembered:
            self._results.setdefault(call.request_id, fault)
        raise fault

    def _maybe_lose_reply(self, step: str) -> None:
        if step in self._lose_reply:
            self.fail(step, *self._lose_reply.pop(step), is_remembered=False)
            raise OutcomeUnknown


def action_of(participant: Participant, step: str) -> Callable[[Order, Call], Awaitable[Order]]:
    async def act(order: Order, call: Call) -> Order:
        await participant.act(step, call)
        return order.model_copy(update={"steps": (*order.steps, step)})

    return act


def undo_of(participant: Participant, step: str) -> Callable[[Order, Call], Awaitable[None]]:
    async def undo(_: Order, call: Call) -> None:
        await participant.undo(step, call)

    return undo


def payment_deadline(order: Order) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=order.wait_seconds)


def order_plan(participant: Participant, *, step_timeout_seconds: float = 0.3) -> Plan[Order]:
    def action(step: str) -> Callable[[Order, Call], Awaitable[Order]]:
        return action_of(participant, step)

    def undo(step: str) -> Callable[[Order, Call], Awaitable[None]]:
        return undo_of(participant, step)

    return Plan(
        "order",
        Order,
        undoable("reserve", action("reserve"), undo("reserve")),
        publish("announce reservation", lambda order: order_message("order.reserved", order)),
        wait("pay", deadline=payment_deadline, expired=PaymentExpired),
        undoable(
            "charge",
            action("charge"),
            undo("charge"),
            back_to_wait_on={TooFewCredits.code, ProofMissing.code},
        ),
        pivot("ship", action("ship")),
        must_finish("confirm", action("confirm")),
        publish("announce shipment", lambda order: order_message("order.shipped", order)),
        step_timeout_seconds=step_timeout_seconds,
        on_unwound=lambda order, reason: order_message("order.failed", order, reason=reason),
    )


def delivery_plan(participant: Participant) -> Plan[Delivery]:
    async def dispatch(delivery: Delivery, call: Call) -> Delivery:
        await participant.act("dispatch", call)
        return delivery

    async def deliver(delivery: Delivery, call: Call) -> Delivery:
        participant.calls["deliver", call.request_id] += 1
        if not participant.makes_progress:
            return delivery
        return delivery.model_copy(update={"delivered": delivery.delivered + 1})

    return Plan(
        "delivery",
        Delivery,
        pivot("dispatch", dispatch),
        must_finish("deliver", deliver, until=lambda delivery: delivery.delivered == delivery.parcels),
        step_timeout_seconds=CONDITION_SECONDS,
    )


def order_message(kind: str, order: Order, **data: str) -> OutgoingMessage:
    return OutgoingMessage(
        Message(type=kind, source="tests", subject=str(order.saga_id), data=data), "messages.exchange", kind
    )
