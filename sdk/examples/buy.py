"""A fan buys a ticket and two game keys. Run: python buy.py <address of the gateway> <email> <password>."""

import asyncio
import sys
from datetime import UTC, datetime

from ticketremaster_client import AsyncClient, Conflict, StillProcessing, codes, models
from ticketremaster_client import operations as api


async def main(address: str, email: str, password: str) -> None:
    async with AsyncClient(address) as client:
        await client.log_in(email, password)
        me = await client.call(api.get_users_me())
        balance = await client.call(api.get_credits_balance())
        print(f"{me.email} has {balance.credit_balance} credits.")
        await buy_ticket(client)
        await buy_keys(client)


async def buy_ticket(client: AsyncClient) -> None:
    now = datetime.now(UTC)
    async for event in client.items(api.get_events(per_page=100)):
        if event.available_seats and (event.sale_starts_at or now) <= now < event.event_date:
            break
    else:
        return
    details = await client.call(api.get_events_by_event_id(event.event_id))
    for seat in details.seats or []:
        if seat.status != "AVAILABLE":
            continue
        wanted = models.ReserveRequest(event_id=event.event_id, seat_id=seat.seat_id)
        try:
            held = await client.call(api.post_reserve(wanted))
        except Conflict as refused:
            if refused.code != codes.SEAT_UNAVAILABLE:
                raise
            continue  # another fan was faster
        paid = await client.call(api.post_pay(models.PayRequest(order_id=held.order_id)))
        order = await client.call(api.get_orders_by_order_id(paid.order_id))
        print(f"Ticket for {event.name}: row {seat.row_number}, seat {seat.seat_number}, {order.status}.")
        return


async def buy_keys(client: AsyncClient) -> None:
    products = await client.call(api.get_products(per_page=1))
    product = products.items[0]
    wanted = models.OrderedProduct(product_id=product.product_id, quantity=2)
    try:
        placed = await client.call(api.post_digital_orders(models.DigitalOrderRequest(items=[wanted])))
    except StillProcessing as pending:
        print(f"The order goes on: {pending.data}.")
        return
    status = await client.call(api.get_fulfillment_by_order_id_status(placed.order_id))
    print(f"Two keys of {product.name} for {placed.total}: {status.fulfillment_status}.")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
