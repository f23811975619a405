//! Reading the audit log, and what is sealed in it.

use serde_json::{Map, Value};
use studio_access::Resource;
use studio_kernel::{Actor, Code, Origin};
use studio_service::ApiError;

use super::{Core, Failure};
use crate::projections::{
    audit::{self, Filter, Place, Row},
    read_id,
};

/// Bytes that a text to filter by has at most.
const LONGEST: usize = 255;

impl Core {
    /// Entries of the actor's organization, newest first, after a place.
    ///
    /// # Errors
    /// `FORBIDDEN`, and `BAD_REQUEST` for what no entry can have.
    pub(crate) async fn audit_entries(
        &self,
        actor: &Actor,
        filter: &Filter,
        after: Option<&Place>,
        limit: u64,
    ) -> Result<Vec<Row>, Failure> {
        let resource = Resource::any("AuditEntry", actor.tenant);
        let tenant = self.policy.require(actor, "identity:audit:read", &resource)?.tenant();
        check(filter)?;
        Ok(audit::page(&self.store, tenant, filter, after, limit).await?)
    }

    /// From where the request of an entry came; `None` where that was not known, or is not kept any
    /// more.
    ///
    /// # Errors
    /// From the keyring.
    pub(crate) async fn audit_origin(&self, row: &Row) -> Result<Option<Origin>, ApiError> {
        let Some(sealed) = &row.origin else { return Ok(None) };
        Ok(self.people.open_origin(read_id(&row.tenant)?, sealed).await?)
    }

    /// What the target of an entry was before it, by the names of the entry's fields.
    ///
    /// # Errors
    /// From the store.
    pub(crate) async fn audit_before(&self, row: &Row) -> Result<Map<String, Value>, ApiError> {
        Ok(audit::before(&self.store, row).await?)
    }
}

fn check(filter: &Filter) -> Result<(), ApiError> {
    let refused = |message: String| Err(ApiError::new(Code::BadRequest, message));
    let Filter { actor, action, target, log, .. } = filter;
    let texts = [("actor", actor), ("action", action), ("target", target), ("log", log)];
    for (name, text) in texts {
        if text.as_ref().is_some_and(|text| text.len() > LONGEST || text.contains('\0')) {
            return refused(format!("{name}: no entry has more than {LONGEST} characters there."));
        }
    }
    let letter =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.".contains(&byte);
    if action.as_ref().is_some_and(|action| !action.bytes().all(letter)) {
        return refused(
            "action: write what the action begins with, for example identity.user. or \
             controls.control.updated: lower-case letters, digits, _ and dots."
                .to_owned(),
        );
    }
    Ok(())
}
