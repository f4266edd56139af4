"""Deliberate bugs in tokens, sessions, passwords, one-time codes, and who may do what."""

from typing import Final

from tests.mutations.mutation import Mutation

__all__ = ["MUTATIONS"]

DEVICES: Final = "tests/integration/users/test_known_devices.py::TestLockout"
E2E: Final = "tests/e2e"
LOGIN: Final = "tests/integration/users/test_login.py::TestLimits"
ORDERS: Final = "tests/integration/orders/test_access.py"
OTP: Final = "tests/integration/users"
REGISTER: Final = f"{OTP}/test_registration.py::TestRegister"
TOKENS: Final = "tests/integration/gateway/test_tokens.py"

MUTATIONS: Final = (
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
        before="    user = await verifier.verify(bearer_token(request))\n",
        after="""    import datetime, jwt, uuid
    claims = jwt.decode(bearer_token(request), options={"verify_signature": False})
    ids = uuid.UUID(claims["sub"]), frozenset(claims["roles"]), uuid.UUID(claims["sid"])
    user = Principal(*ids, datetime.datetime.now(datetime.UTC)) if verifier else None
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
        name="wrong passwords from one network are not counted for the account",
        file="users/accounts/credentials.py",
        before='            Tried(self.per_account, f"{email} network {network}"),\n',
        after='            Tried(Limit("none", 0, 1), email),\n',
        caught_by=(f"{LOGIN}::test_failures_of_an_account_from_one_network_are_limited",),
        breaks=("guessed passwords: a limit per account and network",),
    ),
    Mutation(
        name="wrong passwords are counted for each network alone",
        file="users/accounts/credentials.py",
        before="            Tried(self.per_account_in_all, email),\n",
        after="",
        caught_by=(f"{LOGIN}::test_failures_of_an_account_are_limited_across_networks",),
        breaks=("guessed passwords: a slower limit per account",),
    ),
    Mutation(
        name="a known device has its attempts in each network",
        file="users/accounts/credentials.py",
        before='            subject = f"{email} device {device}"\n',
        after='            subject = f"{email} device {device} {address}"\n',
        caught_by=(f"{DEVICES}::test_stolen_device_token_has_no_more_attempts_in_other_networks",),
        breaks=("guessed passwords: a stolen device token has its own limit, in all networks together",),
    ),
    Mutation(
        name="a known device is counted as any other",
        file="users/accounts/credentials.py",
        before="        if device is not None:\n",
        after='        if device == "":\n',
        caught_by=(f"{DEVICES}::test_strangers_do_not_lock_out_a_device_that_logged_in",),
        breaks=(
            "an owner locked out by strangers' wrong passwords: a device that logged in before is counted by itself",
        ),
    ),
    Mutation(
        name="a device is known for every account that its account's address is asked of",
        file="users/known_devices/repository.py",
        before="      AND (own.email = :email OR (own.new_email = :email AND own.email IS NULL))\n",
        after="      AND :email IN (own.email, own.new_email)\n",
        caught_by=(f"{DEVICES}::test_token_of_an_account_that_asks_for_the_address_is_no_help",),
        breaks=("guessed passwords: a device is known for the one account of its address only",),
    ),
    Mutation(
        name="logins are counted for the address",
        file="users/accounts/credentials.py",
        before="        return Tried(self.login_limits.successes, str(user.user_id))\n",
        after="        return Tried(self.login_limits.successes, user.login_email)\n",
        caught_by=(f"{LOGIN}::test_logins_of_an_account_with_the_same_address_do_not_count",),
        breaks=(
            "an owner locked out by an account with the same address: logins are counted for the account that logged in",
        ),
    ),
    Mutation(
        name="right passwords are not counted",
        file="users/accounts/credentials.py",
        before="        await self.limits.count([self._success(user)])\n",
        after="",
        caught_by=(f"{LOGIN}::test_logins_of_an_account_are_limited",),
        breaks=("too many requests: limits on a user's logins and refreshes",),
    ),
    Mutation(
        name="a used refresh token is exchanged again after its successor was used",
        file="users/sessions/repository.py",
        before="          AND successor.used_at IS NOT NULL))\n",
        after="          AND false))\n",
        caught_by=("tests/integration/users/test_sessions.py::TestRefresh::test_a_used_token_ends_the_whole_session",),
        breaks=("a stolen refresh token: rotation: a second use revokes the whole family",),
    ),
    Mutation(
        name="a suspended user's sessions go on",
        file="users/accounts/repository.py",
        before="        await revoke_all(connection, user_id, because=SUSPENDED)\n",
        after="        pass\n",
        caught_by=(f"{OTP}/test_suspension.py::TestLogins::test_suspension_ends_every_session",),
        breaks=("a stolen or risky account that stays logged in: a suspension ends its sessions and refuses logins",),
    ),
    Mutation(
        name="a suspended user logs in",
        file="users/sessions/repository.py",
        before='        if row is not None and row["is_suspended"]:\n',
        after="        if row is not None and not row:\n",
        caught_by=(f"{OTP}/test_suspension.py::TestLogins::test_login_during_the_suspension_is_refused",),
        breaks=("a stolen or risky account that stays logged in: a suspension ends its sessions and refuses logins",),
    ),
    Mutation(
        name="a login is refreshed any number of times",
        file="users/sessions/repository.py",
        before="'1 minute') < :most_per_minute\n",
        after="'1 minute') < 1000 * :most_per_minute\n",
        caught_by=(
            "tests/integration/users/test_sessions.py::TestRefresh::test_refreshes_of_a_session_are_limited_and_cost_no_token",
        ),
        breaks=("too many requests: limits on a user's logins and refreshes",),
    ),
    Mutation(
        name="the last of the admins is demoted",
        file="users/accounts/repository.py",
        before="    if list(admins) == [user_id]:\n",
        after="    if not admins:\n",
        caught_by=(f"{OTP}/test_last_admin.py::test_last_admin_stays",),
        breaks=("admins who remove each other: the last admin who can log in stays",),
    ),
    Mutation(
        name="two admins who demote each other do not wait",
        file="users/accounts/repository.py",
        before="    ORDER BY user_id FOR NO KEY UPDATE\n",
        after="    ORDER BY user_id\n",
        caught_by=(f"{OTP}/test_last_admin.py::test_one_of_two_admins_who_demote_each_other_at_once_stays",),
        breaks=("admins who remove each other: the last admin who can log in stays",),
    ),
    Mutation(
        name="wrong passwords are counted for each account alone",
        file="users/accounts/credentials.py",
        before="Tried(self.per_address, network)",
        after='Tried(self.per_address, f"{email} {network}")',
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
        name="any code logs in after the right one",
        file="users/registration_codes/service.py",
        before="            is_right = hmac.compare_digest(challenge.code_hash, code_hash)\n",
        after="            is_right = bool(code_hash)\n",
        caught_by=(
            f"{OTP}/test_repeated_verification.py::TestRepeatedCode::test_wrong_code_after_the_right_one_never_logs_in",
        ),
        breaks=("a registration code tried after its success: the right code only, for ten minutes",),
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
