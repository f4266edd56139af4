"""The refusals of performers' profiles."""

from common.errors import Conflict, Forbidden, NotFound


class PerformerNotFound(NotFound):
    code = "PERFORMER_NOT_FOUND"
    public_message = "There is no such performer."


class ProfileNotWritten(PerformerNotFound):
    public_message = "The performer has no profile yet. PATCH it with a display_name."


class DeviceInUse(Conflict):
    code = "DEVICE_IN_USE"
    public_message = "Another performer has that device."


class DeactivatedByAdmin(Forbidden):
    public_message = "An admin has deactivated this. Only an admin can reactivate it."
