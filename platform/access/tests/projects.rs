//! Roles in single projects: what they reach is what the same roles of the organization reach, in their
//! project and nowhere else.

use std::sync::{Arc, Mutex};

use studio_access::{ACTIONS, Denied, Extent, Policy, Resource, Scope, Witness};
use studio_kernel::{Actor, Code, Id, Principal, ProjectRoles, Role, kind};
use uuid::Uuid;

type Project = Id<kind::Project>;

fn id<K: studio_kernel::id::Kind>(n: u128) -> Id<K> {
    Id::from_uuid(Uuid::from_u128(n))
}

const SEES: &str = "controls:project:read";
/// What comes with a role in any project, for the organization as a whole.
const WITH_ANY: [&str; 2] = ["controls:framework:read", "identity:organization:read"];

fn person(roles: &[Role], there: &[(Project, &[Role])]) -> Actor {
    let there = there
        .iter()
        .map(|(project, roles)| ProjectRoles { project: *project, roles: roles.to_vec() });
    Actor::user(id(1), id(2), id(3), roles.to_vec()).in_projects(there.collect())
}

fn code<T>(decided: Result<T, Denied>) -> Result<T, Code> {
    decided.map_err(|denied| denied.code())
}

#[test]
fn a_role_in_a_project_is_the_role_there_and_nothing_elsewhere() {
    let policy = Policy::embedded().unwrap();
    let (a, b): (Project, Project) = (id(10), id(11));
    for (action, role) in ACTIONS.iter().flat_map(|it| Role::ALL.map(|role| (it.name, role))) {
        let (everywhere, there) = (person(&[role], &[]), person(&[], &[(a, &[role])]));
        let any = Resource::any("Thing", id(1));
        let one = Resource::one("Thing", "thg_1", id(1));
        let things = [
            any.clone(),
            any.clone().owned_by(id(2)),
            any.clone().owned_by(id(99)),
            one.clone(),
            any.clone().with("rank", "owner"),
        ];
        let at = format!("{action} by {role:?}");
        for thing in &things {
            // The same as of somebody who has the role of the organization; for the rest as somebody who
            // has none, but for what comes with any role in a project.
            let expected = policy.decide(&everywhere, action, thing).scope;
            let decided = policy.decide(&there, action, &thing.clone().of_project(a)).scope;
            assert!(decided == expected || WITH_ANY.contains(&action), "{at}: {decided:?}");
            if !WITH_ANY.contains(&action) && !action.starts_with("identity:") {
                let elsewhere = code(policy.require(&there, action, &thing.clone().of_project(b)));
                assert_eq!(elsewhere, Err(Code::NotFound), "{at}");
                let nowhere = code(policy.require(&there, action, &thing.clone().nowhere()));
                assert_eq!(nowhere, elsewhere, "{at}: both look alike");
                let whole = code(policy.require(&there, action, thing));
                assert_eq!(whole, Err(Code::Forbidden), "{at}: no role of the organization");
            }
        }
        // A list reaches the project where the role reaches everything, and nothing where it does not.
        let extent = code(policy.extent(&there, action, &any));
        let expected = match policy.decide(&everywhere, action, &any).scope {
            // What comes with a role in any project, and one's own account, lie in none.
            _ if policy.decide(&there, action, &any).allow => Ok(Extent::all(id(1))),
            Some(Scope::Tenant(_)) => Ok(Extent::only(id(1), [a])),
            _ => Err(Code::Forbidden),
        };
        assert_eq!(extent, expected, "{at}, a list");
    }
}

#[test]
fn roles_add_up_and_projects_with_one_role_are_asked_about_once() {
    let policy = Policy::embedded().unwrap();
    let (a, b, c): (Project, Project, Project) = (id(10), id(11), id(12));
    let list = Resource::any("Control", id(1));
    let mixed =
        person(&[], &[(a, &[Role::Auditor]), (b, &[Role::Integrator]), (c, &[Role::Auditor])]);
    let extent = policy.extent(&mixed, "controls:control:read", &list).unwrap();
    assert_eq!(extent, Extent::only(id(1), [a, c]));
    assert!(extent.holds(&a.to_string()) && !extent.holds(&b.to_string()));
    assert_eq!(policy.extent(&mixed, SEES, &list).unwrap(), Extent::only(id(1), [a, b, c]));
    let both = extent.and(&Extent::only(id(1), [b, c]));
    assert_eq!(both, Extent::only(id(1), [c]));
    assert_eq!(both.clone().and(&Extent::all(id(1))), both);
    // In a project that they see, what they may not do is refused as what it is.
    let told = code(policy.require(&mixed, "controls:control:read", &list.clone().of_project(b)));
    assert_eq!(told, Err(Code::Forbidden));

    // With a role of the organization nothing is hidden, and that of a project reaches further there.
    let viewer = person(&[Role::Viewer], &[(a, &[Role::ComplianceManager])]);
    assert_eq!(policy.extent(&viewer, SEES, &list).unwrap(), Extent::all(id(1)));
    let writes =
        |resource: Resource| code(policy.require(&viewer, "controls:control:create", &resource));
    assert!(writes(list.clone().of_project(a)).is_ok());
    for resource in [list.clone(), list.clone().of_project(b), list.clone().nowhere()] {
        assert_eq!(writes(resource), Err(Code::Forbidden));
    }
    // Nobody is let into another organization by a project.
    let abroad = Resource::one("Control", "ctl_1", id(77)).of_project(a);
    assert_eq!(
        code(policy.require(&viewer, "controls:control:read", &abroad)),
        Err(Code::NotFound)
    );
}

#[test]
fn a_key_narrows_there_too_and_a_refusal_is_told_once() {
    #[derive(Default)]
    struct Seen(Mutex<Vec<String>>);
    impl Witness for Seen {
        fn refused(&self, _: &Actor, action: &'static str, resource: &Resource) {
            self.0.lock().unwrap().push(format!("{action} {}", resource.kind));
        }
    }
    let seen = Arc::new(Seen::default());
    let policy = Policy::embedded().unwrap().with_witness(seen.clone());
    let a: Project = id(10);
    let there = vec![ProjectRoles { project: a, roles: vec![Role::ComplianceManager] }];
    let scopes = vec!["controls:*:read".parse().unwrap()];
    let principal = Principal::ApiKey { user: id(2), key: id(4) };
    let key = Actor::program(id(1), principal, vec![], scopes).in_projects(there);
    let list = Resource::any("Control", id(1));
    assert_eq!(policy.extent(&key, SEES, &list).unwrap(), Extent::only(id(1), [a]));
    assert_eq!(*seen.0.lock().unwrap(), [] as [&str; 0], "nothing was refused");
    let update = "controls:control:update";
    let told = code(policy.require(&key, update, &list.clone().of_project(a)));
    assert_eq!(told, Err(Code::Forbidden));
    assert_eq!(code(policy.extent(&key, update, &list)), Err(Code::Forbidden));
    assert_eq!(*seen.0.lock().unwrap(), [format!("{update} Control"), format!("{update} Control")]);
}

#[test]
fn no_bundle_opens_a_project_to_whoever_has_no_role_there_by_lists() {
    // Whatever rules grant by "own" for a list reaches nothing by roles in projects.
    let own = r#"
        package studio.access
        import rego.v1
        default decision := {"allow": false, "scope": "none", "reason": "no"}
        decision := {"allow": true, "scope": "own", "reason": "own"} if "viewer" in input.actor.roles
    "#;
    let policy = Policy::from_sources(&[("own.rego", own)]).unwrap();
    let there = person(&[], &[(id(10), &[Role::Viewer])]);
    let list = Resource::any("Control", id(1));
    assert_eq!(code(policy.extent(&there, "controls:control:read", &list)), Err(Code::Forbidden));
}
