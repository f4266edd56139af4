"""The refusals and ends of digital orders, and the failures of supplier and storage."""

from common.errors import Conflict, Gone, Internal, NotFound, Unavailable


class ProductNotFound(NotFound):
    code = "PRODUCT_NOT_FOUND"
    public_message = "There is no such product."


class ProductInactive(Conflict):
    code = "ITEM_INACTIVE"
    public_message = "That product is not for sale."


class PaymentExpired(Gone):
    """The reason of an order that was not paid in time."""

    code = "PAYMENT_EXPIRED"
    public_message = "The order was not paid in time."


class GoodsFailed(Conflict):
    """The reason of an order of which the supplier delivers nothing."""

    code = "GOODS_FAILED"
    public_message = "The supplier could not deliver your order."


class GoodsRefunded(Conflict):
    """The reason of an order that an admin refunds."""

    code = "GOODS_REFUNDED"
    public_message = "The order was refunded."


class KeysDeleted(Gone):
    code = "KEYS_DELETED"
    public_message = "The codes of this order are deleted."


class LinkNotFound(NotFound):
    public_message = "There is no such link."


class CodesUnreadable(Internal):
    """The stored object is not what this release stores. The error does not show it."""

    public_message = "The codes of this order cannot be read."


class LinkExpired(Gone):
    code = "OFFER_EXPIRED"
    public_message = "The link has expired. Please ask for a new one."


class SupplierUnavailable(Unavailable):
    """The supplier responds with an error, or not in time. Another attempt may succeed."""

    public_message = "The supplier does not respond."


class ReservationFailed(Unavailable):
    """Why an order has failed whose items could not be reserved, for another reason than the supplier."""

    public_message = "Your order could not be carried out yet."


class SupplierRefused(Conflict):
    """The supplier will never deliver it: the product is gone, or the reservation has failed."""

    code = "SUPPLIER_REFUSED"
    public_message = "The supplier does not deliver that."


class StorageUnavailable(Unavailable):
    public_message = "The storage of codes does not respond."
