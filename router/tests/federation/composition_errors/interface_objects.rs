//! `@interfaceObject`.

use super::check;

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
