/** The tokens of a login, sent with each request and renewed when they expire. */

import { errorOf } from "./errors.ts";

/** A login. The refresh token works once: store the new tokens when `onTokens` reports them. */
export interface Tokens {
  accessToken: string;
  refreshToken?: string;
}

export type Send = (request: Request) => Promise<Response>;

const EXPIRED = "TOKEN_EXPIRED";

export class Login {
  #tokens: Tokens | undefined;
  #renewal: Promise<void> | undefined;
  readonly #refreshUrl: string;
  readonly #onTokens: (tokens: Tokens) => void;

  constructor(baseUrl: string, tokens: Tokens | undefined, onTokens: (tokens: Tokens) => void) {
    this.#refreshUrl = `${baseUrl}/api/auth/refresh`;
    this.#tokens = tokens;
    this.#onTokens = onTokens;
  }

  use(tokens: Tokens): void {
    this.#tokens = tokens;
    this.#onTokens(tokens);
  }

  /** Send a request as this user. Concurrent requests whose access token has expired renew it once. */
  async send(request: Request, send: Send): Promise<Response> {
    const used = this.#tokens;
    const response = await send(signed(request, used?.accessToken));
    if (!used?.refreshToken || response.status !== 401) return response;
    if ((await errorOf(response.clone())).code !== EXPIRED) return response;
    if (this.#tokens === used) {
      this.#renewal ??= this.#renew(used.refreshToken, send).finally(() => { this.#renewal = undefined; });
      await this.#renewal;
    }
    return send(signed(request, this.#tokens?.accessToken));
  }

  async #renew(refreshToken: string, send: Send): Promise<void> {
    const response = await send(signed(new Request(this.#refreshUrl, { method: "POST" }), refreshToken));
    if (!response.ok) throw await errorOf(response);
    const { data } = await response.json();
    this.use({ accessToken: data.access_token, refreshToken: data.refresh_token });
  }
}

function signed(request: Request, token: string | undefined): Request {
  const own = request.clone(); // its body can be sent once
  if (token) own.headers.set("Authorization", `Bearer ${token}`);
  return own;
}
