"""Registering, profiles, what admins change, and what other services read."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request

from common.auth.principal import Role
from common.http.auth import CurrentUser, require_role, require_service
from common.http.envelope import Success, success
from users.accounts.schemas import AdminChange, InternalUser, Lookup, Profile, Register, Registered
from users.accounts.service import Accounts

__all__ = ["accounts_of", "internal", "public"]

public = APIRouter(prefix="/api", tags=["accounts"])
internal = APIRouter(prefix="/internal/users", tags=["users"], dependencies=[Depends(require_service)])


def accounts_of(request: Request) -> Accounts:
    accounts: Accounts = request.app.state.accounts
    return accounts


AccountsService = Annotated[Accounts, Depends(accounts_of)]


@public.post("/auth/register", status_code=201)
async def register(body: Register, accounts: AccountsService) -> Success[Registered]:
    """Open an account and send a code to the phone.

    While the phone is not verified, the same e-mail address and password send another code.
    """
    user_id = await accounts.register(email=body.email, phone=body.phone, password=body.password)
    return success(Registered(user_id=user_id))


@public.get("/users/{user_id}")
async def read_profile(user_id: UUID, caller: CurrentUser, accounts: AccountsService) -> Success[Profile]:
    """One's own profile; an admin may read anybody's."""
    return success(Profile.of(await accounts.profile(user_id, asked_by=caller)))


@public.patch("/admin/users/{user_id}", dependencies=[Depends(require_role(Role.ADMIN))])
async def change_user(user_id: UUID, body: AdminChange, accounts: AccountsService) -> Success[Profile]:
    """Flag a user as high-risk, or set their roles. Taking a role away logs them out."""
    return success(Profile.of(await accounts.change(user_id, is_flagged=body.is_flagged, roles=body.roles)))


@internal.get("/{user_id}")
async def read_user(user_id: UUID, accounts: AccountsService) -> Success[InternalUser]:
    return success(InternalUser.of(await accounts.facts(user_id)))


@internal.post("/lookup")
async def look_up_users(body: Lookup, accounts: AccountsService) -> Success[list[InternalUser]]:
    return success([InternalUser.of(user) for user in await accounts.look_up(body.user_ids)])
