//! What a supergraph keeps of what subgraphs say, and how it is written for routers.

use graphql_tools::parser::schema::{Definition, parse_schema};
use studio_router::{SubgraphSdl, check_plannable, compose};

fn composed(subgraphs: &[(&str, &str)]) -> studio_router::Supergraph {
    let link = "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.9\", import: [\
        \"@key\", \"@requires\", \"@provides\", \"@external\", \"@shareable\", \"@override\", \"@tag\", \
        \"@inaccessible\", \"@authenticated\", \"@requiresScopes\", \"@policy\", \"@composeDirective\", \
        \"@interfaceObject\", \"@cost\", \"@listSize\"])\n";
    let parts = subgraphs.iter().map(|(name, sdl)| SubgraphSdl {
        name: (*name).to_owned(),
        url: Some(format!("http://{name}")),
        sdl: format!("{link}{sdl}"),
    });
    let supergraph = compose(parts.collect()).unwrap();
    check_plannable(&supergraph.sdl).unwrap();
    supergraph
}

/// Whether the supergraph has all of this, each on one line.
fn check(subgraphs: &[(&str, &str)], kept: &[&str]) {
    let sdl = composed(subgraphs).sdl;
    for part in kept {
        assert!(sdl.lines().any(|line| line.contains(part)), "{part} is not kept in\n{sdl}");
    }
}

#[test]
fn weights_and_sizes_the_greatest_of_each() {
    check(
        &[
            (
                "a",
                "type Query { books(first: Int @cost(weight: 2), last: Int): [Book!] \
                 @shareable @cost(weight: 3) @listSize(assumedSize: 10, slicingArguments: [\"first\"]) \
                 by(i: By): E } \
                 type Book @cost(weight: 5) @shareable { id: ID @cost(weight: 1) } \
                 enum E @cost(weight: 7) { P } scalar S @cost(weight: 8) input By { n: S @cost(weight: 9) }",
            ),
            (
                "b",
                "type Query { books(first: Int @cost(weight: 4), last: Int): [Book!] \
                 @shareable @cost(weight: 1) @listSize(assumedSize: 20, slicingArguments: [\"last\"], \
                 requireOneSlicingArgument: false) } \
                 type Book @shareable { id: ID @cost(weight: 6) }",
            ),
        ],
        &[
            "@link(url: \"https://specs.apollo.dev/cost/v0.1\", import: [\"@cost\", \"@listSize\"])",
            "directive @cost(weight: Int!) on",
            "directive @listSize(",
            "first: Int @cost(weight: 4)",
            "@cost(weight: 3) @listSize(assumedSize: 20, slicingArguments: [\"first\", \"last\"], requireOneSlicingArgument: false)",
            "type Book @join__type(graph: A) @join__type(graph: B) @cost(weight: 5)",
            "id: ID @cost(weight: 6)",
            "enum E @join__type(graph: A) @cost(weight: 7)",
            "scalar S @join__type(graph: A) @cost(weight: 8)",
            "n: S @cost(weight: 9)",
        ],
    );
}

#[test]
fn labels_of_overrides_on_both_sides() {
    check(
        &[
            (
                "a",
                "type Query { t: T x: Int } type T @key(fields: \"id\") { id: ID! n: Int m: Int }",
            ),
            (
                "b",
                "type Query { x: Int @override(from: \"a\", label: \"new-x\") } type T @key(fields: \"id\") { \
                 id: ID! n: Int @override(from: \"a\", label: \"percent(12.5)\") m: Int @override(from: \"a\") }",
            ),
        ],
        &[
            "@link(url: \"https://specs.apollo.dev/join/v0.4\", for: EXECUTION)",
            "x: Int @join__field(graph: A, overrideLabel: \"new-x\") @join__field(graph: B, override: \"a\", overrideLabel: \"new-x\")",
            "n: Int @join__field(graph: A, overrideLabel: \"percent(12.5)\") @join__field(graph: B, override: \"a\", overrideLabel: \"percent(12.5)\")",
            "m: Int @join__field(graph: B, override: \"a\")",
        ],
    );
}

#[test]
fn an_overridden_field_that_its_subgraph_needs() {
    check(
        &[
            (
                "a",
                "type Query { t: T } type T @key(fields: \"id\") @key(fields: \"code\") { id: ID! code: ID! }",
            ),
            ("b", "type T @key(fields: \"id\") { id: ID! code: ID! @override(from: \"a\") }"),
        ],
        &[
            "code: ID! @join__field(graph: A, usedOverridden: true) @join__field(graph: B, override: \"a\")",
        ],
    );
}

#[test]
fn tags_of_all() {
    check(
        &[
            (
                "a",
                "type Query { x(n: Int @tag(name: \"n\")): E @shareable @tag(name: \"p\") } enum E { P @tag(name: \"v\") }",
            ),
            (
                "b",
                "type Query { x(n: Int): E @shareable @tag(name: \"q\") @tag(name: \"p\") } enum E { P }",
            ),
        ],
        &[
            "@link(url: \"https://specs.apollo.dev/tag/v0.3\")",
            "directive @tag(name: String!) repeatable on",
            "x(n: Int @tag(name: \"n\")): E @tag(name: \"p\") @tag(name: \"q\")",
            "P @join__enumValue(graph: A) @join__enumValue(graph: B) @tag(name: \"v\")",
        ],
    );
}

#[test]
fn what_callers_need_by_each_subgraph() {
    check(
        &[
            (
                "a",
                "type Query { x: Int @shareable @requiresScopes(scopes: [[\"r\"], [\"w\", \"v\"]]) y: Int \
                 @authenticated z: T } type T @policy(policies: [[\"own\"]]) { x: Int }",
            ),
            ("b", "type Query { x: Int @shareable @requiresScopes(scopes: [[\"v\"]]) }"),
        ],
        &[
            "@link(url: \"https://specs.apollo.dev/requiresScopes/v0.1\", for: SECURITY)",
            "@link(url: \"https://specs.apollo.dev/authenticated/v0.1\", for: SECURITY)",
            "@link(url: \"https://specs.apollo.dev/policy/v0.1\", for: SECURITY)",
            "x: Int @requiresScopes(scopes: [[\"r\", \"v\"], [\"v\", \"w\"]])",
            "y: Int @join__field(graph: A) @authenticated",
            "type T @join__type(graph: A) @policy(policies: [[\"own\"]])",
        ],
    );
}

#[test]
fn directives_of_ones_own() {
    let own = "extend schema @link(url: \"https://specs.example.com/own/v1.0\", import: [\"@own\", {name: \"@far\", as: \"@near\"}]) \
        @composeDirective(name: \"@own\") @composeDirective(name: \"@near\") \
        directive @own(n: Int! = 1) repeatable on FIELD_DEFINITION | OBJECT directive @near on FIELD_DEFINITION \
        directive @lost on FIELD_DEFINITION";
    let a = format!("{own} type Query {{ x: Int @own(n: 2) @shareable @lost y: Int @near }}");
    let b = format!("{own} type Query @own {{ x: Int @shareable @own(n: 3) }}");
    let subgraphs = [("a", a.as_str()), ("b", b.as_str())];
    check(
        &subgraphs,
        &[
            "@link(url: \"https://specs.example.com/own/v1.0\", import: [{name: \"@far\", as: \"@near\"}, \"@own\"])",
            "directive @own(n: Int! = 1) repeatable on FIELD_DEFINITION | OBJECT",
            "x: Int @own(n: 2) @own(n: 3)",
            "y: Int @join__field(graph: A) @near",
            "type Query @join__type(graph: A) @join__type(graph: B) @own",
        ],
    );
    assert!(!composed(&subgraphs).sdl.contains("@lost"));
}

#[test]
fn what_clients_are_told() {
    let subgraphs = [
        (
            "a",
            "\"The roots.\" type Query { \"A field.\" x(\"How many.\" n: Int = 1): Date @shareable \
             @deprecated(reason: \"Ask y.\") by(i: By): E } \
             scalar Date @specifiedBy(url: \"https://example.com/date\") \
             \"Choices.\" enum E { \"One.\" P @deprecated } input By @oneOf { \"A name.\" n: Int m: Int }",
        ),
        ("b", "type Query { x(n: Int = 1): Date @shareable } scalar Date"),
    ];
    let kept = [
        "The roots.",
        "A field.",
        "@deprecated(reason: \"Ask y.\")",
        "scalar Date @specifiedBy(url: \"https://example.com/date\")",
        "Choices.",
        "One.",
        "A name.",
        "@oneOf",
    ];
    let supergraph = composed(&subgraphs);
    for part in kept {
        assert!(supergraph.api_sdl.contains(part), "{part} is not in\n{}", supergraph.api_sdl);
    }
}

#[test]
fn a_default_that_all_have_and_no_other() {
    let subgraphs = [
        ("a", "type Query { x(n: Int = 1): Int @shareable y(n: Int = 1): Int @shareable }"),
        ("b", "type Query { x(n: Int = 1): Int @shareable y(n: Int): Int @shareable }"),
    ];
    check(&subgraphs, &["x(n: Int = 1): Int", "y(n: Int): Int"]);
}

#[test]
fn types_of_each_subgraph_where_they_differ() {
    check(
        &[
            (
                "a",
                "type Query { x: [Int!]! @shareable u: T @shareable } type T @shareable { n: Int } \
                 input I { n: Int! } type Mutation { m(i: I): Int }",
            ),
            (
                "b",
                "type Query { x: [Int] @shareable u: U @shareable } union U = T type T @shareable { n: Int } \
                 input I { n: Int } type Mutation { o(i: I): Int }",
            ),
        ],
        &[
            "x: [Int] @join__field(graph: A, type: \"[Int!]!\") @join__field(graph: B)",
            "u: U @join__field(graph: A, type: \"T\") @join__field(graph: B)",
            "n: Int! @join__field(graph: A) @join__field(graph: B, type: \"Int\")",
        ],
    );
}

#[test]
fn root_types_have_their_usual_names() {
    let supergraph = composed(&[
        (
            "a",
            "schema { query: Root mutation: Change } type Root { x: Root } type Change { y: Root }",
        ),
        ("b", "type Query { z: Int }"),
    ]);
    assert!(supergraph.sdl.contains("type Query @join__type(graph: A) @join__type(graph: B)"));
    assert!(supergraph.api_sdl.contains("y: Query"), "{}", supergraph.api_sdl);
}

#[test]
fn every_directive_is_defined_and_linked() {
    let sdl = composed(&[
        ("a", "type Query { x: Int @inaccessible y: Int @tag(name: \"t\") @cost(weight: 1) @authenticated }"),
        ("b-1", "type Query { z: T } type T @key(fields: \"id\") { id: ID! }"),
        ("1c", "type T @key(fields: \"id\", resolvable: false) { id: ID! } type Query { w: T }"),
    ])
    .sdl;
    let document = parse_schema::<String>(&sdl).unwrap();
    let defined: Vec<&str> = document
        .definitions
        .iter()
        .filter_map(|definition| match definition {
            Definition::DirectiveDefinition(directive) => Some(directive.name.as_str()),
            _ => None,
        })
        .collect();
    let applied = sdl.split('@').skip(1).map(|rest| {
        rest.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').next().unwrap()
    });
    for name in applied {
        assert!(defined.contains(&name), "@{name} is not defined in\n{sdl}");
    }
    for part in [
        "_1C @join__graph(name: \"1c\", url: \"http://1c\")",
        "B_1 @join__graph(name: \"b-1\", url: \"http://b-1\")",
        "@join__type(graph: _1C, key: \"id\", resolvable: false)",
        "enum link__Purpose",
        "scalar link__Import",
        "scalar join__FieldSet",
    ] {
        assert!(sdl.contains(part), "{part} is not in\n{sdl}");
    }
}
