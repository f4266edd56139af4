"""The refusals of menus."""

from common.errors import InvalidRequest, NotFound


class MenuNotFound(NotFound):
    code = "MENU_NOT_FOUND"
    public_message = "There is no such menu."


class ItemNotFound(NotFound):
    code = "ITEM_NOT_FOUND"
    public_message = "There is no such item."


class TooManyMenus(InvalidRequest):
    public_message = "A performer has at most 20 menus, and as many tip grids. Delete one first."


class TooManyWhitelistedUsers(InvalidRequest):
    public_message = "A whitelist has at most 1,000 users. Remove one first."


class TooManyPoints(InvalidRequest):
    public_message = "An item gives at most 10 bonus points for each credit of its price."


class TooManyItems(InvalidRequest):
    public_message = "A menu has at most 100 items. Delete one first."
