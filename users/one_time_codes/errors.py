"""The refusals of one-time codes."""

from common.errors import Gone, TooManyRequests, Unauthenticated, Unavailable


class OtpInvalid(Unauthenticated):
    code = "OTP_INVALID"
    public_message = "That code is wrong."


class OtpExpired(Gone):
    code = "OTP_EXPIRED"
    public_message = "That code is no longer valid. Please ask for a new one."


class OtpMaxRetries(TooManyRequests):
    code = "OTP_MAX_RETRIES"
    public_message = "Three wrong codes. Please ask for a new one."


class OtpUsedUp(OtpMaxRetries):
    """No other code will be sent."""

    public_message = "Three wrong codes. That can no longer be confirmed."


class OtpUnavailable(Unavailable):
    public_message = "Codes cannot be sent or checked right now. Please try again."
