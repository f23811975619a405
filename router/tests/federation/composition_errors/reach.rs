//! Fields that no plan reaches.

use super::check;

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
