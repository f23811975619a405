//! Teams.

/// Teams.
pub mod team {
    use sea_orm::entity::prelude::*;

    /// A row of `identity_teams`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "identity_teams")]
    pub struct Model {
        /// The generation of the read model.
        #[sea_orm(primary_key, auto_increment = false)]
        pub generation: i64,
        /// `org_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant: String,
        /// `tea_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        /// What people call it.
        pub name: String,
        /// The same in lower case.
        pub name_key: String,
        /// The roles that its people have (JSON); empty where there are none.
        pub roles: String,
        /// How often it was changed.
        pub version: i64,
        /// Microseconds since the epoch.
        pub created_at: i64,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Who is in which team.
pub mod team_member {
    use sea_orm::entity::prelude::*;

    /// A row of `identity_team_members`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "identity_team_members")]
    pub struct Model {
        /// The generation of the read model.
        #[sea_orm(primary_key, auto_increment = false)]
        pub generation: i64,
        /// `org_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant: String,
        /// `tea_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub team: String,
        /// `usr_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub user: String,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
