//! What people allowed apps.

/// Grants of apps.
pub mod app_grant {
    use sea_orm::entity::prelude::*;

    /// A row of `identity_app_grants`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "identity_app_grants")]
    pub struct Model {
        /// The generation of the read model.
        #[sea_orm(primary_key, auto_increment = false)]
        pub generation: i64,
        /// `org_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant: String,
        /// `grt_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        /// `usr_…`.
        pub user: String,
        /// `cli_…`.
        pub client: String,
        /// Scopes, separated by spaces.
        pub reach: String,
        /// When it was allowed, microseconds since the epoch.
        pub created_at: i64,
        /// When the app last got tokens by it, microseconds since the epoch; `None` before it did.
        pub used_at: Option<i64>,
        /// Until when its tokens hold, microseconds since the epoch. What the person allowed is remembered
        /// longer.
        pub expires_at: i64,
        /// When it was ended, microseconds since the epoch.
        pub ended_at: Option<i64>,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
