//! `@override`.

use super::check;

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
