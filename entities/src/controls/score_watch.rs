//! What scores are watched for.

/// Where the score of a framework is to be.
pub mod target {
    use sea_orm::entity::prelude::*;

    /// A row of `controls_score_targets`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "controls_score_targets")]
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
        /// Where, and by when: JSON, as the event has it.
        pub terms: String,
        /// How often it was set.
        pub version: i64,
        /// `usr_…`, who set it; none where a program did.
        pub set_by: Option<String>,
        /// When.
        pub set_at: i64,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// An alert on the score of a framework.
pub mod alert {
    use sea_orm::entity::prelude::*;

    /// A row of `controls_score_alerts`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "controls_score_alerts")]
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
        /// `frw_…`.
        pub framework: String,
        /// What it watches for: JSON, as the event has it.
        pub terms: String,
        /// How often it was stated.
        pub version: i64,
        /// `usr_…`, who set it; none where a program did.
        pub created_by: Option<String>,
        /// When.
        pub created_at: i64,
        /// QUIET or RAISED.
        pub state: String,
        /// How often it was raised.
        pub raising: i64,
        /// Where the event stands that raised it last.
        pub raised_position: Option<i64>,
        /// When it was cleared last.
        pub cleared_at: Option<i64>,
        /// The last time that it was raised which somebody has seen; 0 for none.
        pub acknowledged: i64,
        /// `usr_…`, who.
        pub acknowledged_by: Option<String>,
        /// When.
        pub acknowledged_at: Option<i64>,
        /// Its place among all.
        pub ordinal: i64,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
