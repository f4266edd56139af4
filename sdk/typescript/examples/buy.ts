/** A fan buys a ticket and two game keys. Run: node buy.ts <address of the gateway> <email> <password>. */

import { answer, Conflict, createClient, items, StillProcessing, type Client } from "../src/index.ts";

const [baseUrl, email, password] = process.argv.slice(2) as [string, string, string];
const client = createClient({ baseUrl });
await client.logIn(email, password);
const me = await answer(client.GET("/api/users/me"));
const balance = await answer(client.GET("/api/credits/balance"));
console.log(`${me.email} has ${balance.credit_balance} credits.`);
await buyTicket(client);
await buyKeys(client);

async function buyTicket(client: Client): Promise<void> {
  const events = items(({ page }) => client.GET("/api/events", { params: { query: { per_page: 100, ...(page && { page }) } } }));
  const now = Date.now();
  for await (const { event_id, name, available_seats, event_date, sale_starts_at } of events) {
    if (!available_seats || now >= Date.parse(event_date) || now < Date.parse(sale_starts_at ?? "1970-01-01")) continue;
    const event = await answer(client.GET("/api/events/{event_id}", { params: { path: { event_id } } }));
    for (const { seat_id, row_number, seat_number, status } of event.seats ?? []) {
      if (status !== "AVAILABLE") continue;
      try {
        const { order_id } = await answer(client.POST("/api/reserve", { body: { event_id, seat_id } }));
        await answer(client.POST("/api/pay", { body: { order_id } }));
        const order = await answer(client.GET("/api/orders/{order_id}", { params: { path: { order_id } } }));
        console.log(`Ticket for ${name}: row ${row_number}, seat ${seat_number}, ${order.status}.`);
        return;
      } catch (refused) {
        if (!(refused instanceof Conflict && refused.code === "SEAT_UNAVAILABLE")) throw refused;
      }
    }
  }
}

async function buyKeys(client: Client): Promise<void> {
  const [product] = await answer(client.GET("/api/products", { params: { query: { per_page: 1 } } }));
  if (!product) return;
  try {
    const { order_id, total } = await answer(
      client.POST("/api/digital-orders", { body: { items: [{ product_id: product.product_id, quantity: 2 }] } }),
    );
    const order = await answer(client.GET("/api/fulfillment/{order_id}/status", { params: { path: { order_id } } }));
    console.log(`Two keys of ${product.name} for ${total}: ${order.fulfillment_status}.`);
  } catch (pending) {
    if (!(pending instanceof StillProcessing)) throw pending;
    console.log(`The order goes on: ${JSON.stringify(pending.data)}.`);
  }
}
