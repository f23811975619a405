//! What the policies decide, for whoever wants to know why.

use std::collections::BTreeMap;

use studio_access::{Explanation, Ownership, Resource, Supposed};
use studio_kernel::{Actor, Authn, AuthnMethod, Code, DataClass, Id, kind};
use studio_service::ApiError;

use super::Core;
use crate::domain::user::User;

/// Attributes of one thing, at most, and characters of a name or value.
const MOST_ATTRIBUTES: usize = 16;
const LONGEST: usize = 200;

/// What is asked.
pub(crate) struct AskedDecision {
    /// Who would act; whoever asks where it is absent.
    pub user: Option<Id<kind::User>>,
    pub action: String,
    pub kind: String,
    pub ownership: Ownership,
    /// The project that it lies in, if it lies in one.
    pub project: Option<Id<kind::Project>>,
    /// Its data class, if it has one.
    pub data_class: Option<DataClass>,
    pub attributes: BTreeMap<String, String>,
}

impl Core {
    /// What the policies decide of an action, and how each rule votes.
    ///
    /// # Errors
    /// `FORBIDDEN` for others than oneself; `NOT_FOUND`; `BAD_REQUEST` for what is too long.
    pub(crate) async fn policy_decision(
        &self,
        actor: &Actor,
        asked: &AskedDecision,
    ) -> Result<Explanation, ApiError> {
        let user = asked.user.or(actor.user_id());
        let resource = match user {
            Some(user) => Resource::one("User", user, actor.tenant).owned_by(user),
            None => Resource::any("User", actor.tenant),
        };
        let tenant = self.policy.require(actor, "identity:policy:read", &resource)?.tenant();
        check(asked)?;
        let whom = match asked.user.filter(|user| Some(*user) != actor.user_id()) {
            None => actor.clone(),
            Some(user) => {
                let person = self.store.load::<User>(tenant, &user.to_string()).await?.state;
                if !person.exists() {
                    return Err(ApiError::not_found("user", user));
                }
                let now = self.env.now();
                let authn = Authn::new(now, vec![AuthnMethod::Pwd]);
                let somebody = Actor::user(tenant, user, self.env.id(), Vec::new());
                let somebody = Actor { read_only: actor.read_only, ..somebody };
                somebody.signed_in(Some(authn)).holding(&person.held(), now)
            }
        };
        let attributes = asked.attributes.iter().map(|(k, v)| (&**k, &**v)).collect();
        let supposed = Supposed {
            kind: &asked.kind,
            ownership: asked.ownership,
            project: asked.project,
            data_class: asked.data_class,
            attributes,
        };
        Ok(self.policy.explain(&whom, &asked.action, &supposed))
    }
}

fn check(asked: &AskedDecision) -> Result<(), ApiError> {
    let texts = asked.attributes.iter().flat_map(|(name, value)| [name, value]);
    let mut texts = texts.chain([&asked.kind, &asked.action]);
    if asked.attributes.len() > MOST_ATTRIBUTES || texts.any(|text| text.len() > LONGEST) {
        let hint = format!(
            "Ask with at most {MOST_ATTRIBUTES} attributes, and nothing longer than {LONGEST} bytes."
        );
        return Err(ApiError::new(Code::BadRequest, hint));
    }
    Ok(())
}
