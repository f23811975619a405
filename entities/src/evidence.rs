//! The read models of the evidence subgraph. Every row belongs to one generation of its projection
//! and to one organization; truth values are 0 and 1; instants are microseconds since the epoch.

/// Projects that the controls subgraph has published: scans can be brought into them.
pub mod project {
    use sea_orm::entity::prelude::*;

    /// A row of `projects`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "projects")]
    pub struct Model {
        /// The generation of the projection.
        #[sea_orm(primary_key, auto_increment = false)]
        pub generation: i64,
        /// `org_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant: String,
        /// `prj_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        /// The project's name.
        pub name: String,
        /// Whether it is archived.
        pub archived: i64,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Ingest runs: one for each scan and project.
pub mod run {
    use sea_orm::entity::prelude::*;

    /// A row of `ingest_runs`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "ingest_runs")]
    pub struct Model {
        /// The generation of the projection.
        #[sea_orm(primary_key, auto_increment = false)]
        pub generation: i64,
        /// `org_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant: String,
        /// `run_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        /// `prj_…`.
        pub project_id: String,
        /// `evd_…`.
        pub evidence_id: String,
        /// From 1.
        pub evidence_version: i64,
        /// Which scanner looked at what.
        pub source: String,
        /// SHA-256 of the uploaded bytes, 64 lower-case hexadecimal digits.
        pub sha256: String,
        /// Those bytes, counted.
        pub size: i64,
        /// Nothing while it is being recorded.
        pub completed_at: Option<i64>,
        /// When the recording began.
        pub started_at: i64,
        /// `usr_…`, where a person did.
        pub uploaded_by: Option<String>,
        /// Items in the file.
        pub items: i64,
        /// Findings that were not there before.
        pub new_count: i64,
        /// Findings that say something else than before.
        pub changed: i64,
        /// Findings that say what they said before.
        pub unchanged: i64,
        /// Items older than what was on record.
        pub superseded: i64,
        /// Findings that left the population.
        pub gone: i64,
        /// Items that were not taken.
        pub refused: i64,
        /// The first of them, JSON.
        pub refused_items: String,
        /// Pages of check results that were published.
        pub results_events: i64,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// What the controls subgraph made of the check results of a run.
pub mod matching {
    use sea_orm::entity::prelude::*;

    /// A row of `run_matchings`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "run_matchings")]
    pub struct Model {
        /// The generation of the projection.
        #[sea_orm(primary_key, auto_increment = false)]
        pub generation: i64,
        /// `org_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant: String,
        /// `run_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub run_id: String,
        /// Pages of check results that were taken in.
        pub pages: i64,
        /// Tests that were made.
        pub tests_added: i64,
        /// Requirement ids that match nothing, by framework, JSON.
        pub unmatched: String,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Evidence: one for each project and source.
pub mod item {
    use sea_orm::entity::prelude::*;

    /// A row of `evidence_items`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "evidence_items")]
    pub struct Model {
        /// The generation of the projection.
        #[sea_orm(primary_key, auto_increment = false)]
        pub generation: i64,
        /// `org_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant: String,
        /// `evd_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        /// `prj_…`.
        pub project_id: String,
        /// Which scanner looks at what.
        pub source: String,
        /// From 1.
        pub newest_version: i64,
        /// When its first version was recorded.
        pub created_at: i64,
        /// How closely it is kept: `public`, `internal`, `confidential` or `restricted`.
        pub data_class: String,
        /// How often its class was set, from 1.
        pub class_version: i64,
        /// `usr_…`, who brought its first version in; nothing where it was no person.
        pub owner: Option<String>,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Versions of evidence: one for each scan.
pub mod version {
    use sea_orm::entity::prelude::*;

    /// A row of `evidence_versions`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "evidence_versions")]
    pub struct Model {
        /// The generation of the projection.
        #[sea_orm(primary_key, auto_increment = false)]
        pub generation: i64,
        /// `org_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant: String,
        /// `evd_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub evidence_id: String,
        /// From 1.
        #[sea_orm(primary_key, auto_increment = false)]
        pub version: i64,
        /// `run_…`.
        pub run_id: String,
        /// SHA-256 of the uploaded bytes.
        pub sha256: String,
        /// Those bytes, counted.
        pub size: i64,
        /// When it was recorded.
        pub recorded_at: i64,
        /// When it was collected, where it is JSON that was handed in.
        pub collected_at: Option<i64>,
        /// When it was rejected.
        pub rejected_at: Option<i64>,
        /// Why.
        pub rejected_reason: Option<String>,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Findings: the newest result of a check for a resource.
pub mod finding {
    use sea_orm::entity::prelude::*;

    /// A row of `findings`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "findings")]
    pub struct Model {
        /// The generation of the projection.
        #[sea_orm(primary_key, auto_increment = false)]
        pub generation: i64,
        /// `org_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant: String,
        /// `fnd_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        /// `prj_…`.
        pub project_id: String,
        /// The scanner's id of the finding.
        pub uid: String,
        /// The scanner's id of the check.
        pub check_id: String,
        /// The cloud account.
        pub account: String,
        /// The region, or `global`.
        pub region: String,
        /// PASS, FAIL, MANUAL, MUTED or ERROR.
        pub status: String,
        /// 0 pass, 1 unknown, 2 fail.
        pub standing: i64,
        /// Lower case.
        pub severity: String,
        /// What the scanner says about the result.
        pub message: String,
        /// `ast_…`: the resource that the result is about.
        pub asset_id: String,
        /// That resource's id with the provider.
        pub resource_uid: String,
        /// The fingerprint of what it says.
        pub content: i64,
        /// When it was first observed.
        pub first_seen: i64,
        /// The newest instant at which it was observed.
        pub last_seen: i64,
        /// `run_…`: the run that observed it then.
        pub last_run_id: String,
        /// Whether it is in the population.
        pub present: i64,
        /// Whether the last published summary counts it as failing.
        pub published_failing: i64,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Assets: the resources that findings are about.
pub mod asset {
    use sea_orm::entity::prelude::*;

    /// A row of `assets`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "assets")]
    pub struct Model {
        /// The generation of the projection.
        #[sea_orm(primary_key, auto_increment = false)]
        pub generation: i64,
        /// `org_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant: String,
        /// `ast_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        /// `prj_…`.
        pub project_id: String,
        /// Its id with the provider, for example an ARN.
        pub uid: String,
        /// Its name.
        pub name: String,
        /// Its type with the provider.
        pub kind: String,
        /// The cloud account.
        pub account: String,
        /// The region, or `global`.
        pub region: String,
        /// When a finding first named it.
        pub first_seen: i64,
        /// The newest instant at which a finding named it.
        pub last_seen: i64,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Checks of scanners.
pub mod check {
    use sea_orm::entity::prelude::*;

    /// A row of `checks`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "checks")]
    pub struct Model {
        /// The generation of the projection.
        #[sea_orm(primary_key, auto_increment = false)]
        pub generation: i64,
        /// `org_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant: String,
        /// `prj_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub project_id: String,
        /// The scanner's id of it.
        #[sea_orm(primary_key, auto_increment = false)]
        pub check_id: String,
        /// In the scanner's words.
        pub title: String,
        /// Lower case.
        pub severity: String,
        /// Requirement ids by framework, JSON.
        pub requirements: String,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// The newest published summary of each check in each account and region.
pub mod summary {
    use sea_orm::entity::prelude::*;

    /// A row of `check_summaries`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "check_summaries")]
    pub struct Model {
        /// The generation of the projection.
        #[sea_orm(primary_key, auto_increment = false)]
        pub generation: i64,
        /// `org_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant: String,
        /// `prj_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub project_id: String,
        /// The scanner's id of the check.
        #[sea_orm(primary_key, auto_increment = false)]
        pub check_id: String,
        /// The cloud account.
        #[sea_orm(primary_key, auto_increment = false)]
        pub account: String,
        /// The region, or `global`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub region: String,
        /// Resources looked at.
        pub population: i64,
        /// Resources that pass.
        pub passed: i64,
        /// Resources that fail.
        pub failed: i64,
        /// Resources of which nothing is known.
        pub unknown_count: i64,
        /// When it was observed.
        pub effective_from: i64,
        /// `evd_…`.
        pub evidence_id: String,
        /// From 1.
        pub evidence_version: i64,
        /// `run_…`.
        pub run_id: String,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Which check a control's test rests on.
pub mod control_check {
    use sea_orm::entity::prelude::*;

    /// A row of `control_checks`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "control_checks")]
    pub struct Model {
        /// The generation of the projection.
        #[sea_orm(primary_key, auto_increment = false)]
        pub generation: i64,
        /// `org_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant: String,
        /// `ctl_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub control_id: String,
        /// The scanner's id of the check.
        #[sea_orm(primary_key, auto_increment = false)]
        pub check_id: String,
        /// `prj_…`.
        pub project_id: String,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Tests by a rule, with what their rules said last.
pub mod code_test {
    use sea_orm::entity::prelude::*;

    /// A row of `code_tests`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "code_tests")]
    pub struct Model {
        /// The generation of the projection.
        #[sea_orm(primary_key, auto_increment = false)]
        pub generation: i64,
        /// `org_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant: String,
        /// `tst_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        /// `prj_…`.
        pub project_id: String,
        /// The name under which its evidence is handed in.
        pub evidence_name: String,
        /// The version of the rule that looked last; none before one did, as all that follows.
        pub evaluated_rule: Option<i64>,
        /// `evd_…`, at what it looked.
        pub evidence_id: Option<String>,
        /// Its version.
        pub evidence_version: Option<i64>,
        /// When that was collected.
        pub collected_at: Option<i64>,
        /// When the rule looked.
        pub evaluated_at: Option<i64>,
        /// Why it said nothing, where it failed.
        pub error: Option<String>,
        /// What it said, as JSON.
        pub results: Option<String>,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
