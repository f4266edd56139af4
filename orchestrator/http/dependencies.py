"""Dependencies of routes: the caller as an admin."""

from typing import Annotated

from fastapi import Depends

from common.auth.principal import Principal, Role
from common.http.auth import require_role

AdminUser = Annotated[Principal, Depends(require_role(Role.ADMIN))]
