//! A bundle that answers. It is checked as a whole before it does: what does not parse, does not
//! decide, or decides in the wrong shape, does not load.

use std::{collections::BTreeMap, sync::Arc};

use regorus::{CompiledPolicy, Engine, Value};
use serde::{Deserialize, Serialize};
use studio_kernel::{ActionScope, Actor, Principal, Role};

use crate::{
    bundle::{Bundle, PolicyError, PolicyFile},
    context::{Context, InputContext, Networks},
    programs,
    source::{check_depth, check_imports},
};

/// What every bundle must define.
pub(crate) const ENTRY: &str = "data.studio.access.decision";
/// What rules vote in, where the bundle has it.
const GRANTS: &str = "data.studio.access.grants";
const DENIALS: &str = "data.studio.access.denials";

/// What the policies are asked: see `policies/decision.rego`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Input<'a> {
    pub(crate) actor: InputActor<'a>,
    pub(crate) action: &'a str,
    pub(crate) resource: InputResource<'a>,
    pub(crate) context: InputContext<'a>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct InputActor<'a> {
    pub(crate) kind: &'static str,
    pub(crate) name: &'a str,
    pub(crate) roles: &'a [Role],
    /// Whether they have a role in some project, whichever is asked about.
    pub(crate) in_projects: bool,
    /// By what it was let in; absent for a part of Studio.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) credential: Option<&'static str>,
    /// How far a program may go; absent for all others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) scopes: Option<&'a [ActionScope]>,
}

impl<'a> InputActor<'a> {
    pub(crate) fn of(actor: &'a Actor, roles: &'a [Role]) -> Self {
        let name = match &actor.principal {
            Principal::System { name } => &**name,
            _ => "",
        };
        let Standing { kind, credential } = Standing::of(&actor.principal);
        let scopes = programs::scopes(actor);
        let in_projects = !actor.projects.is_empty();
        Self { kind, name, roles, in_projects, credential, scopes }
    }
}

/// What kind of actor it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Standing {
    pub(crate) kind: &'static str,
    pub(crate) credential: Option<&'static str>,
}

impl Standing {
    pub(crate) const fn of(principal: &Principal) -> Self {
        let (kind, credential) = match principal {
            Principal::User { .. } => ("user", Some("session")),
            Principal::ApiKey { .. } => ("user", Some("api_key")),
            Principal::App { .. } => ("user", Some("app")),
            Principal::Client { .. } => ("client", Some("client")),
            Principal::Directory { .. } => ("directory", Some("directory")),
            Principal::System { .. } => ("system", None),
        };
        Self { kind, credential }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct InputResource<'a> {
    pub(crate) kind: &'a str,
    pub(crate) same_tenant: bool,
    pub(crate) owner: &'static str,
    /// How closely it is kept; absent for what has no class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) data_class: Option<&'static str>,
    pub(crate) attributes: BTreeMap<&'a str, &'a str>,
}

/// What the policies answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Output {
    pub(crate) allow: bool,
    pub(crate) scope: Reach,
    pub(crate) reason: Arc<str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reach {
    None,
    Own,
    Tenant,
}

/// What one rule says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Vote {
    /// Whether it is for the action.
    pub grants: bool,
    /// How far it reaches: `tenant` or `own`; absent for a vote against.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Why, in words.
    pub reason: String,
}

#[derive(Deserialize)]
struct Grant {
    scope: String,
    reason: String,
}

/// A bundle that was checked.
pub(crate) struct Loaded {
    decision: CompiledPolicy,
    grants: Option<CompiledPolicy>,
    denials: Option<CompiledPolicy>,
}

impl Loaded {
    /// Understands a bundle and tries it.
    pub(crate) fn new(bundle: &Bundle) -> Result<Self, PolicyError> {
        let files: Vec<&PolicyFile> = bundle.files.iter().filter(|it| !it.is_test()).collect();
        let mut engine = engine(&files, bundle.data.as_deref())?;
        let mut decides = false;
        // In the order of the files.
        let packages = engine.get_packages().map_err(|error| PolicyError::new(ENTRY, error))?;
        for (file, package) in files.iter().zip(packages) {
            let rest = ENTRY.strip_prefix(&*package).and_then(|rest| rest.strip_prefix('.'));
            let here = rest.map(|rule| engine.has_declared_rule_rooted_at(&file.name, rule));
            let here = here.transpose().map_err(|error| PolicyError::new(&*file.name, error))?;
            let here = here.unwrap_or_default();
            decides |= here;
            if here && !file.decides {
                let message = format!(
                    "it defines {ENTRY}, as the default bundle does already: add to grants and \
                     denials instead, or replace the default bundle (policy.mode)"
                );
                return Err(PolicyError::new(&*file.name, message));
            }
        }
        if !decides {
            return Err(PolicyError::new(ENTRY, "no file of the bundle defines it"));
        }
        let mut compile = |rule: &str| {
            engine
                .compile_with_entrypoint(&rule.into())
                .map_err(|error| PolicyError::new(rule, error))
        };
        let decision = compile(ENTRY)?;
        let mut votes = |rule: &str| -> Result<Option<CompiledPolicy>, PolicyError> {
            decision.get_rules().contains_key(rule).then(|| compile(rule)).transpose()
        };
        let (grants, denials) = (votes(GRANTS)?, votes(DENIALS)?);
        let loaded = Self { decision, grants, denials };
        loaded.try_it()?;
        Ok(loaded)
    }

    /// Asks about somebody of each kind: what fails or answers oddly for all is told when it loads.
    fn try_it(&self) -> Result<(), PolicyError> {
        let nowhere = Networks::default();
        let people = Role::ALL.map(|role| ("user", "", vec![role]));
        let others = [("user", "", vec![]), ("system", "controls.part", vec![])];
        for (kind, name, roles) in people.into_iter().chain(others) {
            for owner in ["none", "self", "other", "nobody"] {
                let input = Input {
                    actor: InputActor {
                        kind,
                        name,
                        roles: &roles,
                        in_projects: false,
                        credential: None,
                        scopes: None,
                    },
                    action: "controls:control:update",
                    resource: InputResource {
                        kind: "Control",
                        same_tenant: true,
                        owner,
                        data_class: None,
                        attributes: BTreeMap::new(),
                    },
                    context: Context::default().told(&nowhere),
                };
                self.decide(&input).map_err(|error| PolicyError::new(ENTRY, error))?;
            }
        }
        Ok(())
    }

    /// The decision, or why there is none.
    pub(crate) fn decide(&self, input: &impl Serialize) -> Result<Output, String> {
        let value = evaluate(&self.decision, read(input)?)?;
        if value == Value::Undefined {
            return Err("it decides nothing: give it a default".to_owned());
        }
        let odd = |error| {
            format!(
                "it must be an object of allow, scope (\"tenant\", \"own\" or \"none\") and reason: \
                 {error}"
            )
        };
        serde_json::from_str(&value.to_json_str().map_err(said)?).map_err(odd)
    }

    /// Every vote, for and against, as far as the bundle votes in `grants` and `denials`.
    pub(crate) fn votes(&self, input: &impl Serialize) -> Result<Vec<Vote>, String> {
        let input = read(input)?;
        let mut votes = Vec::new();
        if let Some(denials) = &self.denials {
            let against = all::<String>(&evaluate(denials, input.clone())?)?;
            votes.extend(against.into_iter().map(|reason| Vote {
                grants: false,
                scope: None,
                reason,
            }));
        }
        if let Some(grants) = &self.grants {
            let of = |Grant { scope, reason }| Vote { grants: true, scope: Some(scope), reason };
            votes.extend(all::<Grant>(&evaluate(grants, input)?)?.into_iter().map(of));
        }
        votes.sort();
        Ok(votes)
    }
}

/// The items of a set.
fn all<T: for<'de> Deserialize<'de>>(value: &Value) -> Result<Vec<T>, String> {
    if *value == Value::Undefined {
        return Ok(Vec::new());
    }
    let text = value.to_json_str().map_err(said)?;
    serde_json::from_str(&text).map_err(|error| format!("a vote has another shape: {error}"))
}

fn read(input: &impl Serialize) -> Result<Value, String> {
    Value::from_json_str(&serde_json::to_string(input).map_err(said)?).map_err(said)
}

fn evaluate(rule: &CompiledPolicy, input: Value) -> Result<Value, String> {
    rule.eval_with_input(input).map_err(said)
}

fn said(error: impl std::fmt::Display) -> String {
    error.to_string().trim().to_owned()
}

/// An engine with these files.
pub(crate) fn engine(files: &[&PolicyFile], data: Option<&str>) -> Result<Engine, PolicyError> {
    let mut engine = studio_rego::engine();
    for file in files {
        check_depth(file)?;
        engine
            .add_policy(file.name.clone(), file.text.clone())
            .map_err(|error| PolicyError::new(&*file.name, error))?;
    }
    let packages = engine.get_packages().map_err(|error| PolicyError::new(ENTRY, error))?;
    check_imports(&files.iter().copied().zip(packages).collect::<Vec<_>>())?;
    if let Some(data) = data {
        let failed = |error: String| PolicyError::new("data.json", error);
        let value: serde_json::Value =
            serde_json::from_str(data).map_err(|error| failed(error.to_string()))?;
        let object = value.as_object().ok_or_else(|| failed("it must be an object".to_owned()))?;
        if object.contains_key("studio") {
            return Err(failed("\"studio\" is where the rules are: take another name".to_owned()));
        }
        engine.add_data_json(data).map_err(|error| failed(said(error)))?;
    }
    Ok(engine)
}
