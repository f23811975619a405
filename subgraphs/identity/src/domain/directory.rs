//! A directory outside that provisions people (SCIM 2.0, RFC 7643 and 7644): which addresses it may vouch for,
//! and which roles its groups give. It makes no owners.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use studio_kernel::{Aggregate, Id, Role, Timestamp, event, events, kind};

use super::input::{self, Fault};

/// Groups that give roles, at most.
const MOST_GROUPS: usize = 200;
/// Domains at most.
const MOST_DOMAINS: usize = 50;
/// Octets of a domain name at most (RFC 1035, section 2.3.4).
const LONGEST_DOMAIN: usize = 253;

/// Which group gives a role: by what it is called, or by the id that the directory gave it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupKey {
    /// What it is called, in whatever case.
    DisplayName(String),
    /// `externalId`, exactly.
    ExternalId(String),
}

/// A role that the members of a group have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GroupRole {
    /// The group.
    pub group: GroupKey,
    /// The role.
    pub role: Role,
}

/// What a directory may do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The domains of the addresses that it may vouch for, in lower case, sorted.
    pub email_domains: Vec<String>,
    /// Which groups give which roles, sorted.
    pub groups: Vec<GroupRole>,
    /// What somebody may do to whom nothing else gives a role, sorted.
    pub default_roles: Vec<Role>,
}

impl Settings {
    /// Checks what somebody asks for.
    ///
    /// # Errors
    /// Every fault of it.
    pub fn read(
        email_domains: &[String],
        groups: Vec<GroupRole>,
        default_roles: Vec<Role>,
    ) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let domains: BTreeSet<String> =
            email_domains.iter().map(|domain| domain.trim().to_lowercase()).collect();
        if domains.is_empty()
            || domains.len() > MOST_DOMAINS
            || !domains.iter().all(|it| is_domain(it))
        {
            let message = format!(
                "Name 1 to {MOST_DOMAINS} domains of e-mail addresses, such as example.org."
            );
            faults.push(Fault::new("INVALID_DOMAIN", "emailDomains", message));
        }
        if groups.len() > MOST_GROUPS {
            let message = format!("At most {MOST_GROUPS} groups give roles.");
            faults.push(Fault::new("TOO_MANY_GROUPS", "groups", message));
        }
        for GroupRole { group, .. } in &groups {
            let (GroupKey::DisplayName(name) | GroupKey::ExternalId(name)) = group;
            if let Err(fault) = input::name("groups", name) {
                faults.push(fault);
            }
        }
        for (field, gives) in [
            ("groups", groups.iter().any(|it| it.role == Role::Owner)),
            ("defaultRoles", default_roles.contains(&Role::Owner)),
        ] {
            if gives {
                let message = "A directory makes no owners: name another role.";
                faults.push(Fault::new("NO_OWNER_BY_DIRECTORY", field, message));
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let groups: BTreeSet<GroupRole> = groups.into_iter().collect();
        let default_roles: BTreeSet<Role> = default_roles.into_iter().collect();
        Ok(Self {
            email_domains: domains.into_iter().collect(),
            groups: groups.into_iter().collect(),
            default_roles: default_roles.into_iter().collect(),
        })
    }

    /// Whether it may vouch for an address: the whole of its domain must be named.
    pub fn may_vouch(&self, email: &str) -> bool {
        let domain = email.rsplit_once('@').map(|(_, domain)| domain.to_lowercase());
        domain.is_some_and(|domain| self.email_domains.contains(&domain))
    }

    /// The roles that a group gives.
    pub fn given(
        &self,
        display_name: &str,
        external_id: Option<&str>,
    ) -> impl Iterator<Item = Role> {
        let named = display_name.to_lowercase();
        self.groups
            .iter()
            .filter(move |it| match &it.group {
                GroupKey::DisplayName(name) => name.trim().to_lowercase() == named,
                GroupKey::ExternalId(id) => Some(id.as_str()) == external_id,
            })
            .map(|it| it.role)
    }

    /// The roles that any group gives: these the directory takes away as well.
    pub fn managed(&self) -> Vec<Role> {
        self.groups.iter().map(|it| it.role).collect()
    }
}

fn is_domain(text: &str) -> bool {
    text.len() <= LONGEST_DOMAIN
        && text.split('.').all(|label| !label.is_empty())
        && !text.contains(|c: char| c == '@' || c.is_whitespace() || c.is_control())
}

/// A directory was connected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DirectoryConnected {
    /// The directory.
    pub directory: Id<kind::Directory>,
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub settings: Settings,
    /// SHA-256 of its secret, 64 lower-case hexadecimal digits.
    pub secret_hash: String,
    /// When its token runs out; never, if that was not said.
    pub expires_at: Option<Timestamp>,
}
event!(DirectoryConnected, "identity.directory.connected", 1);

/// What a directory may do was changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DirectoryUpdated {
    /// The directory.
    pub directory: Id<kind::Directory>,
    /// What people call it now.
    pub name: String,
    /// What it may do now.
    pub settings: Settings,
}
event!(DirectoryUpdated, "identity.directory.updated", 1);

/// A directory was disconnected: its token opens nothing any more. Whom it has provisioned stay as they are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DirectoryDisconnected {
    /// The directory.
    pub directory: Id<kind::Directory>,
}
event!(DirectoryDisconnected, "identity.directory.disconnected", 1);

events! {
    /// What happens to a directory.
    pub enum DirectoryEvent { DirectoryConnected, DirectoryUpdated, DirectoryDisconnected }
}

/// The state of a directory.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Directory {
    connected: bool,
    name: String,
    settings: Settings,
}

/// Why a directory was not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DirectoryRefused {
    /// It is not connected (any more).
    NotConnected,
    /// Somebody changed it meanwhile: it is at this version.
    Stale(u64),
}

impl Directory {
    /// Changes it; nothing happens where it is so already.
    ///
    /// # Errors
    /// [`DirectoryRefused`].
    pub fn update(
        &self,
        directory: Id<kind::Directory>,
        (version, expected): (u64, u64),
        name: String,
        settings: Settings,
    ) -> Result<Vec<DirectoryEvent>, DirectoryRefused> {
        if !self.connected {
            return Err(DirectoryRefused::NotConnected);
        }
        if version != expected {
            return Err(DirectoryRefused::Stale(version));
        }
        if self.name == name && self.settings == settings {
            return Ok(Vec::new());
        }
        Ok(vec![DirectoryUpdated { directory, name, settings }.into()])
    }

    /// Disconnects it; nothing happens where it is not connected.
    pub fn disconnect(&self, directory: Id<kind::Directory>) -> Vec<DirectoryEvent> {
        if !self.connected {
            return Vec::new();
        }
        vec![DirectoryDisconnected { directory }.into()]
    }
}

impl Aggregate for Directory {
    const STREAM_TYPE: &'static str = "identity.directory";
    const STATE_VERSION: u32 = 1;
    type Event = DirectoryEvent;

    fn apply(&mut self, event: &DirectoryEvent, _recorded_at: Timestamp) {
        match event {
            DirectoryEvent::DirectoryConnected(it) => {
                self.connected = true;
                self.name.clone_from(&it.name);
                self.settings.clone_from(&it.settings);
            }
            DirectoryEvent::DirectoryUpdated(it) => {
                self.name.clone_from(&it.name);
                self.settings.clone_from(&it.settings);
            }
            DirectoryEvent::DirectoryDisconnected(_) => self.connected = false,
        }
    }
}

#[cfg(test)]
mod tests {
    use Role::*;

    use super::*;

    fn by_name(name: &str, role: Role) -> GroupRole {
        GroupRole { group: GroupKey::DisplayName(name.to_owned()), role }
    }

    fn codes(settings: Result<Settings, Vec<Fault>>) -> Vec<&'static str> {
        settings.unwrap_err().iter().map(|fault| fault.code).collect()
    }

    #[test]
    fn settings_are_checked_and_written_one_way() {
        let domains = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        let groups = vec![by_name("Audit", Auditor), by_name("Audit", Auditor)];
        let read = Settings::read(&domains(&[" Example.ORG ", "a.example"]), groups, vec![Viewer]);
        let read = read.unwrap();
        assert_eq!(read.email_domains, ["a.example", "example.org"]);
        assert_eq!(read.groups.len(), 1);
        for bad in [&[][..], &[""], &["a@b"], &["a..b"], &["a b"], &["ex.org\n.x"]] {
            assert_eq!(
                codes(Settings::read(&domains(bad), vec![], vec![])),
                ["INVALID_DOMAIN"],
                "{bad:?}"
            );
        }
        let owner = Settings::read(&domains(&["a.b"]), vec![by_name("x", Owner)], vec![Owner]);
        assert_eq!(codes(owner), ["NO_OWNER_BY_DIRECTORY"; 2]);
        let many = (0..201).map(|n| by_name(&n.to_string(), Viewer)).collect();
        assert_eq!(codes(Settings::read(&domains(&["a.b"]), many, vec![])), ["TOO_MANY_GROUPS"]);
        let blank = Settings::read(&domains(&["a.b"]), vec![by_name(" ", Viewer)], vec![]);
        assert_eq!(codes(blank), ["INVALID_NAME"]);
    }

    #[test]
    fn a_directory_vouches_for_whole_domains() {
        let settings =
            Settings { email_domains: vec!["example.org".into()], ..Settings::default() };
        assert!(settings.may_vouch("a@Example.ORG"));
        for other in
            ["a@sub.example.org", "a@notexample.org", "a@example.org.evil", "example.org", ""]
        {
            assert!(!settings.may_vouch(other), "{other}");
        }
    }

    #[test]
    fn groups_give_roles_by_name_or_by_id() {
        let by_id = GroupRole { group: GroupKey::ExternalId("G-1".into()), role: Admin };
        let settings =
            Settings { groups: vec![by_name("Audit Team", Auditor), by_id], ..Settings::default() };
        let given = |name: &str, id| settings.given(name, id).collect::<Vec<_>>();
        assert_eq!(given("audit TEAM", None), [Auditor]);
        assert_eq!(given("x", Some("G-1")), [Admin]);
        assert_eq!(given("G-1", Some("g-1")), []);
        assert_eq!(settings.managed(), [Auditor, Admin]);
    }

    #[test]
    fn what_somebody_else_changed_meanwhile_is_not_overwritten() {
        let id = Id::from_uuid(Default::default());
        let mut state = Directory::default();
        let refused = state.update(id, (0, 0), "x".into(), Settings::default());
        assert_eq!(refused.unwrap_err(), DirectoryRefused::NotConnected);
        state.connected = true;
        let stale = state.update(id, (2, 1), "x".into(), Settings::default());
        assert_eq!(stale.unwrap_err(), DirectoryRefused::Stale(2));
        let events = state.update(id, (2, 2), "x".into(), Settings::default()).unwrap();
        state.apply(&events[0], Timestamp::from_micros(0));
        assert!(state.update(id, (3, 3), "x".into(), Settings::default()).unwrap().is_empty());
        let events = state.disconnect(id);
        state.apply(&events[0], Timestamp::from_micros(0));
        assert!(state.disconnect(id).is_empty());
    }
}
