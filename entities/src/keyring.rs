//! The table of the key store.

use sea_orm::entity::prelude::*;

/// A row of `keys`: a wrapped key, or the fact that it was destroyed.
#[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "keys")]
pub struct Model {
    /// What the keyring calls it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// Microseconds since the epoch.
    pub created_at: i64,
    /// The id of the master key that wraps it; none once it is destroyed.
    pub master: Option<String>,
    /// The wrapped key, base64; none once it is destroyed.
    pub wrapped: Option<String>,
    /// Microseconds since the epoch.
    pub destroyed_at: Option<i64>,
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Model").field("name", &self.name).finish_non_exhaustive()
    }
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
