"""HTTP routes of accounts: registration, profiles, changes by admins, and reads of other services."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from common.auth.principal import Role
from common.fields import PlainText
from common.http.auth import ADMIN_ONLY, AdminUser, CurrentUser, require_service
from common.http.client_address import ClientAddress
from common.http.dependencies import provided
from common.http.envelope import (
    BAD_INPUT,
    NOT_LOGGED_IN,
    PageQuery,
    Paginated,
    Success,
    paginated,
    refusals,
    success,
)
from common.rows import readable
from users.accounts.schemas import (
    AdminChange,
    Find,
    InternalUser,
    Lookup,
    Profile,
    Register,
    Registered,
    UserSearch,
)
from users.accounts.service import AccountService

public: Final = APIRouter(prefix="/api", tags=["Accounts"])
internal: Final = APIRouter(prefix="/internal/users", tags=["Internal: users"], dependencies=[Depends(require_service)])

Accounts = Annotated[AccountService, provided(AccountService)]


@public.post(
    "/auth/register",
    status_code=201,
    summary="Open an account",
    responses=refusals(
        {400: "VALIDATION_ERROR", 409: "EMAIL_ALREADY_EXISTS", 429: "RATE_LIMITED", 503: "SERVICE_UNAVAILABLE"}
    ),
)
async def register(body: Register, address: ClientAddress, accounts: Accounts) -> Success[Registered]:
    """Open an account and send a code to the phone. Another account that has not verified the address does not matter.

    While the phone is not verified, the same email address and password send another code.
    """
    user_id = await accounts.register(**body.model_dump(), address=address)
    return success(Registered(user_id=user_id))


@public.get("/users/me", summary="Show your profile", responses=refusals({401: NOT_LOGGED_IN, 404: "USER_NOT_FOUND"}))
async def read_own_profile(caller: CurrentUser, accounts: Accounts) -> Success[Profile]:
    """The caller's own profile."""
    return success(Profile.model_validate(await accounts.facts(caller.user_id)))


@public.get(
    "/users/{user_id}",
    summary="Show a profile",
    responses=refusals({400: "INVALID_UUID", 401: NOT_LOGGED_IN, 403: "FORBIDDEN", 404: "USER_NOT_FOUND"}),
)
async def read_profile(user_id: UUID, caller: CurrentUser, accounts: Accounts) -> Success[Profile]:
    """The caller's own profile; an admin may read all."""
    return success(Profile.model_validate(await accounts.profile(user_id, asked_by=caller)))


@public.get(
    "/admin/users",
    summary="List and search users (admin)",
    dependencies=[ADMIN_ONLY],
    responses=refusals({400: "VALIDATION_ERROR", 401: NOT_LOGGED_IN, 403: "FORBIDDEN"}),
)
async def list_users(
    page: PageQuery,
    accounts: Accounts,
    *,
    q: Annotated[
        PlainText | None,
        Query(max_length=100, description="Part of an email address, name or phone, or a user's id."),
    ] = None,
    role: Role | None = None,
) -> Paginated[Profile]:
    """Users, the newest first."""
    users, total = await accounts.search(UserSearch(text=q, role=role), limit=page.per_page, offset=page.offset)
    return paginated((readable(users, Profile.model_validate, of="users"), total), page)


@public.patch(
    "/admin/users/{user_id}",
    summary="Flag or suspend a user, set roles, email address or hall (admin)",
    responses=refusals(
        {
            400: BAD_INPUT,
            401: NOT_LOGGED_IN,
            403: "FORBIDDEN",
            404: "USER_NOT_FOUND",
            409: "EMAIL_ALREADY_EXISTS, LAST_ADMIN",
        }
    ),
)
async def change_user(
    *, user_id: UUID, body: AdminChange, admin: AdminUser, address: ClientAddress, accounts: Accounts
) -> Success[Profile]:
    """Flag a user as high-risk, suspend them, set their roles or email address, or assign the hall where they scan.

    Removing a role or suspending logs them out. The last admin cannot be demoted or suspended.

    The email address is not verified by that. The previous address is told.
    """
    changed = await accounts.change(user_id, body, admin_user_id=admin.user_id, address=address)
    return success(Profile.model_validate(changed))


@internal.get("/{user_id}", responses=refusals({400: "INVALID_UUID", 404: "USER_NOT_FOUND"}))
async def read_user(user_id: UUID, accounts: Accounts) -> Success[InternalUser]:
    return success(InternalUser.model_validate(await accounts.facts(user_id)))


@internal.post("/find", responses=refusals({400: "VALIDATION_ERROR", 404: "USER_NOT_FOUND"}))
async def find_user(body: Find, accounts: Accounts) -> Success[InternalUser]:
    """The user who has verified that email address, in any case."""
    return success(InternalUser.model_validate(await accounts.find(body.email)))


@internal.post("/lookup", responses=refusals({400: "VALIDATION_ERROR"}))
async def look_up_users(body: Lookup, accounts: Accounts) -> Success[list[InternalUser]]:
    """The users that exist, in no particular order."""
    return success(readable(await accounts.look_up(body.user_ids), InternalUser.model_validate, of="users"))
