//! What clients do not see.

use super::check;

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
