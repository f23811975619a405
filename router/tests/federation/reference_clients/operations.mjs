// What both protocols are asked, and what they must answer alike.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";

/** Loads a package from where the reference clients are installed. */
export const installed = createRequire(join(process.env.STUDIO_TEST_GRAPHQL_CLIENTS, "package.json"));

export const router = process.env.ROUTER;

export const QUERY = { query: "query($id: ID!) { user(id: $id) { name } }", variables: { id: "u1" } };
export const PARTIAL = { query: '{ me { name } user(id: "u2") { maybeSecret } }' };
export const INVALID = { query: "{ me { nothing } }" };
export const UNPARSABLE = { query: "{ me {" };
export const EVENTS = {
  query: "subscription Added($n: Int!) { reviewAdded(count: $n) { id author { name } } }",
  operationName: "Added",
  variables: { n: 3 },
};
/** A subscription to reviews with some fields of each. */
export const added = (fields) => `subscription Added($n: Int!) { reviewAdded(count: $n) { ${fields} } }`;
/** A subscription whose second event has an error. */
export const FAILS = {
  query: added("id author { maybeSecret }"),
  variables: { n: 3 },
  secrets: ["secret of Ada", null, "secret of Ada"],
};
export const FOREVER = { query: "subscription { forever { id } }" };

/** Everything that an operation answers. */
export async function all(results) {
  const found = [];
  for await (const result of results) found.push(result);
  return found;
}

/** A query, an answer in part, and a subscription to its end. */
export async function answers(iterate) {
  assert.deepEqual(await all(iterate(QUERY)), [{ data: { user: { name: "Ada" } } }]);

  const [partial, ...more] = await all(iterate(PARTIAL));
  assert.deepEqual(more, []);
  assert.deepEqual(partial.data, { me: { name: "Ada" }, user: { maybeSecret: null } });
  assert.deepEqual(partial.errors[0].path, ["user", "maybeSecret"]);
  assert.equal(partial.errors[0].extensions.code, "FORBIDDEN");

  const events = await all(iterate(EVENTS));
  assert.deepEqual(
    events.map(({ data }) => [data.reviewAdded.id, data.reviewAdded.author.name]),
    [
      ["r1", "Ada"],
      ["r2", 'Bob "B"\n'],
      ["r3", "Ada"],
    ],
  );
}

/** Follows what never ends, and goes after the first event. */
export async function leaves(iterate) {
  for await (const { data } of iterate(FOREVER)) {
    assert.equal(data.forever.id, "r1");
    break;
  }
}
