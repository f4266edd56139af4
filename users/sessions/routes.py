"""Logging in and out, the published keys, and what gateways must know."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request

from common.http.auth import CurrentUser, bearer_token, require_service
from common.http.envelope import Success, refusals, success
from users.accounts.routes import AccountsService, client_address
from users.sessions.keys import SigningKey
from users.sessions.schemas import LoggedIn, LoggedOut, Login, Revoked, Tokens, VerifyRegistration
from users.sessions.service import Sessions

__all__ = ["internal", "public", "well_known"]

public: Final = APIRouter(prefix="/api/auth", tags=["Logins"])
well_known: Final = APIRouter(include_in_schema=False)
internal: Final = APIRouter(
    prefix="/internal/sessions", tags=["Internal: sessions"], dependencies=[Depends(require_service)]
)


async def _sessions(request: Request) -> Sessions:
    # Async, though it awaits nothing: FastAPI sends plain functions to a thread.
    sessions: Sessions = request.app.state.sessions
    return sessions


SessionsService = Annotated[Sessions, Depends(_sessions)]


@public.post(
    "/verify-registration",
    summary="Verify the phone",
    responses=refusals(
        {
            400: "VALIDATION_ERROR, INVALID_UUID",
            401: "OTP_INVALID",
            404: "USER_NOT_FOUND",
            410: "OTP_EXPIRED",
            429: "OTP_MAX_RETRIES",
            503: "SERVICE_UNAVAILABLE",
        }
    ),
)
async def verify_registration(body: VerifyRegistration, accounts: AccountsService) -> Success[LoggedIn]:
    """Prove the phone by the code that was sent to it, and be logged in. Three wrong codes end the attempt."""
    user, pair = await accounts.verify_registration(user_id=body.user_id, code=body.otp_code)
    return success(LoggedIn.of_user(user, pair))


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
async def log_in(body: Login, request: Request, sessions: SessionsService) -> Success[LoggedIn]:
    """Get an access token and a refresh token. Failures are limited per account and per address."""
    user, pair = await sessions.log_in(email=body.email, password=body.password, address=client_address(request))
    return success(LoggedIn.of_user(user, pair))


@public.post("/refresh", summary="Get new tokens", responses=refusals({401: "UNAUTHORIZED, TOKEN_EXPIRED"}))
async def refresh(request: Request, sessions: SessionsService) -> Success[Tokens]:
    """Exchange the refresh token (sent as Bearer) for new tokens. Using one twice ends the login."""
    return success(Tokens.of(await sessions.refresh(bearer_token(request))))


@public.post("/logout", summary="Log out", responses=refusals({401: "UNAUTHORIZED, TOKEN_EXPIRED"}))
async def log_out(user: CurrentUser, sessions: SessionsService) -> Success[LoggedOut]:
    """End this login: its tokens are refused from now on."""
    await sessions.log_out(user.session_id)
    return success(LoggedOut())


@well_known.get("/.well-known/jwks.json")
async def read_keys(request: Request) -> dict[str, Any]:
    key: SigningKey = request.app.state.signing_key
    return key.as_jwks()


@internal.get("/revoked")
async def list_revoked(sessions: SessionsService) -> Success[list[Revoked]]:
    """Revoked logins whose access tokens may still be alive."""
    return success([Revoked.of(session) for session in await sessions.list_revoked()])
