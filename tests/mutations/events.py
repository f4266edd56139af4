"""Deliberate bugs in the editing of events, in what follows a moved date, and in what an organiser may do."""

from typing import Final

from tests.mutations.mutation import Mutation

__all__ = ["MUTATIONS"]

EDITING: Final = "tests/integration/events/test_editing.py"
REFUNDS: Final = "tests/e2e/test_event_editing.py::TestRefundWindow"
ORGANISERS: Final = "tests/e2e/test_organisers.py"

MUTATIONS: Final = (
    Mutation(
        name="an event moves into an occupied hall",
        file="events/catalogue/statements.py",
        before="\n            AND NOT EXISTS (SELECT FROM events AS other WHERE {_OTHERS_IN_HALL})",
        after="",
        caught_by=(f"{EDITING}::TestHall::test_occupied_hall_is_refused_permanently",),
    ),
    Mutation(
        name="the second of two edits of one version is accepted",
        file="events/catalogue/statements.py",
        before="AND status = 'PUBLISHED' AND version = coalesce(CAST(:version AS integer), version)",
        after="AND status = 'PUBLISHED'",
        caught_by=(f"{EDITING}::TestConcurrency::test_one_of_many_edits_of_a_version_is_accepted",),
    ),
    Mutation(
        name="a holder of two tickets is told twice of a new date",
        file="orchestrator/features/event_editing/saga.py",
        before="        message_id=uuid.uuid5(edit.saga_id, str(user_id)),\n",
        after="",
        caught_by=("tests/contracts/test_actions.py::test_completes_without_faults[edit event]",),
    ),
    Mutation(
        name="who was admitted before the date moved is refused at the new one",
        file="orchestrator/features/event_editing/saga.py",
        before="            if was_admitted_before(event.doors_open_at, attendee):\n",
        after="            if False:\n",
        caught_by=("tests/contracts/test_actions.py::test_completes_without_faults[edit event]",),
    ),
    Mutation(
        name="a saga that continues late withdraws admissions at the new date",
        file="orchestrator/features/event_editing/saga.py",
        before="attendee.status == CHECKED_IN and (at is None or at < doors_open_at)",
        after="attendee.status == CHECKED_IN",
        caught_by=("tests/unit/orchestrator/test_event_editing.py",),
    ),
    Mutation(
        name="a fan refunds after the window of a moved date has closed",
        file="orchestrator/clients/events.py",
        before=" and self.refundable_until is not None and datetime.now(UTC) < self.refundable_until\n",
        after=" and self.refundable_until is not None\n",
        caught_by=(f"{REFUNDS}::test_closed_window_is_closed",),
    ),
    Mutation(
        name="a fan refunds tickets that another fan owns",
        file="orchestrator/features/refunds/service.py",
        before="            if (seat.owner_user_id, seat.order_id) != (user_id, bought.order_id):\n",
        after="            if seat.order_id != bought.order_id:\n",
        caught_by=(f"{REFUNDS}::test_present_owner_may_refund_their_own_tickets",),
        breaks=(
            (
                "a fan who refunds another fan's tickets: who is not the buyer refunds tickets that they own now, "
                "while a moved date allows it"
            ),
        ),
    ),
    Mutation(
        name="an organiser manages the events of others",
        file="orchestrator/clients/events.py",
        before="        return user.has_role(Role.ORGANISER) and self.organiser_user_id == user.user_id\n",
        after="        return user.has_role(Role.ORGANISER)\n",
        caught_by=(f"{ORGANISERS}::TestForeignEvents::test_foreign_event_is_refused",),
        breaks=(
            (
                "an organiser who reaches another's event: the present organiser of the event in the path is compared, "
                "for every route"
            ),
        ),
    ),
    Mutation(
        name="a ticket's listing outlives the beginning of its event",
        file="orchestrator/features/marketplace/jobs.py",
        before="if event_id in events and events[event_id].has_begun:",
        after="if event_id not in events:",
        caught_by=("tests/e2e/test_marketplace.py::TestExpiry::test_listing_of_an_event_that_has_begun_is_withdrawn",),
    ),
)
