//! Providers of identity outside of Studio (OpenID Connect).

use std::collections::{BTreeMap, BTreeSet};

use axum::http::Uri;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use studio_kernel::{Role, TenantId};

use super::{
    Fault,
    mail::is_this_machine,
    remote::{HeaderText, InEnv, fault},
};

/// Most providers.
const MOST: usize = 20;
/// Longest name.
const LONGEST_NAME: usize = 40;

/// A provider of identity that speaks OpenID Connect. Whoever signs in there may sign in here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OidcProvider {
    /// What it is called in addresses: lower-case letters, digits and `-`. The provider sends people
    /// back to `<public_url>/login/oidc/<name>/callback`, which it must be told.
    pub name: String,
    /// What people see on the button; `name` by default.
    #[serde(default)]
    pub label: Option<String>,
    /// Its address, as it writes it in `iss`. `https://`, or `http://` on this machine.
    pub issuer: String,
    /// What it knows Studio by.
    pub client_id: String,
    /// The secret for it, or where it stands; none for a public client.
    #[serde(default)]
    pub client_secret: Option<HeaderText>,
    /// The organization that its people belong to, `org_…`.
    pub organization: TenantId,
    /// What it is asked for; `openid`, `email` and `profile` by default.
    #[serde(default = "scopes")]
    pub scopes: Vec<String>,
    /// The domains of e-mail addresses that it may vouch for, such as `example.org`.
    pub email_domains: Vec<String>,
    /// The claim that lists a person's groups; `groups` by default.
    #[serde(default = "groups")]
    pub groups_claim: String,
    /// The roles that groups give, by group. They are given and taken at each sign-in; roles that no
    /// group gives are left as they are.
    #[serde(default)]
    pub roles: BTreeMap<String, Vec<Role>>,
    /// The roles of somebody new, besides those of their groups. Without any, people come in by
    /// their groups alone.
    #[serde(default)]
    pub default_roles: Vec<Role>,
}

fn scopes() -> Vec<String> {
    ["openid", "email", "profile"].map(str::to_owned).to_vec()
}

fn groups() -> String {
    "groups".to_owned()
}

impl OidcProvider {
    /// What people see.
    pub fn shown(&self) -> &str {
        self.label.as_deref().unwrap_or(&self.name)
    }

    /// Everything that cannot work as it is with these providers.
    pub(super) fn faults(providers: &[Self]) -> Vec<Fault> {
        let mut faults = Vec::new();
        if providers.len() > MOST {
            let reason = format!("{} are named: write {MOST} at most", providers.len());
            faults.push(fault("oidc", reason));
        }
        let mut names = BTreeSet::new();
        for (index, provider) in providers.iter().enumerate() {
            if !names.insert(&provider.name) {
                let reason = format!("another provider is named \"{}\"", provider.name);
                faults.push(fault(&format!("oidc.{index}.name"), reason));
            }
            let own = provider.own_faults().into_iter();
            faults.extend(own.map(|(name, why)| fault(&format!("oidc.{index}.{name}"), why)));
        }
        faults
    }

    fn own_faults(&self) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        let mut add = |wrong: bool, setting, reason: &str| {
            if wrong {
                faults.push((setting, reason.to_owned()));
            }
        };
        add(
            !is_name(&self.name),
            "name",
            "begin with a letter and go on with lower-case letters, digits and -, 40 at most",
        );
        add(
            !is_issuer(&self.issuer),
            "issuer",
            "write its address as it writes it itself, such as https://login.example.org, without ? \
             or #; http:// is for this machine alone",
        );
        add(self.client_id.is_empty(), "client_id", "write what the provider knows Studio by");
        add(
            !self.scopes.iter().any(|scope| scope == "openid"),
            "scopes",
            "\"openid\" must be among them",
        );
        let domain = |domain: &String| {
            !domain.is_empty() && !domain.contains(['@', ' ', '*']) && !domain.starts_with('.')
        };
        add(
            self.email_domains.is_empty() || !self.email_domains.iter().all(domain),
            "email_domains",
            "name the domains of the addresses that it may vouch for, such as example.org",
        );
        let owner = Role::Owner;
        add(
            self.roles.values().flatten().chain(&self.default_roles).any(|role| *role == owner),
            "roles",
            "a provider makes no owners: owners make them, in Studio",
        );
        add(
            self.roles.is_empty() && self.default_roles.is_empty(),
            "roles",
            "nobody would get a role: say in roles what groups give, or set default_roles",
        );
        if let Some(HeaderText::Env(InEnv { env })) = &self.client_secret {
            add(
                env.starts_with("STUDIO_"),
                "client_secret",
                "that variable would be taken for a setting of Studio: name it otherwise",
            );
        }
        faults
    }
}

fn is_name(name: &str) -> bool {
    name.len() <= LONGEST_NAME
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|one| one.is_ascii_lowercase() || one.is_ascii_digit() || one == '-')
}

/// Whether an address may be the one of an issuer (OpenID Connect Discovery 1.0, section 2).
fn is_issuer(issuer: &str) -> bool {
    let Ok(uri) = issuer.parse::<Uri>() else { return false };
    let plain = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    let scheme = match (uri.scheme_str(), uri.host()) {
        (Some("https"), Some(host)) => !host.is_empty(),
        (Some("http"), Some(host)) => is_this_machine(host),
        _ => false,
    };
    plain && scheme && uri.query().is_none() && !issuer.contains('#')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider() -> OidcProvider {
        OidcProvider {
            name: "work".to_owned(),
            label: None,
            issuer: "https://login.example.org/realms/work".to_owned(),
            client_id: "studio".to_owned(),
            client_secret: None,
            organization: TenantId::from_uuid(Default::default()),
            scopes: scopes(),
            email_domains: vec!["example.org".to_owned()],
            groups_claim: groups(),
            roles: BTreeMap::new(),
            default_roles: vec![Role::Viewer],
        }
    }

    fn named(change: impl FnOnce(&mut OidcProvider)) -> Vec<String> {
        let mut one = provider();
        change(&mut one);
        OidcProvider::faults(&[one]).into_iter().map(|fault| fault.setting).collect()
    }

    #[test]
    fn what_cannot_work_is_named() {
        assert!(named(|_| {}).is_empty());
        assert!(named(|one| one.issuer = "http://127.0.0.1:9000".to_owned()).is_empty());
        for issuer in [
            "login.example.org",
            "http://login.example.org",
            "https://",
            "https://a@login.example.org",
            "https://login.example.org?x",
            "https://login.example.org#x",
        ] {
            assert_eq!(named(|one| one.issuer = issuer.to_owned()), ["oidc.0.issuer"], "{issuer}");
        }
        for name in ["", "Work", "1work", "wo/rk", "../x"] {
            assert_eq!(named(|one| one.name = name.to_owned()), ["oidc.0.name"], "{name}");
        }
        assert_eq!(named(|one| one.client_id.clear()), ["oidc.0.client_id"]);
        assert_eq!(named(|one| one.scopes.clear()), ["oidc.0.scopes"]);
        for domains in [vec![], vec!["@example.org".to_owned()], vec!["*".to_owned()]] {
            assert_eq!(named(|one| one.email_domains = domains), ["oidc.0.email_domains"]);
        }
        assert_eq!(named(|one| one.default_roles.clear()), ["oidc.0.roles"]);
        let owner = vec![Role::Owner];
        assert_eq!(named(|one| one.default_roles = owner.clone()), ["oidc.0.roles"]);
        let groups = BTreeMap::from([("bosses".to_owned(), owner)]);
        assert_eq!(named(|one| one.roles = groups), ["oidc.0.roles"]);
        let secret = HeaderText::Env(InEnv { env: "STUDIO_X".to_owned() });
        assert_eq!(named(|one| one.client_secret = Some(secret)), ["oidc.0.client_secret"]);
        let twice = OidcProvider::faults(&[provider(), provider()]);
        assert_eq!(twice[0].setting, "oidc.1.name");
    }
}
