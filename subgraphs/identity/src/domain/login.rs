//! People whom a provider of identity vouches for. A person is known by the provider's address and by what
//! it calls them (OpenID Connect Core 1.0, section 2: `iss` and `sub`), never by an e-mail address.

use serde::{Deserialize, Serialize};
use studio_kernel::{Id, Role, event, kind};

use super::{SealedValue, user::UserEvent};

/// A person was added because a provider vouched for them: they have no password.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UserProvisioned {
    /// The person.
    pub user: Id<kind::User>,
    /// What they may do, sorted.
    pub roles: Vec<Role>,
    /// Name and e-mail address, sealed with the person's key.
    pub profile: SealedValue,
}
event!(UserProvisioned, "identity.user.provisioned", 1);

/// Whoever a provider calls so is this person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoginLinked {
    /// The person.
    pub user: Id<kind::User>,
    /// The provider, as the settings named it then.
    pub provider: String,
    /// `iss` and `sub`, sealed with the person's key.
    pub subject: SealedValue,
}
event!(LoginLinked, "identity.user.login_linked", 1);

/// The events that add a person whom a provider vouches for. It has verified their address.
pub fn provision(
    user: Id<kind::User>,
    roles: Vec<Role>,
    profile: SealedValue,
    provider: &str,
    subject: SealedValue,
) -> Vec<UserEvent> {
    let provider = provider.to_owned();
    vec![
        UserProvisioned { user, roles, profile }.into(),
        LoginLinked { user, provider, subject }.into(),
        super::mailed::EmailVerified { user }.into(),
    ]
}

/// What a person's roles are to be, given that groups give `given` and could give `managed`: roles that no
/// group gives are left, and `otherwise` stands in where nothing is left. Sorted; empty where the person
/// may do nothing any more.
pub fn roles_by_groups(
    current: &[Role],
    given: &[Role],
    managed: &[Role],
    otherwise: &[Role],
) -> Vec<Role> {
    let kept = current.iter().filter(|role| !managed.contains(role));
    let mut roles: Vec<Role> = kept.chain(given).copied().collect();
    if roles.is_empty() {
        roles.extend(otherwise);
    }
    roles.sort_unstable();
    roles.dedup();
    roles
}

#[cfg(test)]
mod tests {
    use Role::*;

    use super::*;

    #[test]
    fn groups_give_and_take_their_own_roles_alone() {
        let managed = [Admin, Auditor];
        let roles =
            |current: &[Role], given: &[Role]| roles_by_groups(current, given, &managed, &[Viewer]);
        assert_eq!(roles(&[], &[Auditor]), [Auditor]);
        assert_eq!(roles(&[Admin], &[Auditor]), [Auditor]);
        assert_eq!(roles(&[Owner, Admin], &[]), [Owner], "no group gives it, and none takes it");
        assert_eq!(roles(&[Admin], &[]), [Viewer]);
        assert_eq!(roles_by_groups(&[Admin], &[], &managed, &[]), []);
        assert_eq!(roles(&[Contributor, Auditor], &[Auditor]), [Contributor, Auditor]);
    }
}
