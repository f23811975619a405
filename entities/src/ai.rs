//! The read models of the ai subgraph. Every row belongs to one generation of its projection and
//! to one organization. No text of a document is among them.

/// The newest version of each document that was heard of.
pub mod document {
    use sea_orm::entity::prelude::*;

    /// A row of `ai_documents`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "ai_documents")]
    pub struct Model {
        /// The generation of the projection.
        #[sea_orm(primary_key, auto_increment = false)]
        pub generation: i64,
        /// `org_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant: String,
        /// `doc_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub document: String,
        /// `dvr_…`.
        pub version: String,
        /// From 1 within the document.
        pub number: i64,
        /// What it is called as of that version.
        pub name: String,
        /// `prj_…`, where it belongs to one.
        pub project: Option<String>,
        /// For example `text/markdown`.
        pub media_type: String,
        /// SHA-256 of the bytes, 64 lower-case hexadecimal digits.
        pub sha256: String,
        /// How closely it is kept: `public`, `internal`, `confidential` or `restricted`.
        pub data_class: String,
        /// `usr_…`, who uploaded the first version; nothing where it was no person, or is not known.
        pub owner: Option<String>,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Answers that were given: the event of each, as it was recorded.
pub mod answer {
    use sea_orm::entity::prelude::*;

    /// A row of `ai_answers`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "ai_answers")]
    pub struct Model {
        /// The generation of the projection.
        #[sea_orm(primary_key, auto_increment = false)]
        pub generation: i64,
        /// `org_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant: String,
        /// `ans_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        /// The recorded answer as JSON: places and hashes; the question is encrypted within.
        pub answer: String,
        /// Microseconds since the epoch.
        pub answered_at: i64,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
