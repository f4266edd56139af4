"""The refusals of ticket orders."""

from common.errors import Conflict, Forbidden, NotFound


class OrderNotFound(NotFound):
    code = "ORDER_NOT_FOUND"
    public_message = "There is no such order."


class OrderInvalidState(Conflict):
    code = "ORDER_INVALID_STATE"
    public_message = "The order's status does not allow that."


class OrderAlreadyOpened(OrderInvalidState):
    public_message = "That order was opened by another request."


class NotYourOrder(Forbidden):
    public_message = "That order belongs to another user."
