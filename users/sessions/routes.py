"""HTTP routes of sessions: logging in and out, the published keys, and revoked sessions for gateways."""

import hashlib
from dataclasses import dataclass
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from common.http.auth import CurrentUser, bearer_token, require_service
from common.http.client_address import ClientAddress
from common.http.dependencies import provided
from common.http.envelope import BAD_INPUT, NOT_LOGGED_IN, Success, refusals, success
from users.accounts.routes import Accounts
from users.known_devices.service import KNOWN_DAYS
from users.sessions.keys import SigningKey
from users.sessions.origin import Origin
from users.sessions.schemas import LoggedIn, LoggedOut, Login, Revoked, SessionView, Tokens, VerifyRegistration
from users.sessions.service import SessionService

__all__ = ["DeviceCookie", "internal", "public", "well_known"]

PREFIX: Final = "/api/auth"
SECONDS_PER_DAY: Final = 86_400

public: Final = APIRouter(prefix=PREFIX, tags=["Logins"])
well_known: Final = APIRouter(include_in_schema=False)
internal: Final = APIRouter(
    prefix="/internal/sessions", tags=["Internal: sessions"], dependencies=[Depends(require_service)]
)

Sessions = Annotated[SessionService, provided(SessionService)]


@dataclass(frozen=True, slots=True)
class DeviceCookie:
    """The cookie with a browser's device token. No script can read it, and it goes to the login only.

    A browser has one for each address that its users log in by. The name has a digest in place of the address.
    """

    is_secure: bool

    @staticmethod
    def name_for(email: str) -> str:
        return f"device_{hashlib.sha256(email.encode()).hexdigest()[:12]}"

    def set(self, response: Response, device_token: str, *, email: str) -> None:
        response.set_cookie(
            self.name_for(email),
            device_token,
            max_age=KNOWN_DAYS * SECONDS_PER_DAY,
            path=PREFIX,
            secure=self.is_secure,
            httponly=True,
            samesite="lax",
        )


Cookie = Annotated[DeviceCookie, provided(DeviceCookie)]


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
            403: "ACCOUNT_SUSPENDED",
            404: "USER_NOT_FOUND",
            409: "PHONE_ALREADY_EXISTS",
            410: "OTP_EXPIRED",
            429: "OTP_MAX_RETRIES",
            503: "SERVICE_UNAVAILABLE",
        }
    ),
)
async def verify_registration(
    *, body: VerifyRegistration, response: Response, accounts: Accounts, cookie: Cookie, origin: LoginOrigin
) -> Success[LoggedIn]:
    """Verify the phone by the code sent to it, and log the user in. Three wrong codes end the attempt.

    The right code can be repeated for ten minutes, if the response was lost. An email asks to prove the email address.

    A phone belongs to one account: if another has verified it, register again with another phone.
    """
    logged_in = await accounts.verify_registration(user_id=body.user_id, code=body.otp_code, origin=origin)
    cookie.set(response, logged_in.device_token, email=(await accounts.facts(body.user_id)).login_email)
    return success(logged_in)


@public.post(
    "/login",
    summary="Log in",
    responses=refusals(
        {
            400: "VALIDATION_ERROR",
            401: "UNAUTHORIZED",
            403: "UNVERIFIED_ACCOUNT, ACCOUNT_SUSPENDED",
            429: "RATE_LIMITED",
            503: "SERVICE_UNAVAILABLE",
        }
    ),
)
async def log_in(
    *,
    body: Login,
    request: Request,
    response: Response,
    address: ClientAddress,
    origin: LoginOrigin,
    sessions: Sessions,
    cookie: Cookie,
) -> Success[LoggedIn]:
    """Get an access token, a refresh token and a device token; a cookie has the last one, too.

    Failures are limited per account and per address. A device that sends its device token, in the cookie or the body, is
    counted apart from all others.
    """
    device_token = body.device_token or request.cookies.get(cookie.name_for(body.email))
    logged_in = await sessions.log_in(
        email=body.email, password=body.password, address=address, origin=origin, device_token=device_token
    )
    cookie.set(response, logged_in.device_token, email=body.email)
    return success(logged_in)


@public.post(
    "/refresh",
    summary="Get new tokens",
    responses=refusals({401: NOT_LOGGED_IN, 403: "ACCOUNT_SUSPENDED", 429: "RATE_LIMITED"}),
)
async def refresh(request: Request, sessions: Sessions) -> Success[Tokens]:
    """Exchange the refresh token (sent as Bearer) for new tokens.

    A lost answer can be asked for again within 30 seconds, while no refresh token of an earlier answer was used. Any other
    second use ends the login.
    """
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
