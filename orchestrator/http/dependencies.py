"""What routes are given: the services that the container has constructed, and the caller as an admin."""

from typing import Annotated

from fastapi import Depends

from common.auth.principal import Principal, Role
from common.http.auth import require_role
from common.http.dependencies import provided

__all__ = ["AdminUser", "provided"]

AdminUser = Annotated[Principal, Depends(require_role(Role.ADMIN))]
