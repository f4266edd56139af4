"""The refusals of transfers."""

from common.errors import Conflict, Forbidden, NotFound


class TransferNotFound(NotFound):
    code = "TRANSFER_NOT_FOUND"
    public_message = "There is no such transfer."


class TransferInvalidState(Conflict):
    code = "TRANSFER_INVALID_STATE"
    public_message = "The transfer's status does not allow that."


class TransferAlreadyOpened(TransferInvalidState):
    public_message = "That transfer was opened by another request."


class TransferInProgress(Conflict):
    code = "TRANSFER_IN_PROGRESS"
    public_message = "A transfer of that ticket is in progress or disputed."


class NotYourTransfer(Forbidden):
    public_message = "That transfer is between other users."
