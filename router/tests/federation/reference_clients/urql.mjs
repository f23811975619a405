// urql: queries and mutations by HTTP; subscriptions by its own HTTP exchange, and by those of
// graphql-ws and graphql-sse.

import assert from "node:assert/strict";
import test from "node:test";

import { FAILS, added, installed, router } from "./operations.mjs";

const { Client, fetchExchange, subscriptionExchange } = installed("@urql/core");
const { createClient: createWebSocket } = installed("graphql-ws");
const { createClient: createEvents } = installed("graphql-sse");
const WebSocket = installed("ws");

const authorization = "Bearer good";
const url = `http://${router}/graphql`;

const build = (exchanges, options = {}) =>
  new Client({
    url,
    exchanges,
    preferGetMethod: false,
    fetchOptions: { headers: { authorization } },
    ...options,
  });

/** Hands subscriptions to a client of a protocol of their own. */
function forwarded(protocol) {
  const forwardSubscription = (request) => ({
    subscribe: (sink) => ({
      unsubscribe: protocol.subscribe({ ...request, query: request.query || "" }, sink),
    }),
  });
  const client = build([fetchExchange, subscriptionExchange({ forwardSubscription })]);
  return { client, end: () => protocol.dispose() };
}

const ways = {
  "by HTTP": () => ({
    client: build([fetchExchange], { fetchSubscriptions: true }),
    end() {},
  }),
  "by graphql-ws": () =>
    forwarded(
      createWebSocket({
        url: `ws://${router}/graphql/ws`,
        webSocketImpl: WebSocket,
        connectionParams: { Authorization: authorization },
        retryAttempts: 0,
      }),
    ),
  "by graphql-sse": () =>
    forwarded(createEvents({ url, headers: { authorization }, retryAttempts: 0 })),
};

/** So many results of a subscription; then it is left. */
const first = (client, query, variables, count) =>
  new Promise((resolve) => {
    const results = [];
    const { unsubscribe } = client.subscription(query, variables).subscribe((result) => {
      results.push(result);
      if (results.length < count) return;
      // The first results may come before there is something to leave by.
      queueMicrotask(() => {
        unsubscribe();
        resolve(results);
      });
    });
  });

/** Whether the server says that a subscription has ended. */
const ends = (client, query, variables) =>
  new Promise((resolve) => {
    let last;
    client.subscription(query, variables).subscribe((result) => {
      last = result;
      if (!result.hasNext) resolve(last);
    });
  });

for (const [way, connect] of Object.entries(ways)) {
  test(`${way}: a query and a mutation are answered`, { timeout: 10_000 }, async () => {
    const { client, end } = connect();
    const user = await client.query("query($id: ID!) { user(id: $id) { name } }", { id: "u1" });
    assert.deepEqual([user.data, user.error], [{ user: { name: "Ada" } }, undefined]);
    const counted = await client.mutation("mutation { count(by: 1) }", {});
    assert.equal(typeof counted.data.count, "number");
    await end();
  });

  test(`${way}: an answer in part has its errors`, { timeout: 10_000 }, async () => {
    const { client, end } = connect();
    const { data, error } = await client.query('{ user(id: "u2") { maybeSecret } }', {});
    assert.deepEqual(data, { user: { maybeSecret: null } });
    assert.equal(error.graphQLErrors[0].extensions.code, "FORBIDDEN");
    await end();
  });

  test(`${way}: a subscription gives its events`, { timeout: 10_000 }, async () => {
    const { client, end } = connect();
    const events = await first(client, added("id author { name }"), { n: 3 }, 3);
    assert.deepEqual(
      events.map(({ data, error }) => [data.reviewAdded.id, data.reviewAdded.author.name, error]),
      [
        ["r1", "Ada", undefined],
        ["r2", 'Bob "B"\n', undefined],
        ["r3", "Ada", undefined],
      ],
    );
    await end();
  });

  test(`${way}: a subscription ends when the server says so`, { timeout: 10_000 }, async () => {
    const { client, end } = connect();
    const last = await ends(client, added("id"), { n: 2 });
    assert.equal(last.data.reviewAdded.id, "r2");
    await end();
  });

  test(`${way}: an error in an event does not end the subscription`, { timeout: 10_000 }, async () => {
    const { client, end } = connect();
    const events = await first(client, FAILS.query, FAILS.variables, 3);
    assert.deepEqual(
      events.map(({ data }) => data.reviewAdded.author.maybeSecret),
      FAILS.secrets,
    );
    const [error] = events[1].error.graphQLErrors;
    assert.equal(error.extensions.code, "FORBIDDEN");
    assert.deepEqual(error.path, ["reviewAdded", "author", "maybeSecret"]);
    // The third event has no error of its own; urql shows those of the events before with it.
    assert.equal(events[2].error.graphQLErrors.length, 1);
    await end();
  });

  test(`${way}: a client leaves what never ends, and goes on`, { timeout: 10_000 }, async () => {
    const { client, end } = connect();
    const [event] = await first(client, "subscription { forever { id } }", {}, 1);
    assert.equal(event.data.forever.id, "r1");
    const next = await first(client, added("id"), { n: 2 }, 2);
    assert.equal(next[1].data.reviewAdded.id, "r2");
    await end();
  });

  test(`${way}: a subscription that is not executed fails`, { timeout: 10_000 }, async () => {
    const { client, end } = connect();
    const [{ error }] = await first(client, added("nothing"), { n: 1 }, 1);
    assert.equal(error.graphQLErrors[0].extensions.code, "GRAPHQL_VALIDATION_FAILED");
    await end();
  });
}
