//! Evaluates the policies. Default deny: an unknown action, a rule that fails to evaluate and an
//! answer of the wrong shape all refuse.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, PoisonError, RwLock},
};

use studio_kernel::{ActionScope, Actor, Code, DataClass, Env, Id, Principal, Role, kind};

use crate::{
    actions,
    bundle::{Bundle, PolicyError},
    context::{Context, Networks},
    loaded::{Input, InputActor, InputResource, Loaded, Output, Reach, Standing, Vote},
    programs,
    resource::{Place, Resource, Scope},
};

/// Distinct inputs are few (roles x actions x attributes); a full cache starts over.
const CACHED: usize = 8192;

/// Why an action was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The thing belongs to another organization, or to a project that the actor sees nothing of, or it
    /// does not exist. Callers answer as if it did not exist.
    #[error("There is no {kind}{} that you can see.", id.as_ref().map(|id| format!(" {id}")).unwrap_or_default())]
    Hidden {
        /// The type of the thing.
        kind: &'static str,
        /// Its id, as it was asked for.
        id: Option<String>,
    },
    /// The actor is known, and the policies do not allow it.
    #[error(
        "You may not {meaning} ({action}): {reason}.{}{advice}",
        if advice.is_empty() { "" } else { " " }
    )]
    Forbidden {
        /// The action.
        action: String,
        /// What it means, in words.
        meaning: &'static str,
        /// What the policies say.
        reason: Arc<str>,
        /// What can be done about it, in a sentence; empty where the reason says it.
        advice: &'static str,
    },
}

/// What a reason begins with that asks for a fresh sign-in: no role helps then.
const SIGN_IN_AGAIN: &str = "sign in again";

/// What a person can do about a refusal,
const PERSON: &str = "An owner of the organization can give you a role that may.";
/// and what whoever runs a program can.
const PROGRAM: &str = "A program may do what its roles, or those of the person whose key it has, allow \
                       as far as its scopes reach.";

impl Denied {
    /// The stable code for the client.
    pub fn code(&self) -> Code {
        match self {
            Self::Hidden { .. } => Code::NotFound,
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

/// How a thing stands to whoever acts on it, as rules see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ownership {
    /// A list, or a thing that is to be made.
    None,
    /// It is theirs.
    Own,
    /// It is somebody else's.
    Others,
    /// It exists, and has no owner.
    Nobodys,
}

impl Ownership {
    fn of(resource: &Resource, actor: &Actor) -> Self {
        match (resource.owner, actor.user_id()) {
            (None, _) if resource.id.is_none() => Self::None,
            (None, _) => Self::Nobodys,
            (Some(owner), Some(user)) if owner == user => Self::Own,
            (Some(_), _) => Self::Others,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Own => "self",
            Self::Others => "other",
            Self::Nobodys => "nobody",
        }
    }
}

/// A thing to ask about without having it, within the actor's organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Supposed<'a> {
    /// The GraphQL type, for example `Control`.
    pub kind: &'a str,
    /// How it stands to the actor.
    pub ownership: Ownership,
    /// The project that it lies in, if it lies in one.
    pub project: Option<Id<kind::Project>>,
    /// How closely it is kept, if things of that kind have a class.
    pub data_class: Option<DataClass>,
    /// What else the rules may look at.
    pub attributes: BTreeMap<&'a str, &'a str>,
}

/// A decision and what led to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// What was decided.
    pub decision: Decision,
    /// What the rules say, for and against. Empty where the bundle votes nowhere.
    pub votes: Vec<Vote>,
}

/// The owned form of [`Input`], as the key of the cache.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    standing: Standing,
    system: Option<String>,
    roles: Vec<Role>,
    in_projects: bool,
    scopes: Option<Vec<ActionScope>>,
    action: &'static str,
    kind: &'static str,
    same_tenant: bool,
    ownership: Ownership,
    data_class: Option<DataClass>,
    attributes: Vec<(&'static str, String)>,
    context: Context,
}

impl Key {
    fn input<'a>(&'a self, networks: &'a Networks) -> Input<'a> {
        Input {
            actor: InputActor {
                kind: self.standing.kind,
                name: self.system.as_deref().unwrap_or_default(),
                roles: &self.roles,
                in_projects: self.in_projects,
                credential: self.standing.credential,
                scopes: self.scopes.as_deref(),
            },
            action: self.action,
            resource: InputResource {
                kind: self.kind,
                same_tenant: self.same_tenant,
                owner: self.ownership.as_str(),
                data_class: self.data_class.map(DataClass::as_str),
                attributes: self.attributes.iter().map(|(k, v)| (*k, v.as_str())).collect(),
            },
            context: self.context.told(networks),
        }
    }
}

/// Whoever keeps a record of refusals.
pub trait Witness: Send + Sync {
    /// Somebody was refused an action. It must not take long.
    fn refused(&self, actor: &Actor, action: &'static str, resource: &Resource);
}

/// The policies, shared by every thread. What decides can be replaced while they are asked.
pub struct Policy {
    current: RwLock<Arc<Current>>,
    clock: Option<Env>,
    networks: Networks,
    witness: Option<Arc<dyn Witness>>,
}

/// A bundle and what it has answered so far: another bundle begins with no answers.
struct Current {
    loaded: Loaded,
    cache: RwLock<HashMap<Key, Output>>,
}

impl Current {
    fn new(bundle: &Bundle) -> Result<Arc<Self>, PolicyError> {
        Ok(Arc::new(Self { loaded: Loaded::new(bundle)?, cache: RwLock::default() }))
    }
}

impl Policy {
    /// The policies that ship with Studio.
    ///
    /// # Errors
    /// When a file does not parse, with its name.
    pub fn embedded() -> Result<Self, PolicyError> {
        Self::new(&Bundle::embedded())
    }

    /// Policies from `(file name, Rego v1 text)` pairs, which together define
    /// `data.studio.access.decision`.
    ///
    /// # Errors
    /// As [`Policy::new`].
    pub fn from_sources(sources: &[(&str, &str)]) -> Result<Self, PolicyError> {
        Self::new(&Bundle::of(sources))
    }

    /// The policies of a bundle.
    ///
    /// # Errors
    /// When a file does not parse, the rule `data.studio.access.decision` is missing or defined
    /// twice, or it answers in the wrong shape.
    pub fn new(bundle: &Bundle) -> Result<Self, PolicyError> {
        Ok(Self {
            current: RwLock::new(Current::new(bundle)?),
            clock: None,
            networks: Networks::default(),
            witness: None,
        })
    }

    /// With a clock, by which rules learn how fresh a sign-in is. Without one none is.
    #[must_use]
    pub fn with_clock(mut self, env: Env) -> Self {
        self.clock = Some(env);
        self
    }

    /// With networks that rules know by their names.
    #[must_use]
    pub fn with_networks(mut self, networks: Networks) -> Self {
        self.networks = networks;
        self
    }

    /// With somebody who is told of each refusal of [`Policy::require`].
    #[must_use]
    pub fn with_witness(mut self, witness: Arc<dyn Witness>) -> Self {
        self.witness = Some(witness);
        self
    }

    /// Decides by another bundle from now on. What was asked before is answered by the one before.
    ///
    /// # Errors
    /// As [`Policy::new`]; the bundle before goes on then.
    pub fn replace(&self, bundle: &Bundle) -> Result<(), PolicyError> {
        let new = Current::new(bundle)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    fn current(&self) -> Arc<Current> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Decides whether the actor may do the action to the resource. For a thing of a project the roles
    /// there count too.
    pub fn decide(&self, actor: &Actor, action: &str, resource: &Resource) -> Decision {
        let roles = match resource.place {
            Place::Organization | Place::Nowhere => actor.roles.clone(),
            Place::Project(project) => actor.roles_in(project),
        };
        self.decide_as(actor, roles, action, resource)
    }

    /// The same, of somebody who had these roles.
    pub(crate) fn decide_as(
        &self,
        actor: &Actor,
        roles: Vec<Role>,
        action: &str,
        resource: &Resource,
    ) -> Decision {
        let Some(action) = actions::find(action) else {
            tracing::error!(action, "an action that the registry does not know was asked for");
            return refuse("the action is unknown");
        };
        let same_tenant = actor.tenant == resource.tenant;
        let key = Key {
            standing: Standing::of(&actor.principal),
            system: match &actor.principal {
                Principal::System { name } => Some(name.clone()),
                _ => None,
            },
            roles,
            in_projects: !actor.projects.is_empty(),
            scopes: programs::scopes(actor).map(<[_]>::to_vec),
            action: action.name,
            kind: resource.kind,
            same_tenant,
            ownership: Ownership::of(resource, actor),
            data_class: resource.data_class,
            attributes: resource.attributes.iter().map(|(k, v)| (*k, v.clone())).collect(),
            context: Context::of(actor, self.clock.as_ref(), &self.networks),
        };
        let current = self.current();
        let cached =
            current.cache.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        let output = match cached {
            Some(output) => output,
            None => {
                let output = decided(&current.loaded, &key.input(&self.networks));
                let mut cache = current.cache.write().unwrap_or_else(PoisonError::into_inner);
                if cache.len() >= CACHED {
                    cache.clear();
                }
                cache.insert(key, output.clone());
                output
            }
        };
        bind(output, actor, action.name, same_tenant)
    }

    /// Decides about a thing that is only supposed, and tells how each rule votes.
    pub fn explain(&self, actor: &Actor, action: &str, supposed: &Supposed<'_>) -> Explanation {
        let Some(action) = actions::find(action) else {
            return Explanation { decision: refuse("the action is unknown"), votes: Vec::new() };
        };
        let current = self.current();
        let roles = match supposed.project {
            Some(project) => actor.roles_in(project),
            None => actor.roles.clone(),
        };
        let input = Input {
            actor: InputActor::of(actor, &roles),
            action: action.name,
            resource: InputResource {
                kind: supposed.kind,
                same_tenant: true,
                owner: supposed.ownership.as_str(),
                data_class: supposed.data_class.map(DataClass::as_str),
                attributes: supposed.attributes.clone(),
            },
            context: Context::of(actor, self.clock.as_ref(), &self.networks).told(&self.networks),
        };
        let votes = current.loaded.votes(&input).unwrap_or_else(|error| {
            tracing::error!(error, action = action.name, "the votes of the policies do not read");
            Vec::new()
        });
        let decision = bind(decided(&current.loaded, &input), actor, action.name, true);
        Explanation { decision, votes }
    }

    /// What the rules answer to an input as it is, for whoever writes them: the decision and the
    /// votes. `docs/policies.md` says what an input holds.
    ///
    /// # Errors
    /// Where the rules cannot be evaluated, or decide in the wrong shape.
    pub fn ask(&self, input: &serde_json::Value) -> Result<serde_json::Value, PolicyError> {
        let failed = |error: String| PolicyError::new(crate::loaded::ENTRY, error);
        let current = self.current();
        let decision = current.loaded.decide(input).map_err(failed)?;
        let votes = current.loaded.votes(input).map_err(failed)?;
        Ok(serde_json::json!({ "decision": decision, "votes": votes }))
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
        Err(self.refused(actor, action, resource, decision.reason))
    }

    /// Tells of a refusal, and says what the actor may know of it.
    pub(crate) fn refused(
        &self,
        actor: &Actor,
        action: &str,
        resource: &Resource,
        reason: Arc<str>,
    ) -> Denied {
        if let (Some(witness), Some(known)) = (&self.witness, actions::find(action)) {
            witness.refused(actor, known.name, resource);
        }
        if actor.tenant != resource.tenant || self.hides(actor, resource) {
            return Denied::Hidden { kind: resource.kind, id: resource.id.clone() };
        }
        Denied::Forbidden {
            action: action.to_owned(),
            meaning: actions::find(action).map_or("do that", |known| known.meaning),
            advice: match actor.principal.is_program() {
                _ if actor.read_only || reason.starts_with(SIGN_IN_AGAIN) => "",
                true => PROGRAM,
                false => PERSON,
            },
            reason,
        }
    }
}

/// Asks the rules. Whatever goes wrong refuses.
fn decided(loaded: &Loaded, input: &Input<'_>) -> Output {
    loaded.decide(input).unwrap_or_else(|error| {
        tracing::error!(error, action = input.action, "the policies could not be evaluated");
        Output {
            allow: false,
            scope: Reach::None,
            reason: "the policies could not be evaluated".into(),
        }
    })
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
/// that no bundle, however written, can open one organization to another, and how far programs go.
fn bind(output: Output, actor: &Actor, action: &str, same_tenant: bool) -> Decision {
    if let (true, Some(reason)) = (output.allow, programs::refusal(actor, action)) {
        return refuse(reason);
    }
    let scope = match (output.scope, actor.user_id()) {
        _ if !output.allow || !same_tenant => None,
        (Reach::Tenant, _) => Some(Scope::Tenant(actor.tenant)),
        (Reach::Own, Some(user)) => Some(Scope::Own { tenant: actor.tenant, user }),
        (Reach::Own, None) | (Reach::None, _) => None,
    };
    Decision { allow: scope.is_some(), scope, reason: output.reason }
}
