//! What `@key`, `@requires` and `@provides` name.

use super::check;

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
