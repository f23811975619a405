//! What one person proposes and another one approves: declarations that a requirement does not
//! apply, exceptions, and mappings between requirements.

use sea_orm::entity::prelude::*;

/// A row of `controls_reviews`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "controls_reviews")]
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
    /// NOT_APPLICABLE, EXCEPTION or MAPPING.
    pub kind: String,
    /// `prj_…`.
    pub project: String,
    /// `rqm_…`, of a declaration.
    pub requirement: Option<String>,
    /// What an exception or a mapping says, as JSON.
    pub terms: Option<String>,
    /// Why it was proposed.
    pub reason: String,
    /// PROPOSED, APPROVED, REJECTED or WITHDRAWN.
    pub state: String,
    /// How often that changed.
    pub version: i64,
    /// `usr_…`.
    pub proposed_by: String,
    /// When.
    pub proposed_at: i64,
    /// `usr_…`, who approved or refused it.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<i64>,
    /// Why it was refused.
    pub decision_reason: Option<String>,
    /// `usr_…`, who took it back or ended it.
    pub ended_by: Option<String>,
    /// When.
    pub ended_at: Option<i64>,
    /// Why.
    pub end_reason: Option<String>,
    /// Its place among all.
    pub ordinal: i64,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
