/** Which calls are repeated, and after which pause. */

import { ApiError, errorOf, NoAnswer, RateLimited, secondsOf, StillProcessing, Unavailable } from "./errors.ts";
import { KEYED, PENDING } from "./generated/operations.ts";

const FIRST_PAUSE_SECONDS = 0.5;
const IN_PROGRESS = "REQUEST_IN_PROGRESS"; // of the first request with the key
const KEY = "Idempotency-Key";

/** How often a call is made at most, if it is refused with 429, or if it is repeatable and its outcome is open. */
export interface Repeats {
  attempts: number;
  /** A call that is to be repeated later than that throws. */
  longestPauseSeconds: number;
}

/**
 * Send a request until it succeeds. All attempts have the same `Idempotency-Key`.
 *
 * @param operation such as `POST /api/orders/{order_id}/refund`.
 * @throws ApiError, StillProcessing, NoAnswer
 */
export async function repeated(
  operation: string, request: Request, send: (request: Request) => Promise<Response>, repeats: Repeats,
): Promise<Response> {
  const takesKey = KEYED.has(operation);
  if (takesKey && !request.headers.has(KEY)) request.headers.set(KEY, crypto.randomUUID());
  const isRepeatable = takesKey || request.method === "GET";
  for (let attempt = 1; ; attempt++) {
    const outcome = await outcomeOf(operation, send(request));
    if (outcome instanceof Response) return outcome;
    const { error, retryAfter } = outcome;
    const spread = 0.75 + Math.random() / 4; // it keeps clients from calling in step
    const seconds = retryAfter ?? FIRST_PAUSE_SECONDS * 2 ** (attempt - 1) * spread;
    const isLast = attempt >= repeats.attempts || seconds > repeats.longestPauseSeconds || request.signal.aborted;
    if (isLast || !mayRepeat(error, isRepeatable)) throw error;
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  }
}

async function outcomeOf(
  operation: string, answer: Promise<Response>,
): Promise<Response | { error: Error; retryAfter: number | undefined }> {
  let response: Response;
  try {
    response = await answer;
  } catch (error) {
    if (error instanceof ApiError) return { error, retryAfter: error.retryAfter }; // the login could not be renewed
    return { error: new NoAnswer(error), retryAfter: undefined };
  }
  const retryAfter = secondsOf(response);
  if (response.status === 202 && PENDING.has(operation)) {
    return { error: new StillProcessing((await response.json()).data), retryAfter };
  }
  return response.ok ? response : { error: await errorOf(response), retryAfter };
}

function mayRepeat(error: Error, isRepeatable: boolean): boolean {
  if (error instanceof RateLimited) return true;
  const isOpen = error instanceof Unavailable || error instanceof NoAnswer || error instanceof StillProcessing;
  return isRepeatable && (isOpen || (error instanceof ApiError && error.code === IN_PROGRESS));
}
