"""The refusals that the routes of tip grids and performance menus share."""

from typing import Final

from common.http.envelope import BAD_INPUT, NOT_LOGGED_IN, refusals

_MANAGED: Final = {400: BAD_INPUT, 401: NOT_LOGGED_IN, 403: "FORBIDDEN"}
_IDEMPOTENT: Final = {409: "REQUEST_IN_PROGRESS", 422: "IDEMPOTENCY_KEY_REUSED"}

MANAGED: Final = refusals(_MANAGED)
NEW_MENU: Final = refusals(_MANAGED | _IDEMPOTENT | {404: "PERFORMER_NOT_FOUND"})
OF_MENU: Final = refusals(_MANAGED | {404: "MENU_NOT_FOUND"})
NEW_ITEM: Final = refusals(_MANAGED | _IDEMPOTENT | {404: "PERFORMER_NOT_FOUND, MENU_NOT_FOUND"})
OF_ITEM: Final = refusals(_MANAGED | {404: "MENU_NOT_FOUND, ITEM_NOT_FOUND"})
