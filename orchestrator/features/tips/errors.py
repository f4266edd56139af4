"""Why queued tips end."""

from common.errors import Conflict


class TipFailed(Conflict):
    """Why a saga unwinds whose job has used up its attempts. It is not shown to clients."""

    code = "ITEM_FAILED"
    public_message = "It could not be performed."
