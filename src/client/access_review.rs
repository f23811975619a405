//! `studio access-review export`: a review of access as evidence, one JSON object per line.

use std::io::Write;

use anyhow::{Context, bail};
use serde_json::{Value, json};

use super::session;
use crate::cli::{AccessReviewExport, AccessReviewVerb};

const QUERY: &str = "query($id: ID!, $after: String) {
    accessReview(id: $id) {
        id title startedAt startedBy { id } completedAt completedBy { id }
        items(first: 100, after: $after) {
            nodes { userId user { name email } role projectId teamId until decision decidedAt decidedBy note }
            pageInfo { hasNextPage endCursor } } } }";

/// `studio access-review`
pub(crate) async fn run(verb: AccessReviewVerb) -> anyhow::Result<()> {
    match verb {
        AccessReviewVerb::Export(arguments) => export(arguments).await,
    }
}

async fn export(arguments: AccessReviewExport) -> anyhow::Result<()> {
    let client = session::client(&arguments.server).await?;
    let mut out = std::io::BufWriter::new(std::io::stdout());
    let mut line = |value: &Value| -> anyhow::Result<()> {
        serde_json::to_writer(&mut out, value)?;
        out.write_all(b"\n")?;
        Ok(())
    };
    let mut after = Value::Null;
    loop {
        let variables = json!({ "id": arguments.review, "after": after });
        let mut answer: Value = client.query_text(QUERY, variables).await?;
        let review = answer["accessReview"].take();
        if review.is_null() {
            bail!(
                "there is no review {}: accessReviews lists those that there are",
                arguments.review
            );
        }
        if review["completedAt"].is_null() {
            bail!("that review is not complete: decide what is open, and run completeAccessReview");
        }
        if after.is_null() {
            line(&json!({
                "review": review["id"],
                "title": review["title"],
                "startedAt": review["startedAt"],
                "startedBy": review["startedBy"]["id"],
                "completedAt": review["completedAt"],
                "completedBy": review["completedBy"]["id"],
            }))?;
        }
        let items = review["items"]["nodes"].as_array().context("the server lists no items")?;
        for item in items {
            line(&json!({
                "review": review["id"],
                "user": item["userId"],
                "name": item["user"]["name"],
                "email": item["user"]["email"],
                "role": item["role"],
                "project": item["projectId"],
                "team": item["teamId"],
                "until": item["until"],
                "decision": item["decision"],
                "decidedAt": item["decidedAt"],
                "decidedBy": item["decidedBy"],
                "note": item["note"],
            }))?;
        }
        let page = &review["items"]["pageInfo"];
        if page["hasNextPage"] != true {
            break;
        }
        if page["endCursor"].is_null() || page["endCursor"] == after {
            bail!("the server says that there is more, and not where");
        }
        after = page["endCursor"].clone();
    }
    out.flush()?;
    Ok(())
}
