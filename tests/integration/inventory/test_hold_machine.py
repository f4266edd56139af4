"""Any sequence of holds, sales, releases, repetitions and passing time matches a small model."""

import asyncio
import uuid
from collections.abc import Coroutine
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as budget
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from common.db.engine import Database
from common.db.idempotency import ParticipantRequest
from common.errors import ServiceError
from common.messaging.message import Message
from inventory.app import Inventory
from inventory.repository.expiry import ExpiryRepository
from inventory.repository.halls import HallRepository
from inventory.repository.holds import HoldRepository
from inventory.repository.search import SearchRepository
from inventory.schemas import (
    BestAvailable,
    ConfirmHold,
    Hold,
    HoldLimits,
    LayoutCategory,
    LayoutRow,
    ReleaseHold,
    ReserveSeats,
)
from inventory.service.holds import HoldService
from inventory.settings import Settings
from tests.integration.inventory.tables import expire_hold, wrong_counts

Answer = TypeVar("Answer")

SEATS_IN_ROW = 4
ROWS = 2
LONG_MILLISECONDS = 3_600_000
LIMITS = HoldLimits(
    seats_per_event=5, seats_per_user=1_000_000, lapses=1_000_000, lapse_window_seconds=60, cooldown_seconds=60
)

users = st.integers(0, 1)
numbers = st.integers(0, 1_000)
seat_sets = st.sets(st.integers(0, SEATS_IN_ROW * ROWS - 1), min_size=1, max_size=4)


@dataclass
class ModelHold:
    """The expected state of a hold: `seats` are those it still has, or was sold with."""

    command: ReserveSeats | BestAvailable
    answer: Hold
    seats: set[int]
    is_over: bool = False
    is_sold: bool = False


@dataclass
class World:
    """What the machine acts on; one for all runs, with a fresh hall for each."""

    runner: asyncio.Runner
    database: Database
    service: HoldService
    expiry: ExpiryRepository
    users: list[uuid.UUID] = field(default_factory=lambda: [uuid.uuid4(), uuid.uuid4()])

    def do(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        return self.runner.run(work)

    def refused(self, work: Coroutine[Any, Any, object]) -> str:
        with pytest.raises(ServiceError) as refusal:
            self.runner.run(work)
        return refusal.value.code


class HoldMachine(RuleBasedStateMachine):
    world: World

    @initialize()
    def open_hall(self) -> None:
        self.event_id = uuid.uuid4()
        layout = LayoutCategory(
            category="CAT1",
            price=Decimal("10.00"),
            rows=[LayoutRow(row_number=str(row), seats=SEATS_IN_ROW) for row in range(ROWS)],
        )
        request = ParticipantRequest.of(uuid.uuid4(), "ProvisionSeats")
        self.world.do(HallRepository(self.world.database).provision(request, self.event_id, [layout]))
        rows = self.world.do(
            self.world.database.fetch_all(
                text("SELECT seat_id FROM seats WHERE event_id = :event_id ORDER BY hall_position"),
                {"event_id": self.event_id},
            )
        )
        self.seat_ids = [row["seat_id"] for row in rows]
        self.holds: list[ModelHold] = []
        self.refusals: list[tuple[ReserveSeats | BestAvailable, str]] = []

    # --- the model -----------------------------------------------------------------------------------------------

    def holder_of(self, seat: int) -> ModelHold | None:
        return next((hold for hold in self.holds if seat in hold.seats), None)

    def free_seats(self) -> list[int]:
        return [seat for seat in range(len(self.seat_ids)) if self.holder_of(seat) is None]

    def end_overdue(self) -> None:
        for hold in self.holds:
            if hold.is_over and not hold.is_sold:
                hold.seats.clear()

    def exceeds_limit(self, user: uuid.UUID, quantity: int) -> bool:
        held = [hold for hold in self.holds if hold.answer.user_id == user and not hold.is_over and not hold.is_sold]
        return sum(len(hold.seats) for hold in held) + quantity > LIMITS.seats_per_event

    def expected_refusal(self, user: uuid.UUID, seats: set[int]) -> str | None:
        if self.exceeds_limit(user, len(seats)):
            return "PURCHASE_LIMIT_REACHED"
        holders = [holder for seat in seats if (holder := self.holder_of(seat))]
        if any(holder.is_sold for holder in holders):
            return "SEAT_ALREADY_SOLD"
        return "SEAT_UNAVAILABLE" if any(not holder.is_over for holder in holders) else None

    def own_hold(self, user: uuid.UUID, seats: set[int]) -> ModelHold | None:
        for hold in self.holds:
            if hold.seats == seats and hold.answer.user_id == user and not hold.is_over and not hold.is_sold:
                return hold
        return None

    def best_seats(self, quantity: int) -> set[int] | None:
        """Return the first run in hall order, else the first seats, else nothing."""
        free = self.free_seats()
        if len(free) < quantity:
            return None
        for first in free:
            run = set(range(first, first + quantity))
            if run <= set(free) and first // SEATS_IN_ROW == (first + quantity - 1) // SEATS_IN_ROW:
                return run
        return set(free[:quantity])

    def pick(self, number: int) -> ModelHold:
        return self.holds[number % len(self.holds)]

    # --- what users do -------------------------------------------------------------------------------------------

    @rule(user=users, seats=seat_sets)
    def reserve(self, user: int, seats: set[int]) -> None:
        user_id = self.world.users[user]
        command = ReserveSeats(
            request_id=uuid.uuid4(),
            hold_id=uuid.uuid4(),
            event_id=self.event_id,
            seat_ids=sorted(self.seat_ids[seat] for seat in seats),
            user_id=user_id,
            hold_ttl_milliseconds=LONG_MILLISECONDS,
        )
        own, refusal = self.own_hold(user_id, seats), self.expected_refusal(user_id, seats)
        if own is not None:
            assert self.world.do(self.world.service.reserve(command)) == own.answer
        elif refusal is not None:
            assert self.world.refused(self.world.service.reserve(command)) == refusal
            self.refusals.append((command, refusal))
        else:
            self.take(command, self.world.do(self.world.service.reserve(command)), seats)

    @rule(user=users, quantity=st.integers(1, 4))
    def reserve_best(self, user: int, quantity: int) -> None:
        command = BestAvailable(
            request_id=uuid.uuid4(),
            hold_id=uuid.uuid4(),
            event_id=self.event_id,
            category="CAT1",
            quantity=quantity,
            user_id=self.world.users[user],
            hold_ttl_milliseconds=LONG_MILLISECONDS,
        )
        if len(self.free_seats()) < quantity:
            self.end_overdue()
        seats = self.best_seats(quantity)
        if seats is None or self.exceeds_limit(command.user_id, quantity):
            is_limited = self.exceeds_limit(command.user_id, quantity)
            refusal = "PURCHASE_LIMIT_REACHED" if is_limited else "SEAT_UNAVAILABLE"
            assert self.world.refused(self.world.service.reserve_best_available(command)) == refusal
            self.refusals.append((command, refusal))
        else:
            self.take(command, self.world.do(self.world.service.reserve_best_available(command)), seats)

    def take(self, command: ReserveSeats | BestAvailable, hold: Hold, seats: set[int]) -> None:
        assert hold.hold_id == command.hold_id
        assert [seat.seat_id for seat in hold.seats] == [self.seat_ids[seat] for seat in sorted(seats)]
        for loser in self.holds:
            loser.seats -= seats
        self.holds.append(ModelHold(command=command, answer=hold, seats=set(seats)))

    @precondition(lambda self: self.holds)
    @rule(number=numbers, by_holder=st.booleans())
    def confirm(self, number: int, by_holder: bool) -> None:  # noqa: FBT001 - drawn by Hypothesis
        hold = self.pick(number)
        user_id = hold.answer.user_id if by_holder else uuid.uuid4()
        command = ConfirmHold(request_id=uuid.uuid4(), hold_id=hold.answer.hold_id, user_id=user_id)
        confirmation = self.world.service.confirm(command)
        if hold.is_sold:
            assert self.world.refused(confirmation) == "SEAT_ALREADY_SOLD"
        elif hold.seats and not by_holder:
            assert self.world.refused(confirmation) == "SEAT_NOT_HELD"
        elif hold.is_over or not hold.seats:
            assert self.world.refused(confirmation) == "HOLD_EXPIRED"
        else:
            sale = self.world.do(confirmation)
            assert set(sale.seat_ids) == {self.seat_ids[seat] for seat in hold.seats}
            assert self.world.do(self.world.service.confirm(command)) == sale
            hold.is_sold = True

    @precondition(lambda self: self.holds)
    @rule(number=numbers, as_undo=st.booleans())
    def release(self, number: int, as_undo: bool) -> None:  # noqa: FBT001 - drawn by Hypothesis
        hold = self.pick(number)
        undone = hold.command.request_id if as_undo else None
        command = ReleaseHold(request_id=uuid.uuid4(), hold_id=hold.answer.hold_id, undoes_request_id=undone)
        expected = 0 if hold.is_sold else len(hold.seats)
        assert [self.world.do(self.world.service.release(command)) for _ in range(2)] == [expected] * 2
        if not hold.is_sold:
            hold.seats.clear()

    @precondition(lambda self: self.holds)
    @rule(number=numbers)
    def repeat_a_hold(self, number: int) -> None:
        hold = self.pick(number)
        assert self.world.do(self.send_again(hold.command)) == hold.answer

    @precondition(lambda self: self.refusals)
    @rule(number=numbers)
    def repeat_a_refused_request(self, number: int) -> None:
        command, code = self.refusals[number % len(self.refusals)]
        assert self.world.refused(self.send_again(command)) == code

    def send_again(self, command: ReserveSeats | BestAvailable) -> Coroutine[Any, Any, Hold]:
        if isinstance(command, BestAvailable):
            if len(self.free_seats()) < command.quantity:
                self.end_overdue()  # the search continues before it finds its response
            return self.world.service.reserve_best_available(command)
        return self.world.service.reserve(command)

    # --- what happens without a request --------------------------------------------------------------------------

    @precondition(lambda self: self.holds)
    @rule(number=numbers)
    def time_passes(self, number: int) -> None:
        hold = self.pick(number)
        self.world.do(expire_hold(self.world.database, str(hold.answer.hold_id)))
        hold.is_over = True

    @rule()
    def sweep(self) -> None:
        self.world.do(self.world.expiry.end_due_holds(batch=100))
        self.end_overdue()

    @precondition(lambda self: self.holds)
    @rule(number=numbers)
    def message_arrives(self, number: int) -> None:
        hold = self.pick(number)
        message = Message(type="seat.hold", source="test", subject=str(hold.answer.hold_id))
        ended = self.world.do(self.world.expiry.end_hold(hold.answer.hold_id, message))
        expected = hold.seats if hold.is_over and not hold.is_sold else set()
        assert set(ended.freed_seat_ids) == {self.seat_ids[seat] for seat in expected}
        assert ended.is_sold == hold.is_sold
        hold.seats -= expected

    # --- invariants ----------------------------------------------------------------------------------------------

    @invariant()
    def the_seats_are_as_the_model_says(self) -> None:
        rows = self.world.do(
            self.world.database.fetch_all(
                text(
                    "SELECT status, hold_id, owner_user_id FROM seats WHERE event_id = :event_id ORDER BY hall_position"
                ),
                {"event_id": self.event_id},
            )
        )
        assert [(row["status"], row["hold_id"], row["owner_user_id"]) for row in rows] == [
            self.expected_state(seat) for seat in range(len(rows))
        ]
        assert self.world.do(wrong_counts(self.world.database, str(self.event_id))) == []

    def expected_state(self, seat: int) -> tuple[str, uuid.UUID | None, uuid.UUID | None]:
        hold = self.holder_of(seat)
        if hold is None:
            return "AVAILABLE", None, None
        owner = hold.answer.user_id if hold.is_sold else None
        return "SOLD" if hold.is_sold else "HELD", hold.answer.hold_id, owner


@pytest.mark.timeout(600)  # a failing example is shrunk before it is reported
def test_holds_follow_the_model(settings: Settings) -> None:
    changes = Inventory(settings).changes  # collects metrics, and is not started
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        database = Database(settings, application_name="machine")
        expiry = ExpiryRepository(database)
        service = HoldService(HoldRepository(database), SearchRepository(database), expiry, changes, LIMITS)

        class Machine(HoldMachine):
            world = World(runner=runner, database=database, service=service, expiry=expiry)

        run_state_machine_as_test(
            Machine,
            settings=budget(
                max_examples=60,
                stateful_step_count=25,
                suppress_health_check=[HealthCheck.too_slow],
            ),
        )
        runner.run(database.close())
