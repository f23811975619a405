//! The tables of the audit log.

/// The audit log.
pub mod audit_entry {
    use sea_orm::entity::prelude::*;

    /// A row of `identity_audit_entries`: an event of any log.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "identity_audit_entries")]
    pub struct Model {
        /// Which log.
        #[sea_orm(primary_key, auto_increment = false)]
        pub log: String,
        /// The position there.
        #[sea_orm(primary_key, auto_increment = false)]
        pub position: i64,
        /// `org_…`.
        pub tenant: String,
        /// `evt_…`.
        pub event: String,
        /// Microseconds since the epoch.
        pub recorded_at: i64,
        /// The type of the event.
        pub action: String,
        /// `succeeded`, `denied` or `failed`.
        pub outcome: String,
        /// How often it happened.
        pub times: i64,
        /// `<subgraph>.<thing>`.
        pub target_kind: String,
        /// What it was done to.
        pub target: String,
        /// `usr_…`, `cli_…`, or the name of a part of Studio.
        pub actor: String,
        /// `ses_…` where a person acted.
        pub session: Option<String>,
        /// `key_…` or `tok_…`, by which a program acted.
        pub credential: Option<String>,
        /// The roles' names, separated by spaces.
        pub roles: String,
        /// `req_…`.
        pub request: Option<String>,
        /// `evt_…`.
        pub cause: Option<String>,
        /// Fields of the event that may be shown, JSON.
        pub shown: String,
        /// The names of those of them that tell how the target is from then on, separated by spaces.
        pub state: String,
        /// From where the request came, sealed.
        pub origin: Option<String>,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// How far the audit log has come.
pub mod audit_position {
    use sea_orm::entity::prelude::*;

    /// A row of `identity_audit_positions`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "identity_audit_positions")]
    pub struct Model {
        /// Which log.
        #[sea_orm(primary_key, auto_increment = false)]
        pub log: String,
        /// Everything up to here is in the audit log.
        pub position: i64,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// How much of the audit log another system has.
pub mod audit_sent {
    use sea_orm::entity::prelude::*;

    /// A row of `identity_audit_sent`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "identity_audit_sent")]
    pub struct Model {
        /// Which log.
        #[sea_orm(primary_key, auto_increment = false)]
        pub log: String,
        /// Everything up to here was sent.
        pub position: i64,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
