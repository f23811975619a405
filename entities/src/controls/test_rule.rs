//! The rules of tests as code, each with all its versions.

use sea_orm::entity::prelude::*;

/// A row of `controls_test_rules`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "controls_test_rules")]
pub struct Model {
    /// The generation of the projection.
    #[sea_orm(primary_key, auto_increment = false)]
    pub generation: i64,
    /// `org_…`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant: String,
    /// `tst_…/1`: the test and the version.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// `prj_…`.
    pub project: String,
    /// `tst_…`.
    pub test: String,
    /// From 1.
    pub version: i64,
    /// The name under which its evidence is handed in.
    pub evidence_name: String,
    /// The rule, in Rego.
    pub source: String,
    /// Its cases, as JSON.
    pub cases: String,
    /// `usr_…`, who wrote it; none where a program did.
    pub written_by: Option<String>,
    /// When.
    pub written_at: i64,
    /// Its place among all.
    pub ordinal: i64,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
