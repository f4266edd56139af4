"""Refusals that tips, menus, subscriptions and the performance queue share, and why their sagas end."""

from common.errors import Conflict, Gone, InvalidRequest, NotFound


class PerformerNotFound(NotFound):
    code = "PERFORMER_NOT_FOUND"
    public_message = "There is no such performer."


class ItemNotFound(NotFound):
    code = "ITEM_NOT_FOUND"
    public_message = "There is no such item."


class ItemInactive(Conflict):
    code = "ITEM_INACTIVE"
    public_message = "That is not for sale right now."


class SelfPurchase(InvalidRequest):
    code = "SELF_PURCHASE"
    public_message = "Performers do not buy from themselves."


class ItemInvalidState(Conflict):
    code = "ITEM_INVALID_STATE"
    public_message = "The item is not in a state that allows this."


class ItemCancelled(Conflict):
    """Why a saga unwinds whose buyer cancelled. It is not shown to clients."""

    code = "ITEM_CANCELLED"
    public_message = "The buyer has cancelled."


class ItemDeclined(Conflict):
    """Why a saga unwinds whose performer declined. It is not shown to clients."""

    code = "ITEM_DECLINED"
    public_message = "The performer has declined."


class ItemExpired(Gone):
    """Why a saga unwinds that was not continued in time. It is not shown to clients."""

    code = "ITEM_EXPIRED"
    public_message = "It was not performed in time."
