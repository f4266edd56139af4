/** The client and the running platform. tests/e2e/test_typescript_client.py says what is there, and which requests fail. */

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  answer, createClient, items, NoAnswer, NotFound, RateLimited, Unauthenticated, Unavailable, type Tokens,
} from "../src/index.ts";

const { gateway, email, password, userId, eventId, seatId, expired, spent } = JSON.parse(process.env["SITUATION"]!) as {
  gateway: string; email: string; password: string; userId: string; eventId: string; seatId: string;
  expired: { accessToken: string; refreshToken: string }; spent: Tokens;
};

async function loggedIn(attempts = 6) {
  const client = createClient({ baseUrl: gateway, attempts });
  await client.logIn(email, password);
  return client;
}

test("calls whose outcome is open are repeated with their key", async () => {
  const client = await loggedIn();
  const { order_id } = await answer(client.POST("/api/reserve", { body: { event_id: eventId, seat_id: seatId } }));
  assert.equal((await answer(client.POST("/api/pay", { body: { order_id } }))).status, "CONFIRMED");
  const mine = await answer(client.GET("/api/orders"));
  assert.deepEqual(mine.map((order) => order.order_id), [order_id]);
});

test("what may have had its effect is not repeated without a key", async () => {
  const client = await loggedIn();
  const change = () => client.PATCH("/api/users/me", { body: {} });
  await assert.rejects(change, NoAnswer);
  await assert.rejects(change, Unavailable);
  await assert.rejects(change, (error) => error instanceof RateLimited && error.retryAfter === 3600);
});

test("a call is repeated as often as asked", async () => {
  const client = await loggedIn(2);
  await assert.rejects(() => client.GET("/api/auth/sessions"), Unavailable);
});

test("refusals have types and codes", async () => {
  const client = createClient({ baseUrl: gateway });
  await assert.rejects(() => client.logIn(email, "another password"), Unauthenticated);
  await client.logIn(email, password);
  const path = { order_id: crypto.randomUUID() };
  await assert.rejects(
    () => client.GET("/api/orders/{order_id}", { params: { path } }),
    (error) => error instanceof NotFound && error.code === "ORDER_NOT_FOUND" && error.correlationId !== "",
  );
});

test("the caller may give the key", async () => {
  const [product] = await answer((await loggedIn()).GET("/api/products"));
  const body = { items: [{ product_id: product!.product_id }] };
  const placed = [];
  for (const client of [await loggedIn(), await loggedIn()]) {
    const order = client.POST("/api/digital-orders", { body, params: { header: { "idempotency-key": "keys" } } });
    placed.push((await answer(order)).order_id);
  }
  assert.equal(placed[0], placed[1]);
});

test("lists are read page after page", async () => {
  const client = await loggedIn();
  const whole = await answer(client.GET("/api/products", { params: { query: { per_page: 100 } } }));
  const paged = [];
  const list = items(({ page }) =>
    client.GET("/api/products", { params: { query: { per_page: 2, ...(page && { page }) } } }));
  for await (const product of list) paged.push(product);
  assert.ok(whole.length > 2);
  assert.deepEqual(paged, whole);
});

test("concurrent calls renew an expired login once", async () => {
  const renewed: Tokens[] = [];
  const client = createClient({ baseUrl: gateway, tokens: expired, onTokens: (tokens) => renewed.push(tokens) });
  const found = await Promise.all([1, 2, 3, 4, 5].map(() => answer(client.GET("/api/credits/balance"))));
  assert.equal(found.length, 5);
  assert.equal(renewed.length, 1);
  assert.notEqual(renewed[0]!.refreshToken, expired.refreshToken);
});

test("a login that cannot be renewed has ended", async () => {
  const client = createClient({ baseUrl: gateway, tokens: spent });
  await assert.rejects(() => client.GET("/api/tickets"), Unauthenticated);
});

test("types refuse what the API does not know", () => {
  const client = createClient({ baseUrl: gateway });
  const wrong = () => [
    // @ts-expect-error: a field that is missing
    client.POST("/api/pay", { body: { order: userId } }),
    // @ts-expect-error: a field of another type
    client.POST("/api/reserve", { body: { event_id: 1, seat_id: seatId } }),
    // @ts-expect-error: a path that does not exist
    client.GET("/api/no-such-path"),
    // @ts-expect-error: a property that the answer does not have
    answer(client.GET("/api/credits/balance")).then((balance) => balance.amount),
  ];
  assert.ok(wrong);
});
