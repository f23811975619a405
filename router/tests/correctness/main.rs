//! The router over many small supergraphs, each of them one concept of federation or of GraphQL.
//!
//! A case is a file of `cases/`: subgraphs, one table of data for all of them, operations, and the
//! answers that the specifications ask for. Each is run in process, and over HTTP from the client to the
//! subgraphs. Both must give the answer that stands in the file, byte for byte the same, and no subgraph
//! may be asked for what its own schema does not allow.
//!
//! To add a case, write `cases/NAME.md` ([`case`] says how) and name it below.

#![allow(unreachable_pub, reason = "a test is no library: nothing in it can be reached")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

mod case;
mod entities;
mod execute;
mod input;
mod journal;
mod run;
mod schema;
#[path = "../federation/server.rs"]
mod server;
mod subgraph;
mod template;
mod world;

macro_rules! cases {
    ($($name:ident)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                run::check(stringify!($name)).await;
            }
        )*

        /// A file that nothing runs shows nothing.
        #[test]
        fn every_file_is_run() {
            let named = [$(stringify!($name)),*];
            let mut files = case::names();
            files.retain(|file| !named.contains(&file.as_str()));
            assert!(files.is_empty(), "name them in main.rs: {files:?}");
        }
    };
}

cases! {
    abstract_in_abstract
    aliases
    batches
    circular_types
    compound_keys
    conditions_on_types
    conflicting_arguments
    conflicting_shapes
    custom_scalars
    entities_that_fail
    entity_interface
    enum_merging
    error_paths
    errors_beside
    external
    fragments
    inaccessible
    inaccessible_interfaces
    input_merging
    interface_arguments
    interface_object
    interface_object_errors
    interface_object_requires
    interface_objects_of_two
    interface_over_subgraphs
    introspection_schema
    introspection_types
    key_chain
    key_values
    keys_with_fragments
    lists_of_lists
    lists_of_value_types
    literals
    multiple_keys
    mutation_errors
    mutation_inputs
    mutation_order
    nested_keys
    nothing_to_ask
    null_keys
    null_propagation
    nullability_in_lists
    nullability_merging
    operation_names
    override_of_a_requirement
    override_of_roots
    override_plain
    override_progressive
    override_progressive_needs
    provides
    provides_nested
    query_in_payload
    requires_arguments
    requires_beside_selections
    requires_chain
    requires_fragments
    requires_in_a_circle
    requires_in_lists
    requires_nested
    requires_of_entities
    requires_of_the_same_subgraph
    requires_that_fail
    several_keys
    shareable
    shared_interface_fields
    shared_roots
    skip_and_include
    stubs
    type_extensions
    typename
    union_partly_shared
    validation
    value_types
    variables_defaults
    variables_in_every_fetch
    variables_inputs
    variables_lists
    variables_scalars
    wider_types
}
