//! Holds the policies against `docs/access.md`, the table written by hand.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]
use std::{collections::BTreeMap, path::Path};

use studio_access::{ACTIONS, Denied, NOT_FOR_PROGRAMS, Policy, Resource, Scope};
use studio_kernel::{
    Actor, Authn, AuthnMethod, Code, Env, FixedEntropy, Id, ManualClock, Principal, Role, TenantId,
    Timestamp, kind,
};
use uuid::Uuid;

/// One row of the table.
struct Row {
    meaning: String,
    cells: BTreeMap<String, String>,
}

/// The heading of Studio's own column.
const STUDIO: &str = "its own part of Studio";

/// The heading of a role's column.
fn column(role: Role) -> String {
    role.as_str().replace('_', " ")
}

/// The table of the document, by action.
fn table() -> BTreeMap<String, Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/access.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut lines = text.lines().skip_while(|line| !line.starts_with("| action |"));
    let split = |line: &str| -> Vec<String> {
        line.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect()
    };
    let head = split(lines.next().expect("the document has a table that starts with action"));
    let columns: Vec<_> = Role::ALL.into_iter().map(column).collect();
    assert_eq!(head[..2], ["action", "meaning"]);
    assert_eq!(head[2..head.len() - 1], columns, "one column for each role");
    assert_eq!(head.last().unwrap(), STUDIO);
    let mut rows = BTreeMap::new();
    for line in lines.skip(1).take_while(|line| line.starts_with('|')) {
        let cells = split(line);
        assert_eq!(cells.len(), head.len(), "{line}");
        let row = Row {
            meaning: cells[1].clone(),
            cells: head.iter().cloned().zip(cells.iter().cloned()).skip(2).collect(),
        };
        assert!(rows.insert(cells[0].clone(), row).is_none(), "twice: {line}");
    }
    rows
}

fn id<K: studio_kernel::id::Kind>(n: u128) -> Id<K> {
    Id::from_uuid(Uuid::from_u128(n))
}

/// The policies that ship with Studio, at the instant at which everybody has signed in.
fn shipped() -> Policy {
    let clock = ManualClock::at(Timestamp::from_micros(0));
    Policy::embedded().unwrap().with_clock(Env::new(clock, FixedEntropy::seeded(1)))
}

fn person(roles: Vec<Role>) -> Actor {
    let authn = Authn::new(Timestamp::from_micros(0), vec![AuthnMethod::Pwd]);
    Actor::user(id(1), id(2), id(3), roles).signed_in(Some(authn))
}

/// Checks one actor against one cell, for every way that a resource can stand to the actor.
fn check(policy: &Policy, actor: &Actor, action: &str, cell: &str) {
    let home = Resource::any("Thing", actor.tenant);
    let own = actor.user_id().map(|user| home.clone().owned_by(user));
    let others = home.clone().owned_by(id(99));
    let abroad = Resource::one("Thing", "thg_1", id::<kind::Organization>(77));
    let tenant = Ok(Scope::Tenant(actor.tenant));
    let mine = || Ok(Scope::Own { tenant: actor.tenant, user: actor.user_id().expect("a person") });
    let ask = |resource: &Resource| {
        policy.require(actor, action, resource).map_err(|denied| denied.code())
    };
    let at = format!("{action} by {actor:?}");
    let no = || Err(Code::Forbidden);
    let (list, own_one, other_one, of_owners) = match cell {
        "all" => (tenant, tenant, tenant, tenant),
        "but owners" => (tenant, tenant, tenant, no()),
        "own" => (mine(), mine(), no(), no()),
        "–" => (no(), no(), no(), no()),
        other => panic!("{other} is no cell of the table"),
    };
    let nobodys = Resource::one("Thing", "thg_1", actor.tenant);
    // Twice: the second answer comes from the cache and must be the same.
    for _ in 0..2 {
        assert_eq!(ask(&home), list, "{at}");
        if let Some(own) = &own {
            assert_eq!(ask(own), own_one, "{at}, own");
        }
        assert_eq!(ask(&others), other_one, "{at}, somebody else's");
        assert_eq!(ask(&nobodys), other_one, "{at}, nobody's");
        assert_eq!(ask(&abroad), Err(Code::NotFound), "{at}, another organization's");
        if action == "identity:client:create"
            || action.starts_with("identity:invitation:") && !action.ends_with(":read")
            || action.starts_with("identity:user:") && !action.ends_with(":read")
        {
            assert_eq!(ask(&others.clone().with("rank", "owner")), of_owners, "{at}, an owner");
            assert_eq!(ask(&others.clone().with("rank", "member")), other_one, "{at}, a member");
        }
    }
}

#[test]
fn the_policies_say_what_the_table_says() {
    let policy = shipped();
    let rows = table();
    let listed: Vec<_> = rows.keys().map(String::as_str).collect();
    let known: Vec<_> = ACTIONS.iter().map(|action| action.name).collect();
    assert_eq!(listed, known, "docs/access.md and ACTIONS must list the same actions");
    for action in ACTIONS {
        let row = &rows[action.name];
        assert_eq!(row.meaning, action.meaning, "{}", action.name);
        for role in Role::ALL {
            check(&policy, &person(vec![role]), action.name, &row.cells[&column(role)]);
            // Roles add up: a second, weaker role takes nothing away.
            check(&policy, &person(vec![role, Role::Owner]), action.name, &row.cells["owner"]);
        }
        check(&policy, &person(vec![]), action.name, "–");
        let subgraph = action.name.split(':').next().unwrap();
        for other in ["ai", "controls", "documents", "evidence", "identity"] {
            let part = Actor::system(id(1), format!("{other}.part"));
            let cell = if other == subgraph { &row.cells[STUDIO] } else { "–" };
            check(&policy, &part, action.name, cell);
        }
        // A name that merely starts like a subgraph is none of its parts, and a role does not
        // make a system principal a person.
        let mut stranger = Actor::system(id(1), format!("{subgraph}x.part"));
        check(&policy, &stranger, action.name, "–");
        stranger.roles = vec![Role::Owner];
        check(&policy, &stranger, action.name, "–");
    }
}

#[test]
fn an_unknown_action_is_refused_even_to_an_owner() {
    let policy = shipped();
    let owner = person(vec![Role::Owner]);
    let resource = Resource::any("Control", owner.tenant);
    for action in ["", "controls", "controls:control:explode", "controls:control:read:all"] {
        let denied = policy.require(&owner, action, &resource).unwrap_err();
        assert_eq!(denied.code(), Code::Forbidden, "{action}");
    }
}

#[test]
fn another_tenants_thing_reads_as_missing() {
    let policy = shipped();
    let owner = person(vec![Role::Owner]);
    let other: TenantId = id(77);
    let denied = policy
        .require(&owner, "controls:control:read", &Resource::one("Control", "ctl_9", other))
        .unwrap_err();
    assert_eq!(denied, Denied::Hidden { kind: "Control", id: Some("ctl_9".into()) });
    assert_eq!(denied.to_string(), "There is no Control ctl_9 that you can see.");
}

#[test]
fn a_bundle_cannot_open_another_organization_and_a_broken_one_refuses() {
    let owner = person(vec![Role::Owner]);
    let open = r#"
        package studio.access
        import rego.v1
        decision := {"allow": true, "scope": "tenant", "reason": "all doors open"}
    "#;
    let policy = Policy::from_sources(&[("open.rego", open)]).unwrap();
    let home = Resource::any("Control", owner.tenant);
    let abroad = Resource::any("Control", id(77));
    assert!(policy.decide(&owner, "controls:control:read", &home).allow);
    assert!(!policy.decide(&owner, "controls:control:read", &abroad).allow);

    // An odd answer to a question that is not asked when it loads.
    let odd = "package studio.access\nimport rego.v1\ndefault decision := \"yes\"
        decision := {\"allow\": true, \"scope\": \"tenant\", \"reason\": \"fine\"} if input.resource.kind != \"Odd\"";
    let policy = Policy::from_sources(&[("odd.rego", odd)]).unwrap();
    assert!(policy.decide(&owner, "controls:control:read", &home).allow);
    let strange = Resource::any("Odd", owner.tenant);
    assert!(!policy.decide(&owner, "controls:control:read", &strange).allow);

    let broken = Policy::from_sources(&[("broken.rego", "package studio.access\nallow {{")]);
    assert!(broken.unwrap_err().to_string().contains("broken.rego"));
}

#[test]
fn a_refusal_says_what_to_do() {
    let policy = shipped();
    let viewer = person(vec![Role::Viewer]);
    let denied = policy
        .require(&viewer, "controls:control:update", &Resource::any("Control", viewer.tenant))
        .unwrap_err();
    assert_eq!(
        denied.to_string(),
        "You may not change, review or retire a control, or take it back (controls:control:update): no rule allows it. \
         An owner of the organization can give you a role that may."
    );
}

#[test]
fn rules_can_ask_how_and_when_somebody_signed_in() {
    let step_up = r#"
        package studio.access
        import rego.v1
        default decision := {"allow": false, "scope": "none", "reason": "sign in again, with a code"}
        decision := {"allow": true, "scope": "tenant", "reason": "fresh"} if {
            input.context.mfa
            input.context.authenticated_within <= 15
        }
    "#;
    let start = Timestamp::from_micros(0);
    let clock = ManualClock::at(start);
    let env = Env::new(clock.clone(), FixedEntropy::seeded(1));
    let load = || Policy::from_sources(&[("step_up.rego", step_up)]).unwrap();
    let policy = load().with_clock(env);
    let owner = |methods: &[AuthnMethod]| {
        person(vec![Role::Owner]).signed_in(Some(Authn::new(start, methods.to_vec())))
    };
    let both = owner(&[AuthnMethod::Pwd, AuthnMethod::Otp]);
    let home = Resource::any("User", both.tenant);
    let allows =
        |policy: &Policy, actor: &Actor| policy.decide(actor, "identity:user:erase", &home).allow;
    // The same input at a later time is another input: no answer of the cache outlives its time.
    assert!(allows(&policy, &both));
    assert!(!allows(&policy, &owner(&[AuthnMethod::Pwd])), "one factor");
    let before = person(vec![Role::Owner]).signed_in(None);
    assert!(!allows(&policy, &before), "a session from before");
    clock.advance_micros(15 * 60 * 1_000_000);
    assert!(allows(&policy, &both));
    clock.advance_micros(1);
    assert!(!allows(&policy, &both));
    clock.advance_micros(3 * 86_400 * 1_000_000);
    assert!(!allows(&policy, &both), "older than all there is a word for");
    assert!(!allows(&load(), &both), "without a clock");
}

fn key(roles: Vec<Role>, scopes: &[&str]) -> Actor {
    let scopes = scopes.iter().map(|scope| scope.parse().unwrap()).collect();
    Actor::program(id(1), Principal::ApiKey { user: id(2), key: id(4) }, roles, scopes)
}

fn app(roles: Vec<Role>, scopes: &[&str]) -> Actor {
    let scopes = scopes.iter().map(|scope| scope.parse().unwrap()).collect();
    let principal = Principal::App { user: id(2), client: id(5), grant: id(7) };
    Actor::program(id(1), principal, roles, scopes)
}

fn client(roles: Vec<Role>, scopes: &[&str]) -> Actor {
    let scopes = scopes.iter().map(|scope| scope.parse().unwrap()).collect();
    Actor::program(id(1), Principal::Client { client: id(5), token: id(6) }, roles, scopes)
}

#[test]
fn a_key_does_what_its_person_may_as_far_as_its_scopes_reach() {
    let policy = shipped();
    let resources = |tenant: TenantId| {
        let any = Resource::any("Thing", tenant);
        let nobodys = Resource::one("Thing", "thg_1", tenant);
        [any.clone(), any.clone().owned_by(id(2)), any.owned_by(id(99)), nobodys]
    };
    for action in ACTIONS {
        let [subgraph, thing, verb] = action.name.split(':').collect::<Vec<_>>()[..] else {
            panic!("{}", action.name)
        };
        let reaching = [
            action.name.to_owned(),
            "*:*:*".to_owned(),
            format!("{subgraph}:*:*"),
            format!("*:{thing}:{verb}"),
        ];
        let other = if verb == "read" { "*:*:update" } else { "*:*:read" };
        let beside = [other, "nothing:*:*", "*:nothing:*"];
        for (role, resource) in Role::ALL
            .into_iter()
            .flat_map(|role| resources(id(1)).into_iter().map(move |resource| (role, resource)))
        {
            let theirs = policy.decide(&person(vec![role]), action.name, &resource);
            let barred = NOT_FOR_PROGRAMS.contains(&action.name);
            for scope in &reaching {
                let told = policy.decide(&key(vec![role], &[scope]), action.name, &resource);
                let expected = if barred { None } else { theirs.scope };
                assert_eq!(told.scope, expected, "{} by {role:?} with {scope}", action.name);
                let told = policy.decide(&app(vec![role], &[scope]), action.name, &resource);
                assert_eq!(told.scope, expected, "{} by an app with {scope}", action.name);
            }
            for narrow in [&beside[..], &[]] {
                let told = policy.decide(&key(vec![role], narrow), action.name, &resource);
                assert!(!told.allow, "{} by {role:?} with {narrow:?}", action.name);
                let told = policy.decide(&app(vec![role], narrow), action.name, &resource);
                assert!(!told.allow, "{} by an app with {narrow:?}", action.name);
            }
            // A client owns nothing: what is "own" for a person is refused.
            let told = policy.decide(&client(vec![role], &["*:*:*"]), action.name, &resource);
            let whole = theirs.scope.filter(|scope| scope.own().is_none() && !barred);
            assert_eq!(told.scope, whole, "{} by a client, {role:?}, {resource:?}", action.name);
        }
    }
    assert!(NOT_FOR_PROGRAMS.iter().all(|barred| ACTIONS.iter().any(|it| it.name == *barred)));
}

#[test]
fn a_directory_provisions_and_does_nothing_else() {
    let (shipped, directory) = (shipped(), Actor::directory(id(1), id(7)));
    let open = r#"
        package studio.access
        import rego.v1
        decision := {"allow": true, "scope": "tenant", "reason": "all doors open"}
    "#;
    let open = Policy::from_sources(&[("open.rego", open)]).unwrap();
    let home = Resource::any("User", id(1));
    for action in ACTIONS {
        let expected = action.name == "identity:directory:provision";
        for policy in [&shipped, &open] {
            assert_eq!(
                policy.decide(&directory, action.name, &home).allow,
                expected,
                "{}",
                action.name
            );
        }
    }
    let abroad = Resource::any("User", id(77));
    assert!(!shipped.decide(&directory, "identity:directory:provision", &abroad).allow);
    for (rank, allowed) in [("member", true), ("owner", false)] {
        let person = home.clone().with("rank", rank);
        let told = shipped.decide(&directory, "identity:directory:provision", &person);
        assert_eq!(told.allow, allowed, "{rank}");
    }
    // Nobody else does, whatever a bundle says.
    let part = Actor::system(id(1), "identity.part");
    for other in [person(vec![Role::Owner]), part, client(vec![Role::Owner], &["*:*:*"])] {
        assert!(!open.decide(&other, "identity:directory:provision", &home).allow, "{other:?}");
    }
}

#[test]
fn no_bundle_lets_a_program_out_of_its_scopes() {
    let open = r#"
        package studio.access
        import rego.v1
        decision := {"allow": true, "scope": "tenant", "reason": "all doors open"}
    "#;
    let policy = Policy::from_sources(&[("open.rego", open)]).unwrap();
    let home = Resource::any("Control", id(1));
    let mut bare = key(vec![Role::Owner], &[]);
    bare.scopes = None;
    for program in
        [key(vec![Role::Owner], &["controls:*:read"]), client(vec![], &["controls:*:read"])]
    {
        assert!(policy.decide(&program, "controls:control:read", &home).allow);
        assert!(!policy.decide(&program, "controls:control:update", &home).allow);
    }
    assert!(!policy.decide(&bare, "controls:control:read", &home).allow, "no scopes at all");
    for barred in NOT_FOR_PROGRAMS {
        let program = key(vec![Role::Owner], &["*:*:*", barred]);
        assert!(!policy.decide(&program, barred, &home).allow, "{barred}");
    }
}

#[test]
fn rules_see_what_a_program_is() {
    let closes = r#"
        package studio.access
        import rego.v1
        default decision := {"allow": true, "scope": "tenant", "reason": "all"}
        decision := {"allow": false, "scope": "none", "reason": "no keys that do everything"} if {
            input.actor.credential == "api_key"
            "*:*:*" in input.actor.scopes
        }
    "#;
    let policy = Policy::from_sources(&[("closes.rego", closes)]).unwrap();
    let home = Resource::any("Control", id(1));
    let allows = |actor: &Actor| policy.decide(actor, "controls:control:read", &home).allow;
    assert!(allows(&person(vec![])) && allows(&key(vec![], &["*:*:read"])));
    assert!(allows(&client(vec![], &["*:*:*"])) && !allows(&key(vec![], &["*:*:*"])));
}

#[test]
fn a_program_is_told_what_holds_it_back() {
    let policy = shipped();
    let program = key(vec![Role::Owner], &["*:*:read"]);
    let denied = policy
        .require(&program, "controls:control:update", &Resource::any("Control", id(1)))
        .unwrap_err();
    assert_eq!(
        denied.to_string(),
        "You may not change, review or retire a control, or take it back (controls:control:update): its scopes do not reach that \
         far. A program may do what its roles, or those of the person whose key it has, allow as far as \
         its scopes reach."
    );
}

#[test]
fn what_cannot_be_undone_wants_a_fresh_sign_in() {
    let clock = ManualClock::at(Timestamp::from_micros(0));
    let env = Env::new(clock.clone(), FixedEntropy::seeded(1));
    let policy = Policy::embedded().unwrap().with_clock(env);
    let owner = person(vec![Role::Owner]);
    let home = Resource::any("User", owner.tenant);
    let an_owner = home.clone().with("rank", "owner");
    let dangerous = [
        ("identity:user:erase", &home),
        ("identity:client:create", &home),
        ("identity:directory:manage", &home),
        ("identity:user:create", &an_owner),
        ("identity:user:update", &an_owner),
        ("identity:invitation:create", &an_owner),
    ];
    clock.advance_micros(15 * 60 * 1_000_000);
    for (action, resource) in dangerous {
        assert!(policy.decide(&owner, action, resource).allow, "{action}");
    }
    clock.advance_micros(1);
    for (action, resource) in dangerous {
        let denied = policy.require(&owner, action, resource).unwrap_err().to_string();
        let says = "sign in again: for this it must not be longer ago than 15 minutes.";
        assert!(denied.ends_with(says), "{denied}");
    }
    assert!(policy.decide(&owner, "identity:user:update", &home).allow, "of somebody else");
    assert!(policy.decide(&owner, "controls:control:update", &home).allow);
}

#[test]
fn an_archived_organization_is_read_and_left_whatever_the_rules_say() {
    let all = r#"
        package studio.access
        decision := {"allow": true, "scope": "tenant", "reason": "everything"}
    "#;
    for policy in [shipped(), Policy::from_sources(&[("all.rego", all)]).unwrap()] {
        let owner = Actor { read_only: true, ..person(vec![Role::Owner]) };
        let home = Resource::one("Thing", "thg_1", owner.tenant).owned_by(id(2));
        for action in ACTIONS {
            let reads = action.name.ends_with(":read");
            let leaves = ["identity:session:revoke", "identity:user:erase", "identity:user:export"];
            if !reads && !leaves.contains(&action.name) {
                assert!(!policy.decide(&owner, action.name, &home).allow, "{}", action.name);
            }
        }
        for left in ["controls:control:read", "identity:session:revoke", "identity:user:export"] {
            assert!(policy.decide(&owner, left, &home).allow, "{left}");
        }
        let denied = policy.require(&owner, "controls:control:update", &home).unwrap_err();
        assert!(denied.to_string().ends_with("nothing of it changes any more."), "{denied}");
    }
}
