// Apollo Client: queries and mutations by HTTP, subscriptions in parts of one HTTP answer and over
// graphql-ws.

import assert from "node:assert/strict";
import test from "node:test";

import { FAILS, added, installed, router } from "./operations.mjs";

const { ApolloClient, ApolloLink, CombinedGraphQLErrors, CombinedProtocolErrors, HttpLink, InMemoryCache, gql } =
  installed("@apollo/client");
const { GraphQLWsLink } = installed("@apollo/client/link/subscriptions");
const { createClient } = installed("graphql-ws");
const WebSocket = installed("ws");
// As in a browser: the client looks at it to tell what closed a socket.
globalThis.WebSocket ??= WebSocket;

const good = "Bearer good";

function inParts(authorization = good) {
  const link = new HttpLink({ uri: `http://${router}/graphql`, headers: { authorization } });
  return { client: client(link), end() {} };
}

function overWebSocket(authorization = good) {
  const socket = createClient({
    url: `ws://${router}/graphql/ws`,
    webSocketImpl: WebSocket,
    connectionParams: { Authorization: authorization },
    retryAttempts: 0,
  });
  const link = ApolloLink.split(
    ({ operationType }) => operationType === "subscription",
    new GraphQLWsLink(socket),
    new HttpLink({ uri: `http://${router}/graphql`, headers: { authorization } }),
  );
  return { client: client(link), end: () => socket.dispose() };
}

const client = (link) =>
  new ApolloClient({
    link,
    cache: new InMemoryCache(),
    defaultOptions: { query: { errorPolicy: "all" } },
  });

/** What a subscription gives until it ends. */
const follow = (client, query, variables) =>
  new Promise((resolve, reject) => {
    const results = [];
    client
      .subscribe({ query: gql(query), variables, errorPolicy: "all", fetchPolicy: "no-cache" })
      .subscribe({
        next: (result) => results.push(result),
        error: reject,
        complete: () => resolve(results),
      });
  });

for (const [way, connect] of Object.entries({ "in parts": inParts, "over a WebSocket": overWebSocket })) {
  test(`${way}: a query and a mutation are answered`, { timeout: 10_000 }, async () => {
    const { client, end } = connect();
    const query = gql("query($id: ID!) { user(id: $id) { id name } }");
    const { data } = await client.query({ query, variables: { id: "u1" } });
    assert.equal(data.user.name, "Ada");
    const mutated = await client.mutate({ mutation: gql("mutation { count(by: 1) }") });
    assert.equal(typeof mutated.data.count, "number");
    await end();
  });

  test(`${way}: an answer in part has its errors`, { timeout: 10_000 }, async () => {
    const { client, end } = connect();
    const query = gql('{ user(id: "u2") { id maybeSecret } }');
    const { data, error } = await client.query({ query, fetchPolicy: "no-cache" });
    assert.equal(data.user.maybeSecret, null);
    assert.ok(CombinedGraphQLErrors.is(error));
    assert.equal(error.errors[0].extensions.code, "FORBIDDEN");
    await end();
  });

  test(`${way}: a subscription gives its events and ends with them`, { timeout: 10_000 }, async () => {
    const { client, end } = connect();
    const events = await follow(client, added("id author { name }"), { n: 3 });
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

  test(`${way}: an error in an event does not end the subscription`, { timeout: 10_000 }, async () => {
    const { client, end } = connect();
    const events = await follow(client, FAILS.query, FAILS.variables);
    assert.deepEqual(
      events.map(({ data }) => data.reviewAdded.author.maybeSecret),
      FAILS.secrets,
    );
    const { error } = events[1];
    assert.ok(CombinedGraphQLErrors.is(error));
    assert.equal(error.errors[0].extensions.code, "FORBIDDEN");
    assert.deepEqual(error.errors[0].path, ["reviewAdded", "author", "maybeSecret"]);
    await end();
  });

  // An event is there once it is sent, not once the next one is; and whoever goes may go on.
  test(`${way}: a client leaves what never ends`, { timeout: 10_000 }, async () => {
    const { client, end } = connect();
    const first = await new Promise((resolve, reject) => {
      const observable = client.subscribe({ query: gql("subscription { forever { id } }") });
      const subscription = observable.subscribe({
        next: (result) => {
          subscription.unsubscribe();
          resolve(result);
        },
        error: reject,
      });
    });
    assert.equal(first.data.forever.id, "r1");
    assert.equal((await follow(client, added("id"), { n: 2 })).length, 2);
    await end();
  });

  test(`${way}: a subscription that is not executed fails`, { timeout: 10_000 }, async () => {
    const { client, end } = connect();
    const failed = await follow(client, added("nothing"), { n: 1 }).then(
      (results) => results[0].error,
      (error) => error,
    );
    const code = failed.errors?.[0]?.extensions.code ?? failed[0]?.extensions.code;
    assert.equal(code, "GRAPHQL_VALIDATION_FAILED");
    await end();
  });
}

test("in parts: a session that ends is told as an error of the protocol", { timeout: 10_000 }, async () => {
  const { client } = inParts("Bearer brief");
  const events = await follow(client, added("id"), { n: 3 });
  assert.equal(events[0].data.reviewAdded.id, "r1");
  const { error } = events[1];
  assert.ok(CombinedProtocolErrors.is(error), error);
  assert.equal(error.errors[0].extensions.code, "UNAUTHENTICATED");
  assert.equal(events.length, 2);
});
