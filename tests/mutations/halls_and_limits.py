"""Deliberate bugs in the use of halls, in the labels of seats, and in what one account may hold."""

from typing import Final

from tests.mutations.mutation import Mutation

__all__ = ["MUTATIONS"]

HALLS: Final = "tests/integration/events/test_halls.py"
LIMITS: Final = "tests/integration/inventory/test_limits.py"
REGISTRATION: Final = "tests/integration/users/test_registration.py"

MUTATIONS: Final = (
    Mutation(
        name="two concurrent events get one hall (no exclusion constraint)",
        file="events/migrations/versions/0004_one_event_per_hall.py",
        before="    op.execute(ONE_EVENT_PER_HALL)\n",
        after="",
        caught_by=(f"{HALLS}::TestOneEventAtATime::test_draft_waits_for_a_concurrent_event_of_the_hall",),
        breaks=("a hall has one event at a time",),
    ),
    Mutation(
        name="a cancelled event keeps its hall",
        file="events/catalogue/statements.py",
        before="    AND other.status <> 'CANCELLED'\n",
        after="",
        caught_by=(f"{HALLS}::TestOneEventAtATime::test_cancelled_event_leaves_its_hall",),
    ),
    Mutation(
        name="an event adds a hall that its venue does not have",
        file="events/catalogue/statements.py",
        before="            OR (cardinality(halls) < total_halls OR NOT limits_halls)\n",
        after="            OR (cardinality(halls) < total_halls + 20 OR NOT limits_halls)\n",
        caught_by=(f"{HALLS}::TestHallsOfTheVenue::test_new_hall_is_added_until_the_venue_has_all",),
    ),
    Mutation(
        name="a cancelled event's venue keeps a hall that no event uses",
        file="events/catalogue/statements.py",
        before=", also=f\", {_released('moved')}\"",
        after="",
        caught_by=(f"{HALLS}::TestHallsOfTheVenue::test_cancelled_event_removes_the_name_that_it_added",),
    ),
    Mutation(
        name="concurrent drafts add one venue several times (no lock)",
        file="events/migrations/versions/0007_one_venue_per_address.py",
        before="        PERFORM pg_advisory_xact_lock(hashtextextended(asked::text, 0));\n",
        after="",
        caught_by=(f"{HALLS}::TestHallsOfTheVenue::test_draft_uses_a_venue_that_was_not_committed_when_it_began",),
    ),
    Mutation(
        name="a venue loses the hall of a concurrent draft",
        file="events/migrations/versions/0006_names_of_halls.py",
        before="LANGUAGE plpgsql VOLATILE AS",
        after="LANGUAGE plpgsql STABLE AS",
        caught_by=(f"{HALLS}::TestHallsOfTheVenue::test_name_stays_for_a_draft_that_is_not_committed",),
    ),
    Mutation(
        name="two rows of a hall have one name",
        file="inventory/repository/halls.py",
        before='            "has_unique_labels": not repeated_rows(layout),\n',
        after='            "has_unique_labels": True,\n',
        caught_by=(
            "tests/integration/inventory/test_halls.py::TestProvision::test_two_rows_of_one_name_are_refused_permanently",
        ),
        breaks=("no two seats of a hall have one label",),
    ),
    Mutation(
        name="concurrent reservations of one account exceed its limit (no lock)",
        file="inventory/migrations/versions/0004_labels_and_limits.py",
        before="        PERFORM pg_advisory_xact_lock(hashtextextended(holder::text, 0));\n",
        after="",
        caught_by=(
            f"{LIMITS}::TestSeatsOfAnEvent::test_reservation_counts_those_that_are_not_committed_when_it_begins",
        ),
        breaks=("seats held without intent to buy: limits per account on held seats",),
    ),
    Mutation(
        name="a repeated reservation is refused because of its own hold (old snapshot)",
        file="inventory/service/holds.py",
        before="            return await self.holds.states_of(command.seat_ids)\n        return outcome.states\n",
        after="            return outcome.states\n        return outcome.states\n",
        caught_by=(f"{LIMITS}::TestSeatsOfAnEvent::test_overlapping_reservations_of_the_same_seats_get_one_hold",),
    ),
    Mutation(
        name="an account holds more seats of an event than its limit",
        file="inventory/repository/holds.py",
        before="            AND held_of_event + CAST(:quantity AS int) <= CAST(:seats_per_event AS int)\n",
        after="            AND CAST(:seats_per_event AS int) > 0\n",
        caught_by=(f"{LIMITS}::TestSeatsOfAnEvent::test_an_eleventh_seat_is_refused",),
        breaks=("seats held without intent to buy: limits per account on held seats",),
    ),
    Mutation(
        name="a hold that the next buyer ended is not counted as lapsed",
        file="inventory/repository/holds.py",
        before="    ended AS (SELECT * FROM locked WHERE status = 'HELD' AND (SELECT is_complete FROM verdict)),",
        after="    ended AS (SELECT * FROM locked WHERE status = 'SOLD' AND (SELECT is_complete FROM verdict)),",
        caught_by=(f"{LIMITS}::TestCooldown::test_expired_hold_is_counted_once_however_it_ends",),
        breaks=("seats held without intent to buy: a cool-down after holds that lapse",),
    ),
    Mutation(
        name="a cool-down forbids nothing",
        file="inventory/repository/holds.py",
        before="        WHERE cooling_until IS NULL\n",
        after="        WHERE true\n",
        caught_by=(f"{LIMITS}::TestCooldown::test_third_cancelled_hold_begins_a_cooldown",),
        breaks=("seats held without intent to buy: a cool-down after holds that lapse",),
    ),
    Mutation(
        name="several accounts verify one phone",
        file="users/migrations/versions/0010_retention.py",
        before=", is_unique=True\n",
        after="\n",
        caught_by=(f"{REGISTRATION}::TestRegister::test_one_of_many_concurrent_verifications_gets_the_phone",),
        breaks=("seats held without intent to buy: one account per verified phone",),
    ),
)
