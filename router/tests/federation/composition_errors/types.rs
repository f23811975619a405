//! Types and fields of one name that do not agree.

use super::check;

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
