//! What is wrong in a subgraph by itself, its directives among it.

use super::check;

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
