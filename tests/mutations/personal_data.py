"""Deliberate bugs in exports, deletions of accounts, and the audit trail."""

from typing import Final

from tests.mutations.mutation import Mutation

__all__ = ["MUTATIONS"]

PERSONAL_DATA: Final = "tests/integration/users/test_personal_data.py"
AUDIT: Final = "tests/integration/audit/test_audit_trail.py::TestOutcome"
DENIED: Final = (
    "an admin who denies an action: an entry of the audit trail precedes it; the database refuses updates of entries",
)

MUTATIONS: Final = (
    Mutation(
        name="an account is deleted without the password",
        file="users/personal_data/service.py",
        before="        await self.credentials.confirm(user, password=account.current_password)\n",
        after="",
        caught_by=(f"{PERSONAL_DATA}::TestDeletion::test_wrong_password_changes_nothing",),
        breaks=("a stolen session that deletes the account: the password is asked for again",),
    ),
    Mutation(
        name="a deleted account keeps its credits",
        file="users/personal_data/repository.py",
        before="            if has.credits > 0:\n",
        after="            if has.credits < 0:\n",
        caught_by=(f"{PERSONAL_DATA}::TestCredits::test_are_refused_unless_forfeited",),
    ),
    Mutation(
        name="a debt ends with its account",
        file="users/personal_data/repository.py",
        before='"pending_earnings": has.pending_earnings, "owed": has.owed}',
        after='"pending_earnings": has.pending_earnings}',
        caught_by=(f"{PERSONAL_DATA}::TestCredits::test_escrow_and_debt_cannot_be_forfeited",),
    ),
    Mutation(
        name="a payment may arrive at a deleted account",
        file="users/personal_data/repository.py",
        before="    if has.payments:\n",
        after="    if has.payments < 0:\n",
        caught_by=(f"{PERSONAL_DATA}::TestCredits::test_open_payment_cannot_be_forfeited",),
    ),
    Mutation(
        name="a deleted account opens sessions",
        file="users/sessions/repository.py",
        before="        WHERE user_id = :user_id AND deleted_at IS NULL\n          AND (CAST(",
        after="        WHERE user_id = :user_id\n          AND (CAST(",
        caught_by=(f"{PERSONAL_DATA}::TestDeletion::test_deleted_account_gets_no_role_session_or_code",),
    ),
    Mutation(
        name="what a deleted user wrote stays in the sagas of refused purchases",
        file="orchestrator/features/personal_data/repository.py",
        before="WHERE requested_by = :user_id AND due_at IS NULL AND data",
        after="WHERE requested_by = :user_id AND state = 'COMPLETED' AND data",
        caught_by=("tests/integration/audit/test_deleted_users.py::test_words_of_refused_purchases_are_erased",),
    ),
    Mutation(
        name="an export names the other party of a transfer",
        file="orders/personal_data/service.py",
        before='    hidden = {"seller_user_id", "buyer_user_id", "initiated_by_user_id", "disputed_by_user_id"}\n',
        after="    hidden: set[str] = set()\n",
        caught_by=(
            "tests/integration/orders/test_personal_data.py::test_deals_are_shown_with_the_users_own_part",
            "tests/e2e/test_personal_data.py::TestExport::test_has_what_all_services_store_of_the_user_and_of_nobody_else",
        ),
        breaks=("another user's data in an export: each service leaves the other party out",),
    ),
    Mutation(
        name="an action is recorded after it was done",
        file="orchestrator/audit/service.py",
        before="""        await self.repository.begin(entry)
        change = Change()
        try:
            yield change
""",
        after="""        change = Change()
        try:
            yield change
            await self.repository.begin(entry)
""",
        caught_by=(f"{AUDIT}::test_entry_precedes_its_action",),
        breaks=DENIED,
    ),
    Mutation(
        name="the database accepts updates of the audit trail",
        file="orchestrator/migrations/versions/0013_audit_trail.py",
        before="        RAISE EXCEPTION 'the audit trail is append-only';\n",
        after="        RETURN NEW;\n",
        caught_by=(f"{AUDIT}::test_database_refuses_updates",),
        breaks=DENIED,
    ),
)
