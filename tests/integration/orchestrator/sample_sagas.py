"""Sagas about a kitchen, to test the engine with: their steps do what a test tells them to.

Baking: mix → announce mixing → wait for `heat` → preheat → **bake** → decorate → announce cake.
Serving: **open the shop** → serve slices until all are gone.
"""

import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from common.errors import Conflict, Gone, OutcomeUnknown, PaymentRequired, PreconditionRequired, ServiceError
from common.messaging.message import Message
from orchestrator.saga_engine.plan import (
    Call,
    OutgoingMessage,
    Plan,
    SagaData,
    must_finish,
    pivot,
    publish,
    undoable,
    wait,
)

__all__ = ["Cake", "DoorClosed", "Kitchen", "OvenCold", "OvenExpired", "Shop", "baking_plan", "serving_plan"]


class OvenExpired(Gone):
    code = "OVEN_EXPIRED"


class OvenCold(PaymentRequired):
    code = "OVEN_COLD"


class DoorClosed(PreconditionRequired):
    code = "DOOR_CLOSED"


class Shop(SagaData):
    slices: int
    served: int = 0


class Cake(SagaData):
    wait_seconds: float = 60
    layers: tuple[str, ...] = ()


class Kitchen:
    """The participant. It keeps what a participant must: an answer per request id, and tombstones."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.is_slow = False
        self.calls: Counter[tuple[str, uuid.UUID]] = Counter()
        self._answers: dict[uuid.UUID, ServiceError | None] = {}
        self._faults: dict[str, list[ServiceError]] = {}
        self._breakdowns: Counter[str] = Counter()
        self._lose_reply: dict[str, tuple[ServiceError, ...]] = {}

    def fail(self, step: str, *errors: ServiceError) -> None:
        """Refuse (or leave unanswered) the next calls of a step, one by one, before anything is done."""
        self._faults.setdefault(step, []).extend(errors)

    def lose_reply(self, step: str, *then: ServiceError) -> None:
        """Do the next call of a step, let its answer get lost, and fail the calls after it."""
        self._lose_reply[step] = then

    def break_down(self, step: str, *, times: int) -> None:
        """Let the next calls of a step fail in a way that nobody has thought of."""
        self._breakdowns[step] = times

    async def act(self, step: str, call: Call) -> None:
        self._count_and_fault(step, call)
        if call.request_id in self._answers:
            if refusal := self._answers[call.request_id]:
                raise refusal
        else:
            self._answers[call.request_id] = None
            self.done.append(step)
        self._maybe_lose_reply(step)

    async def undo(self, step: str, call: Call) -> None:
        assert call.undoes_request_id is not None
        undo_step = f"undo {step}"
        self._count_and_fault(undo_step, call)
        if self._answers.get(call.undoes_request_id, Conflict()) is None:
            self._answers[call.undoes_request_id] = Conflict(code="REQUEST_UNDONE")
            self.done.remove(step)
        self._answers.setdefault(call.undoes_request_id, Conflict(code="REQUEST_UNDONE"))
        self._maybe_lose_reply(undo_step)

    def _count_and_fault(self, step: str, call: Call) -> None:
        self.calls[step, call.request_id] += 1
        if self._breakdowns[step] > 0:
            self._breakdowns[step] -= 1
            raise ZeroDivisionError(step)
        if not (faults := self._faults.get(step)):
            return
        fault = faults.pop(0)
        if not isinstance(fault, OutcomeUnknown):
            self._answers.setdefault(call.request_id, fault)
        raise fault

    def _maybe_lose_reply(self, step: str) -> None:
        if step in self._lose_reply:
            self.fail(step, *self._lose_reply.pop(step))
            raise OutcomeUnknown


def baking_plan(kitchen: Kitchen, *, step_timeout_seconds: float = 0.3) -> Plan[Cake]:
    def action(step: str) -> Callable[[Cake, Call], Awaitable[Cake]]:
        async def act(cake: Cake, call: Call) -> Cake:
            await kitchen.act(step, call)
            return cake.model_copy(update={"layers": (*cake.layers, step)})

        return act

    def undo(step: str) -> Callable[[Cake, Call], Awaitable[None]]:
        async def take_back(_: Cake, call: Call) -> None:
            await kitchen.undo(step, call)

        return take_back

    return Plan(
        "baking",
        Cake,
        undoable("mix", action("mix"), undo("mix")),
        publish("announce mixing", lambda cake: _message("cake.mixed", cake)),
        wait(
            "heat",
            deadline=lambda cake: datetime.now(UTC) + timedelta(seconds=cake.wait_seconds),
            expired=OvenExpired,
        ),
        undoable(
            "preheat",
            action("preheat"),
            undo("preheat"),
            back_to_wait_on={OvenCold.code, DoorClosed.code},
        ),
        pivot("bake", action("bake")),
        must_finish("decorate", action("decorate")),
        publish("announce cake", lambda cake: _message("cake.baked", cake)),
        step_timeout_seconds=step_timeout_seconds,
        on_unwound=lambda cake, reason: _message("cake.failed", cake, reason=reason),
    )


def serving_plan(kitchen: Kitchen) -> Plan[Shop]:
    async def open_shop(shop: Shop, call: Call) -> Shop:
        await kitchen.act("open", call)
        return shop

    async def serve(shop: Shop, call: Call) -> Shop:
        kitchen.calls["serve", call.request_id] += 1
        if kitchen.is_slow:
            return shop
        return shop.model_copy(update={"served": shop.served + 1})

    return Plan(
        "serving",
        Shop,
        pivot("open", open_shop),
        must_finish("serve", serve, until=lambda shop: shop.served == shop.slices),
        step_timeout_seconds=0.3,
    )


def _message(kind: str, cake: Cake, **data: str) -> OutgoingMessage:
    return OutgoingMessage(
        Message(type=kind, source="tests", subject=str(cake.saga_id), data=data), "messages.exchange", kind
    )
