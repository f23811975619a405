//! Lets a rule look at evidence.

use std::time::Duration;

use studio_kernel::TenantId;
use studio_rego::{LONGEST_JSON, Outcome, Rule, RuleError, TestResult};
use studio_stores::blobs::{BlobError, ContentHash};
use tokio::{io::AsyncReadExt, time::timeout};

use super::Core;
use crate::{
    domain::{RuleOutcome, RuleResult},
    error::EvidenceError,
};

/// How long a rule is waited for. It ends by itself much earlier, unless one call of a built-in takes
/// that long.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a rule says, or why it says nothing.
pub(crate) type Said = Result<Vec<RuleResult>, String>;

impl Core {
    /// What a rule says of evidence.
    pub(crate) async fn let_look(
        &self,
        rule: String,
        evidence: String,
    ) -> Result<Said, EvidenceError> {
        let evaluate = move || Rule::new(&rule)?.evaluate(&evidence);
        let evaluated = tokio::task::spawn_blocking(evaluate);
        let said: Result<Vec<TestResult>, RuleError> = match timeout(PATIENCE, evaluated).await {
            Ok(ended) => ended.map_err(|error| EvidenceError::Broken(error.to_string()))?,
            Err(_) => {
                return Ok(Err(format!(
                    "the rule took longer than {} seconds",
                    PATIENCE.as_secs()
                )));
            }
        };
        Ok(match said {
            Ok(results) => Ok(results.into_iter().map(result).collect()),
            Err(error) => Err(error.to_string()),
        })
    }

    /// The text of JSON that was handed in.
    pub(crate) async fn text(
        &self,
        tenant: TenantId,
        sha256: &str,
    ) -> Result<String, EvidenceError> {
        let broken = |what: &str| EvidenceError::Broken(format!("evidence {sha256} {what}"));
        let name: ContentHash = sha256.parse().map_err(|_| broken("is no SHA-256"))?;
        let mut text = String::new();
        let mut reader = self.blobs.open(tenant, name).await?.take(LONGEST_JSON as u64 + 1);
        reader.read_to_string(&mut text).await.map_err(BlobError::of_reading)?;
        if text.len() > LONGEST_JSON {
            return Err(broken("is larger than it was when it was handed in"));
        }
        Ok(text)
    }
}

fn result(result: TestResult) -> RuleResult {
    RuleResult {
        resource: result.resource,
        outcome: match result.outcome {
            Outcome::Passed => RuleOutcome::Passed,
            Outcome::Failed => RuleOutcome::Failed,
            Outcome::Unknown => RuleOutcome::Unknown,
        },
        message: result.message,
    }
}
