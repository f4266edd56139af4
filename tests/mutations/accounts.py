"""Deliberate bugs in tokens, sessions, passwords, one-time codes, and who may do what."""

from typing import Final

from tests.mutations.mutation import Mutation

__all__ = ["MUTATIONS"]

E2E: Final = "tests/e2e"
LOGIN: Final = "tests/integration/users/test_login.py::TestLimits"
ORDERS: Final = "tests/integration/orders/test_access.py"
OTP: Final = "tests/integration/users"
REGISTER: Final = f"{OTP}/test_registration.py::TestRegister"
TOKENS: Final = "tests/integration/gateway/test_tokens.py"

PERSONAL_DATA: Final = f"{OTP}/test_personal_data.py"
AUDIT: Final = "tests/integration/audit/test_audit_trail.py::TestOutcome"
DENIED: Final = (
    "an admin who denies an action: an entry of the audit trail precedes it; the database refuses updates of entries",
)

MUTATIONS: Final = (
    Mutation(
        name="an account is deleted without the password",
        file="users/personal_data/service.py",
        before="            raise WrongPassword from error\n",
        after="            assert error\n",
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
        before='{"held": has.held, "owed": has.owed} |',
        after='{"held": has.held} |',
        caught_by=(f"{PERSONAL_DATA}::TestCredits::test_escrow_and_debt_cannot_be_forfeited",),
    ),
    Mutation(
        name="a deleted account opens sessions",
        file="users/sessions/repository.py",
        before="        WHERE user_id = :user_id AND deleted_at IS NULL FOR SHARE)",
        after="        WHERE user_id = :user_id FOR SHARE)",
        caught_by=(f"{PERSONAL_DATA}::TestDeletion::test_deleted_account_gets_no_role_session_or_code",),
    ),
    Mutation(
        name="an export names the other party of a transfer",
        file="orders/personal_data/service.py",
        before='    hidden = {"seller_user_id", "buyer_user_id", "initiated_by_user_id", "disputed_by_user_id"}\n',
        after="    hidden: set[str] = set()\n",
        caught_by=(
            "tests/integration/orders/test_personal_data.py::test_deals_are_shown_with_the_users_own_part",
            f"{E2E}/test_personal_data.py::TestExport::test_has_what_all_services_store_of_the_user_and_of_nobody_else",
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
    Mutation(
        name="signatures of users' tokens are not checked",
        file="common/auth/user_tokens.py",
        before='                options={"require": ["exp", "iat", "sub", "sid", "typ"]},\n',
        after='                options={"verify_signature": False},\n',
        caught_by=(f"{TOKENS}::test_forged_token_is_refused",),
        breaks=(
            "a token that is forged, unsigned or signed by a public key: one algorithm, and the signature is checked",
        ),
    ),
    Mutation(
        name="a token of any type opens a route",
        file="common/auth/user_tokens.py",
        before='            if claims["typ"] != ACCESS_TOKEN_TYPE:\n',
        after='            if claims["typ"] is None:\n',
        caught_by=(f"{TOKENS}::test_token_with_a_wrong_claim_is_refused",),
        breaks=("a token for another audience or purpose: every claim is checked",),
    ),
    Mutation(
        name="an expired token is accepted",
        file="common/auth/user_tokens.py",
        before="        if known.expires_at <= datetime.now(UTC):\n",
        after="        if known.expires_at == datetime.now(UTC):\n",
        caught_by=(f"{TOKENS}::test_expired_token_is_refused_as_expired",),
        breaks=("an expired token: the expiry of a cached token is checked again",),
    ),
    Mutation(
        name="a service trusts every token that the gateway passes on",
        file="common/http/auth.py",
        before="    return await verifier.verify(bearer_token(request))\n",
        after="""    import datetime, jwt, uuid
    claims = jwt.decode(bearer_token(request), options={"verify_signature": False})
    ids = uuid.UUID(claims["sub"]), frozenset(claims["roles"]), uuid.UUID(claims["sid"])
    return Principal(*ids, datetime.datetime.now(datetime.UTC)) if verifier else None
""",
        caught_by=(f"{ORDERS}::TestPublicRoutes::test_refuse_a_token_of_another_issuer",),
        breaks=("a forged token that passes the gateway: the service checks the token again",),
    ),
    Mutation(
        name="the key in a token's header is used",
        file="common/auth/user_tokens.py",
        before='        key_id = header.get("kid")\n',
        after='        key_id = header.get("kid")\n        if "jwk" in header:\n            return jwt.PyJWK(header["jwk"])\n',
        caught_by=("tests/security/test_token_headers.py::test_key_in_the_token_is_ignored",),
        breaks=(
            "a token that names or contains its own key (`jku`, `x5u`, `jwk`, `x5c`, `kid`): keys come from users alone",
        ),
    ),
    Mutation(
        name="a stolen refresh token stays valid (no reuse detection)",
        file="users/sessions/service.py",
        before="            await self._revoke(token.session_id, because=TOKEN_REUSED)\n",
        after="",
        caught_by=("tests/integration/users/test_sessions.py::TestRefresh::test_a_used_token_ends_the_whole_session",),
        breaks=("a stolen refresh token: rotation: a second use revokes the whole family",),
    ),
    Mutation(
        name="wrong passwords are counted for each address alone",
        file="users/accounts/credentials.py",
        before="        return Tried(self.per_account, email), ",
        after='        return Tried(self.per_account, f"{email} {address}"), ',
        caught_by=(f"{LOGIN}::test_failures_of_an_account_are_limited_across_networks",),
        breaks=("guessed passwords: a limit per account",),
    ),
    Mutation(
        name="wrong passwords are counted for each account alone",
        file="users/accounts/credentials.py",
        before="Tried(self.per_address, network_of(address))",
        after='Tried(self.per_address, f"{email} {network_of(address)}")',
        caught_by=(f"{LOGIN}::test_failures_from_a_network_are_limited_across_accounts",),
        breaks=("guessed passwords: a limit per address",),
    ),
    Mutation(
        name="a confirmation code can be tried any number of times",
        file="users/confirmation_codes/repository.py",
        before="    WHERE {_OF_PURPOSE} AND verified_at IS NULL AND verification_sid IS NOT NULL AND attempts < :most_tries\n",
        after="    WHERE {_OF_PURPOSE} AND verified_at IS NULL AND verification_sid IS NOT NULL AND :most_tries > 0\n",
        caught_by=(
            f"{OTP}/test_otp_verification.py::TestVerify::test_wrong_code_is_401_and_the_third_permanently_429",
        ),
        breaks=("guessed codes: three attempts per code",),
    ),
    Mutation(
        name="a registration code can be tried any number of times",
        file="users/registration_codes/service.py",
        before="        if challenge.attempts > MAX_WRONG_CODES:\n",
        after="        if challenge.attempts > 100 * MAX_WRONG_CODES:\n",
        caught_by=(f"{OTP}/test_registration.py::TestVerify::test_third_wrong_code_closes_the_challenge",),
        breaks=("guessed codes: three attempts per code",),
    ),
    Mutation(
        name="an account gets any number of codes",
        file="users/one_time_codes/sending.py",
        before='Limit("otp-account", sends.per_account, ',
        after='Limit("otp-account", 0, ',
        caught_by=(f"{REGISTER}::test_codes_to_one_account_are_limited",),
        breaks=("guessed codes: a limit of codes per account",),
    ),
    Mutation(
        name="a phone gets any number of codes",
        file="users/one_time_codes/sending.py",
        before='Limit("otp-phone", sends.per_phone, ',
        after='Limit("otp-phone", 0, ',
        caught_by=(f"{REGISTER}::test_codes_to_one_phone_are_limited_across_accounts",),
        breaks=("codes sent again and again: a limit per phone",),
    ),
    Mutation(
        name="an address causes any number of codes",
        file="users/one_time_codes/sending.py",
        before='Limit("otp-address", sends.per_address, ',
        after='Limit("otp-address", 0, ',
        caught_by=(f"{REGISTER}::test_codes_for_one_network_are_limited_across_recipients",),
        breaks=("codes sent again and again: a limit per address",),
    ),
    Mutation(
        name="a user has any number of codes sent to others",
        file="users/one_time_codes/sending.py",
        before='Limit("otp-for-others", sends.by_others, ',
        after='Limit("otp-for-others", 0, ',
        caught_by=(f"{OTP}/test_otp_sends.py::TestSend::test_requester_is_limited_across_recipients",),
        breaks=("codes sent again and again: a limit per requester, for codes to other users",),
    ),
    Mutation(
        name="jobs are for every user (no role check)",
        file="orchestrator/jobs/routes.py",
        before='tags=["Admin"], dependencies=[ADMIN_ONLY])',
        after='tags=["Admin"])',
        caught_by=(f"{E2E}/test_access.py::test_each_role_reaches_only_its_routes[GET /api/admin/jobs]",),
        breaks=(
            "a route without an authorization check: a test calls every route with every role; a route without a rule fails",
        ),
    ),
    Mutation(
        name="any user can read an order (no owner check)",
        file="orders/ticket_orders/service.py",
        before="        if not to.may_act_for(order.user_id):",
        after="        if not to.may_act_for(to.user_id):",
        caught_by=(
            "tests/integration/orders/test_reading.py",
            f"{E2E}/test_object_access.py::test_another_users_ids_are_refused_and_change_nothing",
        ),
        breaks=("another user's id: a test sends every id of every route as another user",),
    ),
    Mutation(
        name="the refusal of an invalid request crashes",
        file="common/http/error_mapping.py",
        before='    code = "INVALID_UUID" if is_uuid else "VALIDATION_ERROR"\n',
        after='    code = "INVALID_UUID" if is_uuid else error.body["code"]\n',
        caught_by=(f"{E2E}/test_fuzzing.py::test_generated_requests_get_documented_responses[GET /api/orders-fan]",),
        breaks=("input that causes a crash: schemas at the edge; generated requests find no 5xx",),
    ),
    Mutation(
        name="a text may contain NUL",
        file="common/fields.py",
        before="    if NUL in text:\n",
        after="    if text is NUL:\n",
        caught_by=(f"{E2E}/test_hostile_text.py::test_body_text_causes_no_server_error",),
        breaks=("input that causes a crash: text that the database cannot store is refused",),
    ),
    Mutation(
        name="an internal route takes a user's token",
        file="users/sms/routes.py",
        before='tags=["Internal: text messages"], dependencies=[Depends(require_service)]\n',
        after='tags=["Internal: text messages"]\n',
        caught_by=(f"{OTP}/test_sms.py::test_users_may_not_send_text_messages",),
        breaks=("a user's token at an internal route: internal routes take service tokens only",),
    ),
    Mutation(
        name="a service token is valid at every service",
        file="common/auth/service_tokens.py",
        before='                options={"require": ["iss", "exp", "typ"]},\n',
        after='                options={"require": ["iss", "exp", "typ"], "verify_aud": False},\n',
        caught_by=(f"{ORDERS}::TestInternalRoutes::test_refuse_a_token_for_another_service",),
        breaks=("a service's token at another service: the audience of the token is checked",),
    ),
)
