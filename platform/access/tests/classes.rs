//! Data classes: who reads what of each, held against the table of `docs/access.md`, and how that becomes the
//! filter of a list.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]
use std::{collections::BTreeMap, path::Path};

use studio_access::{Clearance, Part, Policy, Resource, Scope};
use studio_kernel::{Actor, Code, DataClass, Id, Principal, ProjectRoles, Role, kind};
use uuid::Uuid;

/// What has a class, and by which action it is read.
const READINGS: [(&str, &str); 6] = [
    ("Document", "documents:document:read"),
    ("Evidence", "evidence:evidence:read"),
    ("Finding", "evidence:finding:read"),
    ("IngestRun", "evidence:run:read"),
    ("Search", "ai:search:read"),
    ("Answer", "ai:answer:read"),
];

fn id<K: studio_kernel::id::Kind>(n: u128) -> Id<K> {
    Id::from_uuid(Uuid::from_u128(n))
}

fn person(roles: &[Role], there: &[(Id<kind::Project>, &[Role])]) -> Actor {
    let there = there
        .iter()
        .map(|(project, roles)| ProjectRoles { project: *project, roles: roles.to_vec() });
    Actor::user(id(1), id(2), id(3), roles.to_vec()).in_projects(there.collect())
}

/// The table of the document: by class and role, what is read.
fn table() -> BTreeMap<(DataClass, String), String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/access.md");
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines().skip_while(|line| !line.starts_with("| data class |"));
    let split = |line: &str| -> Vec<String> {
        line.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect()
    };
    let head = split(lines.next().unwrap());
    let mut cells = BTreeMap::new();
    for line in lines.skip(1).take_while(|line| line.starts_with('|')) {
        let row = split(line);
        assert_eq!(row.len(), head.len(), "{line}");
        let class: DataClass = row[0].parse().unwrap();
        for (role, cell) in head.iter().zip(&row).skip(2) {
            cells.insert((class, role.clone()), cell.clone());
        }
    }
    assert_eq!(cells.len(), DataClass::ALL.len() * Role::ALL.len());
    cells
}

#[test]
fn the_policies_say_what_the_table_says() {
    let policy = Policy::embedded().unwrap();
    for ((class, column), cell) in table() {
        let role = Role::ALL.into_iter().find(|it| it.as_str().replace('_', " ") == column);
        let actor = person(&[role.unwrap()], &[]);
        for (thing, action) in READINGS {
            // Whoever may not read things of that kind reads none of any class.
            let any = Resource::any(thing, actor.tenant);
            let reads = policy.decide(&actor, action, &any).allow;
            let scope = |resource: Resource| policy.decide(&actor, action, &resource).scope;
            let at = format!("{action} of {class} by {column}");
            let (tenant, mine) = (
                Some(Scope::Tenant(actor.tenant)),
                Some(Scope::Own { tenant: actor.tenant, user: id(2) }),
            );
            let (list, own, others) = match cell.as_str() {
                _ if !reads => (None, None, None),
                "all" => (tenant, tenant, tenant),
                "own" => (mine, mine, None),
                other => panic!("{other} is no cell of the table"),
            };
            let classed = any.classed(class);
            assert_eq!(scope(classed.clone()), list, "{at}, a list");
            assert_eq!(scope(classed.clone().owned_by(id(2))), own, "{at}, own");
            assert_eq!(scope(classed.clone().owned_by(id(99))), others, "{at}, others'");
            let nobodys = Resource::one(thing, "x_1", actor.tenant).classed(class);
            assert_eq!(scope(nobodys), others, "{at}, nobody's");
            assert_eq!(scope(Resource { tenant: id(77), ..classed }), None, "{at}, elsewhere");
        }
    }
}

fn clearance(policy: &Policy, actor: &Actor) -> Clearance {
    let any = Resource::any("Document", actor.tenant);
    policy.clearance(actor, "documents:document:read", &any).unwrap()
}

#[test]
fn a_clearance_is_as_wide_as_the_rules_say_of_each_class() {
    let policy = Policy::embedded().unwrap();
    assert_eq!(clearance(&policy, &person(&[Role::Owner], &[])).parts(), None);
    let viewer = clearance(&policy, &person(&[Role::Viewer], &[]));
    let me = id::<kind::User>(2).to_string();
    let parts = [
        Part { classes: vec![DataClass::Public, DataClass::Internal], projects: None, owner: None },
        Part {
            classes: vec![DataClass::Confidential, DataClass::Restricted],
            projects: None,
            owner: Some(&me),
        },
    ];
    assert_eq!(viewer.parts().unwrap(), parts);
    assert!(viewer.holds("prj_a", "internal", None) && !viewer.is_confined());
    assert!(viewer.holds("prj_a", "restricted", Some(&me)));
    for owner in [None, Some("usr_other"), Some("")] {
        assert!(!viewer.holds("prj_a", "confidential", owner), "{owner:?}");
    }
    assert!(!viewer.holds("prj_a", "secret", Some(&me)), "there is no such class");

    // A program of the organization owns nothing, and a key acts for its person.
    let scopes = vec!["*:*:read".parse().unwrap()];
    let client = Principal::Client { client: id(5), token: id(6) };
    let client = Actor::program(id(1), client, vec![Role::Auditor], scopes.clone());
    let client = clearance(&policy, &client);
    assert!(client.holds("prj_a", "confidential", None));
    assert!(!client.holds("prj_a", "restricted", None));
    let key = Principal::ApiKey { user: id(2), key: id(4) };
    let key = Actor::program(id(1), key, vec![Role::Auditor], scopes);
    assert!(clearance(&policy, &key).holds("prj_a", "restricted", Some(&me)));
}

#[test]
fn roles_in_projects_reach_each_class_there() {
    let policy = Policy::embedded().unwrap();
    let (a, b): (Id<kind::Project>, Id<kind::Project>) = (id(10), id(11));
    let (in_a, in_b) = (a.to_string(), b.to_string());
    let me = id::<kind::User>(2).to_string();
    let there = person(&[], &[(a, &[Role::Contributor]), (b, &[Role::ComplianceManager])]);
    let reached = clearance(&policy, &there);
    assert!(reached.is_confined());
    assert!(reached.reaches(&in_a) && reached.reaches(&in_b) && !reached.reaches("prj_c"));
    for (project, class, owner, holds) in [
        (&in_a, "confidential", None, true),
        (&in_a, "restricted", None, false),
        (&in_a, "restricted", Some(me.as_str()), true),
        (&in_b, "restricted", None, true),
        (&"prj_c".to_owned(), "public", Some(me.as_str()), false),
    ] {
        assert_eq!(reached.holds(project, class, owner), holds, "{class} in {project}");
    }
    // With a role of the organization both add up.
    let both = person(&[Role::Viewer], &[(a, &[Role::ComplianceManager])]);
    let both = clearance(&policy, &both);
    assert!(both.holds(&in_a, "restricted", None) && !both.holds(&in_b, "confidential", None));
    assert!(both.holds(&in_b, "internal", None) && both.holds(&in_b, "restricted", Some(&me)));

    let nobody = person(&[], &[(a, &[Role::Integrator])]);
    let any = Resource::any("Search", nobody.tenant);
    let told = policy.clearance(&nobody, "ai:search:read", &any).unwrap_err();
    assert_eq!(told.code(), Code::Forbidden);
    assert_eq!(policy.clearance_if_any(&nobody, "ai:search:read", &any), None);
}

#[test]
fn an_operator_opens_and_closes_classes() {
    // The rule of docs/policies.md.
    let guide = std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/policies.md"),
    );
    let guide = guide.unwrap();
    let rule = guide.split("```rego\n").find(|it| it.contains("input.resource.data_class"));
    let rule = rule.unwrap().split("```").next().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let text = format!("package studio.access\n\nimport rego.v1\n\n{rule}");
    std::fs::write(folder.path().join("classes.rego"), text).unwrap();
    let bundle = studio_access::Bundle::read(folder.path(), studio_access::Mode::Extend).unwrap();
    let policy = Policy::new(&bundle).unwrap();
    let holds =
        |role, class, owner| clearance(&policy, &person(&[role], &[])).holds("prj_a", class, owner);
    // Auditors read what is restricted, and contributors what is confidential where it is their own.
    assert!(holds(Role::Auditor, "restricted", None));
    assert!(!holds(Role::Viewer, "restricted", None));
    assert!(!holds(Role::Contributor, "confidential", None));
    assert!(holds(Role::Contributor, "internal", None));
    assert!(holds(Role::ComplianceManager, "confidential", None));
}
