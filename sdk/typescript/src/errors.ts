/** The refusals of the API as exceptions. */

import type { ErrorCode } from "./generated/operations.ts";

export interface Refusal {
  status: number;
  code: ErrorCode;
  message: string;
  details: Record<string, unknown>;
  correlationId: string;
  /** Seconds after which the API asks to be called again. */
  retryAfter: number | undefined;
}

/** The API refused a call. `code` is stable, `message` is for users. */
export class ApiError extends Error implements Refusal {
  readonly status: number;
  readonly code: ErrorCode;
  readonly details: Record<string, unknown>;
  readonly correlationId: string;
  readonly retryAfter: number | undefined;

  constructor(refusal: Refusal) {
    super(refusal.message);
    this.name = new.target.name;
    this.status = refusal.status;
    this.code = refusal.code;
    this.details = refusal.details;
    this.correlationId = refusal.correlationId;
    this.retryAfter = refusal.retryAfter;
  }
}

/** 401: log in again. */
export class Unauthenticated extends ApiError {}
/** 402: the wallet does not cover it. */
export class PaymentRequired extends ApiError {}
/** 403. */
export class Forbidden extends ApiError {}
/** 404: it does not exist, or belongs to another user. */
export class NotFound extends ApiError {}
/** 409: another call, or the present state, excludes this one. */
export class Conflict extends ApiError {}
/** 410: it has expired or was deleted. */
export class Gone extends ApiError {}
/** 429: too many requests. None of them had an effect. */
export class RateLimited extends ApiError {}
/** 502, 503 or 504: the platform, or a part of it, does not respond. The call may have had its effect. */
export class Unavailable extends ApiError {}

/** The work goes on in the background. `data` has the ids by which its outcome can be read. */
export class StillProcessing extends Error {
  readonly data: Record<string, unknown>;

  constructor(data: Record<string, unknown>) {
    super("The work goes on in the background.");
    this.name = "StillProcessing";
    this.data = data;
  }
}

/** The connection failed, or the time is up. The call may have had its effect. */
export class NoAnswer extends Error {
  constructor(cause: unknown) {
    super("The API did not answer.", { cause });
    this.name = "NoAnswer";
  }
}

const BY_STATUS: Record<number, typeof ApiError> = {
  401: Unauthenticated, 402: PaymentRequired, 403: Forbidden, 404: NotFound, 409: Conflict, 410: Gone, 429: RateLimited,
  502: Unavailable, 503: Unavailable, 504: Unavailable,
};

/** Return the exception of an error response, even of one that is not the API's own, such as a proxy's. */
export async function errorOf(response: Response): Promise<ApiError> {
  const text = await response.text();
  let body: Record<string, unknown> = {};
  try {
    body = JSON.parse(text) ?? {};
  } catch {
    // a proxy's page
  }
  const kind = BY_STATUS[response.status] ?? ApiError;
  return new kind({
    status: response.status,
    code: String(body["error_code"] ?? "UNKNOWN"),
    message: String(body["message"] ?? response.statusText),
    details: (body["details"] as Record<string, unknown> | undefined) ?? {},
    correlationId: String(body["correlation_id"] ?? ""),
    retryAfter: secondsOf(response),
  });
}

/** Return the seconds of `Retry-After`; the API does not send dates. */
export function secondsOf(response: Response): number | undefined {
  const text = response.headers.get("Retry-After") ?? "";
  return /^\d+$/.test(text) ? Number(text) : undefined;
}
