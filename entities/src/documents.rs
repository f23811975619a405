//! The read models of the documents subgraph. Every row belongs to one generation of its
//! projection and to one organization.

/// Documents, with the number of their newest version.
pub mod document {
    use sea_orm::entity::prelude::*;

    /// A row of `documents`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "documents")]
    pub struct Model {
        /// The generation of the projection.
        #[sea_orm(primary_key, auto_increment = false)]
        pub generation: i64,
        /// `org_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant: String,
        /// `doc_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        /// `prj_…`.
        pub project: String,
        /// The name that people see.
        pub name: String,
        /// The number of the newest version, from 1.
        pub newest_number: i64,
        /// Microseconds since the epoch.
        pub created_at: i64,
        /// Microseconds since the epoch: when the newest version was stored.
        pub updated_at: i64,
        /// How closely it is kept: `public`, `internal`, `confidential` or `restricted`.
        pub data_class: String,
        /// How often its class was set, from 1.
        pub class_version: i64,
        /// `usr_…`, who uploaded the first version; nothing where it was no person.
        pub owner: Option<String>,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Every version of every document.
pub mod version {
    use sea_orm::entity::prelude::*;

    /// A row of `document_versions`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "document_versions")]
    pub struct Model {
        /// The generation of the projection.
        #[sea_orm(primary_key, auto_increment = false)]
        pub generation: i64,
        /// `org_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant: String,
        /// `dvr_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        /// `doc_…`.
        pub document: String,
        /// From 1 within the document.
        pub number: i64,
        /// For example `text/markdown`.
        pub media_type: String,
        /// SHA-256 of the bytes, 64 lower-case hexadecimal digits.
        pub sha256: String,
        /// Bytes.
        pub size: i64,
        /// Microseconds since the epoch.
        pub stored_at: i64,
        /// `usr_…`, or nothing where Studio itself stored it.
        pub uploaded_by: Option<String>,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Which document speaks of which control.
pub mod control {
    use sea_orm::entity::prelude::*;

    /// A row of `document_controls`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "document_controls")]
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
        /// `ctl_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub control: String,
        /// Microseconds since the epoch.
        pub linked_at: i64,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// The projects that the controls subgraph has published.
pub mod project {
    use sea_orm::entity::prelude::*;

    /// A row of `document_projects`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "document_projects")]
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
        /// Whether it is archived.
        pub archived: i64,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
