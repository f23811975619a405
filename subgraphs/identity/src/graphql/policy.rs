//! What the policies decide.

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use studio_access::{Explanation, Ownership, Scope};
use studio_service::graphql::{DataClass, actor, gql, id};

use super::core;
use crate::commands::AskedDecision;

/// How a thing stands to whoever acts on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Ownership")]
pub(super) enum PolicyOwnership {
    /// It is a list, or a thing that is to be made.
    None,
    /// It is theirs.
    Own,
    /// It is somebody else's.
    Others,
    /// It exists, and has no owner.
    Nobodys,
}

/// How far a permission reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(super) enum PolicyScope {
    /// Everything of that kind in the organization.
    Organization,
    /// Only what is one's own.
    Own,
}

/// A name and a value that rules may look at.
#[derive(InputObject)]
struct PolicyAttributeInput {
    /// The name, such as `rank`.
    name: String,
    /// The value.
    value: String,
}

/// The thing that an action would be done to, in your organization.
#[derive(InputObject)]
struct PolicyResourceInput {
    /// Its type, such as `Control`.
    #[graphql(default)]
    kind: String,
    /// How it stands to the person.
    #[graphql(default_with = "PolicyOwnership::None")]
    ownership: PolicyOwnership,
    /// The project that it lies in, `prj_…`, if it lies in one: roles that the person has there count too.
    project_id: Option<ID>,
    /// Its data class, if things of that kind have one: documents, evidence and what is found in them.
    data_class: Option<DataClass>,
    /// What else rules may look at.
    #[graphql(default)]
    attributes: Vec<PolicyAttributeInput>,
}

/// What one rule says of an action.
#[derive(SimpleObject)]
struct PolicyVote {
    /// Whether it is for it. One vote against it decides.
    grants: bool,
    /// How far it reaches; null for a vote against.
    scope: Option<PolicyScope>,
    /// Why.
    reason: String,
}

/// What the access policies decide of an action.
#[derive(SimpleObject)]
struct PolicyDecision {
    /// The action.
    action: String,
    /// Whether it may be done.
    allow: bool,
    /// How far the permission reaches; null where there is none.
    scope: Option<PolicyScope>,
    /// What decided, in words.
    reason: String,
    /// How each rule votes, where that was asked for.
    votes: Vec<PolicyVote>,
}

impl PolicyDecision {
    fn of(action: String, explanation: Explanation, explain: bool) -> Self {
        let Explanation { decision, votes } = explanation;
        let votes = votes.into_iter().filter(|_| explain).map(|vote| PolicyVote {
            grants: vote.grants,
            scope: vote.scope.as_deref().and_then(|scope| match scope {
                "tenant" => Some(PolicyScope::Organization),
                "own" => Some(PolicyScope::Own),
                _ => None,
            }),
            reason: vote.reason,
        });
        Self {
            action,
            allow: decision.allow,
            scope: decision.scope.map(|scope| match scope {
                Scope::Tenant(_) => PolicyScope::Organization,
                Scope::Own { .. } => PolicyScope::Own,
            }),
            reason: decision.reason.to_string(),
            votes: votes.collect(),
        }
    }
}

/// Queries about the policies.
#[derive(Default)]
pub(super) struct PolicyQuery;

#[Object]
impl PolicyQuery {
    /// What the access policies decide of an action, and why. Everybody may ask about themselves, an
    /// owner or an admin about anybody in the organization.
    async fn policy_decision(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The action, such as `controls:control:update`.")] action: String,
        #[graphql(desc = "What it would be done to; by default, a list of things.")]
        resource: Option<PolicyResourceInput>,
        #[graphql(desc = "Who would act, `usr_…`; by default, you.")] user_id: Option<ID>,
        #[graphql(desc = "Whether to tell how each rule votes.", default = false)] explain: bool,
    ) -> async_graphql::Result<PolicyDecision> {
        let resource = resource.unwrap_or_else(|| PolicyResourceInput {
            kind: String::new(),
            ownership: PolicyOwnership::None,
            project_id: None,
            data_class: None,
            attributes: Vec::new(),
        });
        let attributes = resource.attributes.into_iter().map(|it| (it.name, it.value)).collect();
        let asked = AskedDecision {
            user: user_id.as_ref().map(id).transpose()?,
            action,
            kind: resource.kind,
            ownership: resource.ownership.into(),
            project: resource.project_id.as_ref().map(id).transpose()?,
            data_class: resource.data_class.map(Into::into),
            attributes,
        };
        let explanation = core(ctx)?.policy_decision(actor(ctx)?, &asked).await.map_err(gql)?;
        Ok(PolicyDecision::of(asked.action, explanation, explain))
    }
}
