"""Errors of webhooks from providers and of calls to providers."""

from common.errors import InvalidRequest, OutcomeUnknown, Unauthenticated, Unavailable


class SignatureInvalid(Unauthenticated):
    """The provider did not send this, or it was modified in transit."""

    code = "SIGNATURE_INVALID"
    public_message = "The signature does not match."


class WebhookStale(InvalidRequest):
    """Signed by the provider, but too long ago: an attacker may be replaying it."""

    public_message = "The webhook is too old."


class WebhookUnreadable(InvalidRequest):
    """Signed by the provider, but not in its format."""

    public_message = "The webhook cannot be understood."


class ProviderRefused(InvalidRequest):
    public_message = "The payment provider does not accept that amount in that currency."


class ProviderUnavailable(Unavailable):
    """The provider did nothing, or returned an error that the fan did not cause."""

    public_message = "The payment provider is unavailable right now. Please try again."


class NoSuchPayment(ProviderUnavailable):
    """The provider has no payment of that id."""


class ProviderTimeout(OutcomeUnknown):
    """The outcome of the call is unknown; repeating the call finds out."""

    public_message = "The payment provider did not respond in time. Please try again."
