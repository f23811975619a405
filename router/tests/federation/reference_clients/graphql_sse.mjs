// graphql-sse in distinct connections mode by its reference client,
// https://github.com/enisdenjo/graphql-sse.

import assert from "node:assert/strict";
import test from "node:test";

import { EVENTS, INVALID, QUERY, UNPARSABLE, all, answers, installed, leaves, router } from "./operations.mjs";

const { createClient } = installed("graphql-sse");

function connect(options = {}) {
  return createClient({
    url: `http://${router}/graphql`,
    headers: { authorization: "Bearer good" },
    retryAttempts: 0,
    ...options,
  });
}

test("answers and events come", async () => {
  const client = connect();
  await answers((operation) => client.iterate(operation));
  client.dispose();
});

test("a mutation is executed", async () => {
  const client = connect();
  const [answer, ...more] = await all(client.iterate({ query: "mutation { count(by: 1) }" }));
  assert.equal(typeof answer.data.count, "number");
  assert.deepEqual(more, []);
  client.dispose();
});

test("an operation that is not executed tells its errors in the stream", async () => {
  const client = connect();
  for (const [operation, code] of [
    [INVALID, "GRAPHQL_VALIDATION_FAILED"],
    [UNPARSABLE, "GRAPHQL_PARSE_FAILED"],
    [{ ...QUERY, variables: {} }, "BAD_USER_INPUT"],
  ]) {
    const [answer, ...more] = await all(client.iterate(operation));
    assert.equal(answer.errors[0].extensions.code, code);
    assert.ok(!("data" in answer));
    assert.deepEqual(more, []);
  }
  client.dispose();
});

test("many operations run at once", async () => {
  const client = connect();
  const runs = Array.from({ length: 40 }, (_, at) => client.iterate(at % 2 ? QUERY : EVENTS));
  const lengths = await Promise.all(runs.map(async (run) => (await all(run)).length));
  assert.deepEqual(lengths, lengths.map((_, at) => (at % 2 ? 1 : 3)));
  client.dispose();
});

test("a client may leave a subscription, and go on", async () => {
  const client = connect();
  await leaves((operation) => client.iterate(operation));
  assert.equal((await all(client.iterate(QUERY))).length, 1);
  client.dispose();
});

test("a wrong token is refused with 401", async () => {
  const client = connect({ headers: { authorization: "Bearer bad" } });
  await assert.rejects(all(client.iterate(EVENTS)), ({ response }) => {
    assert.equal(response.status, 401);
    return true;
  });
  client.dispose();
});

test("single connection mode is refused with 405", async () => {
  const client = connect({ singleConnection: true });
  await assert.rejects(all(client.iterate(QUERY)), ({ response }) => {
    assert.equal(response.status, 405);
    return true;
  });
  client.dispose();
});
