//! The events that one subgraph publishes to the others, as CloudEvents 1.0 with the `data` types
//! below. Their JSON Schemas are generated into `schema/events/`. They carry ids, counts and
//! hashes, and never personal data: a person appears as an id.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    event::Payload,
    id::{Id, TenantId, kind},
    time::Timestamp,
};

pub mod audit;
pub mod controls;
pub mod documents;
pub mod evidence;
pub mod identity;

/// A published event (CloudEvents 1.0, JSON format), with Studio's extension attributes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CloudEvent<D = serde_json::Value> {
    /// Always `1.0`.
    pub specversion: String,
    /// The id of the event in the log of its source: unique, and the same whenever it is read.
    pub id: Id<kind::Event>,
    /// The log that holds it, for example `/studio/evidence`.
    pub source: String,
    /// The type with its version, for example `studio.evidence.check_results_recorded.v1`.
    #[serde(rename = "type")]
    pub event_type: String,
    /// The stream that it belongs to.
    pub subject: String,
    /// When it was recorded in the log of its source.
    pub time: Timestamp,
    /// Always `application/json`.
    pub datacontenttype: String,
    /// The organization (extension attribute).
    pub tenant: TenantId,
    /// The position in the log of its source (extension attribute): consumers page by it.
    pub position: i64,
    /// What happened.
    pub data: D,
}

impl CloudEvent {
    /// The `data` as the payload type `P`, or `None` where the event is of another type.
    pub fn read<P: Payload>(&self) -> Option<Result<P, serde_json::Error>> {
        (self.event_type == cloud_event_type::<P>()).then(|| P::deserialize(&self.data))
    }
}

/// The CloudEvents type of a payload: `studio.` before its type string, `.v` and its version after.
pub fn cloud_event_type<P: Payload>() -> String {
    format!("studio.{}.v{}", P::TYPE, P::VERSION)
}
