//! The tables of the event store, the same in every store. `events` and `log_head` are on the hot
//! path and are read and written by hand in `studio-events`; the entity of `events` is here for
//! queries that join it.

/// One recorded event. Never changed: triggers refuse it.
pub mod event {
    use sea_orm::entity::prelude::*;

    /// A row of `events`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "events")]
    pub struct Model {
        /// Gapless, from 1, in commit order.
        #[sea_orm(primary_key, auto_increment = false)]
        pub position: i64,
        /// `evt_…`.
        #[sea_orm(unique)]
        pub event_id: String,
        /// `org_…`.
        pub tenant: String,
        /// `<subgraph>.<thing>`.
        pub stream_type: String,
        /// The id of the aggregate.
        pub stream_id: String,
        /// From 1 within the stream.
        pub stream_version: i64,
        /// The explicit type string.
        #[sea_orm(column_name = "type")]
        pub event_type: String,
        /// The version of the payload's shape, from 1.
        pub schema_version: i64,
        /// Canonical JSON (RFC 8785).
        pub payload: String,
        /// Canonical JSON (RFC 8785).
        pub metadata: String,
        /// Microseconds since the epoch, never before the event at the position before.
        pub recorded_at: i64,
        /// The hash at the position before; 32 zero bytes at position 1.
        pub prev_hash: Vec<u8>,
        /// SHA-256 of `prev_hash` and the canonical JSON of the event.
        pub hash: Vec<u8>,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// The state of a stream at some version, to load it without reading all of it.
pub mod snapshot {
    use sea_orm::entity::prelude::*;

    /// A row of `snapshots`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "snapshots")]
    pub struct Model {
        /// `org_…`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant: String,
        /// `<subgraph>.<thing>`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub stream_type: String,
        /// The id of the aggregate.
        #[sea_orm(primary_key, auto_increment = false)]
        pub stream_id: String,
        /// The last version folded in.
        pub stream_version: i64,
        /// The shape of `state`: of another version, it is ignored.
        pub state_version: i64,
        /// JSON.
        pub state: String,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// How far a projection or a consumer has come.
pub mod checkpoint {
    use sea_orm::entity::prelude::*;

    /// A row of `checkpoints`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "checkpoints")]
    pub struct Model {
        /// The name of the projection or consumer.
        #[sea_orm(primary_key, auto_increment = false)]
        pub projection: String,
        /// Which copy of the read model; consumers have generation 0 alone.
        #[sea_orm(primary_key, auto_increment = false)]
        pub generation: i64,
        /// The last position taken in.
        pub position: i64,
        /// The version of the projection's code that built it.
        pub version: i64,
        /// `current`, `building` or `retired`.
        pub state: String,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// An event that a consumer could not take in.
pub mod dead_letter {
    use sea_orm::entity::prelude::*;

    /// A row of `dead_letters`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "dead_letters")]
    pub struct Model {
        /// The consumer's name.
        #[sea_orm(primary_key, auto_increment = false)]
        pub consumer: String,
        /// The position in the log of its source.
        #[sea_orm(primary_key, auto_increment = false)]
        pub position: i64,
        /// The log that it came from.
        pub source: String,
        /// `org_…`.
        pub tenant: String,
        /// The CloudEvent as JSON.
        pub event: String,
        /// What the last attempt answered.
        pub error: String,
        /// How often it was tried.
        pub attempts: i64,
        /// Microseconds since the epoch.
        pub recorded_at: i64,
        /// Whether the consumer is to take the event again.
        pub redrive: i64,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A signed statement of what the log was at some position.
pub mod log_checkpoint {
    use sea_orm::entity::prelude::*;

    /// A row of `log_checkpoints`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "log_checkpoints")]
    pub struct Model {
        /// The position that was the newest.
        #[sea_orm(primary_key, auto_increment = false)]
        pub position: i64,
        /// The hash at that position.
        pub hash: Vec<u8>,
        /// Microseconds since the epoch.
        pub signed_at: i64,
        /// The Ed25519 public key, 32 bytes.
        pub public_key: Vec<u8>,
        /// The Ed25519 signature, 64 bytes.
        pub signature: Vec<u8>,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A node of the Merkle tree over the log.
pub mod log_tree {
    use sea_orm::entity::prelude::*;

    /// A row of `log_tree`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "log_tree")]
    pub struct Model {
        /// Its height above the events: 8, 16 and so on.
        #[sea_orm(primary_key, auto_increment = false)]
        pub level: i64,
        /// Its place among the nodes of its level, from 0.
        #[sea_orm(primary_key, auto_increment = false)]
        pub idx: i64,
        /// The root over the events below it.
        pub hash: Vec<u8>,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A head of that tree that was signed.
pub mod log_tree_head {
    use sea_orm::entity::prelude::*;

    /// A row of `log_tree_heads`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "log_tree_heads")]
    pub struct Model {
        /// How many events it is of.
        #[sea_orm(primary_key, auto_increment = false)]
        pub size: i64,
        /// The Ed25519 public key, 32 bytes.
        pub public_key: Vec<u8>,
        /// The signed text.
        pub note: String,
    }

    /// None.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
