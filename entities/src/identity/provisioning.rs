//! Directories outside that provision people, and what they say of them.

/// Directories.
pub mod directory {
    use sea_orm::entity::prelude::*;

    /// A row of `identity_directories`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "identity_directories")]
    pub struct Model {
        /// The generation of the read model.
        #[sea_orm(primary_key, auto_increment = false)]
        pub generation: i64,
        /// `org_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant: String,
        /// `dir_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        /// How often it was connected, changed or disconnected.
        pub version: i64,
        /// What people call it.
        pub name: String,
        /// Which addresses it may vouch for, and which roles its groups give (JSON).
        pub settings: String,
        /// SHA-256 of the secret, 64 hexadecimal digits.
        pub secret_hash: String,
        /// Microseconds since the epoch.
        pub created_at: i64,
        /// When its token runs out, microseconds since the epoch; `None` where it does not.
        pub expires_at: Option<i64>,
        /// When it was disconnected, microseconds since the epoch.
        pub disconnected_at: Option<i64>,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// What directories say of people.
pub mod person {
    use sea_orm::entity::prelude::*;

    /// A row of `identity_directory_people`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "identity_directory_people")]
    pub struct Model {
        /// The generation of the read model.
        #[sea_orm(primary_key, auto_increment = false)]
        pub generation: i64,
        /// `org_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant: String,
        /// `usr_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub user: String,
        /// `dir_…`.
        pub directory: String,
        /// The keyed hash of the name by which the directory knows them.
        pub user_name_hash: String,
        /// The keyed hash of the id that the directory gave them.
        pub external_id_hash: Option<String>,
        /// All that it says of them, sealed (JSON).
        pub record: String,
        /// Whether they may sign in: 1 or 0.
        pub active: i64,
        /// The position of the log at which it last changed.
        pub version: i64,
        /// Microseconds since the epoch.
        pub created_at: i64,
        /// Microseconds since the epoch.
        pub modified_at: i64,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Groups of directories.
pub mod group {
    use sea_orm::entity::prelude::*;

    /// A row of `identity_directory_groups`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "identity_directory_groups")]
    pub struct Model {
        /// The generation of the read model.
        #[sea_orm(primary_key, auto_increment = false)]
        pub generation: i64,
        /// `org_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant: String,
        /// `grp_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        /// `dir_…`.
        pub directory: String,
        /// What it is called.
        pub display_name: String,
        /// The same in lower case.
        pub name_key: String,
        /// The id that the directory gave it.
        pub external_id: Option<String>,
        /// The position of the log at which it last changed.
        pub version: i64,
        /// Microseconds since the epoch.
        pub created_at: i64,
        /// Microseconds since the epoch.
        pub modified_at: i64,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Who is in which group.
pub mod member {
    use sea_orm::entity::prelude::*;

    /// A row of `identity_directory_members`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "identity_directory_members")]
    pub struct Model {
        /// The generation of the read model.
        #[sea_orm(primary_key, auto_increment = false)]
        pub generation: i64,
        /// `org_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant: String,
        /// `grp_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub group: String,
        /// `usr_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub user: String,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
