//! The ways in which subgraphs can be wrong or disagree, each with what is said of it: which subgraph, which
//! type and field, and what is the matter.

use studio_router::{CompositionErrors, SubgraphSdl, Supergraph, check_plannable, compose};

const LINK: &str = "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.9\", import: [\
    \"@key\", \"@requires\", \"@provides\", \"@external\", \"@shareable\", \"@override\", \"@inaccessible\", \
    \"@interfaceObject\", \"@composeDirective\"])\n";

/// Whether what is told of subgraphs names all of this in one message.
fn check(subgraphs: &[(&str, &str)], told: &[&str]) {
    let parts = subgraphs.iter().map(|(name, sdl)| SubgraphSdl {
        name: (*name).to_owned(),
        url: None,
        sdl: format!("{LINK}{sdl}"),
    });
    let check = |supergraph: Supergraph| -> Result<Supergraph, CompositionErrors> {
        check_plannable(&supergraph.sdl)?;
        Ok(supergraph)
    };
    let errors = match compose(parts.collect()).and_then(check) {
        Ok(supergraph) => panic!("it composes:\n{}", supergraph.sdl),
        Err(errors) => errors,
    };
    let found = errors.0.iter().any(|error| told.iter().all(|part| error.contains(part)));
    assert!(found, "{told:?} is not told: {errors}");
}

macro_rules! refused {
    ($($way:ident: { $($subgraph:ident: $sdl:literal)* } => [$($told:literal),*])*) => {
        $(
            #[test]
            fn $way() {
                check(&[$((stringify!($subgraph), $sdl)),*], &[$($told),*]);
            }
        )*
    };
}

// Types and fields of one name.
refused! {
    kinds_that_differ: {
        a: "type Query { t: T } type T { x: Int }"
        b: "interface T { x: Int }"
    } => ["T: it is an object type in a and an interface in b"]

    an_input_that_is_an_object_elsewhere: {
        a: "type Query { t(x: T): Int } input T { x: Int }"
        b: "type T { x: Int }"
    } => ["T: it is an input type in a and an object type in b"]

    field_types_that_do_not_merge: {
        a: "type Query { x: Int @shareable }"
        b: "type Query { x: String @shareable }"
    } => ["Query.x: its types do not agree (Int in a, String in b)"]

    lists_and_single_values: {
        a: "type Query { x: [Int] @shareable }"
        b: "type Query { x: Int @shareable }"
    } => ["Query.x", "[Int] in a", "Int in b"]

    objects_without_a_wider_type: {
        a: "type Query { x: A @shareable } type A { n: Int }"
        b: "type Query { x: B @shareable } type B { n: Int }"
    } => ["Query.x", "A in a", "B in b", "an interface or a union of the others"]

    argument_types_that_do_not_merge: {
        a: "type Query { x(n: Int): Int @shareable }"
        b: "type Query { x(n: String): Int @shareable }"
    } => ["Query.x(n:): its types do not agree (Int in a, String in b)"]

    a_required_argument_that_is_missing: {
        a: "type Query { x(n: Int!): Int @shareable }"
        b: "type Query { x: Int @shareable }"
    } => ["Query.x(n:): the argument is required in a and missing in b"]

    argument_defaults_that_differ: {
        a: "type Query { x(n: Int = 1): Int @shareable }"
        b: "type Query { x(n: Int = 2): Int @shareable }"
    } => ["Query.x(n:): its defaults differ (1 in a, 2 in b)"]

    a_required_input_field_that_is_missing: {
        a: "type Query { x(i: I): Int } input I { n: Int! m: Int }"
        b: "type Query { y(i: I): Int } input I { m: Int }"
    } => ["I.n: the input field is required in a and missing in b"]

    input_field_types_that_do_not_merge: {
        a: "type Query { x(i: I): Int } input I { n: Int }"
        b: "type Query { y(i: I): Int } input I { n: [Int] }"
    } => ["I.n: its types do not agree (Int in a, [Int] in b)"]

    input_defaults_that_differ: {
        a: "type Query { x(i: I): Int } input I { n: Int = 1 }"
        b: "type Query { y(i: I): Int } input I { n: Int = 2 }"
    } => ["I.n: its defaults differ (1 in a, 2 in b)"]

    inputs_without_a_common_field: {
        a: "type Query { x(i: I): Int } input I { n: Int }"
        b: "type Query { y(i: I): Int } input I { m: Int }"
    } => ["I: no input field is in all of its subgraphs (a, b)"]

    an_enum_both_given_and_got: {
        a: "type Query { x(e: E): E } enum E { P Q }"
        b: "type Query { y: E } enum E { P }"
    } => ["E.Q: the value is in a and missing in b", "both give and get"]

    a_given_enum_without_a_common_value: {
        a: "type Query { x(e: E): Int } enum E { P }"
        b: "type Query { y(e: E): Int } enum E { Q }"
    } => ["E: no value is in all of its subgraphs (a, b)"]

    a_field_that_two_resolve: {
        a: "type Query { x: Int }"
        b: "type Query { x: Int }"
    } => ["Query.x: it is resolved by a, b, and not marked @shareable in a, b"]

    a_field_that_one_of_two_shares: {
        a: "type Query { x: Int @shareable }"
        b: "type Query { x: Int }"
    } => ["Query.x: it is resolved by a, b, and not marked @shareable in b"]

    a_field_of_an_interface_that_nobody_has: {
        a: "type Query { i: I } interface I { x: Int } type T implements I { x: Int }"
        b: "interface I { y: Int } type U implements I { y: Int x: Int }"
    } => ["T.y: no subgraph has the field, which I has in b"]

    a_type_without_fields: {
        a: "type Query { t: T } type T"
    } => ["T: it has no fields (in a)"]
}

// A subgraph by itself.
refused! {
    a_schema_that_cannot_be_read: {
        a: "type Query {"
    } => ["[a] the schema cannot be read"]

    a_type_that_is_not_defined: {
        a: "type Query { x: Missing }"
    } => ["[a] Query.x: its type Missing is not defined"]

    an_interface_that_is_not_defined: {
        a: "type Query implements Missing { x: Int }"
    } => ["[a] Query: it implements Missing, which is not defined"]

    a_member_that_is_no_object: {
        a: "type Query { u: U } union U = E enum E { P }"
    } => ["[a] U: its member E is an enum"]

    an_output_that_is_given: {
        a: "type Query { x(t: T): Int } type T { x: Int }"
    } => ["[a] Query.x(t:): its type T is an object type, which cannot be given by clients"]

    an_input_that_is_got: {
        a: "type Query { x: I } input I { n: Int }"
    } => ["[a] Query.x: its type I is an input type, which cannot be got by clients"]

    a_field_that_is_defined_twice: {
        a: "type Query { x: Int x: String }"
    } => ["[a] Query.x: the field is defined twice"]

    a_reserved_name: {
        a: "type Query { x: join__Graph } enum join__Graph { A }"
    } => ["[a] join__Graph: names that begin with join__"]

    a_reserved_field_name: {
        a: "type Query { __x: Int }"
    } => ["[a] Query.__x: names that begin with __"]

    a_directive_that_is_not_imported: {
        a: "type Query { x: Int @tag(name: \"t\") }"
    } => ["[a] Query.x: @tag is not imported", "@federation__tag"]

    a_directive_that_nobody_defines: {
        a: "type Query { x: Int @shout }"
    } => ["[a] Query.x: there is no directive @shout"]

    a_root_type_of_a_usual_name_that_is_none: {
        a: "schema { query: Root } type Root { x: Int } type Query { y: Int }"
    } => ["[a] Query: the type has the name of a root type, and the root type is Root"]

    no_query: {
        a: "type Mutation { x: Int }"
    } => ["no query type"]
}

// Field sets.
refused! {
    a_key_of_an_unknown_field: {
        a: "type Query { t: T } type T @key(fields: \"id\") { x: Int }"
    } => ["[a] T: @key(fields: \"id\"): T has no field id"]

    a_key_that_cannot_be_read: {
        a: "type Query { t: T } type T @key(fields: \"id {\") { id: ID }"
    } => ["[a] T: @key(fields: \"id {\"): it cannot be read"]

    a_key_that_nests_without_end: {
        a: "type Query { t: T } type T @key(fields: \"{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{\") { id: ID }"
    } => ["[a] the schema cannot be read", "more than 32 brackets are open"]

    a_key_without_the_fields_of_an_object: {
        a: "type Query { t: T } type T @key(fields: \"o\") { o: O } type O { id: ID }"
    } => ["[a] T: @key(fields: \"o\"): T.o is a O, of which fields must be named"]

    a_key_with_fields_of_a_leaf: {
        a: "type Query { t: T } type T @key(fields: \"id { x }\") { id: ID }"
    } => ["[a] T", "T.id is a ID, which has no fields"]

    a_key_with_arguments: {
        a: "type Query { t: T } type T @key(fields: \"id(n: 1)\") { id(n: Int): ID }"
    } => ["[a] T", "T.id has arguments; fields of a key have none"]

    a_key_of_a_type_that_it_cannot_be: {
        a: "type Query { t: T o: O } type T @key(fields: \"... on O { id }\") { id: ID } type O { id: ID }"
    } => ["[a] T", "a T can never be a O"]

    a_key_on_a_union: {
        a: "type Query { u: U } type T { id: ID } union U @key(fields: \"id\") = T"
    } => ["[a] U: @key stands on a union"]

    a_key_without_fields: {
        a: "type Query { t: T } type T @key { id: ID }"
    } => ["[a] T: @key needs fields"]

    a_requirement_of_an_unknown_field: {
        a: "type Query { t: T } type T @key(fields: \"id\") { id: ID x: Int @requires(fields: \"y\") }"
    } => ["[a] T.x: @requires(fields: \"y\"): T has no field y"]

    a_requirement_of_ones_own_field: {
        a: "type Query { t: T } type T @key(fields: \"id\") { id: ID y: Int x: Int @requires(fields: \"y\") }"
    } => ["[a] T.x", "the subgraph has T.y itself"]

    a_requirement_that_is_an_operation: {
        a: "type Query { t: T } type T @key(fields: \"id\") { id: ID y: Int @external x: Int @requires(fields: \"{ y } { id }\") }"
    } => ["[a] T.x: @requires"]

    a_requirement_without_its_argument: {
        a: "type Query { t: T } type T @key(fields: \"id\") { id: ID y(n: Int!): Int @external x: Int @requires(fields: \"y\") }"
        b: "type T @key(fields: \"id\") { id: ID y(n: Int!): Int }"
    } => ["[a] T.x", "T.y needs the argument n"]

    a_requirement_under_an_alias: {
        a: "type Query { t: T } type T @key(fields: \"id\") { id: ID y: Int @external x: Int @requires(fields: \"z: y\") }"
        b: "type T @key(fields: \"id\") { id: ID y: Int }"
    } => ["[a] T.x", "T.y has an alias"]

    what_is_provided_and_unknown: {
        a: "type Query { t: T @provides(fields: \"y\") } type T @key(fields: \"id\") { id: ID }"
    } => ["[a] Query.t: @provides(fields: \"y\"): T has no field y"]

    what_is_provided_of_a_leaf: {
        a: "type Query { t: Int @provides(fields: \"y\") }"
    } => ["[a] Query.t: @provides needs an object"]

    an_external_field_without_use: {
        a: "type Query { t: T } type T @key(fields: \"id\") { id: ID x: Int @external }"
        b: "type T @key(fields: \"id\") { id: ID x: Int }"
    } => ["[a] T.x: it is @external, and no @key, @requires or @provides names it"]

    an_external_field_that_nobody_has: {
        a: "type Query { t: T } type T @key(fields: \"id\") { id: ID y: Int @external x: Int @requires(fields: \"y\") }"
    } => ["T.y: it is @external in a, and no subgraph has it"]

    an_external_field_of_another_type: {
        a: "type Query { t: T } type T @key(fields: \"id\") { id: ID y: String @external x: Int @requires(fields: \"y\") }"
        b: "type T @key(fields: \"id\") { id: ID y: Int }"
    } => ["T.y: it is @external with the type String in a, and Int in b"]

    an_external_field_that_is_resolved: {
        a: "type Query { t: T } type T @key(fields: \"id\") { id: ID y: Int @external @requires(fields: \"id\") x: Int @requires(fields: \"y\") }"
        b: "type T @key(fields: \"id\") { id: ID y: Int }"
    } => ["[a] T.y: @requires stands beside @external"]

    an_external_field_of_an_interface: {
        a: "type Query { i: I } interface I { x: Int @external } type T implements I { x: Int }"
    } => ["[a] I.x: @external stands on a field of an interface"]

    values_from_a_context: {
        a: "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.9\", import: [\"@context\", \"@fromContext\"]) type Query { t: T } type T @key(fields: \"id\") @context(name: \"t\") { id: ID! x(n: Int @fromContext(field: \"$t { id }\")): Int }"
    } => ["[a] T.x(n:): @fromContext is not supported"]

    a_subscription_that_is_shared: {
        a: "type Query { x: Int } type Subscription { y: Int @shareable }"
    } => ["[a] Subscription.y: a subscription cannot be @shareable"]
}

// Overrides.
refused! {
    an_override_from_itself: {
        a: "type Query { x: Int @override(from: \"a\") }"
    } => ["[a] Query.x: @override(from: \"a\") names its own subgraph"]

    an_override_from_nobody: {
        a: "type Query { x: Int @override(from: \"z\") }"
    } => ["[a] Query.x: @override(from: \"z\") names no subgraph"]

    an_override_by_two: {
        a: "type Query { x: Int @override(from: \"c\") }"
        b: "type Query { x: Int @override(from: \"c\") }"
        c: "type Query { x: Int }"
    } => ["Query.x: it is overridden from c twice, in a and in b"]

    an_override_of_an_override: {
        a: "type Query { x: Int @override(from: \"b\") }"
        b: "type Query { x: Int @override(from: \"c\") }"
        c: "type Query { x: Int }"
    } => ["Query.x: it is overridden in a from b, where it has @override"]

    an_override_beside_external: {
        a: "type Query { t: T } type T @key(fields: \"id\") { id: ID x: Int @override(from: \"b\") @external y: Int @requires(fields: \"x\") }"
        b: "type T @key(fields: \"id\") { id: ID x: Int }"
    } => ["[a] T.x: @override stands beside @external"]

    an_override_of_what_is_required: {
        a: "type Query { t: T } type T @key(fields: \"id\") { id: ID x: Int @override(from: \"b\") y: Int }"
        b: "type T @key(fields: \"id\") { id: ID y: Int @external x: Int @requires(fields: \"y\") }"
    } => ["T.x: it is overridden in a from b, where it has @requires"]

    an_override_of_what_is_provided: {
        a: "type Query { t: T @override(from: \"b\") } type T @key(fields: \"id\") { id: ID x: Int }"
        b: "type Query { t: T @provides(fields: \"x\") } type T @key(fields: \"id\") { id: ID x: Int @external }"
    } => ["Query.t: it is overridden in a from b, where it has @provides"]

    an_override_with_a_share_beyond_all: {
        a: "type Query { x: Int @override(from: \"b\", label: \"percent(101)\") }"
        b: "type Query { x: Int }"
    } => ["[a] Query.x: @override(label: \"percent(101)\")", "no percentage"]

    an_override_with_a_label_of_other_letters: {
        a: "type Query { x: Int @override(from: \"b\", label: \"new bills\") }"
        b: "type Query { x: Int }"
    } => ["[a] Query.x: @override(label: \"new bills\"): a label is percent(n)"]
}

// Interface objects.
refused! {
    an_interface_object_without_a_key: {
        a: "type Query { i: I } interface I @key(fields: \"id\") { id: ID } type T implements I @key(fields: \"id\") { id: ID }"
        b: "type I @interfaceObject { id: ID x: Int }"
    } => ["[b] I: @interfaceObject needs a @key"]

    an_interface_object_without_an_interface: {
        a: "type Query { x: Int }"
        b: "type I @interfaceObject @key(fields: \"id\") { id: ID x: Int }"
    } => ["[b] I: it is an @interfaceObject, and no subgraph has an interface"]

    an_interface_object_of_an_interface_without_a_key: {
        a: "type Query { i: I } interface I { id: ID } type T implements I @key(fields: \"id\") { id: ID }"
        b: "type I @interfaceObject @key(fields: \"id\") { id: ID x: Int }"
    } => ["[b] I", "the interface has no @key in a"]

    an_interface_object_beside_its_objects: {
        a: "type Query { i: I } interface I @key(fields: \"id\") { id: ID } type T implements I @key(fields: \"id\") { id: ID }"
        b: "type I @interfaceObject @key(fields: \"id\") { id: ID x: Int } type T @key(fields: \"id\") { id: ID }"
    } => ["[b] T: it is an object of the interface I, which is an @interfaceObject in the same subgraph"]

    an_object_without_the_mark: {
        a: "type Query { i: I } interface I @key(fields: \"id\") { id: ID } type T implements I @key(fields: \"id\") { id: ID }"
        b: "type I @key(fields: \"id\") { id: ID x: Int }"
    } => ["I: it is an interface in a and an object type in b"]

    an_entity_interface_without_an_object_of_it: {
        a: "type Query { i: I } interface I @key(fields: \"id\") { id: ID } type T implements I @key(fields: \"id\") { id: ID }"
        b: "interface I { id: ID } type U implements I @key(fields: \"id\") { id: ID }"
    } => ["[a] I", "its object type U is not here"]

    an_object_of_an_entity_interface_without_a_key: {
        a: "type Query { i: I } interface I @key(fields: \"id\") { id: ID } type T implements I { id: ID }"
    } => ["[a] T: it has no @key, and its interface I has one"]
}

// What clients do not see.
refused! {
    a_field_of_a_hidden_type: {
        a: "type Query { t: T } type T @inaccessible { x: Int }"
    } => ["Query.t: clients see it, and its type T is @inaccessible"]

    an_argument_of_a_hidden_type: {
        a: "type Query { x(i: I): Int } input I @inaccessible { n: Int }"
    } => ["Query.x(i:): clients see it, and its type I is @inaccessible"]

    an_input_field_of_a_hidden_type: {
        a: "type Query { x(i: I): Int } input I { n: E m: Int } enum E @inaccessible { P }"
    } => ["I.n: clients see it, and its type E is @inaccessible"]

    a_type_of_which_all_is_hidden: {
        a: "type Query { x: Int t: T } type T { x: Int @inaccessible }"
    } => ["T: all that it holds is @inaccessible"]

    a_required_argument_that_is_hidden: {
        a: "type Query { x(n: Int! @inaccessible): Int }"
    } => ["Query.x(n:): it is required and @inaccessible"]

    a_required_input_field_that_is_hidden: {
        a: "type Query { x(i: I): Int } input I { n: Int! @inaccessible m: Int }"
    } => ["I.n: it is required and @inaccessible"]

    a_field_that_is_hidden_and_shown_by_an_interface: {
        a: "type Query { i: I } interface I { x: Int } type T implements I { x: Int @inaccessible y: Int }"
    } => ["T.x: it is @inaccessible, and the interface I shows the field"]

    a_hidden_query: {
        a: "type Query @inaccessible { x: Int }"
    } => ["[a] Query: the query root cannot be @inaccessible"]
}

// Directives of one's own.
refused! {
    a_kept_directive_that_is_not_linked: {
        a: "extend schema @composeDirective(name: \"@own\") directive @own on FIELD_DEFINITION type Query { x: Int @own }"
    } => ["[a] @composeDirective(name: \"@own\"): @own is imported by no @link"]

    a_kept_directive_that_is_not_defined: {
        a: "extend schema @link(url: \"https://specs.example.com/own/v1.0\", import: [\"@own\"]) @composeDirective(name: \"@own\") type Query { x: Int }"
    } => ["[a] @composeDirective(name: \"@own\"): @own is not defined"]

    a_kept_directive_that_is_federations: {
        a: "extend schema @composeDirective(name: \"@key\") type Query { x: Int }"
    } => ["[a] @composeDirective(name: \"@key\"): @key is federation's own"]

    a_kept_directive_without_its_at: {
        a: "extend schema @composeDirective(name: \"own\") type Query { x: Int }"
    } => ["[a] @composeDirective(name: \"own\") names no directive"]

    kept_directives_with_different_arguments: {
        a: "extend schema @link(url: \"https://specs.example.com/own/v1.0\", import: [\"@own\"]) @composeDirective(name: \"@own\") directive @own(n: Int) on FIELD_DEFINITION type Query { x: Int @own(n: 1) }"
        b: "extend schema @link(url: \"https://specs.example.com/own/v1.0\", import: [\"@own\"]) @composeDirective(name: \"@own\") directive @own(n: String) on FIELD_DEFINITION type Query { y: Int @own(n: \"1\") }"
    } => ["@own: its argument n is Int and String in a and in b"]

    kept_directives_of_different_specifications: {
        a: "extend schema @link(url: \"https://specs.example.com/own/v1.0\", import: [\"@own\"]) @composeDirective(name: \"@own\") directive @own on FIELD_DEFINITION type Query { x: Int @own }"
        b: "extend schema @link(url: \"https://specs.example.com/own/v2.0\", import: [\"@own\"]) @composeDirective(name: \"@own\") directive @own on FIELD_DEFINITION type Query { y: Int @own }"
    } => ["@own: it is of different specifications in a and in b"]

    executable_directives_that_differ: {
        a: "directive @log(level: Int) on FIELD type Query { x: Int }"
        b: "directive @log(level: String) on FIELD type Query { y: Int }"
    } => ["@log: its argument level is Int and String in a and in b"]

    an_import_that_federation_does_not_have: {
        a: "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.9\", import: [\"@keys\"]) type Query { x: Int }"
    } => ["[a] @link", "has no directive @keys to import"]

    federation_of_another_version: {
        a: "extend schema @link(url: \"https://specs.apollo.dev/federation/v3.0\") type Query { x: Int }"
    } => ["[a] @link", "no version of federation 2"]
}

// Fields that no plan reaches.
refused! {
    a_field_without_a_way_to_it: {
        a: "type Query { t: T } type T { x: Int @shareable }"
        b: "type Query { u: T } type T { x: Int @shareable y: Int }"
    } => ["T.y cannot be planned when reached by Query.t", "from the subgraph a", "b has it"]

    a_key_that_cannot_be_resolved: {
        a: "type Query { t: T } type T @key(fields: \"id\") { id: ID }"
        b: "type T @key(fields: \"id\", resolvable: false) { id: ID y: Int }"
    } => ["T.y cannot be planned when reached by Query.t", "from the subgraph a", "b has it"]

    a_key_that_nobody_gives: {
        a: "type Query { t: T } type T @key(fields: \"id\") { id: ID }"
        b: "type T @key(fields: \"code\") { code: ID y: Int }"
    } => ["T.y cannot be planned when reached by Query.t", "from the subgraph a", "b has it"]

    a_requirement_that_nobody_gives: {
        a: "type Query { t: T } type T @key(fields: \"id\") { id: ID }"
        b: "type T @key(fields: \"id\") { id: ID y: Int @external z: Int @requires(fields: \"y\") }"
        c: "type T @key(fields: \"code\") { code: ID y: Int }"
    } => ["T.z cannot be planned when reached by Query.t", "T.y cannot be reached from the subgraph a: c has it"]

    a_way_that_ends_two_objects_down: {
        a: "type Query { s: S } type S { t: T } type T { x: Int @shareable }"
        b: "type Query { u: T } type T { x: Int @shareable y: Int }"
    } => ["T.y cannot be planned when reached by Query.s > S.t", "from the subgraph a", "b has it"]

    a_field_that_a_label_takes_out_of_reach: {
        a: "type Query { t: T } type T { x: Int }"
        b: "type Query { u: T @shareable } type T { x: Int @override(from: \"a\", label: \"new\") }"
    } => ["T.x cannot be planned when reached by", "from the subgraph"]
}

#[test]
fn subgraphs_of_one_name() {
    let named = |name: &str| SubgraphSdl {
        name: name.to_owned(),
        url: None,
        sdl: format!("type Query {{ {name}: Int }}"),
    };
    for (pair, told) in [(["a", "A"], "two subgraphs are named"), (["", "b"], "no name")] {
        let errors = compose(pair.map(named).to_vec()).unwrap_err().to_string();
        assert!(errors.contains(told), "{errors}");
    }
}

#[test]
fn all_problems_of_one_kind_are_told_at_once() {
    let sdl = "type Query { x: Missing y: Gone }";
    let subgraph = SubgraphSdl { name: "a".to_owned(), url: None, sdl: format!("{LINK}{sdl}") };
    assert_eq!(compose(vec![subgraph]).unwrap_err().0.len(), 2);
}
