// Keeps one subscription alive: resumes by the last cursor, comes back with back-off when the
// connection breaks, and rests while nobody looks at the tab (a browser opens six connections to a
// server over HTTP/1.1, for all of its tabs together).

import { ApiError, credentials, renew, subscribe } from "./client.js";

const FIRST_WAIT = 500;
const LONGEST_WAIT = 30_000;
// A connection that died unnoticed (a laptop that slept) looks like one on which nothing happens:
// none is trusted for longer than this. The cursor makes the change seamless.
const LONGEST_CONNECTION = 120_000;
// Nothing gets better by asking again after these.
const FINAL = new Set([
  "FORBIDDEN",
  "NOT_FOUND",
  "BAD_REQUEST",
  "BAD_USER_INPUT",
  "GRAPHQL_VALIDATION_FAILED",
]);

/**
 * Follows `query` and calls `onEvent(data)` for each event. `cursorOf(data)` is what the next
 * connection resumes `after`. `onState` hears "connecting", "live", "waiting", "resting",
 * or "refused" with a sentence; an end of the session, which ends it too, is told by
 * `session.onEnd`. Answers with a function that ends it.
 */
export function follow({ query, variables, after = null, cursorOf, onEvent, onState }) {
  let ended = false;
  let cursor = after;
  let wait = FIRST_WAIT;
  let connection = null;
  let renewed = false; // the last connection ended because it had lasted long enough
  let wake = () => {};

  const woken = (milliseconds) =>
    new Promise((resolve) => {
      const timer = milliseconds === Infinity ? 0 : setTimeout(resolve, milliseconds);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  const lookedAt = () => {
    if (document.hidden) connection?.abort();
    wake();
  };
  const online = () => wake();
  document.addEventListener("visibilitychange", lookedAt);
  window.addEventListener("online", online);

  async function connect() {
    connection = new AbortController();
    if (!renewed) onState("connecting");
    renewed = false;
    const body = { query, variables: { ...variables, after: cursor } };
    const headers = await credentials();
    const live = () => onState("live");
    const age = setTimeout(() => {
      renewed = true;
      connection.abort();
    }, LONGEST_CONNECTION);
    connection.signal.addEventListener("abort", () => clearTimeout(age), { once: true });
    for await (const result of subscribe(body, headers, connection.signal, live)) {
      if (result.errors?.length) {
        const [error] = result.errors;
        throw new ApiError(error.extensions?.code ?? "INTERNAL", error.message);
      }
      wait = FIRST_WAIT;
      cursor = cursorOf(result.data) ?? cursor;
      onEvent(result.data);
    }
  }

  async function run() {
    while (!ended) {
      if (document.hidden) {
        onState("resting");
        await woken(Infinity);
        continue;
      }
      try {
        await connect();
      } catch (error) {
        if (ended) return;
        if (error.code === "UNAUTHENTICATED") {
          if (!(await renew().catch(() => true))) return;
        } else if (FINAL.has(error.code)) {
          return onState("refused", error.message);
        } else if (!(error instanceof ApiError)) {
          console.error(error);
        }
      } finally {
        connection?.abort();
      }
      if (ended || document.hidden || renewed) continue;
      onState("waiting");
      // Half of the wait is random, so that a restarted server is not met by all pages at once.
      await woken(wait / 2 + Math.random() * (wait / 2));
      wait = Math.min(wait * 2, LONGEST_WAIT);
    }
  }

  run();
  return () => {
    ended = true;
    connection?.abort();
    wake();
    document.removeEventListener("visibilitychange", lookedAt);
    window.removeEventListener("online", online);
  };
}
