//! `studio schema`: the public schema, and what breaks the clients of one that was published.

use std::fs;

use crate::support::{Installation, Shape};

const PUBLIC: &str = include_str!("../../schema/api.graphql");
const SUPERGRAPH: &str = include_str!("../../schema/supergraph.graphql");

#[test]
fn the_public_schema_is_printed_and_changes_nothing_for_its_own_clients() {
    let installation = Installation::of(Shape::Embedded);
    assert_eq!(installation.run(&["schema", "print"]), PUBLIC);
    for (name, text) in [("api.graphql", PUBLIC), ("supergraph.graphql", SUPERGRAPH)] {
        let published = installation.path().join(name);
        fs::write(&published, text).unwrap();
        let said =
            installation.run(&["schema", "check", "--published", published.to_str().unwrap()]);
        assert_eq!(said, "Nothing changes for clients of the published schema.\n", "{name}");
    }
}

#[test]
fn what_breaks_clients_is_named_and_fails() {
    let installation = Installation::of(Shape::Embedded);
    let file = |name: &str, text: &str| {
        let path = installation.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let check = |arguments: &[&str]| {
        let mut command = installation.command(&["schema", "check", "--published"]);
        let output = command.args(arguments).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let once = file("once.graphql", &format!("{PUBLIC}\ntype Gone {{ a: Int }}\n"));
    assert_eq!(
        check(&[&once]),
        (
            Some(1),
            "breaking   Gone: the type is gone\n".to_owned(),
            "error: 1 change breaks clients of the published schema\n".to_owned()
        )
    );

    let small = file("small.graphql", "type Query { a: Int }");
    let (status, named, told) = check(&[&file("api.graphql", PUBLIC), &small]);
    assert_eq!(status, Some(1));
    let gone = "breaking   Query.projects: the field is gone, and was not deprecated\n";
    assert!(named.contains(gone), "{named}");
    let all = format!("error: {} changes break clients", named.lines().count());
    assert!(told.starts_with(&all), "{told}");

    let none = file("none.graphql", "{ projects }");
    let said = installation.refused(&["schema", "check", "--published", &none], &[]);
    assert!(said.contains("none.graphql is of no use: the schema cannot be used"), "{said}");
    let missing = installation.path().join("missing.graphql");
    let said =
        installation.refused(&["schema", "check", "--published", missing.to_str().unwrap()], &[]);
    assert!(said.contains("missing.graphql cannot be read"), "{said}");
}
