"""Logging in and out, the published keys, and what gateways must know."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from common.http.auth import CurrentUser, bearer_token, require_service
from common.http.envelope import Success, success
from users.accounts.routes import AccountsService
from users.sessions.keys import SigningKey
from users.sessions.schemas import LoggedIn, LoggedOut, Login, Revoked, Tokens, VerifyRegistration
from users.sessions.service import Sessions

__all__ = ["internal", "public", "well_known"]

public = APIRouter(prefix="/api/auth", tags=["auth"])
well_known = APIRouter(include_in_schema=False)
internal = APIRouter(prefix="/internal/sessions", tags=["sessions"], dependencies=[Depends(require_service)])


def _sessions(request: Request) -> Sessions:
    sessions: Sessions = request.app.state.sessions
    return sessions


SessionsService = Annotated[Sessions, Depends(_sessions)]


@public.post("/verify-registration")
async def verify_registration(body: VerifyRegistration, accounts: AccountsService) -> Success[LoggedIn]:
    """Prove the phone by the code that was sent to it, and be logged in."""
    user, pair = await accounts.verify_registration(user_id=body.user_id, code=body.otp_code)
    return success(LoggedIn.of_user(user, pair))


@public.post("/login")
async def log_in(body: Login, request: Request, sessions: SessionsService) -> Success[LoggedIn]:
    """Get an access token and a refresh token. Failures are limited per account and per address."""
    # The server puts the gateway's X-Forwarded-For here, when the peer is one it trusts (FORWARDED_ALLOW_IPS).
    address = request.client.host if request.client else ""
    user, pair = await sessions.log_in(email=body.email, password=body.password, address=address)
    return success(LoggedIn.of_user(user, pair))


@public.post("/refresh")
async def refresh(request: Request, sessions: SessionsService) -> Success[Tokens]:
    """Exchange the refresh token (sent as Bearer) for new tokens. Using one twice ends the session."""
    return success(Tokens.of(await sessions.refresh(bearer_token(request))))


@public.post("/logout")
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
