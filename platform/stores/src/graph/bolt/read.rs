//! Reading: the mark, and the edges at some nodes.

use std::sync::Arc;

use async_trait::async_trait;
use neo4rs::{DeError, Row};
use studio_kernel::TenantId;

use super::{Server, cypher, write::key};
use crate::graph::{
    Direction, GraphError, Hop, Mark, State, View,
    edge::{EdgeKind, Link},
    mapping::{Mapping, Relation},
    node::{Node, NodeId},
    weight::Weight,
};

/// Nodes that one statement asks about.
const KEYS: usize = 1_000;

/// The mark as it was found.
pub(super) struct Found {
    pub(super) state: State,
    /// How often the graph was emptied.
    pub(super) epoch: i64,
}

pub(super) async fn state(server: &Server) -> Result<State, GraphError> {
    let rows = server.read(&server.query(cypher::READ_MARK)).await?;
    Ok(found(&rows)?.state)
}

/// The mark in the answer of a statement that reads it.
pub(super) fn found(rows: &[Row]) -> Result<Found, GraphError> {
    let Some(row) = rows.first() else {
        return Err(GraphError::Unreadable("its mark is gone: start Studio anew".to_owned()));
    };
    let unread = |error: DeError| GraphError::Unreadable(format!("its mark: {error}"));
    let epoch = row.get("epoch").map_err(unread)?;
    let state: String = row.get("state").map_err(unread)?;
    let state = match state.as_str() {
        "empty" => State::Empty,
        "clearing" => State::Clearing,
        "at" => {
            let version: i64 = row.get("version").map_err(unread)?;
            let hash: String = row.get("hash").map_err(unread)?;
            let mut bytes = [0; 32];
            let odd = |_| GraphError::Unreadable(format!("its mark: hash {hash:?}"));
            hex::decode_to_slice(&hash, &mut bytes).map_err(odd)?;
            State::At(Mark {
                version: u32::try_from(version).unwrap_or(0),
                position: row.get("position").map_err(unread)?,
                hash: bytes,
            })
        }
        other => return Err(GraphError::Unreadable(format!("its mark: state {other:?}"))),
    };
    Ok(Found { state, epoch })
}

/// What there is of an organization.
pub(super) struct TenantView {
    server: Arc<Server>,
    tenant: TenantId,
}

impl TenantView {
    pub(super) fn new(server: Arc<Server>, tenant: TenantId) -> Self {
        Self { server, tenant }
    }
}

#[async_trait]
impl View for TenantView {
    async fn step(
        &self,
        kind: EdgeKind,
        direction: Direction,
        near: &[NodeId],
        limit: usize,
    ) -> Result<Vec<Hop>, GraphError> {
        let Some(first) = near.first() else { return Ok(Vec::new()) };
        let text = cypher::step(kind, direction, first.kind());
        let mut hops = Vec::new();
        for chunk in near.chunks(KEYS) {
            let keys: Vec<String> =
                chunk.iter().map(|id| key(&self.server.name, self.tenant, *id)).collect();
            let left = limit - hops.len();
            let asked = self
                .server
                .query(&text)
                .param("keys", keys)
                .param("tenant", self.tenant.to_string())
                .param("limit", i64::try_from(left).unwrap_or(i64::MAX));
            for row in self.server.read(&asked).await? {
                hops.push(hop(kind, &row)?);
            }
            if hops.len() >= limit {
                break;
            }
        }
        Ok(hops)
    }
}

fn hop(kind: EdgeKind, row: &Row) -> Result<Hop, GraphError> {
    let unread = |error: DeError| GraphError::Unreadable(format!("an edge: {error}"));
    let id = |name: &str| -> Result<NodeId, GraphError> {
        NodeId::parse(&row.get::<String>(name).map_err(unread)?)
    };
    let importance: i64 = row.get("importance").map_err(unread)?;
    let far = Node {
        id: id("far")?,
        retired: row.get("retired").map_err(unread)?,
        importance: u32::try_from(importance).unwrap_or(0),
    };
    let weight = |name: &str| -> Result<Weight, GraphError> {
        row.get(name).map(Weight::from_units).map_err(unread)
    };
    let link = match kind {
        EdgeKind::BelongsTo => Link::BelongsTo,
        EdgeKind::Adopts => Link::Adopts,
        EdgeKind::Owns => Link::Owns,
        EdgeKind::Created => Link::Created,
        EdgeKind::Recorded => Link::Recorded,
        EdgeKind::Uploaded => Link::Uploaded,
        EdgeKind::Tests => Link::Tests,
        EdgeKind::RestsOn => Link::RestsOn,
        EdgeKind::DependsOn => Link::DependsOn { strength: weight("strength")? },
        EdgeKind::Covers => {
            Link::Covers { share: weight("share")?, group: row.get("group").map_err(unread)? }
        }
        EdgeKind::MapsTo => {
            let name: String = row.get("relation").map_err(unread)?;
            let relation = Relation::ALL.into_iter().find(|known| known.name() == name);
            let strength: Option<i64> = row.get("strength").map_err(unread)?;
            let project: String = row.get("group").map_err(unread)?;
            Link::MapsTo(Mapping {
                project: project
                    .parse()
                    .map_err(|_| GraphError::Unreadable(format!("project {project:?}")))?,
                relation: relation
                    .ok_or_else(|| GraphError::Unreadable(format!("relation {name:?}")))?,
                strength: strength.and_then(|strength| u32::try_from(strength).ok()),
            })
        }
    };
    Ok(Hop { near: id("near")?, far, link })
}
