"""The refusals of a deletion."""

from common.errors import Conflict, Forbidden


class AccountInUse(Conflict):
    """Something of the account is still open; the details say what."""

    code = "ACCOUNT_IN_USE"
    public_message = "Something of the account is still open. The details say what."


class WrongPassword(Forbidden):
    """For a caller who is logged in, and is not to log in again."""

    code = "WRONG_PASSWORD"
    public_message = "The password is wrong."
