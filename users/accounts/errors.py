"""The refusals of accounts."""

from common.errors import Conflict, Forbidden, NotFound, Unauthenticated


class UserNotFound(NotFound):
    code = "USER_NOT_FOUND"
    public_message = "There is no such user."


class EmailAlreadyExists(Conflict):
    code = "EMAIL_ALREADY_EXISTS"
    public_message = "There is an account with that email address."


class PhoneAlreadyExists(Conflict):
    """Only for callers who have proved that the phone is theirs."""

    code = "PHONE_ALREADY_EXISTS"
    public_message = "Another account has that phone. Log in to it, or register again with another phone."


class UnverifiedAccount(Forbidden):
    code = "UNVERIFIED_ACCOUNT"
    public_message = "Please verify your phone first."


class AccountSuspended(Forbidden):
    """Only for callers who have proved that the account is theirs, and for the ledger."""

    code = "ACCOUNT_SUSPENDED"
    public_message = "This account is suspended. Please contact support."


class LastAdmin(Conflict):
    code = "LAST_ADMIN"
    public_message = "The last admin stays: make another user an admin first."


class WrongPassword(Forbidden):
    """Of a user who is logged in: a 401 would make a client log in again."""

    code = "PASSWORD_INVALID"
    public_message = "The current password is wrong."


class WrongCredentials(Unauthenticated):
    """The same for an unknown email address as for a wrong password."""

    public_message = "The email address or the password is wrong."
