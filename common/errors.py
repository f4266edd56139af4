"""The one error tree. It knows no transport: HTTP, gRPC and AMQP each map it in one place.

ServiceError
├── InvalidRequest          the caller sent something that can never work
├── Unauthenticated         we do not know who is asking
├── PaymentRequired         the wallet cannot cover it
├── Forbidden               we know who is asking, and they may not
├── NotFound
├── Conflict                the state of a thing forbids it
│   └── Busy                somebody else holds the lock right now
├── Gone                    it was possible once and is no longer
├── Unprocessable           the request contradicts an earlier one
├── PreconditionRequired    a further proof is needed first
├── TooManyRequests
├── Unavailable             we, or somebody we need, cannot answer
│   └── OutcomeUnknown      no answer came: the work may or may not be done
└── Internal

A leaf names its code and default message::

    class SeatUnavailable(Conflict):
        code = "SEAT_UNAVAILABLE"
        public_message = "That seat is taken."

On the far side of a wire the leaf is not known; the client raises the nearest kind with the same code.
"""

from typing import Any, ClassVar, Final

__all__ = [
    "Busy",
    "Conflict",
    "Forbidden",
    "Gone",
    "Internal",
    "InvalidRequest",
    "NotFound",
    "OutcomeUnknown",
    "PaymentRequired",
    "PreconditionRequired",
    "ServiceError",
    "TooManyRequests",
    "Unauthenticated",
    "Unavailable",
    "Unprocessable",
    "as_seen_by_caller",
    "error_of_kind",
]

_KINDS: dict[str, type["ServiceError"]] = {}


class ServiceError(Exception):
    """Something went wrong in a way that has a name.

    Args:
        public_message: safe to show to a client; the class's own message when omitted.
        code: a stable code from the contract; the class's own when omitted.
        details: public, JSON-serialisable facts for the client, such as the fields that are wrong.
        retry_after_seconds: when it makes sense to ask again.
        private: facts for the log only. They never leave the process.
    """

    kind: ClassVar[str] = "internal"
    code: str = "INTERNAL_ERROR"
    public_message: str = "Something went wrong."

    def __init__(
        self,
        public_message: str | None = None,
        *,
        code: str | None = None,
        details: dict[str, Any] | None = None,
        retry_after_seconds: int | None = None,
        **private: object,
    ) -> None:
        self.code = code or type(self).code
        self.public_message = public_message or type(self).public_message
        self.details = details
        self.retry_after_seconds = retry_after_seconds
        self.private = private
        super().__init__(f"{self.code}: {self.public_message}")

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "kind" in cls.__dict__:
            _KINDS[cls.kind] = cls


class InvalidRequest(ServiceError):
    kind = "invalid_request"
    code = "VALIDATION_ERROR"
    public_message = "The request is not valid."


class Unauthenticated(ServiceError):
    kind = "unauthenticated"
    code = "UNAUTHORIZED"
    public_message = "Please log in."


class PaymentRequired(ServiceError):
    kind = "payment_required"
    code = "INSUFFICIENT_CREDITS"
    public_message = "There are not enough credits in the wallet."


class Forbidden(ServiceError):
    kind = "forbidden"
    code = "FORBIDDEN"
    public_message = "You may not do that."


class NotFound(ServiceError):
    kind = "not_found"
    code = "NOT_FOUND"
    public_message = "There is no such thing."


class Conflict(ServiceError):
    kind = "conflict"
    code = "CONFLICT"
    public_message = "That is not possible in the present state."


class Busy(Conflict):
    """A lock is held by somebody else. Nothing was changed."""

    kind = "busy"
    code = "REQUEST_IN_PROGRESS"
    public_message = "Somebody is changing that right now."


class Gone(ServiceError):
    kind = "gone"
    code = "GONE"
    public_message = "That is no longer possible."


class Unprocessable(ServiceError):
    kind = "unprocessable"
    code = "IDEMPOTENCY_KEY_REUSED"
    public_message = "That key was used for a different request."


class PreconditionRequired(ServiceError):
    kind = "precondition_required"
    code = "OTP_REQUIRED"
    public_message = "A further proof is needed first."


class TooManyRequests(ServiceError):
    kind = "too_many_requests"
    code = "RATE_LIMITED"
    public_message = "Too many requests. Please slow down."


class Unavailable(ServiceError):
    kind = "unavailable"
    code = "SERVICE_UNAVAILABLE"
    public_message = "The service cannot answer right now. Please try again."


class OutcomeUnknown(Unavailable):
    """No answer came in time: the work may have been done. Repeat the same request id to learn more."""

    kind = "outcome_unknown"
    code = "UPSTREAM_TIMEOUT"
    public_message = "The service did not answer in time. Please try again."


class Internal(ServiceError):
    kind = "internal"


# A leaf's own code, such as OTP_INVALID or NOT_SEAT_OWNER, is about the caller's request; these are about ours.
OUR_CREDENTIALS_REFUSED: Final = frozenset(
    {(Unauthenticated, Unauthenticated.code), (Unauthenticated, "TOKEN_EXPIRED"), (Forbidden, Forbidden.code)}
)


def as_seen_by_caller(error: ServiceError) -> ServiceError:
    """Return what a refusal between services means to whoever asked us.

    That our own credentials were refused is our trouble, not theirs: they would be told to log in again.
    """
    if (type(error), error.code) in OUR_CREDENTIALS_REFUSED:
        return Unavailable(refused=error.public_message)
    return error


def error_of_kind(
    kind: str,
    *,
    code: str,
    public_message: str,
    details: dict[str, Any] | None = None,
    retry_after_seconds: int | None = None,
) -> ServiceError:
    """Rebuild an error that came over a wire or out of a table. An unknown kind becomes ``Internal``."""
    return _KINDS.get(kind, Internal)(
        public_message, code=code, details=details, retry_after_seconds=retry_after_seconds
    )
