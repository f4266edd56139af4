"""HTTP routes of sessions: logging in and out, the published keys, and revoked sessions for gateways."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request

from common.http.auth import CurrentUser, bearer_token, require_service
from common.http.client_address import ClientAddress
from common.http.dependencies import provided
from common.http.envelope import BAD_INPUT, NOT_LOGGED_IN, Success, refusals, success
from users.accounts.routes import Accounts
from users.sessions.keys import SigningKey
from users.sessions.schemas import LoggedIn, LoggedOut, Login, Revoked, Tokens, VerifyRegistration
from users.sessions.service import SessionService

__all__ = ["internal", "public", "well_known"]

public: Final = APIRouter(prefix="/api/auth", tags=["Logins"])
well_known: Final = APIRouter(include_in_schema=False)
internal: Final = APIRouter(
    prefix="/internal/sessions", tags=["Internal: sessions"], dependencies=[Depends(require_service)]
)

Sessions = Annotated[SessionService, provided(SessionService)]


@public.post(
    "/verify-registration",
    summary="Verify the phone",
    responses=refusals(
        {
            400: BAD_INPUT,
            401: "OTP_INVALID",
            404: "USER_NOT_FOUND",
            409: "PHONE_ALREADY_EXISTS",
            410: "OTP_EXPIRED",
            429: "OTP_MAX_RETRIES",
            503: "SERVICE_UNAVAILABLE",
        }
    ),
)
async def verify_registration(body: VerifyRegistration, accounts: Accounts) -> Success[LoggedIn]:
    """Verify the phone by the code sent to it, and log the user in. Three wrong codes end the attempt.

    A phone belongs to one account: if another has verified it, register again with another phone.
    """
    return success(await accounts.verify_registration(user_id=body.user_id, code=body.otp_code))


@public.post(
    "/login",
    summary="Log in",
    responses=refusals(
        {
            400: "VALIDATION_ERROR",
            401: "UNAUTHORIZED",
            403: "UNVERIFIED_ACCOUNT",
            429: "RATE_LIMITED",
            503: "SERVICE_UNAVAILABLE",
        }
    ),
)
async def log_in(body: Login, address: ClientAddress, sessions: Sessions) -> Success[LoggedIn]:
    """Get an access token and a refresh token. Failures are limited per account and per address."""
    return success(await sessions.log_in(**dict(body), address=address))


@public.post("/refresh", summary="Get new tokens", responses=refusals({401: NOT_LOGGED_IN}))
async def refresh(request: Request, sessions: Sessions) -> Success[Tokens]:
    """Exchange the refresh token (sent as Bearer) for new tokens. Using one twice ends the login."""
    return success(await sessions.refresh(bearer_token(request)))


@public.post("/logout", summary="Log out", responses=refusals({401: NOT_LOGGED_IN}))
async def log_out(user: CurrentUser, sessions: Sessions) -> Success[LoggedOut]:
    """End this login: its tokens are refused from now on."""
    await sessions.log_out(user.session_id)
    return success(LoggedOut())


@well_known.get("/.well-known/jwks.json")
async def read_keys(key: Annotated[SigningKey, provided(SigningKey)]) -> dict[str, Any]:
    return key.as_jwks()


@internal.get("/revoked")
async def list_revoked(sessions: Sessions) -> Success[list[Revoked]]:
    """Revoked sessions with access tokens that have not expired."""
    return success(await sessions.list_revoked())
