"""The refusal of a deletion."""

from common.errors import Conflict


class AccountInUse(Conflict):
    code = "ACCOUNT_IN_USE"
    public_message = "Something of the account is still open. The details say what."
