//! Invitations.

/// Who was invited, to what.
pub mod invitation {
    use sea_orm::entity::prelude::*;

    /// A row of `identity_invitations`. The person who may come of it has the same id but for its kind.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "identity_invitations")]
    pub struct Model {
        /// The generation of the read model.
        #[sea_orm(primary_key, auto_increment = false)]
        pub generation: i64,
        /// `org_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant: String,
        /// `inv_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        /// The keyed hash of the e-mail address; `None` once it was taken back.
        pub email_hash: Option<String>,
        /// The e-mail address, sealed (JSON); `None` once it was taken back.
        pub email: Option<String>,
        /// The roles' names, separated by spaces.
        pub roles: String,
        /// `prj_…`, where the roles are for one project.
        pub project: Option<String>,
        /// When the roles end, microseconds since the epoch; `None` where they have no end.
        pub roles_until: Option<i64>,
        /// `usr_…`, who sent the newest link.
        pub invited_by: String,
        /// When the first link was sent, microseconds since the epoch.
        pub invited_at: i64,
        /// When the newest link stops working, microseconds since the epoch.
        pub expires_at: i64,
        /// When a mail server took the newest mail, microseconds since the epoch.
        pub mailed_at: Option<i64>,
        /// Microseconds since the epoch.
        pub accepted_at: Option<i64>,
        /// Microseconds since the epoch.
        pub revoked_at: Option<i64>,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
