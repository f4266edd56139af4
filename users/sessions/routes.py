"""HTTP routes of sessions: logging in and out, the published keys, and revoked sessions for gateways."""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request

from common.http.auth import CurrentUser, bearer_token, require_service
from common.http.client_address import ClientAddress
from common.http.dependencies import provided
from common.http.envelope import BAD_INPUT, NOT_LOGGED_IN, Success, refusals, success
from users.accounts.routes import Accounts
from users.sessions.keys import SigningKey
from users.sessions.origin import Origin
from users.sessions.schemas import LoggedIn, LoggedOut, Login, Revoked, SessionView, Tokens, VerifyRegistration
from users.sessions.service import SessionService

__all__ = ["internal", "public", "well_known"]

public: Final = APIRouter(prefix="/api/auth", tags=["Logins"])
well_known: Final = APIRouter(include_in_schema=False)
internal: Final = APIRouter(
    prefix="/internal/sessions", tags=["Internal: sessions"], dependencies=[Depends(require_service)]
)

Sessions = Annotated[SessionService, provided(SessionService)]


async def _origin(request: Request, address: ClientAddress) -> Origin:
    return Origin.of(user_agent=request.headers.get("user-agent", ""), address=address)


LoginOrigin = Annotated[Origin, Depends(_origin)]


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
async def verify_registration(body: VerifyRegistration, accounts: Accounts, origin: LoginOrigin) -> Success[LoggedIn]:
    """Verify the phone by the code sent to it, and log the user in. Three wrong codes end the attempt.

    The right code can be repeated for ten minutes, if the response was lost. An email asks to prove the email address.

    A phone belongs to one account: if another has verified it, register again with another phone.
    """
    return success(await accounts.verify_registration(user_id=body.user_id, code=body.otp_code, origin=origin))


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
async def log_in(body: Login, address: ClientAddress, sessions: Sessions, origin: LoginOrigin) -> Success[LoggedIn]:
    """Get an access token and a refresh token. Failures are limited per account and per address."""
    return success(await sessions.log_in(**dict(body), address=address, origin=origin))


@public.post("/refresh", summary="Get new tokens", responses=refusals({401: NOT_LOGGED_IN}))
async def refresh(request: Request, sessions: Sessions) -> Success[Tokens]:
    """Exchange the refresh token (sent as Bearer) for new tokens. Using one twice ends the login."""
    return success(await sessions.refresh(bearer_token(request)))


@public.post("/logout", summary="Log out", responses=refusals({401: NOT_LOGGED_IN}))
async def log_out(user: CurrentUser, sessions: Sessions) -> Success[LoggedOut]:
    """End this login: its tokens are refused from now on."""
    await sessions.log_out(user.session_id)
    return success(LoggedOut())


@public.get("/sessions", summary="List your logins", responses=refusals({401: NOT_LOGGED_IN}))
async def list_sessions(user: CurrentUser, sessions: Sessions) -> Success[list[SessionView]]:
    """The caller's logins, the one used last first; a hundred at most."""
    return success(await sessions.list_open(user))


@public.delete("/sessions", status_code=204, summary="Log out everywhere", responses=refusals({401: NOT_LOGGED_IN}))
async def end_sessions(user: CurrentUser, sessions: Sessions) -> None:
    """End all logins, this one included."""
    await sessions.end_all(user.user_id)


@public.delete(
    "/sessions/{session_id}",
    status_code=204,
    summary="End one of your logins",
    responses=refusals({400: "INVALID_UUID", 401: NOT_LOGGED_IN, 404: "NOT_FOUND"}),
)
async def end_session(session_id: UUID, user: CurrentUser, sessions: Sessions) -> None:
    """End one of the caller's logins: its tokens are refused from now on."""
    await sessions.end(session_id, user_id=user.user_id)


@well_known.get("/.well-known/jwks.json")
async def read_keys(key: Annotated[SigningKey, provided(SigningKey)]) -> dict[str, Any]:
    return key.as_jwks()


@internal.get("/revoked")
async def list_revoked(sessions: Sessions) -> Success[list[Revoked]]:
    """Revoked sessions with access tokens that have not expired."""
    return success(await sessions.list_revoked())
