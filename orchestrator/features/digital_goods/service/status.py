"""What buyers and admins see of an order: its status, its items, and how it is paid."""

import uuid
from dataclasses import dataclass

from common.auth.principal import Principal
from orchestrator.clients.orders.digital_orders import DigitalOrderFacts, DigitalOrdersClient, DigitalOrderStatus
from orchestrator.clients.users.payments import PaymentsClient
from orchestrator.errors import NotYours
from orchestrator.features.digital_goods.models import PaymentInstructions, payment_id_of
from orchestrator.features.digital_goods.schemas.status import DigitalItemView, FulfillmentView
from orchestrator.features.digital_goods.service.reading import can_reveal


@dataclass(frozen=True, slots=True)
class FulfillmentStatusService:
    orders: DigitalOrdersClient
    payments: PaymentsClient

    async def show(self, order_id: uuid.UUID, user: Principal) -> FulfillmentView:
        """Return an order to its buyer, or to an admin.

        Raises:
            NotFound: ORDER_NOT_FOUND.
            Forbidden: another user's order.
        """
        order = await self.orders.find(order_id)
        if not user.may_act_for(order.buyer_user_id):
            raise NotYours
        if order.status is not DigitalOrderStatus.CREATED:
            return view_of(order)
        return view_of(order, PaymentInstructions.of(await self.payments.find(payment_id_of(order_id))))


def view_of(order: DigitalOrderFacts, payment: PaymentInstructions | None = None) -> FulfillmentView:
    return FulfillmentView(
        order_id=order.order_id,
        status=order.status,
        fulfillment_status=order.fulfillment_status,
        items=[DigitalItemView.model_validate(item) for item in order.items],
        total=order.total,
        pay_with=order.pay_with,
        payment=payment,
        can_reveal=can_reveal(order),
        keys_deleted=order.keys_deleted_at is not None,
        failure_code=order.failure_code,
        failure_message=order.failure_message,
        created_at=order.created_at,
        paid_at=order.paid_at,
        ready_at=order.ready_at,
    )
