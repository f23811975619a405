//! `studio audit export`: the audit log of the organization, one JSON object per line, newest first:
//! as the server tells it, or as OCSF events for other tools.

mod ocsf;

use std::io::Write;

use anyhow::{Context, bail};
use serde::Deserialize;
use serde_json::{Value, json};

use super::session;
use crate::audit::{Export, Format};

const QUERY: &str = "query($filter: AuditFilter, $after: String) {
    auditEntries(filter: $filter, first: 100, after: $after) {
        nodes { id log position recordedAt action outcome times actor session credential roles targetKind target
            request cause details { name value } }
        pageInfo { hasNextPage endCursor } } }";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    audit_entries: Entries,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entries {
    nodes: Vec<Entry>,
    page_info: PageInfo,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

/// An entry as the server tells it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    id: String,
    log: String,
    position: String,
    recorded_at: String,
    action: String,
    outcome: String,
    times: i64,
    actor: String,
    session: Option<String>,
    credential: Option<String>,
    roles: Vec<String>,
    target_kind: String,
    target: String,
    request: Option<String>,
    cause: Option<String>,
    details: Vec<Detail>,
}

#[derive(Debug, Deserialize)]
struct Detail {
    name: String,
    value: String,
}

impl Entry {
    /// What was recorded, by name.
    fn details(&self) -> anyhow::Result<serde_json::Map<String, Value>> {
        let read = |detail: &Detail| {
            let value = serde_json::from_str(&detail.value)
                .with_context(|| format!("{} of {} is no JSON", detail.name, self.id))?;
            Ok((detail.name.clone(), value))
        };
        self.details.iter().map(read).collect()
    }

    fn plain(&self) -> anyhow::Result<Value> {
        Ok(json!({
            "id": self.id,
            "log": self.log,
            "position": self.position.parse::<i64>()?,
            "recordedAt": self.recorded_at,
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
            "details": self.details()?,
        }))
    }
}

/// `studio audit export`
pub(crate) async fn export(arguments: Export) -> anyhow::Result<()> {
    let client = session::client(&arguments.server).await?;
    let filter = json!({
        "actor": arguments.actor,
        "action": arguments.action,
        "target": arguments.target,
        "log": arguments.log,
        "from": arguments.from,
        "to": arguments.to,
    });
    let mut out = std::io::BufWriter::new(std::io::stdout());
    let mut after = None;
    loop {
        let variables = json!({ "filter": filter, "after": after });
        let Answer { audit_entries: page } = client.query_text(QUERY, variables).await?;
        for entry in &page.nodes {
            let line = match arguments.format {
                Format::Jsonl => entry.plain()?,
                Format::Ocsf => ocsf::event(entry)?,
            };
            serde_json::to_writer(&mut out, &line)?;
            out.write_all(b"\n")?;
        }
        if !page.page_info.has_next_page {
            out.flush()?;
            return Ok(());
        }
        if page.page_info.end_cursor.is_none() || page.page_info.end_cursor == after {
            bail!("the server says that there is more, and not where");
        }
        after = page.page_info.end_cursor;
    }
}
