//! Entries of the audit log as other tools get them: from a server's answer or from its store, they are
//! written alike.

use anyhow::Context;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use studio_identity::AuditTold;
use studio_kernel::Timestamp;
use studio_service::config::AuditFormat;

use super::ocsf;

/// An entry, as `auditEntries` of the graph tells it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entry {
    pub(crate) id: String,
    /// Whose, where those of several organizations are together.
    #[serde(default)]
    pub(crate) organization: Option<String>,
    pub(crate) log: String,
    pub(crate) position: String,
    pub(crate) recorded_at: String,
    pub(crate) action: String,
    pub(crate) outcome: String,
    pub(crate) times: i64,
    pub(crate) actor: String,
    pub(crate) session: Option<String>,
    #[serde(default)]
    pub(crate) credential: Option<String>,
    pub(crate) roles: Vec<String>,
    pub(crate) target_kind: String,
    pub(crate) target: String,
    pub(crate) request: Option<String>,
    pub(crate) cause: Option<String>,
    #[serde(default)]
    pub(crate) address: Option<String>,
    #[serde(default)]
    pub(crate) user_agent: Option<String>,
    pub(crate) details: Vec<Detail>,
}

/// A field of what was recorded.
#[derive(Debug, Deserialize)]
pub(crate) struct Detail {
    pub(crate) name: String,
    /// JSON.
    pub(crate) value: String,
    /// JSON.
    #[serde(default)]
    pub(crate) before: Option<String>,
}

impl Entry {
    /// Of an entry of the store.
    pub(crate) fn of(told: &AuditTold) -> anyhow::Result<Self> {
        let AuditTold { row, origin, before } = told;
        let shown: Map<String, Value> = serde_json::from_str(&row.shown)
            .with_context(|| format!("what is shown of {} is no JSON", row.event))?;
        let detail = |(name, value): (String, Value)| Detail {
            before: before.get(&name).map(ToString::to_string),
            value: value.to_string(),
            name,
        };
        Ok(Self {
            id: row.event.clone(),
            organization: Some(row.tenant.clone()),
            log: row.log.clone(),
            position: row.position.to_string(),
            recorded_at: Timestamp::from_micros(row.recorded_at).to_string(),
            action: row.action.clone(),
            outcome: row.outcome.to_uppercase(),
            times: row.times,
            actor: row.actor.clone(),
            session: row.session.clone(),
            credential: row.credential.clone(),
            roles: row.roles.split_whitespace().map(str::to_uppercase).collect(),
            target_kind: row.target_kind.clone(),
            target: row.target.clone(),
            request: row.request.clone(),
            cause: row.cause.clone(),
            address: origin.as_ref().map(|origin| origin.address.to_string()),
            user_agent: origin.as_ref().and_then(|origin| Some(origin.agent.as_ref()?.to_string())),
            details: shown.into_iter().map(detail).collect(),
        })
    }

    /// As it is written.
    pub(crate) fn written(&self, format: AuditFormat) -> anyhow::Result<Value> {
        match format {
            AuditFormat::Jsonl => self.plain(),
            AuditFormat::Ocsf => ocsf::event(self),
        }
    }

    /// What was recorded, by name.
    pub(super) fn details(&self) -> anyhow::Result<Map<String, Value>> {
        self.details.iter().map(|detail| self.read(&detail.name, &detail.value)).collect()
    }

    /// What was before of that, by name.
    pub(super) fn before(&self) -> anyhow::Result<Map<String, Value>> {
        let known = self.details.iter().filter_map(|it| Some((&it.name, it.before.as_ref()?)));
        known.map(|(name, before)| self.read(name, before)).collect()
    }

    fn read(&self, name: &str, json: &str) -> anyhow::Result<(String, Value)> {
        let value = serde_json::from_str(json)
            .with_context(|| format!("{name} of {} is no JSON", self.id))?;
        Ok((name.to_owned(), value))
    }

    fn plain(&self) -> anyhow::Result<Value> {
        let mut plain = json!({
            "id": self.id,
            "log": self.log,
            "position": self.position.parse::<i64>()?,
            "recordedAt": self.recorded_at.parse::<Timestamp>()?.to_string(),
            "action": self.action,
            "outcome": self.outcome,
            "times": self.times,
            "actor": self.actor,
            "session": self.session,
            "credential": self.credential,
            "roles": self.roles,
            "targetKind": self.target_kind,
            "target": self.target,
            "request": self.request,
            "cause": self.cause,
            "address": self.address,
            "userAgent": self.user_agent,
            "details": self.details()?,
            "before": self.before()?,
        });
        if let Some(organization) = &self.organization {
            plain["organization"] = organization.as_str().into();
        }
        Ok(plain)
    }
}
