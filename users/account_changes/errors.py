"""The refusals of account changes."""

from common.errors import Conflict


class PhoneEndingRequired(Conflict):
    """Only for callers who have a link that was sent to the address."""

    code = "PHONE_ENDING_REQUIRED"
    public_message = "Several accounts have that address. Please enter the last four digits of your account's phone."
