//! A public schema by itself: as text that a server gave, or that of a supergraph.

use super::supergraph::{has_extensions, parse, read_document, with_built_ins};
use crate::schema::{
    Schema,
    changes::{SchemaChange, changes},
};
use graphql_tools::parser::schema::{Definition, TypeDefinition};

/// The type that every supergraph has and no public schema.
const OF_SUPERGRAPHS: &str = "join__Graph";

/// Why a text is neither a public schema nor a supergraph.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnreadableSchema(String);

/// What clients see of a graph.
#[derive(Debug)]
pub struct PublicSchema(Schema);

impl PublicSchema {
    /// Reads a public schema, or takes it from a supergraph.
    ///
    /// # Errors
    /// [`UnreadableSchema`] where it is neither.
    pub fn read(text: &str) -> Result<PublicSchema, UnreadableSchema> {
        let fail =
            |reason: String| UnreadableSchema(format!("the schema cannot be used: {reason}"));
        let document = parse(text).map_err(fail)?;
        let is_supergraph = |definition: &Definition<'_, String>| matches!(definition, Definition::TypeDefinition(TypeDefinition::Enum(one)) if one.name == OF_SUPERGRAPHS);
        if document.definitions.iter().any(is_supergraph) {
            return read_document(document)
                .map(|(_, schema, _)| PublicSchema(schema))
                .map_err(|errors| UnreadableSchema(errors.0.join("; ")));
        }
        if has_extensions(&document) {
            return Err(fail(
                "it has type extensions: give the schema that a router serves, or a supergraph, not \
                 that of a subgraph"
                    .to_owned(),
            ));
        }
        let document = with_built_ins(document).map_err(fail)?;
        Schema::build(&document).map(PublicSchema).map_err(|error| fail(error.to_string()))
    }

    /// What is different in `next` for the clients of this one, the worst first, then by place.
    /// Nothing where `next` only adds.
    pub fn changes(&self, next: &PublicSchema) -> Vec<SchemaChange> {
        changes(&self.0, &next.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(before: &str, after: &str) -> Vec<String> {
        let read = |text| PublicSchema::read(text).unwrap();
        read(before).changes(&read(after)).iter().map(ToString::to_string).collect()
    }

    const BEFORE: &str = r#"
        directive @shout(times: Int = 1) repeatable on FIELD | QUERY
        interface Node { id: ID! }
        interface Named { name: String }
        type Query {
          node(id: ID!, deep: Boolean = false): Node
          find(by: By!, kind: Kind, one: Int, many: [Int]): [Thing!]!
          any: Either
        }
        type Mutation { touch(id: ID!): ID }
        type Thing implements Node & Named { id: ID! name: String old: Int @deprecated(reason: "Ask new.") }
        type Other implements Node { id: ID! }
        union Either = Thing | Other
        enum Kind { A B }
        input By { id: ID name: String = "x" }
        scalar Date
    "#;

    #[test]
    fn a_schema_that_only_adds_changes_nothing() {
        assert!(told(BEFORE, BEFORE).is_empty());
        let after = BEFORE
            .replace("name: String }", "name: String! }")
            .replace("any: Either", "any: Either! more(of: Int!): Int")
            .replace("find(by: By!, kind: Kind,", "find(by: By, kind: Kind, new: Int! = 1,")
            .replace("input By { id: ID", "input By { more: [ID!] id: ID")
            .replace(
                "type Mutation { touch(id: ID!): ID }",
                "type Mutation { touch(id: ID): ID! }",
            )
            + "type Subscription { ticks: Int } type New { a: Int }";
        assert_eq!(told(BEFORE, &after), [""; 0]);
    }

    #[test]
    fn what_breaks_and_what_surprises_is_named_with_its_place() {
        let after = r#"
            directive @shout(times: Int!) on FIELD
            interface Node { id: ID! }
            interface Named { name: String }
            interface Aged { age: Int }
            type Query {
              node(id: ID!, deep: Boolean = true, must: Int!): Node
              find(by: By!, kind: Kind!, one: [Int], many: [Int!]): [Thing]!
              any: Either
            }
            type Thing implements Node & Aged { id: String! name: [String] age: Int }
            type Other implements Node { id: ID! }
            type Third { a: Int }
            union Either = Thing | Third
            enum Kind { B C }
            input By @oneOf { name: String must: Int! }
            type Date { day: Int }
        "#;
        assert_eq!(
            told(BEFORE, after),
            [
                "breaking   @shout: it may not stand at QUERY any more",
                "breaking   @shout: it may stand only once in a place now",
                "breaking   @shout(times:): its type was Int, and is Int! without a default now",
                "breaking   By: exactly one of its fields must be given now (@oneOf)",
                "breaking   By.id: the field is gone, and was not deprecated",
                "breaking   By.must: the field is new, and must be given (Int!)",
                "breaking   Date: it was a scalar, and is an object type now",
                "breaking   Either: Other is no member any more",
                "breaking   Kind.A: the value is gone, and was not deprecated",
                "breaking   Mutation: the type is gone",
                "breaking   Query.find: its type was [Thing!]!, and is [Thing]! now",
                "breaking   Query.find(kind:): its type was Kind, and is Kind! without a default now",
                "breaking   Query.find(many:): its type was [Int], and is [Int!] now",
                "breaking   Query.find(one:): its type was Int, and is [Int] now",
                "breaking   Query.node(must:): the argument is new, and must be given (Int!)",
                "breaking   Thing: it does not implement Named any more",
                "breaking   Thing.id: its type was ID!, and is String! now",
                "breaking   Thing.name: its type was String, and is [String] now",
                "breaking   Thing.old: the field is gone; it was deprecated: Ask new.",
                "dangerous  By.name: its default was \"x\", and is none now",
                "dangerous  Either: Third is a member now",
                "dangerous  Kind.C: the value is new",
                "dangerous  Query.node(deep:): its default was false, and is true now",
                "dangerous  Thing: it implements Aged now: fragments on that meet it",
            ]
        );
    }

    #[test]
    fn a_place_that_must_be_filled_is_told_from_one_with_a_default() {
        let with = |ty: &str| format!("type Query {{ a(b: {ty}): Int }}");
        for (before, after, breaks) in [
            ("Int! = 1", "Int!", true),
            ("Int! = 1", "Int = 1", false),
            ("Int", "Int! = 1", true), // null was taken
            ("Int!", "Int! = 1", false),
            ("[Int!]!", "[Int]", false),
            ("[[Int]]", "[Int]", true),
        ] {
            let told = told(&with(before), &with(after));
            let broke = told.iter().any(|one| one.starts_with("breaking"));
            assert_eq!(broke, breaks, "{before} -> {after}: {told:?}");
        }
    }

    #[test]
    fn a_root_type_under_another_name_is_another_type() {
        let before = "type Query { a: Int } type Mutation { a: Int }";
        let after = "schema { query: Root } type Root { a: Int } type Query { a: Int } \
                     type Mutation { a: Int }";
        assert_eq!(
            told(before, after),
            [
                "breaking   Mutation: it is not the mutation type any more",
                "breaking   Query: the query type is Root now"
            ]
        );
    }

    #[test]
    fn what_is_no_schema_is_refused() {
        for (text, reason) in [
            ("{ a }", "not a GraphQL schema"),
            ("type A { b: Int }", "no query type"),
            ("type Query { a: B }", "`Query.a` uses the type `B`"),
            ("extend type Query { a: Int }", "type extensions"),
            ("enum join__Graph { A } type Query { a: Int }", "supergraph cannot be used"),
        ] {
            let error = PublicSchema::read(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
