//! `studio audit export`: the audit log of the organization, one JSON object per line, newest first:
//! as the server tells it, or as OCSF events for other tools.

use std::io::Write;

use anyhow::bail;
use serde::Deserialize;
use serde_json::json;

use super::session;
use crate::audit::{Entry, Export};

const QUERY: &str = "query($filter: AuditFilter, $after: String) {
    auditEntries(filter: $filter, first: 100, after: $after) {
        nodes { id log position recordedAt action outcome times actor session credential roles targetKind target
            request cause address userAgent
            details { name value before } }
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
            serde_json::to_writer(&mut out, &entry.written(arguments.format.into())?)?;
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
