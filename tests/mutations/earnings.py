"""Deliberate bugs in payments to performers and payouts."""

from typing import Final

from tests.mutations.mutation import Mutation

__all__ = ["MUTATIONS"]

EARNINGS: Final = "tests/integration/users/test_earnings.py"
PAYOUTS: Final = "tests/integration/users/test_payouts.py"
SCHEDULE: Final = "tests/contracts/test_payouts.py"
STATEMENTS: Final = "users/earnings/statements.py"

MUTATIONS: Final = (
    Mutation(
        name="an escrow is paid to a performer after it was returned",
        file=STATEMENTS,
        before="            WHERE escrow_id = CAST(:escrow_id AS uuid) AND status = 'HELD' AND EXISTS (SELECT FROM performer)\n",
        after="            WHERE escrow_id = CAST(:escrow_id AS uuid) AND EXISTS (SELECT FROM performer)\n",
        caught_by=(f"{EARNINGS}::TestPay::test_resolved_escrow_is_refused_and_the_refusal_is_stored",),
        breaks=("a performer is paid once for an item",),
    ),
    Mutation(
        name="the buyer's points are not awarded with the payment",
        file=STATEMENTS,
        before="            WHERE CAST(:bonus_points AS numeric) > 0\n",
        after="            WHERE CAST(:bonus_points AS numeric) > 100\n",
        caught_by=(f"{EARNINGS}::TestPay::test_points_are_awarded_in_the_same_transaction",),
    ),
    Mutation(
        name="a deleted performer is paid",
        file=STATEMENTS,
        before=" AND deleted_at IS NULL AND NOT EXISTS (SELECT FROM prior)\n",
        after=" AND NOT EXISTS (SELECT FROM prior)\n",
        caught_by=(f"{EARNINGS}::TestPay::test_who_is_no_performer_leaves_the_escrow_held",),
    ),
    Mutation(
        name="a performer who has lost the role is paid",
        file=STATEMENTS,
        before=""" AND roles @> '{performer}'""",
        after="",
        caught_by=(f"{EARNINGS}::TestPay::test_who_is_no_performer_leaves_the_escrow_held",),
    ),
    Mutation(
        name="pending earnings are paid out again",
        file=STATEMENTS,
        before="        WHERE performer_user_id = (SELECT user_id FROM performer) AND payout_id IS NULL\n",
        after="        WHERE performer_user_id = (SELECT user_id FROM performer)\n",
        caught_by=(f"{PAYOUTS}::TestPayOut::test_concurrent_payouts_pay_each_item_once",),
        breaks=("pending earnings are paid out once",),
    ),
    Mutation(
        name="an account with pending earnings is deleted",
        file="users/personal_data/repository.py",
        before='{"held": has.held, "pending_earnings": has.pending_earnings, "owed": has.owed}\n',
        after='{"held": has.held, "owed": has.owed}\n',
        caught_by=(f"{EARNINGS}::TestDeletion::test_account_with_pending_earnings_cannot_be_deleted",),
    ),
    Mutation(
        name="each worker starts a payout of its own",
        file="orchestrator/features/payouts/jobs.py",
        before='saga_id=uuid.uuid5(performer_id, f"payout {due.payouts}")',
        after="saga_id=uuid.uuid4()",
        caught_by=(f"{SCHEDULE}::test_two_workers_at_once_make_one_payout",),
        breaks=("pending earnings are paid out once",),
    ),
    Mutation(
        name="only the first page of a payout's items is settled",
        file="orchestrator/features/payouts/saga.py",
        before='"are_items_settled": len(item_ids) < size})\n',
        after='"are_items_settled": True})\n',
        caught_by=("tests/contracts/test_actions.py::TestAction::test_repeated[payout: settle items]",),
    ),
    Mutation(
        name="a complete item without its payment is not listed",
        file="invariants/purchased_items.py",
        before="        if [_parties_of(payment) for payment in own] != [_expected_payment(item)]:\n",
        after="        if own and [_parties_of(payment) for payment in own] != [_expected_payment(item)]:\n",
        caught_by=("tests/contracts/test_invariants.py::test_violation_is_reported[a complete item was not paid]",),
        breaks=("a performer is paid once for an item",),
    ),
)
