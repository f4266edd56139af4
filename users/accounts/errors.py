"""What can be wrong with an account."""

from common.errors import Conflict, Forbidden, NotFound, Unauthenticated

__all__ = ["EmailAlreadyExists", "UnverifiedAccount", "UserNotFound", "WrongCredentials"]


class UserNotFound(NotFound):
    code = "USER_NOT_FOUND"
    public_message = "There is no such user."


class EmailAlreadyExists(Conflict):
    code = "EMAIL_ALREADY_EXISTS"
    public_message = "There is an account with that e-mail address."


class UnverifiedAccount(Forbidden):
    code = "UNVERIFIED_ACCOUNT"
    public_message = "Please verify your phone first."


class WrongCredentials(Unauthenticated):
    """The same for an unknown address as for a wrong password."""

    public_message = "The e-mail address or the password is wrong."
