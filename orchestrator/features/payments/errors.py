"""What providers' calls are refused with, and what became of ours."""

from common.errors import InvalidRequest, OutcomeUnknown, Unauthenticated, Unavailable

__all__ = [
    "NoSuchPayment",
    "ProviderRefused",
    "ProviderSilent",
    "ProviderUnavailable",
    "SignatureInvalid",
    "WebhookStale",
    "WebhookUnreadable",
]


class SignatureInvalid(Unauthenticated):
    """It was not the provider who sent this, or it was changed on its way."""

    code = "SIGNATURE_INVALID"
    public_message = "The signature does not match."


class WebhookStale(InvalidRequest):
    """Signed by the provider, but long ago: somebody may be replaying it."""

    public_message = "The webhook is too old."


class WebhookUnreadable(InvalidRequest):
    """Signed by the provider, and still not what it sends."""

    public_message = "The webhook cannot be understood."


class ProviderRefused(InvalidRequest):
    public_message = "The payment provider does not take that amount in that currency."


class ProviderUnavailable(Unavailable):
    """Nothing was done there, or it answered with an error that is no fault of the fan's."""

    public_message = "The payment provider cannot answer right now. Please try again."


class NoSuchPayment(ProviderUnavailable):
    """The provider has none of that name."""


class ProviderSilent(OutcomeUnknown):
    """It may be done there, or not. The same call again finds out."""

    public_message = "The payment provider did not answer in time. Please try again."
