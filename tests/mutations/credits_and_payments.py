"""Deliberate bugs in credit movements and in the handling of payment reports."""

from typing import Final

from tests.mutations.mutation import Mutation

__all__ = ["MUTATIONS"]

LEDGER: Final = "tests/integration/users/test_ledger_movements.py"
CORRECTIONS: Final = "tests/integration/users/test_ledger_corrections.py"
DEBTS: Final = "tests/integration/users/test_ledger_debts.py"
FLAGGED: Final = "tests/integration/users/test_flagged_users.py"
SUSPENSION: Final = "tests/integration/users/test_suspension.py"
OTP_DEALS: Final = "tests/e2e/test_otp_deals.py"
PARTS: Final = "tests/integration/users/test_ledger_partial_refunds.py"
RULES: Final = "tests/integration/users/test_ledger_rules.py"
SAGAS: Final = "tests/contracts/test_actions.py"
REFUNDS: Final = "tests/integration/users/test_ledger_refunds.py"
STATUS: Final = "tests/unit/users/test_payment_status.py"
DEPOSITS: Final = "tests/unit/users/test_crypto_deposits.py::TestLaterDeposits"
UNDOS: Final = "tests/contracts/test_undos.py::TestUndo"
REVERSALS: Final = "tests/integration/users/test_payment_reversals.py"
WEBHOOKS: Final = "tests/integration/webhooks"

MUTATIONS: Final = (
    Mutation(
        name="a failed purchase is not refunded",
        file="orchestrator/features/purchases/saga.py",
        before="        await self.clients.ledger.refund(call)\n",
        after="        assert call.undoes_request_id\n",
        caught_by=(f"{SAGAS}::TestAction::test_refused[purchase: sell seats]",),
    ),
    Mutation(
        name="a failed transfer keeps the buyer's credits in escrow",
        file="orchestrator/features/transfers/saga/transfer.py",
        before="        await self.clients.ledger.void_escrow(call)\n",
        after="        assert call.undoes_request_id\n",
        caught_by=(f"{SAGAS}::TestAction::test_refused[transfer: change owner]",),
    ),
    Mutation(
        name="a confirmed order without its charge is not listed",
        file="invariants/orders.py",
        before='    if paid != [(order["total"], str(order["user_id"]))]:\n',
        after='    if paid and paid != [(order["total"], str(order["user_id"]))]:\n',
        caught_by=("tests/chaos/test_restore.py::test_sold_seats_without_their_charges_are_listed",),
        breaks=("the databases are restored to different moments",),
    ),
    Mutation(
        name="an escrow can be resolved twice (no status check)",
        file="users/ledger/statements.py",
        before="""        UPDATE escrows SET status = 'RELEASED', resolved_at = now()
        WHERE escrow_id = CAST(:escrow_id AS uuid) AND status = 'HELD' AND NOT EXISTS (SELECT FROM prior)
          AND EXISTS""",
        after="""        UPDATE escrows SET status = 'RELEASED', resolved_at = now()
        WHERE escrow_id = CAST(:escrow_id AS uuid) AND NOT EXISTS (SELECT FROM prior)
          AND EXISTS""",
        caught_by=(f"{LEDGER}::TestEscrow::test_an_escrow_is_resolved_once",),
        breaks=("an escrow is resolved once",),
    ),
    Mutation(
        name="the database accepts entries that do not balance",
        file="users/migrations/versions/0001_foundation.py",
        before="HAVING sum(amount) <> 0) THEN\n",
        after="HAVING sum(amount) IS NULL) THEN\n",
        caught_by=(f"{RULES}::test_unbalanced_entries_are_refused",),
        breaks=("the ledger balances and no wallet is negative",),
    ),
    Mutation(
        name="the database accepts a negative balance",
        file="users/migrations/versions/0001_foundation.py",
        before="CHECK (amount >= 0)",
        after="CHECK (amount IS NOT NULL)",
        caught_by=(f"{RULES}::test_no_balance_goes_below_zero",),
        breaks=("the ledger balances and no wallet is negative",),
    ),
    Mutation(
        name="a repeated request is done again",
        file="common/db/idempotency.py",
        before='PRIOR: Final = "prior AS (SELECT fingerprint, result FROM requests WHERE request_id = :request_id)"\n',
        after='PRIOR: Final = "prior AS (SELECT fingerprint, result FROM requests WHERE request_id = :request_id AND false)"\n',
        caught_by=(f"{LEDGER}::TestTopUp::test_credits_the_wallet_once",),
        breaks=("one payment credited twice: one movement per request id",),
    ),
    Mutation(
        name="a refusal is not stored",
        file="common/db/idempotency.py",
        before="        return await self._store(request, refused(refusal))\n",
        after="        raise refusal\n",
        caught_by=("tests/integration/inventory/test_holds.py::TestRepeatedRequest::test_a_refused_id_stays_refused",),
        breaks=("a failed key stays failed",),
    ),
    Mutation(
        name="the parts of a charge are not added up",
        file="users/ledger/reversals.py",
        before="            WHERE r.amount + excluded.amount <= (SELECT amount FROM charge)\n",
        after="",
        caught_by=(f"{PARTS}::test_parts_end_at_the_charge", f"{PARTS}::test_concurrent_parts_never_exceed_the_charge"),
        breaks=("the refunds of a charge never exceed it",),
    ),
    Mutation(
        name="a flagged user's escrow needs no verified code",
        file="users/ledger/statements.py",
        before="""             AS side (account_kind, change)
        WHERE NOT EXISTS (SELECT FROM prior) AND NOT EXISTS (SELECT FROM barred)),
""",
        after="""             AS side (account_kind, change)
        WHERE NOT EXISTS (SELECT FROM prior)),
""",
        caught_by=(
            f"{FLAGGED}::test_each_movement_that_spends_needs_its_own_verification",
            f"{OTP_DEALS}::TestMarketplace::test_verified_code_lets_the_listing_be_bought",
        ),
        breaks=("a stolen or risky account that spends: the ledger asks a flagged user for a code",),
    ),
    Mutation(
        name="a suspended user spends",
        file="users/ledger/fragments.py",
        before="          AND (suspended_at IS NOT NULL OR is_flagged AND NOT EXISTS (\n",
        after="          AND (is_flagged AND NOT EXISTS (\n",
        caught_by=(f"{SUSPENSION}::TestSpending::test_each_movement_that_spends_is_refused_and_the_refusal_is_stored",),
        breaks=("a stolen or risky account that spends: the ledger refuses a suspended user",),
    ),
    Mutation(
        name="a code proves any movement of its user (no reference)",
        file="users/ledger/fragments.py",
        before="                AND proof.reference = CAST(:{reference} AS text) AND proof",
        after="                AND CAST(:{reference} AS text) IS NOT NULL AND proof",
        caught_by=(
            f"{FLAGGED}::test_each_movement_that_spends_needs_its_own_verification",
            f"{OTP_DEALS}::TestMarketplace::test_code_is_valid_for_one_listing",
        ),
        breaks=("a stolen or risky account that spends: a code is for one payment, marketplace purchase or transfer",),
    ),
    Mutation(
        name="a credit pays no debt",
        file="users/ledger/fragments.py",
        before='_COLLECTED: Final = "greatest(least(b.owed, s.change), 0)"',
        after='_COLLECTED: Final = "0"',
        caught_by=(f"{DEBTS}::TestCollection::test_credit_pays_the_debt_first",),
        breaks=("a fan who spends credits before they are taken back: every later credit pays first what is owed",),
    ),
    Mutation(
        name="a debt is collected by every credit",
        file="users/migrations/versions/0008_partial_refunds_and_debts.py",
        before="        UPDATE balances SET owed = owed - NEW.amount\n",
        after="        UPDATE balances SET owed = owed - least(NEW.amount, 0)\n",
        caught_by=(f"{DEBTS}::TestConcurrentCredits::test_credits_collect_the_debt_once",),
        breaks=("a debt is collected once",),
    ),
    Mutation(
        name="credits that a transfer's reversal does not find are not owed",
        file="users/ledger/reversals.py",
        before="""('receivable', CAST(:from_user_id AS text), taken - CAST(:amount AS numeric)),
                                   ('wallet', CAST(:to_user_id AS text), CAST(:amount AS numeric) - collected),
""",
        after="""('receivable', CAST(:from_user_id AS text), 0.00),
                                   ('wallet', CAST(:to_user_id AS text), taken - collected),
""",
        caught_by=(f"{REFUNDS}::TestClawback::test_clawback_takes_the_balance_and_records_the_shortfall",),
        breaks=("a fan who spends credits before they are taken back: the rest is owed",),
    ),
    Mutation(
        name="a debt is reduced by more than is owed",
        file="users/ledger/corrections.py",
        before="        WHERE owed > 0 AND coalesce(CAST(:amount AS numeric), owed) <= owed),",
        after="        WHERE owed > 0),",
        caught_by=(f"{CORRECTIONS}::test_more_than_is_owed_is_refused",),
        breaks=("the ledger balances and no wallet is negative",),
    ),
    Mutation(
        name="an adjustment may overdraw a wallet",
        file="users/ledger/corrections.py",
        before="HAVING count(*) = 1 AND min(balance_after) >= 0),",
        after="HAVING count(*) = 1),",
        caught_by=(f"{CORRECTIONS}::test_adjustment_credits_and_debits_the_wallet",),
        breaks=("the ledger balances and no wallet is negative",),
    ),
    Mutation(
        name="an undo writes no tombstone",
        file="common/db/idempotency.py",
        before="    await connection.execute(_STORE_NEW, tombstone)\n",
        after="    assert tombstone\n",
        caught_by=(
            f"{LEDGER}::TestRefund::test_refund_of_an_unknown_deduct_leaves_a_tombstone",
            "tests/integration/inventory/test_holds.py::TestRelease::test_undo_before_the_action_refuses_the_late_action",
            f"{UNDOS}::test_action_that_arrives_after_its_undo[OutcomeUnknown-purchase: charge wallet]",
        ),
        breaks=("an action after its undo is refused",),
    ),
    Mutation(
        name="a request id is valid for any request (no fingerprint check)",
        file="common/db/idempotency.py",
        before="    if prior_fingerprint not in {request.fingerprint, TOMBSTONE_FINGERPRINT}:",
        after="    if prior_fingerprint == request.request_id:",
        caught_by=(
            f"{LEDGER}::TestDeduct::test_request_id_with_a_different_amount_is_refused",
            "tests/integration/inventory/test_holds.py::TestRepeatedRequest::test_repetition_with_other_arguments_is_refused",
        ),
    ),
    Mutation(
        name="a provider's success is accepted for any amount",
        file="users/payments/status.py",
        before="            Flag.AMOUNT_MISMATCH: _is_wrong_amount(payment, report),",
        after="            Flag.AMOUNT_MISMATCH: False,",
        caught_by=(f"{WEBHOOKS}/test_processing.py", STATUS),
    ),
    Mutation(
        name="each copy of a webhook is stored (no deduplication)",
        file="orchestrator/features/inbound_webhooks/repository.py",
        before="    VALUES (:webhook_id, :provider, :external_id, :event_type, :body, :sealed_body, :job_id)\n",
        after="    VALUES (:webhook_id, :provider, :external_id || random(), :event_type, :body, :sealed_body, :job_id)\n",
        caught_by=(f"{WEBHOOKS}/test_inbox.py::TestAccepted::test_hundred_concurrent_copies_are_stored_once",),
        breaks=("one payment credited twice: one row per webhook", "a webhook is sent again, or replayed"),
    ),
    Mutation(
        name="a repeated success is credited again",
        file="users/payments/status.py",
        before="    if stage is PaymentStatus.SUCCEEDED and not payment.is_credited:",
        after="    if stage is PaymentStatus.SUCCEEDED and report.status is stage:",
        caught_by=(f"{STATUS}::test_payment_is_credited_once_and_only_by_a_matching_report",),
        breaks=("one payment credited twice: one decision per payment",),
    ),
    Mutation(
        name="a disputed payment keeps its credits",
        file="users/payments/repository.py",
        before="    due = min(decision.refunded + decision.reversals.disputed, amount)",
        after="    due = min(decision.refunded, amount)",
        caught_by=(
            f"{REVERSALS}::TestDispute::test_withdrawn_funds_take_the_credits_and_a_won_dispute_returns_them",
            f"{WEBHOOKS}/test_processing.py::TestStripe::test_dispute_takes_the_credits_until_it_is_won",
        ),
        breaks=("credits spent from a payment that the bank takes back: refunds and disputes take the credits back",),
    ),
    Mutation(
        name="spent credits of a payment that is taken back are not owed",
        file="users/ledger/reversals.py",
        before="""('receivable', owner, taken - CAST(:amount AS numeric)),
                                   ('external', CAST(:provider AS text), CAST(:amount AS numeric)))
""",
        after="""('receivable', owner, 0.00),
                                   ('external', CAST(:provider AS text), taken))
""",
        caught_by=(f"{REVERSALS}::TestPartialRefund::test_what_was_spent_of_a_partial_refund_is_owed",),
        breaks=("credits spent from a payment that the bank takes back: what was spent is owed",),
    ),
    Mutation(
        name="an older report of a refund or dispute replaces a newer one",
        file="users/payments/reversals.py",
        before="        latest = max(known, reported, key=lambda reversal: reversal.rank)",
        after="        latest = max(reported, reported, key=lambda reversal: reversal.rank)",
        caught_by=(
            f"{STATUS}::test_outcome_does_not_depend_on_the_order_of_reports",
            f"{REVERSALS}::TestDispute::test_reports_in_any_order_have_the_same_outcome",
        ),
        breaks=("refunds, disputes and deposits are reported twice and in any order",),
    ),
    Mutation(
        name="a later deposit succeeds by its own status, whatever its amount",
        file="users/payments/status.py",
        before="        reported = PaymentStatus.PARTIALLY_PAID\n",
        after="        reported = report.status\n",
        caught_by=(f"{DEPOSITS}::test_success_of_a_later_deposit_alone_is_not_the_payments",),
    ),
    Mutation(
        name="the return of the first deposit takes all credits back",
        file="users/payments/status.py",
        before="payment.coins_due is not None and _sum_of(later) > 0",
        after="payment.coins_due is not None and _sum_of(later) >= payment.coins_due",
        caught_by=(f"{DEPOSITS}::test_credits_stay_until_all_deposits_are_sent_back",),
    ),
    Mutation(
        name="coins that arrive after a refund restore the credits",
        file="users/payments/status.py",
        before="has_other_coins and not is_taken_back",
        after="has_other_coins",
        caught_by=(f"{DEPOSITS}::test_coins_after_a_refund_do_not_restore_the_credits",),
    ),
    Mutation(
        name="coins that paid are sent back, and no admin is told",
        file="users/payments/status.py",
        before="(refunded == 0 or received > 0)",
        after="received > 0",
        caught_by=(f"{DEPOSITS}::test_return_of_the_only_deposit_after_the_first_is_flagged",),
    ),
    Mutation(
        name="webhook signatures are not checked",
        file="orchestrator/features/payments/adapters/signatures.py",
        before="    return hmac.compare_digest(expected.encode(), signature.lower().encode())",
        after="    return bool(expected)",
        caught_by=(
            "tests/unit/orchestrator/test_nowpayments_webhooks.py::TestVerify::test_invalid_signature_is_refused",
            "tests/unit/orchestrator/test_supplier_webhooks.py::test_invalid_signature_is_refused",
        ),
        breaks=("a forged webhook: signatures over the raw body",),
    ),
    Mutation(
        name="signatures of Stripe's webhooks are not checked",
        file="orchestrator/features/payments/adapters/stripe.py",
        before="        self._require_signed(body, signature)\n",
        after="        assert signature is not None\n",
        caught_by=("tests/unit/orchestrator/test_stripe_webhooks.py::TestVerify::test_invalid_signature_is_refused",),
        breaks=("a forged webhook: signatures over the raw body",),
    ),
    Mutation(
        name="a signed webhook is valid for ever",
        file="orchestrator/features/payments/adapters/stripe.py",
        before="TOLERANCE_SECONDS: Final = stripe.Webhook.DEFAULT_TOLERANCE\n",
        after="TOLERANCE_SECONDS: Final = 1_000 * stripe.Webhook.DEFAULT_TOLERANCE\n",
        caught_by=(
            "tests/unit/orchestrator/test_stripe_webhooks.py::TestVerify::test_expired_signature_is_refused_as_expired",
        ),
        breaks=("a replayed webhook: a tolerance of 300 s",),
    ),
    Mutation(
        name="any user can read a payment (no owner check)",
        file="users/payments/service.py",
        before="        if payment.user_id != to.user_id and not to.has_role(Role.ADMIN):",
        after="        if payment.user_id == to.session_id and not to.has_role(Role.ADMIN):",
        caught_by=(
            "tests/integration/users/test_payments.py::TestReading::test_payment_is_shown_to_its_payer_and_admins",
        ),
    ),
    Mutation(
        name="a refund returns no premium",
        file="orchestrator/features/refunds/saga.py",
        before="if seat.premium] if refund.is_forced else []",
        after="if seat.premium < 0] if refund.is_forced else []",
        caught_by=(f"{SAGAS}::test_completes_without_faults[refund seats]",),
    ),
    Mutation(
        name="a buyer who refunds an order of a cancelled event loses the premium",
        file="orchestrator/features/refunds/service.py",
        before='update={"is_forced": True, "event_is_cancelled": True}',
        after='update={"event_is_cancelled": True}',
        caught_by=("tests/contracts/test_premiums.py::test_buyer_who_is_faster_than_the_cancellation",),
    ),
    Mutation(
        name="a seller gives back more than their own profit",
        file="orchestrator/features/refunds/models.py",
        before="min(left, max(profits[seller_id], NOTHING))",
        after="max(left, NOTHING)",
        caught_by=("tests/unit/orchestrator/test_premiums.py",),
    ),
    Mutation(
        name="a refund of seats is paid as one of the whole order",
        file="orchestrator/features/refunds/saga.py",
        before="        if refund.seat_ids:\n            await ledger.refund_part(",
        after="        if not refund.seats:\n            await ledger.refund_part(",
        caught_by=(f"{SAGAS}::test_completes_without_faults[refund seats]",),
        breaks=("the refunds of a charge never exceed it",),
    ),
    Mutation(
        name="a transfer may exceed the event's cap",
        file="orchestrator/features/transfers/service/transfers.py",
        before="        event.check_resale_price(request.credits_amount, face_value=seat.seat.price)\n",
        after="        assert event\n",
        caught_by=("tests/e2e/test_transfers.py::TestInitiate::test_amount_above_the_cap_is_refused",),
    ),
)
