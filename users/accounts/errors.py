"""What can be wrong with an account."""

from common.errors import Conflict, Forbidden, NotFound

__all__ = ["EmailAlreadyExists", "UnverifiedAccount", "UserNotFound"]


class UserNotFound(NotFound):
    code = "USER_NOT_FOUND"
    public_message = "There is no such user."


class EmailAlreadyExists(Conflict):
    code = "EMAIL_ALREADY_EXISTS"
    public_message = "There is an account with that e-mail address."


class UnverifiedAccount(Forbidden):
    code = "UNVERIFIED_ACCOUNT"
    public_message = "Please verify your phone first."
