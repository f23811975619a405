//! Bundles of an operator: what is read, what is refused, and what they can do.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]
use std::{fs, path::Path};

use studio_access::{
    Bundle, Mode, Ownership, Policy, PolicyError, Resource, Scope, Supposed, paths,
};
use studio_kernel::{
    Actor, Authn, AuthnMethod, Env, FixedEntropy, Id, ManualClock, Role, Timestamp,
};
use uuid::Uuid;

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        write(folder.path(), name, text);
    }
    folder
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn load(folder: &Path, mode: Mode) -> Result<Policy, PolicyError> {
    Policy::new(&Bundle::read(folder, mode)?).map(at_sign_in)
}

/// At the instant at which everybody has signed in.
fn at_sign_in(policy: Policy) -> Policy {
    let clock = ManualClock::at(Timestamp::from_micros(0));
    policy.with_clock(Env::new(clock, FixedEntropy::seeded(1)))
}

/// What is said of a folder with these files that must be refused.
fn refused(mode: Mode, files: &[(&str, &str)]) -> String {
    let folder = folder(files);
    load(folder.path(), mode).unwrap_err().to_string()
}

fn person(role: Role) -> Actor {
    let id = |n| Uuid::from_u128(n);
    let (tenant, user) = (Id::from_uuid(id(1)), Id::from_uuid(id(2)));
    let authn = Authn::new(Timestamp::from_micros(0), vec![AuthnMethod::Pwd]);
    Actor::user(tenant, user, Id::from_uuid(id(3)), vec![role]).signed_in(Some(authn))
}

fn allows(policy: &Policy, role: Role, action: &str) -> bool {
    let actor = person(role);
    policy.decide(&actor, action, &Resource::any("Thing", actor.tenant)).allow
}

const OPENS: &str = "package studio.access
import rego.v1
grants contains {\"scope\": \"tenant\", \"reason\": \"contributors state controls here\"} if {
	has_role(\"contributor\")
	input.action == \"controls:control:create\"
}
denials contains \"nobody asks here\" if input.action in data.closed
";
const CLOSED: &str = "{ \"closed\": [\"ai:answer:read\"] }";
const ALONE: &str = "package studio.access
import rego.v1
default decision := {\"allow\": false, \"scope\": \"none\", \"reason\": \"no\"}
decision := {\"allow\": true, \"scope\": \"tenant\", \"reason\": \"viewers do all here\"} if \"viewer\" in input.actor.roles
";

#[test]
fn the_default_bundle_passes_its_own_tests() {
    let results = Bundle::embedded().test().unwrap();
    let failed: Vec<_> = results.iter().filter(|result| result.failure.is_some()).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(results.len() >= 10, "{} tests", results.len());
}

#[test]
fn an_operator_opens_and_closes() {
    let folder = folder(&[("more/a.rego", OPENS), ("data.json", CLOSED), ("README.md", "{{")]);
    let policy = load(folder.path(), Mode::Extend).unwrap();
    assert!(allows(&policy, Role::Contributor, "controls:control:create"));
    assert!(!allows(&policy, Role::ControlOwner, "controls:control:create"));
    assert!(!allows(&policy, Role::Owner, "ai:answer:read"), "a denial stands above every grant");
    assert!(allows(&policy, Role::Owner, "ai:search:read"), "and the default rules go on");
}

#[test]
fn nothing_that_is_added_makes_owners() {
    let all = "package studio.access
import rego.v1
grants contains {\"scope\": \"tenant\", \"reason\": \"all doors open\"}
";
    let folder = folder(&[("all.rego", all)]);
    let policy = load(folder.path(), Mode::Extend).unwrap();
    let admin = person(Role::Admin);
    let user = Resource::any("User", admin.tenant).with("rank", "owner");
    assert!(!policy.decide(&admin, "identity:user:create", &user).allow);
    let abroad = Resource::any("Control", Id::from_uuid(Uuid::from_u128(77)));
    assert!(!policy.decide(&admin, "controls:control:read", &abroad).allow);
    assert!(allows(&policy, Role::Viewer, "identity:user:erase"), "what it may open, it opens");
}

#[test]
fn a_bundle_stands_alone() {
    let folder = folder(&[("alone.rego", ALONE)]);
    let policy = load(folder.path(), Mode::Replace).unwrap();
    assert!(allows(&policy, Role::Viewer, "identity:user:erase"));
    assert!(!allows(&policy, Role::Owner, "controls:control:read"));
    // It votes nowhere, so that there is nothing to explain by.
    let viewer = person(Role::Viewer);
    let supposed = Supposed {
        kind: "Control",
        ownership: Ownership::None,
        project: None,
        data_class: None,
        attributes: std::collections::BTreeMap::new(),
    };
    let explanation = policy.explain(&viewer, "controls:control:read", &supposed);
    assert_eq!(&*explanation.decision.reason, "viewers do all here");
    assert_eq!(explanation.votes, []);
}

#[test]
fn votes_are_told() {
    let policy = at_sign_in(Policy::embedded().unwrap());
    let ask = |role, action, ownership, rank| {
        let attributes = [("rank", rank)].into();
        policy.explain(
            &person(role),
            action,
            &Supposed { kind: "User", ownership, project: None, data_class: None, attributes },
        )
    };
    let own = ask(Role::ControlOwner, "controls:control:update", Ownership::Own, "");
    assert!(matches!(own.decision.scope, Some(Scope::Own { .. })));
    let [vote] = &own.votes[..] else { panic!("{own:?}") };
    assert_eq!((vote.grants, vote.scope.as_deref()), (true, Some("own")));
    let owners = ask(Role::Admin, "identity:user:update", Ownership::Others, "owner");
    assert!(!owners.decision.allow);
    let votes: Vec<_> = owners.votes.iter().map(|vote| vote.grants).collect();
    assert_eq!(votes, [false, true], "{owners:?}");
    assert_eq!(owners.votes[0].reason, *owners.decision.reason);
    let unknown = ask(Role::Owner, "controls:control:explode", Ownership::None, "");
    assert!(!unknown.decision.allow && unknown.votes.is_empty());
}

#[test]
fn another_bundle_answers_at_once_and_a_broken_one_changes_nothing() {
    let policy = Policy::embedded().unwrap();
    let asked = |policy: &Policy| {
        (
            allows(policy, Role::Viewer, "identity:user:erase"),
            allows(policy, Role::Owner, "ai:search:read"),
        )
    };
    // Twice: the answers are kept.
    assert_eq!([asked(&policy), asked(&policy)], [(false, true); 2]);
    policy.replace(&Bundle::of(&[("alone.rego", ALONE)])).unwrap();
    assert_eq!([asked(&policy), asked(&policy)], [(true, false); 2]);
    policy.replace(&Bundle::of(&[("broken.rego", "package studio.access\nallow {{")])).unwrap_err();
    assert_eq!(asked(&policy), (true, false));
    policy.replace(&Bundle::embedded()).unwrap();
    assert_eq!(asked(&policy), (false, true));
}

#[test]
fn what_does_not_parse_is_told_by_file_and_line() {
    let broken = "package studio.access\nimport rego.v1\n\ngrants contains {\n";
    let said = refused(Mode::Extend, &[("good.rego", OPENS), ("below/broken.rego", broken)]);
    assert!(said.contains("below/broken.rego:4") || said.contains("below/broken.rego:5"), "{said}");
    let unsafe_variable = "package studio.access\nimport rego.v1\ndenials contains x if y == 1\n";
    let said = refused(Mode::Extend, &[("unsafe.rego", unsafe_variable)]);
    assert!(said.contains("unsafe.rego:3"), "{said}");
    let unknown =
        "package studio.access\nimport rego.v1\ndenials contains \"x\" if nothing.like(1)\n";
    let said = refused(Mode::Extend, &[("unknown.rego", unknown)]);
    assert!(said.contains("unknown.rego:3"), "{said}");
}

#[test]
fn no_half_of_a_package_is_imported() {
    let half = |rule: &str| format!("package acme\nimport rego.v1\n{rule} := true\n");
    let (one, other) = (half("one"), half("other"));
    let uses = "package studio.access\nimport rego.v1\nimport data.acme\ndenials contains \"no\" if acme.other\n";
    let files = [("a.rego", &*one), ("b.rego", &*other), ("uses.rego", uses)];
    let said = refused(Mode::Extend, &files);
    assert!(said.contains("uses.rego:3") && said.contains("data.acme.RULE"), "{said}");
    let whole = uses.replace("import data.acme\n", "").replace("acme.other", "data.acme.other");
    let folder = folder(&[files[0], files[1], ("uses.rego", &whole)]);
    let policy = load(folder.path(), Mode::Extend).unwrap();
    assert!(!allows(&policy, Role::Owner, "ai:search:read"));
}

/// How a folder is to be taken, its files, and what is said of it.
type Case<'a> = (Mode, &'a [(&'a str, &'a str)], &'a str);

#[test]
fn what_cannot_decide_is_refused() {
    let cases: [Case<'_>; 9] = [
        (Mode::Extend, &[], "no .rego file"),
        (Mode::Extend, &[("a_test.rego", OPENS)], "no .rego file"),
        (Mode::Extend, &[("alone.rego", ALONE)], "policy.mode"),
        (Mode::Replace, &[("other.rego", "package other\nimport rego.v1\nx := 1\n")], "no file"),
        (
            Mode::Replace,
            &[("odd.rego", "package studio.access\nimport rego.v1\ndecision := \"yes\"\n")],
            "must be an object",
        ),
        (
            Mode::Replace,
            &[(
                "half.rego",
                "package studio.access\nimport rego.v1\ndecision := {\"allow\": true, \"scope\": \"tenant\", \"reason\": \"x\"} if input.actor.kind == \"user\"\n",
            )],
            "default",
        ),
        (Mode::Extend, &[("a.rego", OPENS), ("data.json", "[1]")], "object"),
        (Mode::Extend, &[("a.rego", OPENS), ("data.json", "{")], "data.json"),
        (Mode::Extend, &[("a.rego", OPENS), ("data.json", "{\"studio\": {}}")], "another name"),
    ];
    for (mode, files, says) in cases {
        let said = refused(mode, files);
        assert!(said.contains(says), "{files:?}: {said}");
    }
    let said = refused(Mode::Extend, &[("a.rego", OPENS), ("below/data.json", "{}")]);
    assert!(said.contains("below/data.json"), "{said}");
    let missing = Path::new("/nowhere/policies");
    assert!(load(missing, Mode::Extend).unwrap_err().to_string().contains("/nowhere/policies"));
    let binary = folder(&[("a.rego", OPENS)]);
    fs::write(binary.path().join("b.rego"), [0xff, 0xfe]).unwrap();
    assert!(load(binary.path(), Mode::Extend).unwrap_err().to_string().contains("b.rego"));
}

#[test]
fn a_folder_has_limits() {
    let many = folder(&[]);
    for n in 0..257 {
        write(many.path(), &format!("{n}.rego"), OPENS);
    }
    assert!(load(many.path(), Mode::Extend).unwrap_err().to_string().contains("256"));
    let deep = folder(&[("1/2/3/4/5/6/7/8/9/a.rego", OPENS)]);
    assert!(load(deep.path(), Mode::Extend).unwrap_err().to_string().contains("8 deep"));
    let long = format!("{OPENS}\n#{}", "x\n#".repeat(1 << 19));
    assert!(refused(Mode::Extend, &[("long.rego", &long)]).contains("more than 1048576 bytes"));
    let nested = format!("{OPENS}x := {}{}\n", "[".repeat(800), "]".repeat(800));
    assert!(refused(Mode::Extend, &[("nested.rego", &nested)]).contains("nested.rego:8"));
    // A link to its own folder ends too.
    #[cfg(unix)]
    {
        let looped = folder(&[("a.rego", OPENS)]);
        std::os::unix::fs::symlink(looped.path(), looped.path().join("again")).unwrap();
        assert!(load(looped.path(), Mode::Extend).unwrap_err().to_string().contains("8 deep"));
    }
}

#[test]
fn what_takes_too_long_refuses() {
    // Ten thousand million steps; for the questions that try a bundle it takes none.
    let endless = "package studio.access
import rego.v1
denials contains \"never\" if {
	input.action == \"ai:search:read\"
	some i in numbers.range(1, 100000)
	some j in numbers.range(1, 100000)
	i + j < 0
}
";
    let folder = folder(&[("endless.rego", endless)]);
    let policy = load(folder.path(), Mode::Extend).unwrap();
    assert!(allows(&policy, Role::Owner, "ai:answer:read"));
    let actor = person(Role::Owner);
    let decision = policy.decide(&actor, "ai:search:read", &Resource::any("Search", actor.tenant));
    assert!(!decision.allow);
    assert_eq!(&*decision.reason, "the policies could not be evaluated");
}

/// Container platforms mount a folder as links to files in a folder that begins with dots.
#[cfg(unix)]
#[test]
fn a_mounted_folder_is_read_once() {
    use std::os::unix::fs::symlink;
    let mounted = folder(&[("..2026_01/a.rego", OPENS), ("..2026_01/data.json", CLOSED)]);
    symlink("..2026_01", mounted.path().join("..data")).unwrap();
    for name in ["a.rego", "data.json"] {
        symlink(Path::new("..data").join(name), mounted.path().join(name)).unwrap();
    }
    let bundle = Bundle::read(mounted.path(), Mode::Extend).unwrap();
    assert_eq!(bundle.len(), Bundle::embedded().len() + 1);
    assert!(!allows(&Policy::new(&bundle).unwrap(), Role::Owner, "ai:answer:read"));
    let names: Vec<_> = paths(mounted.path());
    assert!(names.contains(&mounted.path().join("a.rego")), "{names:?}");
    assert!(names.contains(&mounted.path().to_owned()), "a new file changes the folder");
}

#[test]
fn tests_of_a_bundle_tell_what_fails() {
    let tests = "package mine_test
import rego.v1
test_good if data.studio.access.decision.allow with input as {
	\"actor\": {\"kind\": \"user\", \"name\": \"\", \"roles\": [\"owner\"]},
	\"action\": \"controls:control:read\",
	\"resource\": {\"kind\": \"\", \"same_tenant\": true, \"owner\": \"none\", \"attributes\": {}},
	\"context\": {},
}
test_bad if 1 == 2
test_false := false
todo_test_later if 1 == 2
";
    let folder = folder(&[("a.rego", OPENS), ("data.json", CLOSED), ("mine_test.rego", tests)]);
    let bundle = Bundle::read(folder.path(), Mode::Extend).unwrap();
    let results = bundle.test().unwrap();
    let mine: Vec<_> = results
        .iter()
        .filter(|result| result.name.starts_with("data.mine_test."))
        .map(|result| (result.name.rsplit('.').next().unwrap(), result.failure.is_none()))
        .collect();
    assert_eq!(mine, [("test_bad", false), ("test_false", false), ("test_good", true)]);
    let broken = folder_with_broken_test();
    let bundle = Bundle::read(broken.path(), Mode::Extend).unwrap();
    Policy::new(&bundle).unwrap();
    assert!(
        bundle.test().unwrap_err().to_string().contains("mine_test.rego"),
        "tests decide nothing"
    );
}

fn folder_with_broken_test() -> tempfile::TempDir {
    folder(&[("a.rego", OPENS), ("mine_test.rego", "package mine_test\ntest_x if {{")])
}

#[test]
fn a_question_as_it_is_asked_is_answered() {
    let policy = Policy::embedded().unwrap();
    let input = serde_json::json!({
        "actor": { "kind": "user", "name": "", "roles": ["viewer"] },
        "action": "controls:control:read",
        "resource": { "kind": "Control", "same_tenant": true, "owner": "none", "attributes": {} },
        "context": {},
    });
    let answer = policy.ask(&input).unwrap();
    assert_eq!(answer["decision"]["allow"], true);
    assert_eq!(answer["votes"][0]["scope"], "tenant");
    let nothing = policy.ask(&serde_json::json!({})).unwrap();
    assert_eq!(nothing["decision"]["allow"], false);
}
