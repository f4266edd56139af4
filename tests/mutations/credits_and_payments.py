"""Deliberate bugs in credit movements and in the handling of payment reports."""

from typing import Final

from tests.mutations.mutation import Mutation

__all__ = ["MUTATIONS"]

LEDGER: Final = "tests/integration/users/test_ledger_movements.py"
RULES: Final = "tests/integration/users/test_ledger_rules.py"
SAGAS: Final = "tests/contracts/test_actions.py"
UNDOS: Final = "tests/contracts/test_undos.py::TestUndo"
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
        name="an escrow can be resolved twice (no status check)",
        file="users/ledger/statements.py",
        before="""        UPDATE escrows SET status = 'RELEASED', resolved_at = now()
        WHERE escrow_id = CAST(:escrow_id AS uuid) AND status = 'HELD' AND""",
        after="""        UPDATE escrows SET status = 'RELEASED', resolved_at = now()
        WHERE escrow_id = CAST(:escrow_id AS uuid) AND""",
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
        before="        Flag.AMOUNT_MISMATCH: report.amount not in {None, payment.amount},",
        after="        Flag.AMOUNT_MISMATCH: False,",
        caught_by=(f"{WEBHOOKS}/test_processing.py", "tests/unit/users/test_payment_status.py"),
    ),
    Mutation(
        name="each copy of a webhook is stored (no deduplication)",
        file="orchestrator/features/inbound_webhooks/repository.py",
        before="    VALUES (:webhook_id, :provider, :external_id, :event_type, :body, :job_id)\n",
        after="    VALUES (:webhook_id, :provider, :external_id || random(), :event_type, :body, :job_id)\n",
        caught_by=(f"{WEBHOOKS}/test_inbox.py::TestAccepted::test_hundred_concurrent_copies_are_stored_once",),
        breaks=("one payment credited twice: one row per webhook", "a webhook is sent again, or replayed"),
    ),
    Mutation(
        name="a repeated success is credited again",
        file="users/payments/status.py",
        before="    if RANK[report.status] <= RANK[payment.status]:",
        after="    if RANK[report.status] < RANK[payment.status]:",
        caught_by=(
            "tests/unit/users/test_payment_status.py::test_payment_is_credited_once_and_only_by_a_matching_report",
        ),
        breaks=("one payment credited twice: one decision per payment",),
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
)
