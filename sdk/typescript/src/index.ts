/** A client of TicketRemaster's API. */

export { answer, items } from "./answers.ts";
export { createClient, type Client, type ClientOptions } from "./client.ts";
export {
  ApiError, Conflict, Forbidden, Gone, NoAnswer, NotFound, PaymentRequired, RateLimited, StillProcessing, Unauthenticated,
  Unavailable,
} from "./errors.ts";
export type { ErrorCode } from "./generated/operations.ts";
export type { components, operations, paths } from "./generated/schema.ts";
export type { Tokens } from "./login.ts";
