import assert from "node:assert/strict";
import test from "node:test";

import { complete, format, lex, operationAt, operations } from "../language.js";
import { Schema } from "../schema.js";

const named = (kind, name) => ({ kind, name });
const nonNull = (type) => ({ kind: "NON_NULL", ofType: type });
const list = (type) => ({ kind: "LIST", ofType: type });
const arg = (name, type) => ({ name, type });
const field = (name, type, args = []) => ({ name, type, args });
const schema = new Schema({
  __schema: {
    queryType: { name: "Query" },
    mutationType: { name: "Mutation" },
    types: [
      {
        kind: "OBJECT",
        name: "Query",
        fields: [
          field("projects", nonNull(named("OBJECT", "Projects")), [arg("first", named("SCALAR", "Int"))]),
          field("search", list(named("UNION", "Hit")), [arg("filter", named("INPUT_OBJECT", "Filter"))]),
        ],
      },
      { kind: "OBJECT", name: "Mutation", fields: [field("logIn", named("SCALAR", "Boolean"))] },
      {
        kind: "OBJECT",
        name: "Projects",
        fields: [field("nodes", list(nonNull(named("OBJECT", "Project"))))],
      },
      {
        kind: "OBJECT",
        name: "Project",
        fields: [field("id", named("SCALAR", "ID")), field("on", named("SCALAR", "Int"))],
      },
      { kind: "UNION", name: "Hit", possibleTypes: [{ name: "Project" }] },
      { kind: "ENUM", name: "Verdict", enumValues: [{ name: "SATISFIED" }, { name: "UNDETERMINED" }] },
      {
        kind: "INPUT_OBJECT",
        name: "Filter",
        inputFields: [
          arg("verdict", named("ENUM", "Verdict")),
          arg("not", list(named("INPUT_OBJECT", "Filter"))),
        ],
      },
      { kind: "SCALAR", name: "ID" },
      { kind: "SCALAR", name: "Int" },
      { kind: "SCALAR", name: "Boolean" },
      { kind: "OBJECT", name: "__Type", fields: [] },
    ],
    directives: [{ name: "include", args: [arg("if", nonNull(named("SCALAR", "Boolean")))] }],
  },
});

/** What is offered at the `|` of `text`. */
function offered(text) {
  const offset = text.indexOf("|");
  return complete(text.replace("|", ""), offset, schema).items.map((item) => item.text);
}

test("a lexer loses nothing, whatever it is given", () => {
  for (const text of [
    '{ a(b: "c',
    '"""open',
    "{ a # c\r\n b }",
    "€ 1.2e3 ...on",
    '"\\',
    "\\",
    '"""a\\"""b""" x',
  ]) {
    assert.equal(
      lex(text)
        .map((token) => token.text)
        .join(""),
      text,
    );
  }
});

test("fields are offered by the type that is open", () => {
  assert.deepEqual(offered("{ | }"), ["projects", "search", "__typename"]);
  assert.deepEqual(offered("mutation { | }"), ["logIn", "__typename"]);
  assert.deepEqual(offered("query A($n: Int) { projects(first: $n) { no| } }"), ["nodes"]);
  assert.deepEqual(offered("{ projects { nodes { id } } | }"), ["projects", "search", "__typename"]);
  assert.deepEqual(offered("{ p: projects { nodes { i| } } }"), ["id"]);
  assert.deepEqual(offered("{ projects { nodes { on i| } } }"), ["id"]);
  assert.deepEqual(offered("{ projects @include(if: true) { | } }"), ["nodes", "__typename"]);
  assert.deepEqual(offered("fragment F on Project { | }"), ["id", "on", "__typename"]);
});

test("a fragment opens the type that it names", () => {
  assert.deepEqual(offered("{ search { ... on Project { i| } } }"), ["id"]);
  assert.deepEqual(offered("{ search { ... on Project @include(if: true) { i| } } }"), ["id"]);
  assert.ok(offered("{ search { ... on | } }").includes("Hit"));
  assert.deepEqual(offered("{ search { ...| } } fragment Some on Hit { __typename }"), ["on", "Some"]);
  assert.deepEqual(offered("{ search { ...Some | } }"), ["__typename"]);
});

test("arguments, input objects and values", () => {
  assert.deepEqual(offered("{ projects(|) }"), ["first"]);
  assert.deepEqual(offered("query($n: Int) { projects(first: |) }"), ["$n"]);
  assert.deepEqual(offered("{ search(filter: { | }) }"), ["verdict", "not"]);
  assert.deepEqual(offered("{ search(filter: { verdict: SAT| }) }"), ["SATISFIED"]);
  assert.deepEqual(offered("{ search(filter: { verdict: SATISFIED, | }) }"), ["not"]);
  assert.deepEqual(offered("{ search(filter: { not: [{ verdict: | }] }) }"), ["SATISFIED", "UNDETERMINED"]);
  assert.deepEqual(offered("{ search(filter: { not: [{ verdict: SATISFIED }], | }) }"), ["verdict"]);
  assert.deepEqual(offered("{ projects @include(if: t|) }"), ["true"]);
  assert.deepEqual(offered("{ projects @| }"), ["include"]);
  assert.ok(offered("query($f: |)").includes("Filter"));
  assert.ok(!offered("query($f: |)").includes("Project"));
});

test("nothing is offered inside comments and strings", () => {
  assert.deepEqual(offered("{ # pro|"), []);
  assert.deepEqual(offered('{ search(filter: "pro|'), []);
});

test("the operation under the cursor", () => {
  const text =
    "query A { projects { nodes { id } } }\nmutation B { logIn }\nfragment F on Hit { __typename }";
  assert.deepEqual(
    operations(text).map(({ kind, name }) => [kind, name]),
    [
      ["query", "A"],
      ["mutation", "B"],
    ],
  );
  assert.equal(operationAt(text, text.indexOf("logIn")).name, "B");
  assert.equal(operationAt(text, 3).name, "A");
  assert.equal(operationAt("{ query mutation { name } }", 4).kind, "query");
  assert.equal(operationAt("", 0), null);
});

test("the formatter keeps every token and settles at once", () => {
  const texts = [
    "query A($n:Int!$m:[Int!]=[1,2]){p:projects(first:$n){nodes{id,on}} search(filter:{verdict:SATISFIED not:[{verdict:UNDETERMINED}]}){...on Project@include(if:true){id} ...Some}} fragment Some on Hit{__typename}",
    "# top\n{ # why\n  projects { nodes { id } } # after\n}\n\n# two\nmutation { logIn }",
    '{ a(text: """b\nc""") }',
    "{ broken(",
    "}}} {",
  ];
  const words = (text) =>
    lex(text)
      .filter(({ kind }) => kind !== "space")
      .map((token) => token.text.trim());
  for (const text of texts) {
    const once = format(text);
    assert.deepEqual(words(once), words(text));
    assert.equal(format(once), once);
  }
  assert.equal(
    format("query A($n:Int!$m:Int){p:projects(first:$n,last:1){nodes{id on}}}"),
    "query A($n: Int!, $m: Int) {\n  p: projects(first: $n, last: 1) {\n    nodes {\n      id\n      on\n    }\n  }\n}\n",
  );
});

test("search finds types before fields", () => {
  assert.deepEqual(
    schema.search("project").map(({ type, member }) => `${type.name}${member ? `.${member.name}` : ""}`),
    ["Project", "Projects", "Query.projects"],
  );
  assert.deepEqual(schema.search(" "), []);
});
