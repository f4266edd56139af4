"""Errors of menus and of performers' devices."""

from common.errors import Forbidden, NotFound, Unavailable


class MenuNotFound(NotFound):
    code = "MENU_NOT_FOUND"
    public_message = "There is no such menu."


class MenuAccessDenied(Forbidden):
    code = "MENU_ACCESS_DENIED"
    public_message = "This menu is not open to you."


class DeviceFailed(Unavailable):
    """A device did not run a command. Its reason is shown to the performer and the buyer."""

    public_message = "The device did not respond."

    def __init__(self, *, reason: str) -> None:
        self.reason = reason
        super().__init__(reason=reason)
