"""The refusals of links."""

from common.errors import Gone, NotFound


class LinkExpired(Gone):
    """The same for a link that is unknown, forged, used, or older than half an hour."""

    code = "LINK_EXPIRED"
    public_message = "That link is no longer valid. Please ask for a new one."


class NothingToSend(NotFound):
    """The link was used or has expired, or no account has its address."""

    public_message = "There is nothing to send."
