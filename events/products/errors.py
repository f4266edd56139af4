"""The refusals of products."""

from common.errors import Conflict, NotFound


class ProductNotFound(NotFound):
    code = "PRODUCT_NOT_FOUND"
    public_message = "There is no such product."


class ProductInactive(Conflict):
    code = "ITEM_INACTIVE"
    public_message = "That product is not for sale."


class OutOfStock(Conflict):
    code = "OUT_OF_STOCK"
    public_message = "That product is out of stock."
