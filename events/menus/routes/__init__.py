"""HTTP routes of menus and, for those who manage these, of performers' profiles."""

from typing import Final

from fastapi import APIRouter

from events.menus.routes import performance_menus, tip_menus
from events.performers import routes as performers
from events.performers.acting import ADMIN_PREFIX, AS_ADMIN, AS_PERFORMER, OWN_PREFIX

performer_router: Final = APIRouter(prefix=OWN_PREFIX, dependencies=[AS_PERFORMER])
"""What performers do for themselves."""

admin_router: Final = APIRouter(prefix=ADMIN_PREFIX, dependencies=[AS_ADMIN])
"""The same, by admins for any performer."""

for _router in (performer_router, admin_router):
    for _managed in (performers.managed, tip_menus.managed, performance_menus.managed, performance_menus.templates):
        _router.include_router(_managed)
