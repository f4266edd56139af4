"""An admin gives an account an email address: the way back for one that has lost its own (W1)."""

import httpx

from tests.integration.users.account_emails import AccountEmails
from tests.integration.users.test_email_proof import OWNERS_PASSWORD
from tests.integration.users.user_client import LoggedInUser, UserClient, code_of


async def give(client: UserClient, admin: LoggedInUser, user: LoggedInUser, email: str) -> httpx.Response:
    return await client.http.patch(f"/api/admin/users/{user.user_id}", json={"email": email}, headers=admin.headers)


async def test_counts_for_logins_and_is_not_proven(
    user_client: UserClient, account_emails: AccountEmails, admin: LoggedInUser
) -> None:
    loser, email = await user_client.join(), user_client.new_facts()["email"]
    owner = await user_client.join(email=loser.email, password=OWNERS_PASSWORD)
    await account_emails.prove(user_client, owner, password=OWNERS_PASSWORD)

    answer = await give(user_client, admin, loser, email.upper())

    data = answer.json()["data"]
    assert (data["email"], data["new_email"], data["is_email_verified"]) == (email, None, False)
    assert (await user_client.log_in(email)).status_code == 200
    assert await account_emails.purposes(email) == ["verify_email"]


async def test_previous_address_is_told(
    user_client: UserClient, account_emails: AccountEmails, admin: LoggedInUser
) -> None:
    user = await user_client.join()
    await account_emails.prove(user_client, user)
    answer = await give(user_client, admin, user, user_client.new_facts()["email"])
    assert answer.json()["data"]["is_email_verified"] is False
    assert await account_emails.purposes(user.email) == ["email_changed"]


async def test_own_address_stays_as_it_is(
    user_client: UserClient, account_emails: AccountEmails, admin: LoggedInUser
) -> None:
    user = await user_client.join()
    await account_emails.prove(user_client, user)
    answer = await give(user_client, admin, user, user.email)
    assert answer.json()["data"]["is_email_verified"] is True
    assert await account_emails.to(user.email) == []


async def test_address_of_another_account_is_409(user_client: UserClient, admin: LoggedInUser) -> None:
    user, other = await user_client.join(), await user_client.join()
    answer = await give(user_client, admin, user, other.email)
    assert (answer.status_code, code_of(answer)) == (409, "EMAIL_ALREADY_EXISTS")
    assert (await user_client.profile(user))["email"] == user.email
