// graphql-transport-ws by its reference client, https://github.com/enisdenjo/graphql-ws.

import assert from "node:assert/strict";
import test from "node:test";

import { EVENTS, INVALID, QUERY, UNPARSABLE, all, answers, installed, leaves, router } from "./operations.mjs";

const { createClient } = installed("graphql-ws");
const WebSocket = installed("ws");

const good = { Authorization: "Bearer good" };

function connect(options = {}) {
  return createClient({
    url: `ws://${router}/graphql/ws`,
    webSocketImpl: WebSocket,
    connectionParams: good,
    retryAttempts: 0,
    onNonLazyError: () => {},
    ...options,
  });
}

test("answers and events come", async () => {
  const client = connect();
  await answers((operation) => client.iterate(operation));
  await client.dispose();
});

test("the path of queries takes sockets too", async () => {
  const client = connect({ url: `ws://${router}/graphql` });
  assert.deepEqual(await all(client.iterate(QUERY)), [{ data: { user: { name: "Ada" } } }]);
  await client.dispose();
});

test("an operation that is not executed ends with its errors", async () => {
  const client = connect();
  for (const [operation, code] of [
    [INVALID, "GRAPHQL_VALIDATION_FAILED"],
    [UNPARSABLE, "GRAPHQL_PARSE_FAILED"],
    [{ ...QUERY, variables: {} }, "BAD_USER_INPUT"],
  ]) {
    await assert.rejects(all(client.iterate(operation)), (errors) => {
      assert.equal(errors[0].extensions.code, code);
      return true;
    });
  }
  // The socket goes on.
  assert.deepEqual(await all(client.iterate(QUERY)), [{ data: { user: { name: "Ada" } } }]);
  await client.dispose();
});

test("many operations share a socket", async () => {
  let sockets = 0;
  const client = connect({ lazy: false, on: { connected: () => (sockets += 1) } });
  const runs = Array.from({ length: 40 }, (_, at) => client.iterate(at % 2 ? QUERY : EVENTS));
  const lengths = await Promise.all(runs.map(async (run) => (await all(run)).length));
  assert.deepEqual(lengths, lengths.map((_, at) => (at % 2 ? 1 : 3)));
  assert.equal(sockets, 1);
  await client.dispose();
});

test("a client may leave a subscription, and go on", async () => {
  const client = connect({ lazy: false });
  await leaves((operation) => client.iterate(operation));
  assert.equal((await all(client.iterate(QUERY))).length, 1);
  await client.dispose();
});

test("pings are answered", async () => {
  const pong = new Promise((resolve) => {
    const client = connect({
      lazy: false,
      keepAlive: 20,
      on: { pong: (received) => received && resolve(client.dispose()) },
    });
  });
  await pong;
});

/** The code with which the server closes. */
const closed = (options, operate = () => {}) =>
  new Promise((resolve) => {
    const client = connect({ lazy: false, ...options, on: { closed: ({ code }) => resolve(code) } });
    operate(client);
  });

test("a wrong token closes with 4403", async () => {
  assert.equal(await closed({ connectionParams: { Authorization: "Bearer bad" } }), 4403);
  assert.equal(await closed({ connectionParams: undefined }), 4403);
});

test("an id in use closes with 4409", async () => {
  const twice = (client) => {
    for (let count = 0; count < 2; count += 1) {
      client.subscribe({ query: "subscription { forever { id } }" }, { next() {}, error() {}, complete() {} });
    }
  };
  assert.equal(await closed({ generateID: () => "same" }, twice), 4409);
});

test("an operation before the first message closes with 4401", async () => {
  const socket = new WebSocket(`ws://${router}/graphql/ws`, "graphql-transport-ws");
  const code = new Promise((resolve) => socket.on("close", resolve));
  socket.on("open", () => socket.send(JSON.stringify({ type: "subscribe", id: "1", payload: QUERY })));
  assert.equal(await code, 4401);
});
