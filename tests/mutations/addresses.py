"""Deliberate bugs in email addresses: who has one, links that prove it, forgotten passwords."""

from typing import Final

from tests.mutations.mutation import Mutation

__all__ = ["MUTATIONS"]

OTP: Final = "tests/integration/users"
PASSWORDS: Final = f"{OTP}/test_forgotten_passwords.py"
REGISTER: Final = f"{OTP}/test_registration.py::TestRegister"

MUTATIONS: Final = (
    Mutation(
        name="a registration stops at the limits of another account",
        file="users/accounts/credentials.py",
        before="        with suppress(TooManyRequests):\n",
        after="        with suppress(KeyError):\n",
        caught_by=(
            f"{OTP}/test_email_proof.py::TestUnprovenHolder::test_owner_registers_while_the_logins_of_the_other_account_are_used_up",
        ),
        breaks=(
            "an owner locked out by an account with the same address: limits of the other account do not stop a registration",
        ),
    ),
    Mutation(
        name="a login that overlaps a new password stays",
        file="users/sessions/repository.py",
        before="          AND (CAST(:password_hash AS text) IS NULL OR password_hash = :password_hash) FOR SHARE),\n",
        after="          AND (CAST(:password_hash AS text) IS NULL OR true) FOR SHARE),\n",
        caught_by=(f"{OTP}/test_login.py::test_login_that_overlaps_a_change_of_the_password_is_refused",),
        breaks=("an account taken over: a login that overlaps a new password is refused",),
    ),
    Mutation(
        name="an unproven address keeps its owner out",
        file="users/accounts/service.py",
        before="        if not await self.repository.add_claimant(new):\n",
        after="        if new.email:\n",
        caught_by=(f"{REGISTER}::test_unverified_email_with_another_password_is_another_account",),
        breaks=("an account under another user's address: an unproven address keeps nobody out",),
    ),
    Mutation(
        name="a transfer by address finds unproven addresses",
        file="users/accounts/repository.py",
        before='{_SELECT} WHERE email = :email AND email_verified_at IS NOT NULL")\n',
        after='{_SELECT} WHERE email = :email")\n',
        caught_by=(f"{OTP}/test_email_proof.py::TestFoundByAddress::test_proven_address_is_found",),
        breaks=("an account under another user's address: a transfer by address finds proven addresses only",),
    ),
    Mutation(
        name="a stranger's link takes the address of another account",
        file="users/account_changes/repository.py",
        before="            if proof.taken_from_phones and own.password_hash != checked_hash:\n",
        after="            if proof.taken_from_phones and not own.password_hash:\n",
        caught_by=(
            f"{OTP}/test_email_proof.py::TestUnprovenHolder::test_strangers_link_does_not_take_the_address_of_the_owners_account",
        ),
        breaks=(
            "an account under another user's address: a link needs the password of its account while others have the address",
        ),
    ),
    Mutation(
        name="a forgotten password is set for any of the accounts of the address",
        file="users/account_changes/repository.py",
        before="    if len(candidates) == 1:\n",
        after="    if candidates:\n",
        caught_by=(
            f"{PASSWORDS}::TestResetPassword::test_owner_of_the_mailbox_says_which_of_several_accounts_is_theirs",
        ),
        breaks=(
            "an account under another user's address: a forgotten password is set for the account whose phone the owner names",
        ),
    ),
    Mutation(
        name="forgotten passwords use up the links of an account",
        file="users/email_links/service.py",
        before='        return Tried(replace(self.per_mailbox, scope=f"{self.per_mailbox.scope}-verification"), f"{user_id} {email}")\n',
        after="        return Tried(self.per_mailbox, email if user_id else email)\n",
        caught_by=(f"{OTP}/test_email_proof.py::TestProof::test_forgotten_passwords_do_not_use_up_the_links",),
        breaks=("links that strangers use up: each purpose has a limit of its own",),
    ),
    Mutation(
        name="the token of a link is not authenticated",
        file="users/email_links/tokens.py",
        before="        if not hmac.compare_digest(tag, self._tag(link_id)):\n",
        after="        if len(link_id) < ID_BYTES:\n",
        caught_by=(f"{OTP}/test_email_proof.py::TestProof::test_forged_token_is_refused",),
        breaks=("a forged or old link: its token is authenticated by a key of the service",),
    ),
    Mutation(
        name="links live for a month",
        file="users/email_links/repository.py",
        before="LINK_LIFETIME: Final = timedelta(minutes=30)\n",
        after="LINK_LIFETIME: Final = timedelta(days=30)\n",
        caught_by=(
            f"{OTP}/test_email_proof.py::TestProof::test_link_ends_after_half_an_hour",
            f"{PASSWORDS}::TestResetPassword::test_link_ends_after_half_an_hour",
        ),
        breaks=("a forged or old link: it lives for half an hour",),
    ),
    Mutation(
        name="a link sets any number of passwords",
        file="users/account_changes/repository.py",
        before="            if link is None or not link.is_first_use:\n",
        after="            if link is None:\n",
        caught_by=(f"{PASSWORDS}::TestResetPassword::test_works_once_even_if_sent_twice_at_once",),
        breaks=("a forged or old link: it sets one password",),
    ),
    Mutation(
        name="a forgotten password does less for some addresses",
        file="users/email_links/service.py",
        before="        await self._add(Purpose.RESET_PASSWORD, email=email)\n",
        after="""        if not email.startswith("nobody"):
            await self._add(Purpose.RESET_PASSWORD, email=email)
""",
        caught_by=(
            f"{OTP}/test_cost.py::test_forgotten_password_costs_the_same_whether_an_account_has_the_address_or_not",
        ),
        breaks=("a search for accounts by address: the same response and work for every forgotten password",),
    ),
    Mutation(
        name="a mailbox gets any number of links",
        file="users/app.py",
        before='Limit("links-mailbox", self._settings.email_links_per_mailbox, ',
        after='Limit("links-mailbox", 0, ',
        caught_by=(
            f"{PASSWORDS}::TestForgotPassword::test_links_to_one_mailbox_are_limited_whether_it_is_known_or_not",
        ),
        breaks=("links sent again and again: a limit per mailbox",),
    ),
    Mutation(
        name="a network asks for any number of links",
        file="users/app.py",
        before='Limit("links-address", self._settings.email_links_per_address, ',
        after='Limit("links-address", 0, ',
        caught_by=(f"{PASSWORDS}::TestForgotPassword::test_links_for_one_network_are_limited_across_mailboxes",),
        breaks=("links sent again and again: a limit per address",),
    ),
    Mutation(
        name="an email address is changed without the password",
        file="users/account_changes/service.py",
        before="        if change.needs_password:\n",
        after="        if change.needs_password and not change.current_password:\n",
        caught_by=(f"{OTP}/test_account_changes.py::TestProfile::test_change_of_email_or_phone_needs_the_password",),
        breaks=("an account taken over: a change of email or phone needs the password",),
    ),
    Mutation(
        name="a reset password leaves a change of the address open",
        file="users/account_changes/repository.py",
        before="    UPDATE users SET email = :email, new_email = NULL,\n",
        after="    UPDATE users SET email = :email,\n",
        caught_by=(f"{PASSWORDS}::TestResetPassword::test_change_of_address_that_a_thief_has_begun_ends",),
        breaks=("an account taken over: a new password ends what a thief has begun",),
    ),
)
