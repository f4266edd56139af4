"""Registering, profiles, what admins change, and what other services read."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request

from common.auth.principal import Role
from common.http.auth import CurrentUser, require_role, require_service
from common.http.envelope import Success, refusals, success
from users.accounts.schemas import AdminChange, Find, InternalUser, Lookup, Profile, Register, Registered
from users.accounts.service import Accounts

__all__ = ["AccountsService", "client_address", "internal", "public"]

public: Final = APIRouter(prefix="/api", tags=["Accounts"])
internal: Final = APIRouter(prefix="/internal/users", tags=["Internal: users"], dependencies=[Depends(require_service)])
_NOT_LOGGED_IN: Final = "UNAUTHORIZED, TOKEN_EXPIRED"


async def _accounts(request: Request) -> Accounts:
    # Async, though it awaits nothing: FastAPI sends plain functions to a thread.
    accounts: Accounts = request.app.state.accounts
    return accounts


AccountsService = Annotated[Accounts, Depends(_accounts)]


def client_address(request: Request) -> str:
    """Return where the client is, as the gateway says: it overwrites what clients send in that header."""
    peer = request.client.host if request.client else ""
    return request.headers.get("x-forwarded-for", peer)


@public.post(
    "/auth/register",
    status_code=201,
    summary="Open an account",
    responses=refusals(
        {400: "VALIDATION_ERROR", 409: "EMAIL_ALREADY_EXISTS", 429: "RATE_LIMITED", 503: "SERVICE_UNAVAILABLE"}
    ),
)
async def register(body: Register, request: Request, accounts: AccountsService) -> Success[Registered]:
    """Open an account and send a code to the phone.

    While the phone is not verified, the same e-mail address and password send another code.
    """
    user_id = await accounts.register(
        email=body.email,
        phone=body.phone,
        password=body.password,
        name=body.name,
        address=client_address(request),
    )
    return success(Registered(user_id=user_id))


@public.get(
    "/users/{user_id}",
    summary="Show a profile",
    responses=refusals({400: "INVALID_UUID", 401: _NOT_LOGGED_IN, 403: "FORBIDDEN", 404: "USER_NOT_FOUND"}),
)
async def read_profile(user_id: UUID, caller: CurrentUser, accounts: AccountsService) -> Success[Profile]:
    """One's own profile; an admin may read anybody's."""
    return success(Profile.of(await accounts.profile(user_id, asked_by=caller)))


@public.patch(
    "/admin/users/{user_id}",
    summary="Flag a user, set roles or the hall (admin)",
    dependencies=[Depends(require_role(Role.ADMIN))],
    responses=refusals(
        {400: "VALIDATION_ERROR, INVALID_UUID", 401: _NOT_LOGGED_IN, 403: "FORBIDDEN", 404: "USER_NOT_FOUND"}
    ),
)
async def change_user(user_id: UUID, body: AdminChange, accounts: AccountsService) -> Success[Profile]:
    """Flag a user as high-risk, set their roles, or say at which hall they scan. Taking a role away logs them out."""
    return success(Profile.of(await accounts.change(user_id, body.as_changes())))


@internal.get("/{user_id}", responses=refusals({400: "INVALID_UUID", 404: "USER_NOT_FOUND"}))
async def read_user(user_id: UUID, accounts: AccountsService) -> Success[InternalUser]:
    return success(InternalUser.of(await accounts.facts(user_id)))


@internal.post("/find", responses=refusals({400: "VALIDATION_ERROR", 404: "USER_NOT_FOUND"}))
async def find_user(body: Find, accounts: AccountsService) -> Success[InternalUser]:
    """The user with that e-mail address, whatever its case."""
    return success(InternalUser.of(await accounts.find(body.email)))


@internal.post("/lookup", responses=refusals({400: "VALIDATION_ERROR"}))
async def look_up_users(body: Lookup, accounts: AccountsService) -> Success[list[InternalUser]]:
    """Those of the users that exist, in no particular order."""
    return success([InternalUser.of(user) for user in await accounts.look_up(body.user_ids)])
