//! What programs, directories that provision people, and people of an archived organization may do at most. The rules that ship with Studio
//! say the same (`policies/programs.rego`, `policies/directories.rego`); here it is checked once more, so that no bundle, however written, lets a key out of its scopes or
//! lets it make itself stronger.

use studio_kernel::{ActionScope, Actor, Principal};

/// What no program does, whatever its roles and scopes: everything by which somebody gets in, or gets
/// to be able to do more. Sorted.
pub const NOT_FOR_PROGRAMS: &[&str] = &[
    "identity:account:update",
    "identity:app:allow",
    "identity:app:revoke",
    "identity:client:create",
    "identity:client:revoke",
    "identity:directory:manage",
    "identity:directory:provision",
    "identity:invitation:create",
    "identity:invitation:revoke",
    "identity:key:create",
    "identity:key:revoke",
    "identity:session:read",
    "identity:session:revoke",
    "identity:team:update",
    "identity:user:create",
    "identity:user:erase",
    "identity:user:export",
    "identity:user:update",
];

/// What directories do, and nobody else.
pub(crate) const PROVISION: &str = "identity:directory:provision";

/// What is done in an archived organization besides reading: somebody goes, and takes what is theirs along. Sorted.
const WHILE_ARCHIVED: &[&str] =
    &["identity:session:revoke", "identity:user:erase", "identity:user:export"];

/// Whether an action changes nothing.
fn reads(action: &str) -> bool {
    action.rsplit(':').next() == Some("read")
}

/// How far the actor may go; `None` for everybody but programs. One without scopes gets nowhere.
pub(crate) fn scopes(actor: &Actor) -> Option<&[ActionScope]> {
    actor.principal.is_program().then(|| actor.scopes.as_deref().unwrap_or_default())
}

/// Why somebody must not do the action, whatever the rules say; `None` where the rules decide.
pub(crate) fn refusal(actor: &Actor, action: &str) -> Option<&'static str> {
    let directory = matches!(actor.principal, Principal::Directory { .. });
    if directory != (action == PROVISION) {
        return Some("a directory provisions people and does nothing else, and nobody else does");
    }
    if actor.read_only && !reads(action) && !WHILE_ARCHIVED.contains(&action) {
        return Some("the organization is archived: nothing of it changes any more");
    }
    let scopes = scopes(actor)?;
    if NOT_FOR_PROGRAMS.contains(&action) {
        return Some("no program may do that");
    }
    let covered = scopes.iter().any(|scope| scope.covers(action));
    (!covered).then_some("the scopes of the program do not reach that far")
}
