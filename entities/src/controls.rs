//! The read models of the controls subgraph. Each is derived from its log and can be built anew;
//! rows of one generation belong together.

pub mod nonconformity;
pub mod review;
pub mod score_watch;
pub mod test_result;
pub mod test_rule;

/// A project.
pub mod project {
    use sea_orm::entity::prelude::*;

    /// A row of `controls_projects`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "controls_projects")]
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
        /// Its name.
        pub name: String,
        /// Its name as names are compared.
        pub name_key: String,
        /// How often it was created, renamed, archived or restored.
        pub version: i64,
        /// When it was archived, where it is.
        pub archived_at: Option<i64>,
        /// `usr_…`, where a person created it.
        pub created_by: Option<String>,
        /// When it was created.
        pub created_at: i64,
        /// Its place among all.
        pub ordinal: i64,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// An imported framework.
pub mod framework {
    use sea_orm::entity::prelude::*;

    /// A row of `controls_frameworks`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "controls_frameworks")]
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
        /// SHA-256 of the document.
        pub sha256: String,
        /// Which rule matches scanners' ids.
        pub family: String,
        /// As people know it.
        pub name: String,
        /// The publisher's edition.
        pub version: String,
        /// Who publishes it.
        pub publisher: Option<String>,
        /// Whose texts these are.
        pub notice: Option<String>,
        /// How many requirements it has.
        pub requirement_count: i64,
        /// When it was imported.
        pub imported_at: i64,
        /// Its place among all.
        pub ordinal: i64,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A requirement of a framework.
pub mod requirement {
    use sea_orm::entity::prelude::*;

    /// A row of `controls_requirements`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "controls_requirements")]
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
        /// `frw_…`.
        pub framework: String,
        /// The identifier.
        pub code: String,
        /// The identifier as people write it.
        pub label: String,
        /// A short name.
        pub title: String,
        /// What is required.
        pub body: String,
        /// The group that holds it.
        pub group_title: String,
        /// NORMAL, HIGH or CRITICAL.
        pub importance: String,
        /// Its place in the framework, from 0.
        pub ordinal: i64,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A framework that a project adopted.
pub mod adoption {
    use sea_orm::entity::prelude::*;

    /// A row of `controls_adoptions`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "controls_adoptions")]
    pub struct Model {
        /// The generation of the projection.
        #[sea_orm(primary_key, auto_increment = false)]
        pub generation: i64,
        /// `org_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant: String,
        /// `prj_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub project: String,
        /// `frw_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub framework: String,
        /// When.
        pub adopted_at: i64,
        /// Its place among all.
        pub ordinal: i64,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A control.
pub mod control {
    use sea_orm::entity::prelude::*;

    /// A row of `controls_controls`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "controls_controls")]
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
        /// Its short name.
        pub code: String,
        /// In a line.
        pub title: String,
        /// In full.
        pub description: String,
        /// PLANNED, PARTIAL or IMPLEMENTED.
        pub implementation: String,
        /// `usr_…`, who answers for it.
        pub owner: Option<String>,
        /// 1 where it is retired.
        pub retired: i64,
        /// How often it was stated or changed.
        pub version: i64,
        /// When it was stated.
        pub created_at: i64,
        /// When it was last changed.
        pub updated_at: i64,
        /// What it covers.
        pub scope: String,
        /// After how many days somebody has to look at it again.
        pub review_every_days: Option<i64>,
        /// When somebody last did.
        pub reviewed_at: Option<i64>,
        /// `usr_…`, who did.
        pub reviewed_by: Option<String>,
        /// What they saw.
        pub review_note: Option<String>,
        /// When somebody has to look at it again.
        pub next_review_at: Option<i64>,
        /// Its code as codes are sorted.
        pub code_key: String,
        /// Its title as titles are sorted.
        pub title_key: String,
        /// Its code and title in small letters, to be searched.
        pub search_text: String,
        /// Its place among all.
        pub ordinal: i64,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A control's membership in a requirement.
pub mod member {
    use sea_orm::entity::prelude::*;

    /// A row of `controls_members`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "controls_members")]
    pub struct Model {
        /// The generation of the projection.
        #[sea_orm(primary_key, auto_increment = false)]
        pub generation: i64,
        /// `org_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant: String,
        /// `prj_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub project: String,
        /// `rqm_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub requirement: String,
        /// `ctl_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub control: String,
        /// The any-of group; empty for a member by itself.
        #[sea_orm(primary_key, auto_increment = false)]
        pub any_of: String,
        /// The share, in units of 1e-12.
        pub share: i64,
        /// Its place among all.
        pub ordinal: i64,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A test of a control.
pub mod test {
    use sea_orm::entity::prelude::*;

    /// A row of `controls_tests`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "controls_tests")]
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
        /// What it looks at.
        pub title: String,
        /// The scanner's check; none for a manual test.
        pub check_id: Option<String>,
        /// Its share in the control's value.
        pub weight: i64,
        /// 1 where it caps the control.
        pub is_key: i64,
        /// Days for which a pass counts in full.
        pub validity_days: i64,
        /// The newest version of its rule, where it has one.
        pub rule_version: Option<i64>,
        /// EXAMINE, INTERVIEW or TEST.
        pub method: Option<String>,
        /// What to do.
        pub procedure: String,
        /// 1 where a pass has to be signed off.
        pub sign_off: i64,
        /// How often it was added or changed.
        pub version: i64,
        /// When it was retired, where it is.
        pub retired_at: Option<i64>,
        /// Why.
        pub retirement: Option<String>,
        /// When it was added.
        pub created_at: i64,
        /// Its place among all.
        pub ordinal: i64,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A control's dependency on another one.
pub mod dependency {
    use sea_orm::entity::prelude::*;

    /// A row of `controls_dependencies`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "controls_dependencies")]
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
        /// `ctl_…` that depends.
        pub control: String,
        /// `ctl_…` that it depends on.
        pub depends_on: String,
        /// FULL, HALF or WEAK.
        pub strength: String,
        /// Its place among all.
        pub ordinal: i64,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Where the newest recorded score of a framework stands in the log.
pub mod score {
    use sea_orm::entity::prelude::*;

    /// A row of `controls_scores`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "controls_scores")]
    pub struct Model {
        /// The generation of the projection.
        #[sea_orm(primary_key, auto_increment = false)]
        pub generation: i64,
        /// `org_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant: String,
        /// `prj_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub project: String,
        /// `frw_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub framework: String,
        /// The position of its event.
        pub position: i64,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A score that was recorded.
pub mod score_history {
    use sea_orm::entity::prelude::*;

    /// A row of `controls_score_history`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "controls_score_history")]
    pub struct Model {
        /// The generation of the projection.
        #[sea_orm(primary_key, auto_increment = false)]
        pub generation: i64,
        /// `org_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant: String,
        /// `prj_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub project: String,
        /// `frw_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub framework: String,
        /// From when on it was live.
        #[sea_orm(primary_key, auto_increment = false)]
        pub at: i64,
        /// The position of its event.
        #[sea_orm(primary_key, auto_increment = false)]
        pub position: i64,
        /// The numbers as the event has them, as JSON.
        pub numbers: String,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A score model as it was.
pub mod model_snapshot {
    use sea_orm::entity::prelude::*;

    /// A row of `controls_model_snapshots`. It follows from the log, and can be lost at any time.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "controls_model_snapshots")]
    pub struct Model {
        /// `org_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant: String,
        /// `prj_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub project: String,
        /// The version of the project's stream up to which it holds every fact.
        #[sea_orm(primary_key, auto_increment = false)]
        pub version: i64,
        /// The position of that event in the log.
        pub position: i64,
        /// The hash of that event, and so of the log up to there: 64 hexadecimal digits.
        pub hash: String,
        /// It has forgotten what counted before this instant, where it has forgotten anything.
        pub horizon: Option<i64>,
        /// How the state is written.
        pub state_version: i64,
        /// The facts, as JSON.
        pub state: String,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A project whose scores rest on some evidence.
pub mod evidence_use {
    use sea_orm::entity::prelude::*;

    /// A row of `controls_evidence_uses`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "controls_evidence_uses")]
    pub struct Model {
        /// The generation of the projection.
        #[sea_orm(primary_key, auto_increment = false)]
        pub generation: i64,
        /// `org_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant: String,
        /// `evd_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub evidence: String,
        /// `prj_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub project: String,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
