//! The read models of the identity subgraph. Personal data and password hashes are here as they
//! are in the events: sealed with the key of their person.

mod app;
mod audit;
mod invited;
mod provisioning;
mod teams;

pub use app::app_grant;
pub use audit::{audit_entry, audit_position, audit_sent};
pub use invited::invitation;
pub use provisioning::{directory, group, member, person};
pub use teams::{team, team_member};

/// Organizations.
pub mod organization {
    use sea_orm::entity::prelude::*;

    /// A row of `identity_organizations`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "identity_organizations")]
    pub struct Model {
        /// The generation of the read model.
        #[sea_orm(primary_key, auto_increment = false)]
        pub generation: i64,
        /// `org_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant: String,
        /// What people call it.
        pub name: String,
        /// Microseconds since the epoch.
        pub created_at: i64,
        /// `active`, `archived` or `suspended`.
        pub state: String,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// People.
pub mod user {
    use sea_orm::entity::prelude::*;

    /// A row of `identity_users`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "identity_users")]
    pub struct Model {
        /// The generation of the read model.
        #[sea_orm(primary_key, auto_increment = false)]
        pub generation: i64,
        /// `org_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant: String,
        /// `usr_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        /// The keyed hash of the e-mail address; `None` once the person was erased.
        pub email_hash: Option<String>,
        /// Name and e-mail address, sealed (JSON); `None` once the person was erased.
        pub profile: Option<String>,
        /// The password's hash, sealed (JSON); `None` once the person was erased.
        pub password: Option<String>,
        /// The roles' names, separated by spaces.
        pub roles: String,
        /// Roles that end by themselves, with their instants (JSON); empty where there are none.
        pub roles_until: String,
        /// Roles in single projects (JSON); empty where there are none.
        pub project_roles: String,
        /// Roles by teams (JSON); empty where there are none.
        pub team_roles: String,
        /// When the e-mail address was shown to be theirs, microseconds since the epoch.
        pub email_verified_at: Option<i64>,
        /// Microseconds since the epoch.
        pub created_at: i64,
        /// Microseconds since the epoch; `None` while the person was not erased.
        pub erased_at: Option<i64>,
        /// When a directory said that they are not active, microseconds since the epoch; `None` while
        /// they may sign in.
        pub suspended_at: Option<i64>,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// What providers of identity call people.
pub mod login {
    use sea_orm::entity::prelude::*;

    /// A row of `identity_logins`. What the provider calls the person is in the log alone, sealed.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "identity_logins")]
    pub struct Model {
        /// The generation of the read model.
        #[sea_orm(primary_key, auto_increment = false)]
        pub generation: i64,
        /// The keyed hash of the provider's address and what it calls the person.
        #[sea_orm(primary_key, auto_increment = false)]
        pub subject_hash: String,
        /// `org_…`.
        pub tenant: String,
        /// `usr_…`.
        pub user: String,
        /// The provider's name in the settings at that time.
        pub provider: String,
        /// Microseconds since the epoch.
        pub linked_at: i64,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Second factors.
pub mod factor {
    use sea_orm::entity::prelude::*;

    /// A row of `identity_factors`. Its secret is in the log alone.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "identity_factors")]
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
        /// When it was turned on, microseconds since the epoch.
        pub confirmed_at: i64,
        /// When a code was last used, microseconds since the epoch.
        pub used_at: i64,
        /// How many recovery codes are left.
        pub recovery_codes: i64,
        /// Whether there is an app: 1 or 0.
        pub app: i64,
        /// How many passkeys there are.
        pub passkeys: i64,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Passkeys.
pub mod passkey {
    use sea_orm::entity::prelude::*;

    /// A row of `identity_passkeys`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "identity_passkeys")]
    pub struct Model {
        /// The generation of the read model.
        #[sea_orm(primary_key, auto_increment = false)]
        pub generation: i64,
        /// `org_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant: String,
        /// `psk_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        /// `usr_…`.
        pub user: String,
        /// The keyed hash of the credential id.
        pub credential_hash: String,
        /// Name, credential id and public key, sealed (JSON).
        pub credential: String,
        /// Microseconds since the epoch.
        pub created_at: i64,
        /// When it last answered, microseconds since the epoch; `None` before it did.
        pub used_at: Option<i64>,
        /// When a copy of it was last seen, microseconds since the epoch; `None` while none was.
        pub copied_at: Option<i64>,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Reviews of access.
pub mod access_review {
    use sea_orm::entity::prelude::*;

    /// A row of `identity_access_reviews`. What each holds is in the log alone.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "identity_access_reviews")]
    pub struct Model {
        /// The generation of the read model.
        #[sea_orm(primary_key, auto_increment = false)]
        pub generation: i64,
        /// `org_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant: String,
        /// `arv_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        /// What people call it.
        pub title: String,
        /// `usr_…`.
        pub started_by: String,
        /// Microseconds since the epoch.
        pub started_at: i64,
        /// `usr_…`; `None` while it is not complete.
        pub completed_by: Option<String>,
        /// Microseconds since the epoch; `None` while it is not complete.
        pub completed_at: Option<i64>,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Sessions.
pub mod session {
    use sea_orm::entity::prelude::*;

    /// A row of `identity_sessions`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "identity_sessions")]
    pub struct Model {
        /// The generation of the read model.
        #[sea_orm(primary_key, auto_increment = false)]
        pub generation: i64,
        /// `org_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant: String,
        /// `ses_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        /// `usr_…`.
        pub user: String,
        /// Microseconds since the epoch.
        pub created_at: i64,
        /// When the tokens were last renewed, microseconds since the epoch.
        pub refreshed_at: i64,
        /// When it ends unless the tokens are renewed before, microseconds since the epoch.
        pub expires_at: i64,
        /// When it was ended, microseconds since the epoch.
        pub ended_at: Option<i64>,
        /// The names of the methods of the sign-in, separated by spaces.
        pub methods: String,
        /// From where the person came when they signed in or, later, last renewed the tokens, sealed.
        pub origin: Option<String>,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Keys of people, for programs.
pub mod api_key {
    use sea_orm::entity::prelude::*;

    /// A row of `identity_api_keys`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "identity_api_keys")]
    pub struct Model {
        /// The generation of the read model.
        #[sea_orm(primary_key, auto_increment = false)]
        pub generation: i64,
        /// `org_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant: String,
        /// `key_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        /// `usr_…`.
        pub user: String,
        /// What the person calls it, sealed (JSON).
        pub name: String,
        /// Scopes, separated by spaces.
        pub scopes: String,
        /// SHA-256 of the secret, 64 hexadecimal digits.
        pub secret_hash: String,
        /// Microseconds since the epoch.
        pub created_at: i64,
        /// When it runs out, microseconds since the epoch.
        pub expires_at: i64,
        /// When it was revoked, microseconds since the epoch.
        pub revoked_at: Option<i64>,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// When keys were last used.
pub mod api_key_use {
    use sea_orm::entity::prelude::*;

    /// A row of `identity_api_key_uses`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "identity_api_key_uses")]
    pub struct Model {
        /// `org_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant: String,
        /// `key_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub key: String,
        /// Microseconds since the epoch; up to some minutes too early.
        pub used_at: i64,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Programs of the organization.
pub mod oauth_client {
    use sea_orm::entity::prelude::*;

    /// A row of `identity_oauth_clients`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "identity_oauth_clients")]
    pub struct Model {
        /// The generation of the read model.
        #[sea_orm(primary_key, auto_increment = false)]
        pub generation: i64,
        /// `org_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant: String,
        /// `cli_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        /// What people call it.
        pub name: String,
        /// The roles' names, separated by spaces.
        pub roles: String,
        /// Scopes, separated by spaces.
        pub scopes: String,
        /// SHA-256 of the secret, 64 hexadecimal digits; empty where there is none.
        pub secret_hash: String,
        /// The names of the grants by which it gets tokens, separated by spaces.
        pub grant_types: String,
        /// Where an app gets its answers, separated by spaces.
        pub redirect_uris: String,
        /// `usr_…`, who gave it access; `None` where it was given before that was kept here.
        pub created_by: Option<String>,
        /// Microseconds since the epoch.
        pub created_at: i64,
        /// When its access was taken away, microseconds since the epoch.
        pub revoked_at: Option<i64>,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Access tokens that were given back.
pub mod revoked_token {
    use sea_orm::entity::prelude::*;

    /// A row of `identity_revoked_tokens`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "identity_revoked_tokens")]
    pub struct Model {
        /// The generation of the read model.
        #[sea_orm(primary_key, auto_increment = false)]
        pub generation: i64,
        /// `org_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant: String,
        /// `tok_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        /// When it runs out, microseconds since the epoch.
        pub expires_at: i64,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// The one set-up of this installation.
pub mod set_up {
    use sea_orm::entity::prelude::*;

    /// The row of `identity_set_up`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "identity_set_up")]
    pub struct Model {
        /// The generation of the read model.
        #[sea_orm(primary_key, auto_increment = false)]
        pub generation: i64,
        /// Always 1: there is one.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i64,
        /// The id that the organization will have.
        pub tenant: String,
        /// Microseconds since the epoch; `None` while it is open.
        pub completed_at: Option<i64>,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
