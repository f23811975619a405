//! Evaluates the policies. Default deny: an unknown action, a rule that fails to evaluate and an
//! answer of the wrong shape all refuse.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, PoisonError, RwLock},
};

use regorus::{CompiledPolicy, Engine, Value};
use serde::{Deserialize, Serialize};
use studio_kernel::{Actor, Code, Env, Principal, Role, Timestamp};

use crate::{
    actions,
    resource::{Resource, Scope},
};

/// The bundle that ships with Studio: every file of `policies/`.
const EMBEDDED: &[(&str, &str)] = &[
    ("account.rego", include_str!("../policies/account.rego")),
    ("decision.rego", include_str!("../policies/decision.rego")),
    ("roles.rego", include_str!("../policies/roles.rego")),
    ("system.rego", include_str!("../policies/system.rego")),
];

const ENTRY: &str = "data.studio.access.decision";

/// Distinct inputs are few (roles x actions x attributes); a full cache starts over.
const CACHED: usize = 8192;

/// The policies do not load.
#[derive(Debug, thiserror::Error)]
#[error("the access policies do not load: {file}: {message}")]
pub struct PolicyError {
    file: String,
    message: String,
}

/// Why an action was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The thing belongs to another organization. Callers answer as if it did not exist.
    #[error("There is no {kind}{} that you can see.", id.as_ref().map(|id| format!(" {id}")).unwrap_or_default())]
    OtherTenant {
        /// The type of the thing.
        kind: &'static str,
        /// Its id, as it was asked for.
        id: Option<String>,
    },
    /// The actor is known, and the policies do not allow it.
    #[error(
        "You may not {meaning} ({action}): {reason}. An owner of the organization can give you a role that may."
    )]
    Forbidden {
        /// The action.
        action: String,
        /// What it means, in words.
        meaning: &'static str,
        /// What the policies say.
        reason: Arc<str>,
    },
}

impl Denied {
    /// The stable code for the client.
    pub fn code(&self) -> Code {
        match self {
            Self::OtherTenant { .. } => Code::NotFound,
            Self::Forbidden { .. } => Code::Forbidden,
        }
    }
}

/// The answer of the policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Whether it may be done.
    pub allow: bool,
    /// How far the permission reaches; `None` when it may not be done.
    pub scope: Option<Scope>,
    /// Which rules decided, in words.
    pub reason: Arc<str>,
}

/// What decides, and nothing else: see `policies/decision.rego`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
struct Input<'a> {
    actor: InputActor<'a>,
    action: &'static str,
    resource: InputResource<'a>,
    context: Context,
}

/// What there is to know of the sign-in. Few values, since decisions are cached by them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize)]
struct Context {
    /// Whether the person signed in with more than one factor.
    mfa: bool,
    /// The least of [`WITHIN`] minutes that the sign-in is not older than; absent where it is older
    /// than all, or not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    authenticated_within: Option<u32>,
}

/// Minutes by which rules can ask how fresh a sign-in is.
const WITHIN: [u32; 6] = [5, 15, 60, 240, 720, 1440];

impl Context {
    fn of(actor: &Actor, env: Option<&Env>) -> Self {
        let Some(authn) = &actor.authn else { return Self::default() };
        let fresh =
            |now: Timestamp, minutes: u32| authn.at.plus_seconds(i64::from(minutes) * 60) >= now;
        Self {
            mfa: authn.multi_factor(),
            authenticated_within: env.and_then(|env| {
                let now = env.now();
                WITHIN.into_iter().find(|minutes| fresh(now, *minutes))
            }),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
struct InputActor<'a> {
    kind: &'static str,
    name: &'a str,
    roles: &'a [Role],
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
struct InputResource<'a> {
    kind: &'static str,
    same_tenant: bool,
    owner: &'static str,
    attributes: &'a BTreeMap<&'static str, String>,
}

/// The owned form of [`Input`], as the key of the cache.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    system: Option<String>,
    roles: Vec<Role>,
    action: &'static str,
    kind: &'static str,
    same_tenant: bool,
    owner: &'static str,
    attributes: Vec<(&'static str, String)>,
    context: Context,
}

#[derive(Debug, Clone, Deserialize)]
struct Output {
    allow: bool,
    scope: Reach,
    reason: Arc<str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reach {
    None,
    Own,
    Tenant,
}

/// The policies, compiled once and shared by every thread.
pub struct Policy {
    compiled: CompiledPolicy,
    clock: Option<Env>,
    cache: RwLock<HashMap<Key, Output>>,
}

impl Policy {
    /// The policies that ship with Studio.
    ///
    /// # Errors
    /// When a file does not parse, with its name.
    pub fn embedded() -> Result<Self, PolicyError> {
        Self::from_sources(EMBEDDED)
    }

    /// Policies from `(file name, Rego v1 text)` pairs, which together define
    /// `data.studio.access.decision`.
    ///
    /// # Errors
    /// When a file does not parse or the rule is missing.
    pub fn from_sources(sources: &[(&str, &str)]) -> Result<Self, PolicyError> {
        let failed = |file: &str, message: String| PolicyError { file: file.to_owned(), message };
        let mut engine = Engine::new();
        for (file, text) in sources {
            engine
                .add_policy((*file).to_owned(), (*text).to_owned())
                .map_err(|error| failed(file, error.to_string()))?;
        }
        let compiled = engine
            .compile_with_entrypoint(&ENTRY.into())
            .map_err(|error| failed(ENTRY, error.to_string()))?;
        Ok(Self { compiled, clock: None, cache: RwLock::default() })
    }

    /// With a clock, by which rules learn how fresh a sign-in is. Without one none is.
    #[must_use]
    pub fn with_clock(mut self, env: Env) -> Self {
        self.clock = Some(env);
        self
    }

    /// Decides whether the actor may do the action to the resource.
    pub fn decide(&self, actor: &Actor, action: &str, resource: &Resource) -> Decision {
        let Some(action) = actions::find(action) else {
            tracing::error!(action, "an action that the registry does not know was asked for");
            return refuse("the action is unknown");
        };
        let owner = match (resource.owner, actor.user_id()) {
            (None, _) if resource.id.is_none() => "none",
            (None, _) => "nobody",
            (Some(owner), Some(user)) if owner == user => "self",
            (Some(_), _) => "other",
        };
        let same_tenant = actor.tenant == resource.tenant;
        let key = Key {
            system: match &actor.principal {
                Principal::User { .. } => None,
                Principal::System { name } => Some(name.clone()),
            },
            roles: actor.roles.clone(),
            action: action.name,
            kind: resource.kind,
            same_tenant,
            owner,
            attributes: resource.attributes.iter().map(|(k, v)| (*k, v.clone())).collect(),
            context: Context::of(actor, self.clock.as_ref()),
        };
        let cached = self.cache.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        let output = match cached {
            Some(output) => output,
            None => {
                let output = self.evaluate(&Input {
                    actor: InputActor {
                        kind: if key.system.is_some() { "system" } else { "user" },
                        name: key.system.as_deref().unwrap_or_default(),
                        roles: &actor.roles,
                    },
                    action: action.name,
                    resource: InputResource {
                        kind: resource.kind,
                        same_tenant,
                        owner,
                        attributes: &resource.attributes,
                    },
                    context: key.context,
                });
                let mut cache = self.cache.write().unwrap_or_else(PoisonError::into_inner);
                if cache.len() >= CACHED {
                    cache.clear();
                }
                cache.insert(key, output.clone());
                output
            }
        };
        bind(output, actor, same_tenant)
    }

    /// Refuses unless the actor may do the action to the resource.
    ///
    /// # Errors
    /// [`Denied`], which says why and carries the code for the client.
    pub fn require(
        &self,
        actor: &Actor,
        action: &str,
        resource: &Resource,
    ) -> Result<Scope, Denied> {
        let decision = self.decide(actor, action, resource);
        if let (true, Some(scope)) = (decision.allow, decision.scope) {
            return Ok(scope);
        }
        if actor.tenant != resource.tenant {
            return Err(Denied::OtherTenant { kind: resource.kind, id: resource.id.clone() });
        }
        Err(Denied::Forbidden {
            action: action.to_owned(),
            meaning: actions::find(action).map_or("do that", |known| known.meaning),
            reason: decision.reason,
        })
    }

    /// Asks the rules. Whatever goes wrong refuses.
    fn evaluate(&self, input: &Input<'_>) -> Output {
        let asked = serde_json::to_string(input)
            .map_err(|error| error.to_string())
            .and_then(|text| Value::from_json_str(&text).map_err(|error| error.to_string()))
            .and_then(|input| self.compiled.eval_with_input(input).map_err(|e| e.to_string()))
            .and_then(|value| value.to_json_str().map_err(|error| error.to_string()))
            .and_then(|text| serde_json::from_str(&text).map_err(|error| error.to_string()));
        asked.unwrap_or_else(|error| {
            tracing::error!(%error, action = input.action, "the policies could not be evaluated");
            Output {
                allow: false,
                scope: Reach::None,
                reason: "the policies could not be evaluated".into(),
            }
        })
    }
}

impl std::fmt::Debug for Policy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Policy").finish_non_exhaustive()
    }
}

fn refuse(reason: &str) -> Decision {
    Decision { allow: false, scope: None, reason: reason.into() }
}

/// Turns the rules' answer into one about this actor. Tenancy is checked a second time here, so
/// that no bundle, however written, can open one organization to another.
fn bind(output: Output, actor: &Actor, same_tenant: bool) -> Decision {
    let scope = match (output.scope, actor.user_id()) {
        _ if !output.allow || !same_tenant => None,
        (Reach::Tenant, _) => Some(Scope::Tenant(actor.tenant)),
        (Reach::Own, Some(user)) => Some(Scope::Own { tenant: actor.tenant, user }),
        (Reach::Own, None) | (Reach::None, _) => None,
    };
    Decision { allow: scope.is_some(), scope, reason: output.reason }
}
