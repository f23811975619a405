//! What evidence adds to `ControlTest`: what its rule said last. And what a rule would say.

use std::sync::Arc;

use async_graphql::{
    ComplexObject, Context, Enum, ID, Object, Result, SimpleObject,
    connection::{Connection, EmptyFields},
    dataloader::DataLoader,
};
use chrono::{DateTime, Utc};
use studio_access::Clearance;
use studio_entities::evidence::code_test;
use studio_kernel::{Id, TenantId, kind};
use studio_rego::read_json;
use studio_service::{
    ApiError,
    graphql::{PageArgs, connection, gql},
};

use super::{
    cleared,
    evidence::Evidence,
    instant,
    loaders::{CodeTestKey, Rows},
};
use crate::{
    commands::{Core, READ},
    domain::{self, RuleResult},
    error::EvidenceError,
};

/// A connection of results.
type Results = Connection<String, ResourceResult, EmptyFields, EmptyFields>;

/// A test of the controls subgraph.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(super) struct ControlTest {
    /// The id, `tst_…`.
    id: ID,
    #[graphql(skip)]
    tenant: TenantId,
}

impl ControlTest {
    pub(super) fn new(tenant: TenantId, id: String) -> Self {
        Self { id: ID(id), tenant }
    }
}

#[ComplexObject]
impl ControlTest {
    /// What its rule said last; null where it has none, where no evidence has been handed in yet, and
    /// where you do not see the evidence.
    async fn evaluation(&self, ctx: &Context<'_>) -> Result<Option<RuleEvaluation>> {
        let (_, clearance) = cleared(ctx, READ, "Evidence")?;
        let rows = ctx.data::<DataLoader<Rows>>()?;
        let key = CodeTestKey(self.tenant, self.id.to_string());
        let Some(row) = rows.load_one(key).await.map_err(gql)? else { return Ok(None) };
        let Some(id) = row.evidence_id.clone() else { return Ok(None) };
        let evidence = Evidence::load(ctx, &clearance, id).await?;
        Ok(evidence.map(|evidence| RuleEvaluation { row, evidence }))
    }
}

/// What a rule said of a version of evidence.
pub(super) struct RuleEvaluation {
    row: Arc<code_test::Model>,
    evidence: Evidence,
}

/// What a rule said of a version of evidence.
#[Object]
impl RuleEvaluation {
    /// The version of the rule.
    async fn rule_version(&self) -> Option<i64> {
        self.row.evaluated_rule
    }

    /// The evidence that it looked at.
    async fn evidence(&self) -> Evidence {
        self.evidence.clone()
    }

    /// The version of it.
    async fn evidence_version(&self) -> Option<i64> {
        self.row.evidence_version
    }

    /// When the evidence was collected: since then what the rule says is true.
    async fn collected_at(&self) -> Option<DateTime<Utc>> {
        self.row.collected_at.map(instant)
    }

    /// When the rule looked.
    async fn evaluated_at(&self) -> Option<DateTime<Utc>> {
        self.row.evaluated_at.map(instant)
    }

    /// Why the rule said nothing, where it failed: then nothing is known.
    async fn error(&self) -> Option<&str> {
        self.row.error.as_deref()
    }

    /// What it said, by resource.
    async fn results(
        &self,
        #[graphql(desc = "Only those with this outcome.")] outcome: Option<TestOutcome>,
        #[graphql(desc = "How many, 1 to 100; 20 if absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> Result<Results> {
        let page = PageArgs::new(first, after)?;
        let text = self.row.results.as_deref().unwrap_or("[]");
        let all: Vec<RuleResult> =
            serde_json::from_str(text).map_err(|error| gql(ApiError::internal(error)))?;
        let wanted = |it: &RuleResult| {
            outcome.is_none_or(|outcome| outcome == it.outcome.into())
                && page.after.as_ref().is_none_or(|after| it.resource > *after)
        };
        let limit = usize::try_from(page.limit()).unwrap_or(usize::MAX);
        let rows: Vec<RuleResult> = all.into_iter().filter(wanted).take(limit).collect();
        Ok(connection(rows, &page, |row| row.resource.clone(), ResourceResult::of))
    }
}

/// What came out of a test.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "domain::RuleOutcome")]
pub(super) enum TestOutcome {
    /// It passed.
    Passed,
    /// It failed.
    Failed,
    /// It could not be decided.
    Unknown,
}

/// What a rule says of a resource.
#[derive(SimpleObject)]
pub(super) struct ResourceResult {
    /// The resource.
    resource: String,
    /// What is said of it.
    outcome: TestOutcome,
    /// Why, in words.
    message: Option<String>,
}

impl ResourceResult {
    fn of(result: RuleResult) -> Self {
        Self { resource: result.resource, outcome: result.outcome.into(), message: result.message }
    }
}

/// What a rule would say.
#[derive(SimpleObject)]
pub(super) struct RuleTrial {
    /// What it says, by resource: at most 2,000.
    results: Vec<ResourceResult>,
    /// Why it says nothing: the rule does not parse or fails, or there is nothing to look at.
    error: Option<String>,
    /// The evidence that it looked at; null where that was made up.
    evidence: Option<Evidence>,
    /// The version of it.
    evidence_version: Option<u32>,
}

impl RuleTrial {
    fn none(error: String) -> Self {
        Self { results: Vec::new(), error: Some(error), evidence: None, evidence_version: None }
    }
}

/// Tries a rule on what was made up, or on the newest evidence of a name that the actor sees.
pub(super) async fn tried(
    ctx: &Context<'_>,
    (core, clearance): (&Core, &Clearance),
    project: Id<kind::Project>,
    rule: String,
    given: (Option<String>, Option<String>),
) -> Result<RuleTrial> {
    let failed = |error: EvidenceError| gql(ApiError::from(error));
    let (text, evidence, evidence_version) = match given {
        (Some(input), None) => match read_json(input.as_bytes()) {
            Ok(_) => (input, None, None),
            Err(error) => return Ok(RuleTrial::none(error.to_string())),
        },
        (None, Some(name)) => {
            let tenant = clearance.tenant();
            let none = || format!("there is no evidence {name:?} of this project that you can see");
            let newest = core.newest(tenant, project, &name).await.map_err(failed)?;
            let Some(newest) = newest else { return Ok(RuleTrial::none(none())) };
            let seen = Evidence::load(ctx, clearance, newest.evidence.to_string()).await?;
            let Some(seen) = seen else { return Ok(RuleTrial::none(none())) };
            let text = core.text(tenant, &newest.sha256).await.map_err(failed)?;
            (text, Some(seen), Some(newest.version))
        }
        _ => return Ok(RuleTrial::none("give either input or evidenceName".to_owned())),
    };
    let (results, error) = match core.let_look(rule, text).await.map_err(failed)? {
        Ok(results) => (results, None),
        Err(error) => (Vec::new(), Some(error)),
    };
    Ok(RuleTrial {
        results: results.into_iter().map(ResourceResult::of).collect(),
        error,
        evidence,
        evidence_version,
    })
}
