//! The shape of events and of the state folded from them. How they are stored is
//! `studio-events`' affair; `domain/` modules need only this.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use studio_kernel::{Aggregate, Timestamp, event, events};
//!
//! /// A door was opened.
//! #[derive(Debug, Clone, Serialize, Deserialize)]
//! pub struct DoorOpened { pub by: String }
//! event!(DoorOpened, "demo.door.opened", 1);
//!
//! events! { /// What happens to a door.
//!     pub enum DoorEvent { DoorOpened } }
//!
//! #[derive(Default, Serialize, Deserialize)]
//! struct Door { opened: u32 }
//! impl Aggregate for Door {
//!     const STREAM_TYPE: &'static str = "demo.door";
//!     const STATE_VERSION: u32 = 1;
//!     type Event = DoorEvent;
//!     fn apply(&mut self, event: &DoorEvent, _recorded_at: Timestamp) {
//!         match event { DoorEvent::DoorOpened(_) => self.opened += 1 }
//!     }
//! }
//! ```

use serde::de::DeserializeOwned;
#[doc(hidden)]
pub use serde::{Serialize, Serializer};

use crate::time::Timestamp;

/// Why a stored event cannot be read by this version of Studio.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The stream holds an event type that the aggregate does not know.
    #[error("event type {0} is unknown to this version of Studio: was a newer one running here?")]
    UnknownType(String),
    /// The schema version has no upcaster, or is newer than this build.
    #[error("{event_type} has schema version {version}, and this build reads up to {newest}")]
    UnknownVersion {
        /// The explicit type string.
        event_type: &'static str,
        /// The version on record.
        version: u16,
        /// The newest version known here.
        newest: u16,
    },
    /// The payload does not have the shape of its version.
    #[error("the payload of {event_type} does not read: {source}")]
    Payload {
        /// The explicit type string.
        event_type: &'static str,
        /// What serde found.
        source: serde_json::Error,
    },
}

/// One kind of fact: a struct with an explicit type string and a schema version.
pub trait Payload: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// `<subgraph>.<thing>.<past participle>`, never renamed.
    const TYPE: &'static str;
    /// The version that is written now, from 1.
    const VERSION: u16;

    /// Turns a payload of version `from` into one of version `from + 1`. Called in order until
    /// [`Payload::VERSION`] is reached; the default knows no older version.
    fn upcast(from: u16, payload: serde_json::Value) -> Result<serde_json::Value, DecodeError> {
        let _ = payload;
        Err(DecodeError::UnknownVersion {
            event_type: Self::TYPE,
            version: from,
            newest: Self::VERSION,
        })
    }

    /// Reads a stored payload of any version up to the newest.
    fn decode(version: u16, payload: &str) -> Result<Self, DecodeError> {
        let wrong = |source| DecodeError::Payload { event_type: Self::TYPE, source };
        if version == Self::VERSION {
            return serde_json::from_str(payload).map_err(wrong);
        }
        if version > Self::VERSION || version == 0 {
            return Err(DecodeError::UnknownVersion {
                event_type: Self::TYPE,
                version,
                newest: Self::VERSION,
            });
        }
        let mut value = serde_json::from_str(payload).map_err(wrong)?;
        for from in version..Self::VERSION {
            value = Self::upcast(from, value)?;
        }
        serde_json::from_value(value).map_err(wrong)
    }
}

/// Every event that one kind of stream may hold: an enum made by [`events!`](crate::events).
pub trait DomainEvent: Sized + Send + Sync + 'static {
    /// The explicit type string of this event.
    fn event_type(&self) -> &'static str;
    /// The schema version that this event is written with.
    fn schema_version(&self) -> u16;
    /// The payload as JSON.
    fn to_payload(&self) -> Result<serde_json::Value, serde_json::Error>;
    /// The payload, to be written straight into some format.
    fn serialize_payload<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;
    /// Reads a stored event, upcasting where its version is old.
    fn decode(event_type: &str, version: u16, payload: &str) -> Result<Self, DecodeError>;
    /// The type strings that this enum reads.
    fn event_types() -> &'static [&'static str];
}

/// State folded from one stream of events. Applying is total: an event that was recorded has
/// happened and cannot be refused any more.
pub trait Aggregate: Default + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// `<subgraph>.<thing>`, the type of the stream.
    const STREAM_TYPE: &'static str;
    /// Raised whenever the shape of the state changes: older snapshots are dropped then.
    const STATE_VERSION: u32;
    /// The events of the stream.
    type Event: DomainEvent;
    /// Takes one event in.
    fn apply(&mut self, event: &Self::Event, recorded_at: Timestamp);
}

/// Gives a payload struct its type string and schema version. A third argument names a function
/// `fn(u16, serde_json::Value) -> Result<serde_json::Value, DecodeError>` that upcasts.
#[macro_export]
macro_rules! event {
    ($payload:ty, $type:literal, $version:literal $(, $upcast:path)?) => {
        impl $crate::event::Payload for $payload {
            const TYPE: &'static str = $type;
            const VERSION: u16 = $version;
            $(fn upcast(
                from: u16,
                payload: ::serde_json::Value,
            ) -> Result<::serde_json::Value, $crate::event::DecodeError> {
                $upcast(from, payload)
            })?
        }
    };
}

/// Makes the enum of all events of a stream; each variant carries the payload struct of its name.
#[macro_export]
macro_rules! events {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($payload:ident),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone)]
        $vis enum $name {
            $(#[doc = concat!("See [`", stringify!($payload), "`].")] $payload($payload),)+
        }
        impl $crate::event::DomainEvent for $name {
            fn event_type(&self) -> &'static str {
                match self { $(Self::$payload(_) => <$payload as $crate::event::Payload>::TYPE,)+ }
            }
            fn schema_version(&self) -> u16 {
                match self { $(Self::$payload(_) => <$payload as $crate::event::Payload>::VERSION,)+ }
            }
            fn to_payload(&self) -> Result<::serde_json::Value, ::serde_json::Error> {
                match self { $(Self::$payload(payload) => ::serde_json::to_value(payload),)+ }
            }
            fn serialize_payload<S: $crate::event::Serializer>(
                &self,
                serializer: S,
            ) -> ::std::result::Result<S::Ok, S::Error> {
                match self {
                    $(Self::$payload(payload) => {
                        $crate::event::Serialize::serialize(payload, serializer)
                    })+
                }
            }
            fn decode(
                event_type: &str,
                version: u16,
                payload: &str,
            ) -> Result<Self, $crate::event::DecodeError> {
                $(if event_type == <$payload as $crate::event::Payload>::TYPE {
                    return <$payload as $crate::event::Payload>::decode(version, payload)
                        .map(Self::$payload);
                })+
                Err($crate::event::DecodeError::UnknownType(event_type.to_owned()))
            }
            fn event_types() -> &'static [&'static str] {
                &[$(<$payload as $crate::event::Payload>::TYPE),+]
            }
        }
        $(impl From<$payload> for $name {
            fn from(payload: $payload) -> Self { Self::$payload(payload) }
        })+
    };
}
