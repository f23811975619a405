// Talks to the GraphQL endpoint: the session, queries and mutations, and subscriptions over
// server-sent events (graphql-sse, distinct connections mode).
//
// The tokens lie in sessionStorage: they end with the tab and are never written to disk by us.

import {
  beginPasskeyLogInMutation,
  completeLogInMutation,
  completePasskeyLogInMutation,
  logInMutation,
  logOutMutation,
  refreshMutation,
} from "./operations.js";

const ENDPOINT = "/graphql";
const STORED = "studio.session";

/** An answer that is an error. `code` is `extensions.code`, or NETWORK where nothing answered. */
export class ApiError extends Error {
  constructor(code, message, details = {}) {
    super(message);
    this.name = "ApiError";
    this.code = code;
    this.details = details;
  }
}

/** What a person can mend: the `userErrors` of a mutation. */
export class UserErrors extends ApiError {
  constructor(errors) {
    super("USER_ERRORS", errors.map((error) => error.message).join(" "));
    this.errors = errors;
  }
}

// ---- session -----------------------------------------------------------------------------------

const listeners = new Set();
const endings = new Set();
const twins = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(STORED);

// A tab that was duplicated holds the same refresh token, which may be used once only: the tab that
// uses it hands the new one to its twins.
if (twins) {
  twins.onmessage = ({ data }) => {
    const held = session.current();
    if (held && data.replaces === held.refreshToken) store(data.tokens);
  };
}

function store(tokens) {
  if (tokens) sessionStorage.setItem(STORED, JSON.stringify(tokens));
  else sessionStorage.removeItem(STORED);
}

function tell() {
  for (const listener of listeners) listener(session.current());
}

function keep(payload) {
  if (payload.userErrors?.length) throw new UserErrors(payload.userErrors);
  if (!payload.accessToken) {
    throw new ApiError("UNAUTHENTICATED", "The server gave no access token. Try again.");
  }
  return {
    accessToken: payload.accessToken,
    refreshToken: payload.refreshToken,
    expiresAt: payload.expiresAt,
  };
}

export const session = {
  /** The tokens, or `null` when nobody is signed in. */
  current() {
    try {
      return JSON.parse(sessionStorage.getItem(STORED));
    } catch {
      return null;
    }
  },

  /** Calls `listener` whenever somebody signs in or out. */
  onChange(listener) {
    listeners.add(listener);
  },

  /** Calls `listener` when the session has ended without being asked to: nobody is signed in then. */
  onEnd(listener) {
    endings.add(listener);
  },

  /**
   * Answers the challenge that a code or a passkey has to complete (with what to ask a passkey for, if
   * there is one), or null where the person is signed in.
   */
  async signIn(email, password) {
    const { logIn } = await send(logInMutation, { input: { email, password } }, {});
    if (logIn.challenge) return { challenge: logIn.challenge, passkeyOptions: logIn.passkeyOptions };
    store(keep(logIn));
    tell();
    return null;
  },

  /** The second step: `proof` is a `code` of the second factor, or what a `passkey` answered. */
  async completeSignIn(challenge, proof) {
    const data = await send(completeLogInMutation, { input: { challenge, ...proof } }, {});
    store(keep(data.completeLogIn));
    tell();
  },

  /** Signs in with what a passkey answered to `beginPasskey()`. */
  async signInWithPasskey(passkey) {
    const data = await send(completePasskeyLogInMutation, { input: { passkey } }, {});
    store(keep(data.completePasskeyLogIn));
    tell();
  },

  /**
   * Comes for the tokens of whoever a provider has just vouched for in this browser. Answers the challenge
   * that a code or a passkey has to complete, or null where the person is signed in.
   */
  async arrive() {
    let response;
    try {
      response = await fetch("/login/tokens", { method: "POST", credentials: "same-origin" });
    } catch {
      throw new ApiError("NETWORK", "The server cannot be reached. Check that it runs and try again.");
    }
    const body = await answer(response);
    if (!response.ok) throw new ApiError(body.code ?? "INTERNAL", "The sign-in took too long. Begin again.");
    if (body.challenge) return { challenge: body.challenge, passkeyOptions: body.passkeyOptions };
    store(keep(body));
    tell();
    return null;
  },

  /** Takes over tokens that another mutation returned, such as `setUp`. */
  adopt(payload) {
    store(keep(payload));
    tell();
  },

  /**
   * Forgets the tokens here, at once, and then ends the session on the server: the promise is of
   * that, and fails with what to tell where the server did not confirm it.
   */
  signOut() {
    const held = session.current();
    store(null);
    tell();
    return held ? end(held) : Promise.resolve();
  },
};

const authorization = (tokens) => (tokens ? { authorization: `Bearer ${tokens.accessToken}` } : {});

const locked = (work) => (globalThis.navigator?.locks ? navigator.locks.request(STORED, work) : work());

/** Whether a refusal means that the session is there no more; anything else may pass. */
const over = (error) => error.code === "UNAUTHENTICATED" || error.code === "USER_ERRORS";

/** Ends a session on the server, also where its access token has run out. */
async function end(held) {
  const logOut = async (tokens) => {
    const { userErrors } = (await send(logOutMutation, {}, authorization(tokens))).logOut;
    if (userErrors.length) throw new UserErrors(userErrors);
  };
  try {
    await logOut(held).catch(async (error) => {
      if (error.code !== "UNAUTHENTICATED") throw error;
      await logOut(await renewed(held));
    });
  } catch (error) {
    if (over(error)) return; // it had ended already
    const left = "You are signed out here, but the server did not confirm it";
    const then = "There the session ends by itself when it is not used.";
    throw new ApiError(error.code, `${left}: ${error.message} ${then}`);
  }
}

/** New tokens for those of a session, which work no more after that. */
const renewed = async ({ refreshToken }) =>
  keep((await send(refreshMutation, { input: { refreshToken } }, {})).refresh);

/** Replaces the tokens by new ones. Answers `false`, signed out, when the session has ended. */
function refresh(stale) {
  return locked(async () => {
    const held = session.current();
    if (!held) return false;
    if (held.accessToken !== stale) return true;
    // Nothing where the session is over.
    const tokens = await renewed(held).catch((error) => {
      if (!over(error)) throw error;
      return null;
    });
    // Whoever signed out meanwhile stays signed out, and nobody else's session is replaced.
    if (session.current()?.refreshToken !== held.refreshToken) return session.current() !== null;
    store(tokens);
    if (tokens) {
      twins?.postMessage({ replaces: held.refreshToken, tokens });
      return true;
    }
    tell();
    for (const ending of endings) ending();
    return false;
  });
}

/** The headers of the signed-in person, refreshed when they are about to end. */
export async function credentials() {
  const held = session.current();
  if (!held) return {};
  const left = Date.parse(held.expiresAt) - Date.now();
  if (left < 20_000) await refresh(held.accessToken);
  return authorization(session.current());
}

/** Whether a second attempt makes sense after `UNAUTHENTICATED`. */
export async function renew() {
  const held = session.current();
  return held ? refresh(held.accessToken) : false;
}

// ---- reading what one wrote --------------------------------------------------------------------

const POSITIONS = "studio-positions";
const seen = new Map();

/**
 * How far this page has seen the server's logs: answers say it, and requests say it back, so that
 * whichever process answers shows what the page wrote.
 */
export const positions = {
  hear(headers) {
    for (const pair of (headers.get(POSITIONS) ?? "").split(";")) {
      const [log, text] = pair.trim().split("=");
      const position = Number(text);
      if (log && Number.isSafeInteger(position)) {
        seen.set(log, Math.max(position, seen.get(log) ?? 0));
      }
    }
  },
  say() {
    const said = [...seen].map(([log, position]) => `${log}=${position}`).join(";");
    return said ? { [POSITIONS]: said } : {};
  },
};

// ---- queries and mutations ---------------------------------------------------------------------

/** Posts a request and answers with the HTTP status and the parsed body. */
export async function post(body, headers, signal) {
  let response;
  try {
    response = await fetch(ENDPOINT, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: "application/graphql-response+json, application/json;q=0.9",
        ...positions.say(),
        ...headers,
      },
      body: JSON.stringify(body),
      credentials: "omit",
      signal,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("NETWORK", "The server cannot be reached. Check that it runs and try again.");
  }
  positions.hear(response.headers);
  return { status: response.status, body: await answer(response) };
}

async function answer(response) {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError(
      response.status === 429 ? "RATE_LIMITED" : "INTERNAL",
      `The server answered with HTTP ${response.status} and no JSON: ${text.slice(0, 200)}`,
    );
  }
}

function failure(errors) {
  const first = errors[0];
  return new ApiError(first.extensions?.code ?? "INTERNAL", first.message, { errors });
}

async function send(query, variables, headers, signal) {
  const { body } = await post({ query, variables }, headers, signal);
  if (body.errors?.length && !body.data) throw failure(body.errors);
  if (!body.data) throw new ApiError("INTERNAL", "The server sent an answer without data.");
  if (body.errors?.length) {
    console.warn("Parts of the answer are missing:", body.errors);
    partial.set(body.data, failure(body.errors));
  }
  return body.data;
}

const partial = new WeakMap();

/** Why parts of an answer are missing, as an `ApiError`; null where nothing went wrong. */
export const missing = (data) => partial.get(data) ?? null;

/** Runs a query or mutation as the signed-in person and answers with its `data`. */
export async function request(query, variables = {}, signal) {
  try {
    return await send(query, variables, await credentials(), signal);
  } catch (error) {
    if (error.code !== "UNAUTHENTICATED" || !(await renew())) throw error;
    return send(query, variables, await credentials(), signal);
  }
}

/** Runs a mutation that takes one `input`; answers with its payload, or fails with what to mend. */
export async function mutate(query, input) {
  const payload = Object.values(await request(query, { input }))[0];
  if (payload.userErrors.length) throw new UserErrors(payload.userErrors);
  return payload;
}

/** What any passkey is asked for, by whoever: to sign in, or to change how one signs in. */
export async function beginPasskey() {
  const { beginPasskeyLogIn: begun } = await send(beginPasskeyLogInMutation, {}, {});
  if (begun.userErrors.length) throw new UserErrors(begun.userErrors);
  return begun.options;
}

// ---- subscriptions -----------------------------------------------------------------------------

/**
 * Yields each `next` result of a subscription until the server completes it; `onOpen` is called
 * once the stream stands.
 */
export async function* subscribe(body, headers, signal, onOpen = () => {}) {
  let response;
  try {
    response = await fetch(ENDPOINT, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "text/event-stream", ...headers },
      body: JSON.stringify(body),
      credentials: "omit",
      cache: "no-store",
      signal,
    });
  } catch (error) {
    if (error.name === "AbortError") return;
    throw new ApiError("NETWORK", "The server cannot be reached. Check that it runs and try again.");
  }
  if (!response.headers.get("content-type")?.startsWith("text/event-stream")) {
    const refused = await answer(response);
    if (refused.errors?.length) throw failure(refused.errors);
    throw new ApiError("INTERNAL", `The server opened no stream (HTTP ${response.status}).`);
  }
  onOpen();
  try {
    for await (const { event, data } of events(response.body)) {
      if (event === "complete") return;
      if (event === "next") yield JSON.parse(data);
    }
  } catch (error) {
    if (error.name === "AbortError") return;
    throw new ApiError("NETWORK", "The stream was cut off.");
  }
  throw new ApiError("NETWORK", "The stream ended early.");
}

/**
 * Reads a byte stream as server-sent events (WHATWG HTML, section 9.2.6): lines end in LF, CR or
 * CRLF, wherever the chunks are cut.
 */
export async function* events(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let event = "";
  let data = [];
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      rest += value;
      // A CR at the very end may be the first half of a CRLF: it waits for the next chunk.
      const lines = rest.split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop();
      for (const line of lines) {
        if (line === "") {
          if (event || data.length) yield { event: event || "message", data: data.join("\n") };
          event = "";
          data = [];
        } else if (!line.startsWith(":")) {
          const [, name, text] = /^([^:]*)(?:: ?(.*))?$/s.exec(line);
          if (name === "event") event = text ?? "";
          else if (name === "data") data.push(text ?? "");
        }
      }
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
