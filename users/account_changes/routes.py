"""HTTP routes by which users change their own accounts."""

from typing import Annotated, Final

from fastapi import APIRouter

from common.http.auth import CurrentUser
from common.http.client_address import ClientAddress
from common.http.dependencies import provided
from common.http.envelope import NOT_LOGGED_IN, Success, refusals, success
from users.account_changes.schemas import (
    ChangePassword,
    ChangeProfile,
    Done,
    EmailVerified,
    ForgotPassword,
    ResetPassword,
    VerifyEmail,
    VerifyPhone,
)
from users.account_changes.service import AccountChangeService
from users.accounts.schemas import Profile

__all__ = ["public"]

public: Final = APIRouter(prefix="/api", tags=["Accounts"])

Changes = Annotated[AccountChangeService, provided(AccountChangeService)]

LINK_SENT: Final = "If an account has that address, an email with a link is on its way."
RESET: Final = "Your password is changed. Please log in."
CHANGED: Final = "Your password is changed. Your other logins have ended."
RESENT: Final = "If your email address is not verified yet, an email with a link is on its way."


@public.post(
    "/auth/forgot-password",
    summary="Get a link to set a new password",
    responses=refusals({400: "VALIDATION_ERROR", 429: "RATE_LIMITED"}),
)
async def forgot_password(body: ForgotPassword, address: ClientAddress, changes: Changes) -> Success[Done]:
    """Have a link sent by email. The response is the same whether an account has the address or not."""
    await changes.forgot_password(email=body.email, address=address)
    return success(Done(message=LINK_SENT))


@public.post(
    "/auth/reset-password",
    summary="Set a new password by a link",
    responses=refusals(
        {
            400: "VALIDATION_ERROR",
            409: "EMAIL_ALREADY_EXISTS, PHONE_ENDING_REQUIRED",
            410: "LINK_EXPIRED",
            503: "SERVICE_UNAVAILABLE",
        }
    ),
)
async def reset_password(body: ResetPassword, address: ClientAddress, changes: Changes) -> Success[Done]:
    """Set a new password, once for each link, within 30 minutes. All logins end, and the email address is verified.

    If several accounts have the address unverified, the last digits of the account's phone say which; three tries.
    """
    await changes.reset_password(**body.model_dump(), address=address)
    return success(Done(message=RESET))


@public.post(
    "/auth/verify-email",
    summary="Verify the email address by a link",
    responses=refusals(
        {
            400: "VALIDATION_ERROR",
            403: "PASSWORD_INVALID",
            404: "USER_NOT_FOUND",
            409: "EMAIL_ALREADY_EXISTS",
            410: "LINK_EXPIRED",
            429: "RATE_LIMITED",
            503: "SERVICE_UNAVAILABLE",
        }
    ),
)
async def verify_email(body: VerifyEmail, changes: Changes) -> Success[EmailVerified]:
    """Verify the address that the link was sent to, within 30 minutes. If it is a new one, it replaces the previous one.

    While other accounts have the address unverified, the password of the link's account is needed.
    """
    return success(EmailVerified(email=await changes.verify_email(token=body.token, password=body.password)))


@public.post(
    "/auth/verify-email/resend",
    summary="Get another link to verify the email address",
    responses=refusals({401: NOT_LOGGED_IN, 404: "USER_NOT_FOUND", 429: "RATE_LIMITED"}),
)
async def resend_link(user: CurrentUser, address: ClientAddress, changes: Changes) -> Success[Done]:
    """Have another link sent to the address that is not verified yet."""
    await changes.resend_link(user.user_id, address=address)
    return success(Done(message=RESENT))


@public.post(
    "/auth/change-password",
    summary="Change your password",
    responses=refusals(
        {
            400: "VALIDATION_ERROR",
            401: NOT_LOGGED_IN,
            403: "PASSWORD_INVALID",
            404: "USER_NOT_FOUND",
            429: "RATE_LIMITED",
            503: "SERVICE_UNAVAILABLE",
        }
    ),
)
async def change_password(body: ChangePassword, user: CurrentUser, changes: Changes) -> Success[Done]:
    """Change the password. The other logins end, and so does a change of email or phone that is not proven yet."""
    await changes.change_password(user, current_password=body.current_password, new_password=body.new_password)
    return success(Done(message=CHANGED))


@public.patch(
    "/users/me",
    summary="Change your name, email address or phone",
    responses=refusals(
        {
            400: "VALIDATION_ERROR",
            401: NOT_LOGGED_IN,
            403: "PASSWORD_INVALID",
            404: "USER_NOT_FOUND",
            429: "RATE_LIMITED",
            503: "SERVICE_UNAVAILABLE",
        }
    ),
)
async def change_profile(
    body: ChangeProfile, user: CurrentUser, address: ClientAddress, changes: Changes
) -> Success[Profile]:
    """Change the name at once. A new email address counts once the link sent to it is used.

    An account whose address another account has (`email` is null) logs in by its `new_email` until then, so it keeps that.

    A new phone counts once the code sent to it is entered: `POST /api/users/me/verify-phone`.
    """
    return success(Profile.model_validate(await changes.change_profile(user.user_id, body, address=address)))


@public.post(
    "/users/me/verify-phone",
    summary="Verify your new phone",
    responses=refusals(
        {
            400: "VALIDATION_ERROR",
            401: f"{NOT_LOGGED_IN}, OTP_INVALID",
            404: "USER_NOT_FOUND",
            409: "PHONE_ALREADY_EXISTS",
            410: "OTP_EXPIRED",
            429: "OTP_MAX_RETRIES",
            503: "SERVICE_UNAVAILABLE",
        }
    ),
)
async def verify_phone(body: VerifyPhone, user: CurrentUser, changes: Changes) -> Success[Profile]:
    """Verify the new phone by the code sent to it; it replaces the previous one. Three wrong codes end the attempt."""
    return success(Profile.model_validate(await changes.verify_phone(user.user_id, code=body.otp_code)))
