/** What calls result in, without the envelope of the answer. */

import type { components } from "./generated/schema.ts";

/** Return the `data` of an answer: `const order = await answer(client.GET(…))`. */
export async function answer<T>(call: Promise<{ data?: { data: T } }>): Promise<T> {
  const { data: body } = await call;
  return body!.data; // a refusal throws
}

/** Where a page begins: lists take one of these parameters. */
export interface Place {
  page?: number;
  after?: string;
  offset?: number;
}

interface Page<T> {
  data: T[];
  pagination: components["schemas"]["Pagination"];
}

/**
 * Yield the items of a list, page after page.
 *
 *     items(({ page }) => client.GET("/api/events", { params: { query: { q: "jazz", ...(page && { page }) } } }))
 */
export async function* items<T>(list: (place: Place) => Promise<{ data?: Page<T> }>): AsyncGenerator<T> {
  let place: Place | undefined = {};
  while (place) {
    const { data, pagination }: Page<T> = (await list(place)).data!;
    yield* data;
    place = following(place, pagination);
  }
}

function following(place: Place, at: components["schemas"]["Pagination"]): Place | undefined {
  if (at.next) return { after: at.next };
  if (place.after !== undefined || at.page >= at.total_pages) return undefined;
  return { page: at.page + 1, offset: at.page * at.per_page };
}
