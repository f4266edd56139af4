"""The ends of commissions, and the failures of providers of text."""

from common.errors import Conflict, Gone, Unavailable, Unprocessable


class CheckoutExpired(Gone):
    """Why an order ends whose checkout was not paid in time, or was cancelled at the provider."""

    code = "CHECKOUT_EXPIRED"
    public_message = "The order was not paid in time."


class CommissionExpired(Gone):
    code = "COMMISSION_EXPIRED"
    public_message = "The text was not published in time."


class CommissionFailed(Conflict):
    """Why an order is refunded that no admin retried in time."""

    code = "COMMISSION_FAILED"
    public_message = "The text could not be written."


class CommissionRefunded(Conflict):
    """Why an order ends that an admin refunds."""

    code = "COMMISSION_REFUNDED"
    public_message = "The order was refunded."


class TextUnavailable(Unavailable):
    """The provider responds with an error, or not in time: another attempt may succeed."""

    public_message = "The text generator does not respond."


class TextLimited(TextUnavailable):
    """The provider refuses for its rate limit; `pause_seconds` is what it asks to wait, if it does."""

    public_message = "The text generator is busy."

    def __init__(self, *, pause_seconds: float | None) -> None:
        super().__init__()
        self.pause_seconds = pause_seconds


class TextUnusable(TextUnavailable):
    """The provider's answer cannot be used: cut off, not JSON, empty, or too long."""

    code = "TEXT_UNUSABLE"
    public_message = "The text generator sent an unusable answer."


class TextRefused(Unprocessable):
    """The text still fails its checks after all regenerations; `findings` say which."""

    code = "TEXT_REFUSED"
    public_message = "The text did not pass the quality checks."

    def __init__(self, findings: tuple[str, ...]) -> None:
        super().__init__(details={"findings": list(findings)})
        self.findings = findings
