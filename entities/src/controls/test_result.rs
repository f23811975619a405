//! What came out of tests by hand.

use sea_orm::entity::prelude::*;

/// A row of `controls_test_results`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "controls_test_results")]
pub struct Model {
    /// The generation of the projection.
    #[sea_orm(primary_key, auto_increment = false)]
    pub generation: i64,
    /// `org_…`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant: String,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// `prj_…`.
    pub project: String,
    /// `tst_…`.
    pub test: String,
    /// PASSED, FAILED or UNKNOWN.
    pub outcome: String,
    /// What was seen.
    pub note: Option<String>,
    /// The ids of the evidence that shows it, as JSON.
    pub evidence: String,
    /// Since when it is true.
    pub effective_from: i64,
    /// Until when it was true.
    pub effective_to: Option<i64>,
    /// PENDING, COUNTED or REJECTED.
    pub state: String,
    /// How often that changed.
    pub version: i64,
    /// `usr_…`, who carried the test out; none where a program did.
    pub recorded_by: Option<String>,
    /// When it was recorded.
    pub recorded_at: i64,
    /// `usr_…`, who signed it off or refused it.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<i64>,
    /// Why it was refused.
    pub rejection: Option<String>,
    /// Its place among all.
    pub ordinal: i64,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
