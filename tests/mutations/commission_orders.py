"""Deliberate bugs in the orders of commissions and the versions of their texts."""

from typing import Final

from tests.mutations.mutation import Mutation

__all__ = ["MUTATIONS"]

FOLDER: Final = "tests/integration/orders/commissions"
MOVES: Final = f"{FOLDER}/test_moves.py"
UNDOS: Final = f"{FOLDER}/test_undos.py"
SHOWN: Final = f"{FOLDER}/test_public_commissions.py"
ERASED: Final = "tests/integration/orders/test_personal_data.py::TestCommissions"
STATEMENTS: Final = "orders/commissions/statements.py"
MIGRATION: Final = "orders/migrations/versions/0012_commissions.py"
PERSONAL_DATA: Final = "orders/personal_data/repository.py"

MUTATIONS: Final = (
    Mutation(
        name="two backlinks into one article are written at once",
        file=MIGRATION,
        before="    CREATE UNIQUE INDEX uq_commissions_unfinished_backlink",
        after="    CREATE INDEX uq_commissions_unfinished_backlink",
        caught_by=(f"{MOVES}::TestBacklinks::test_of_those_that_are_paid_at_once_one_is_accepted",),
        breaks=("two backlinks into one article are ordered at once",),
    ),
    Mutation(
        name="a commission moves from any status",
        file=STATEMENTS,
        before="            WHERE order_id = :order_id AND status IN ({listed}) AND {only}\n",
        after="            WHERE order_id = :order_id AND (status IN ({listed}) OR true) AND {only}\n",
        caught_by=(f"{MOVES}::TestMoves::test_status_decides",),
    ),
    Mutation(
        name="a customer's revision and submission both win",
        file=STATEMENTS,
        before="            FOR UPDATE),\n        moved AS (",
        after="            ),\n        moved AS (",
        caught_by=(f"{MOVES}::TestRaces::test_one_wins",),
        breaks=("a customer, an admin and a job decide on one commission at once",),
    ),
    Mutation(
        name="a job of an old round stores its text",
        file=STATEMENTS,
        before='_IN_ROUND: Final = "round = :round"',
        after='_IN_ROUND: Final = "round >= :round"',
        caught_by=(f"{MOVES}::TestRounds::test_each_text_has_its_round_and_its_number",),
        breaks=("a job of an earlier round writes or fails late",),
    ),
    Mutation(
        name="a text is published that no admin has read",
        file=STATEMENTS,
        before="version_number = coalesce(CAST(:version_number AS integer), version_number)",
        after="coalesce(CAST(:version_number AS integer), 1) > 0",
        caught_by=(f"{MOVES}::TestPublication::test_begins_only_with_the_version_that_was_read",),
    ),
    Mutation(
        name="a refund hides why the text could not be written",
        file=STATEMENTS,
        before="failure_code = coalesce(failure_code, :reason)",
        after="failure_code = coalesce(:reason, failure_code)",
        caught_by=(f"{UNDOS}::TestEnd::test_ends_by_what_was_paid",),
    ),
    Mutation(
        name="the undo of a refused opening ends another commission",
        file=STATEMENTS,
        before='_OF_OPENING: Final = "opened_by_request_id = :undoes_request_id"',
        after='_OF_OPENING: Final = "(opened_by_request_id = :undoes_request_id OR true)"',
        caught_by=(f"{UNDOS}::TestEnd::test_of_an_opening_that_was_refused_leaves_the_first_alone",),
    ),
    Mutation(
        name="any user reads a commission's texts",
        file="orders/commissions/service.py",
        before="        if not to.may_act_for(commission.customer_user_id):\n            raise NotYourOrder\n",
        after="",
        caught_by=(f"{SHOWN}::TestVersions::test_are_hidden_from_others",),
    ),
    Mutation(
        name="a refunded text stays after its customer's account",
        file=PERSONAL_DATA,
        before="        content = CASE number WHEN published THEN content ELSE '' END\n",
        after="        content = content\n",
        caught_by=(f"{ERASED}::test_words_and_unpublished_texts_go_with_the_customer",),
    ),
)
