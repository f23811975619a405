//! What was found to be wrong with controls.

use sea_orm::entity::prelude::*;

/// A row of `controls_nonconformities`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "controls_nonconformities")]
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
    /// `ctl_…`.
    pub control: String,
    /// MAJOR or MINOR.
    pub grade: String,
    /// What is wrong.
    pub description: String,
    /// What was observed.
    pub observed: String,
    /// `evd_…`, what shows it.
    pub evidence: Option<String>,
    /// OPEN, CORRECTED or CLOSED.
    pub state: String,
    /// How often that changed.
    pub version: i64,
    /// `usr_…`, who found it; none where a program did.
    pub opened_by: Option<String>,
    /// When.
    pub opened_at: i64,
    /// What was done about it last.
    pub correction: Option<String>,
    /// `usr_…`, who did it.
    pub corrected_by: Option<String>,
    /// When.
    pub corrected_at: Option<i64>,
    /// Why the correction before that did not do.
    pub rejection: Option<String>,
    /// `usr_…`, who said so.
    pub rejected_by: Option<String>,
    /// When.
    pub rejected_at: Option<i64>,
    /// How the correction was verified.
    pub verification: Option<String>,
    /// `usr_…`, who verified it.
    pub verified_by: Option<String>,
    /// When.
    pub closed_at: Option<i64>,
    /// Its place among all.
    pub ordinal: i64,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
