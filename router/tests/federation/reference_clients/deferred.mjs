// Answers in parts (`@defer`): Apollo Client in both of their forms, and urql.

import assert from "node:assert/strict";
import test from "node:test";

import { installed, router } from "./operations.mjs";

const { ApolloClient, HttpLink, InMemoryCache, gql } = installed("@apollo/client");
const { Defer20220824Handler, GraphQL17Alpha9Handler } = installed("@apollo/client/incremental");
const { Client, fetchExchange } = installed("@urql/core");

const url = `http://${router}/graphql`;
const headers = { authorization: "Bearer good" };

const DEFERRED = `query {
  user(id: "u1") { id name ...Reviews @defer }
}
fragment Reviews on User { reviews { id body ...Product @defer } }
fragment Product on Review { product { upc name } }`;

const REVIEWS = [
  { id: "r1", body: "good", product: { upc: "p1", name: "Table" } },
  { id: "r3", body: "fine", product: { upc: "p2", name: "Couch" } },
];

/** Without what clients add for themselves. */
const plain = (data) => JSON.parse(JSON.stringify(data, (key, value) => (key === "__typename" ? undefined : value)));

/** All that a query shows, until nothing is missing. */
const watch = (client, query, options = {}) =>
  new Promise((resolve, reject) => {
    const shown = [];
    const watching = client.watchQuery({ query: gql(query), fetchPolicy: "network-only", ...options });
    const subscription = watching.subscribe({
      next: (result) => {
        if (result.data !== undefined && !result.loading) shown.push(result);
        else if (result.dataState === "streaming") shown.push(result);
        if (!result.loading && result.dataState !== "streaming") {
          resolve(shown);
          subscription?.unsubscribe();
        }
      },
      error: reject,
    });
  });

for (const [form, Handler] of Object.entries({ current: GraphQL17Alpha9Handler, "2022": Defer20220824Handler })) {
  const connect = () => {
    const kinds = [];
    const link = new HttpLink({
      uri: url,
      headers,
      fetch: async (...request) => {
        const response = await fetch(...request);
        kinds.push(response.headers.get("content-type"));
        return response;
      },
    });
    const client = new ApolloClient({ link, cache: new InMemoryCache(), incrementalHandler: new Handler() });
    return { client, kinds };
  };

  test(`Apollo Client, form ${form}: what is deferred comes later`, { timeout: 10_000 }, async () => {
    const { client, kinds } = connect();
    const shown = await watch(client, DEFERRED);
    assert.match(kinds[0], /^multipart\/mixed/);
    assert.ok(shown.length > 1, JSON.stringify(shown));
    assert.deepEqual(plain(shown[0].data), { user: { id: "u1", name: "Ada" } });
    assert.deepEqual(plain(shown.at(-1).data), { user: { id: "u1", name: "Ada", reviews: REVIEWS } });
  });

  test(`Apollo Client, form ${form}: an error of a fragment is told`, { timeout: 10_000 }, async () => {
    const { client } = connect();
    const query = '{ user(id: "u2") { id ... on User @defer { maybeSecret } } }';
    const shown = await watch(client, query, { errorPolicy: "all" });
    const last = shown.at(-1);
    assert.deepEqual(plain(last.data), { user: { id: "u2", maybeSecret: null } });
    assert.deepEqual(last.error.errors[0].path, ["user", "maybeSecret"]);
  });

  test(`Apollo Client, form ${form}: what is not deferred comes at once`, { timeout: 10_000 }, async () => {
    const { client, kinds } = connect();
    const query = '{ user(id: "u1") { id ... on User @defer(if: false) { name } } }';
    const { data } = await client.query({ query: gql(query) });
    assert.deepEqual(plain(data), { user: { id: "u1", name: "Ada" } });
    assert.match(kinds[0], /^application\/graphql-response\+json/);
  });
}

test("urql: what is deferred comes later", { timeout: 10_000 }, async () => {
  const client = new Client({
    url,
    exchanges: [fetchExchange],
    preferGetMethod: false,
    fetchOptions: { headers },
  });
  const shown = await new Promise((resolve) => {
    const results = [];
    client.query(DEFERRED, {}).subscribe((result) => {
      results.push(result);
      if (!result.hasNext) resolve(results);
    });
  });
  assert.ok(shown.length > 1);
  assert.deepEqual(plain(shown[0].data), { user: { id: "u1", name: "Ada" } });
  assert.deepEqual(plain(shown.at(-1).data), { user: { id: "u1", name: "Ada", reviews: REVIEWS } });
});
