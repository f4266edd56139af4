"""The error tree. It is independent of the transport: HTTP, gRPC and AMQP each map it in one place.

ServiceError
├── InvalidRequest          the request can never succeed
├── Unauthenticated         the caller is not identified
├── PaymentRequired         the balance is too low
├── Forbidden               the caller is identified but not allowed
├── NotFound
├── Conflict                the present state forbids it
│   └── Busy                another request has the lock
├── Gone                    it is no longer possible
├── Unprocessable           the request contradicts an earlier one
├── PreconditionRequired    a further proof is required
├── TooManyRequests
├── Unavailable             this service, or one it needs, is unavailable
│   └── OutcomeUnknown      no response: the work may or may not be done
└── Internal

A leaf names its code and default message::

    class EmailInUse(Conflict):
        code = "EMAIL_IN_USE"
        public_message = "That email address is in use."

The calling service does not know the leaf. Its client raises the kind, with the same code.
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
    """An error with a stable code.

    Args:
        public_message: safe to show to a client; the class's own message when omitted.
        code: from the contract; the class's own when omitted.
        details: public, JSON-serialisable facts for the client, such as the invalid fields.
        retry_after_seconds: when a retry makes sense.
        private: facts for the log; they never leave the process.

    Attributes:
        is_remembered: a participant has stored the error as the answer to the call's request id: under that id nothing
            was done and nothing will be. Any other error may come from a call whose work another one has done.
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
        self.is_remembered = False
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
    public_message = "There are not enough credits."


class Forbidden(ServiceError):
    kind = "forbidden"
    code = "FORBIDDEN"
    public_message = "You may not do that."


class NotFound(ServiceError):
    kind = "not_found"
    code = "NOT_FOUND"
    public_message = "That was not found."


class Conflict(ServiceError):
    kind = "conflict"
    code = "CONFLICT"
    public_message = "That is not possible in the present state."


class Busy(Conflict):
    """Another request has the lock. Nothing was changed."""

    kind = "busy"
    code = "REQUEST_IN_PROGRESS"
    public_message = "That is being changed right now. Please try again."


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
    public_message = "A further proof is required."


class TooManyRequests(ServiceError):
    kind = "too_many_requests"
    code = "RATE_LIMITED"
    public_message = "Too many requests. Please slow down."


class Unavailable(ServiceError):
    kind = "unavailable"
    code = "SERVICE_UNAVAILABLE"
    public_message = "The service is unavailable right now. Please try again."


class OutcomeUnknown(Unavailable):
    """No response in time: the work may be done. Repeat the call with the same request id to find out."""

    kind = "outcome_unknown"
    code = "UPSTREAM_TIMEOUT"
    public_message = "The service did not respond in time. Please try again."


class Internal(ServiceError):
    kind = "internal"


# A leaf's own code, such as OTP_INVALID, concerns the caller's request; these concern this service's credentials.
OUR_CREDENTIALS_REFUSED: Final = frozenset(
    {(Unauthenticated, Unauthenticated.code), (Unauthenticated, "TOKEN_EXPIRED"), (Forbidden, Forbidden.code)}
)


def as_seen_by_caller(error: ServiceError) -> ServiceError:
    """Return what another service's error means to this service's caller.

    If this service's own credentials are refused, its caller must not be asked to log in again.
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
    is_remembered: bool = False,
) -> ServiceError:
    """Rebuild an error from a response or a table. An unknown kind becomes ``Internal``."""
    error = _KINDS.get(kind, Internal)(
        public_message, code=code, details=details, retry_after_seconds=retry_after_seconds
    )
    error.is_remembered = is_remembered
    return error
