"""The refusals of listings."""

from common.errors import Conflict, InvalidRequest, NotFound


class ListingNotFound(NotFound):
    code = "LISTING_NOT_FOUND"
    public_message = "There is no such listing."


class ListingInvalidState(Conflict):
    code = "LISTING_INVALID_STATE"
    public_message = "The listing's status does not allow that."


class ListingAlreadyOpened(ListingInvalidState):
    public_message = "That listing was opened by another request."


class OwnListing(InvalidRequest):
    code = "SELF_TRANSFER"
    public_message = "You cannot buy your own ticket."
