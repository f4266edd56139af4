import createFetchClient, { type Client as FetchClient } from "openapi-fetch";

import { answer } from "./answers.ts";
import type { components, paths } from "./generated/schema.ts";
import { Login, type Tokens } from "./login.ts";
import { repeated } from "./repeats.ts";

export interface ClientOptions {
  /** Where the gateway is; in its own pages, `location.origin`. */
  baseUrl: string;
  /** Of an earlier login. */
  tokens?: Tokens;
  /** Is told each new pair of tokens, of a login or a renewal. */
  onTokens?: (tokens: Tokens) => void;
  attempts?: number;
  longestPauseSeconds?: number;
  timeoutSeconds?: number;
}

/**
 * The methods `GET`, `POST` and so on of openapi-fetch, each call as a user's, repeated where that is safe.
 *
 * They throw `ApiError` if the API refuses the call, `StillProcessing` if the work goes on, and `NoAnswer` if the connection
 * fails. Give an `Idempotency-Key` of your own as `params.header`; otherwise each call has a new one.
 */
export interface Client extends FetchClient<paths> {
  /** Log in; later calls are this user's. */
  logIn(email: string, password: string): Promise<components["schemas"]["LoggedIn"]>;
}

export function createClient(options: ClientOptions): Client {
  const { attempts = 6, longestPauseSeconds = 30, timeoutSeconds = 30, onTokens = () => {} } = options;
  const baseUrl = options.baseUrl.replace(/\/$/, "");
  const login = new Login(baseUrl, options.tokens, onTokens);
  const send = (request: Request) => {
    const signal = AbortSignal.any([request.signal, AbortSignal.timeout(timeoutSeconds * 1000)]);
    return fetch(new Request(request, { signal }));
  };
  const client = createFetchClient<paths>({ baseUrl });
  client.use({
    onRequest: ({ request, schemaPath }) =>
      repeated(`${request.method} ${schemaPath}`, request, (each) => login.send(each, send), {
        attempts,
        longestPauseSeconds,
      }),
  });
  const logIn = async (email: string, password: string) => {
    const told = await answer(client.POST("/api/auth/login", { body: { email, password } }));
    login.use({ accessToken: told.access_token, refreshToken: told.refresh_token });
    return told;
  };
  return Object.assign(client, { logIn });
}
