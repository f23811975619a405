//! Writing: a batch is one transaction; emptying takes many, each of which looks whether it still
//! may.

use std::collections::HashMap;

use neo4rs::{BoltType, Query, Txn};
use studio_kernel::TenantId;

use super::{
    Server, cypher,
    read::{Found, found},
    reduce::{Reduced, reduce},
    retry::{Fault, all},
};
use crate::graph::{
    Applied, Batch, GraphError, State,
    edge::{EdgeKey, Link},
    node::{Node, NodeId, NodeKind},
};

/// Rows of one statement.
const ROWS: usize = 1_000;
/// Nodes that one transaction removes while the graph is emptied.
const REMOVED: i64 = 2_000;

type Row = HashMap<&'static str, BoltType>;

/// The unique key of a node.
pub(super) fn key(graph: &str, tenant: TenantId, node: NodeId) -> String {
    format!("{graph}/{tenant}/{node}")
}

/// Applies a batch, if the graph is where the batch starts.
pub(super) async fn apply(server: &Server, batch: &Batch) -> Result<Applied, GraphError> {
    let reduced = reduce(&batch.changes);
    let statements = Statements::of(server, &reduced);
    let mut again = false;
    server
        .attempt(|| {
            let statements = statements.clone();
            // A commit whose answer was lost may have happened.
            let may_be_done = std::mem::replace(&mut again, true);
            async move {
                let mut tx = server.graph.start_txn().await?;
                let Found { state, .. } = take_mark(server, &mut tx).await?;
                let there = match (&state, &batch.after) {
                    (State::Empty, None) => true,
                    (State::At(mark), Some(after)) => mark == after,
                    _ => false,
                };
                if !there {
                    tx.rollback().await?;
                    let done = may_be_done && state == State::At(batch.mark.clone());
                    return Ok(if done { Applied::Yes } else { Applied::No(state) });
                }
                for statement in statements {
                    tx.run(statement).await?;
                }
                let mark = server
                    .query(cypher::MOVE_MARK)
                    .param("version", i64::from(batch.mark.version))
                    .param("position", batch.mark.position)
                    .param("hash", hex::encode(batch.mark.hash));
                tx.run(mark).await?;
                tx.commit().await?;
                Ok(Applied::Yes)
            }
        })
        .await
}

/// Empties the graph.
pub(super) async fn clear(server: &Server) -> Result<(), GraphError> {
    let begun = server.rows(&server.query(cypher::BEGIN_CLEARING)).await?;
    let unread = |error: neo4rs::DeError| GraphError::Unreadable(error.to_string());
    let epoch: i64 = match begun.first() {
        Some(row) => row.get("epoch").map_err(unread)?,
        None => return Err(GraphError::Unreadable("its mark is gone".to_owned())),
    };
    for kind in NodeKind::ALL {
        while remove_some(server, epoch, kind).await? {}
    }
    server
        .attempt(|| async {
            let mut tx = server.graph.start_txn().await?;
            still_ours(server, &mut tx, epoch).await?;
            tx.run(server.query(cypher::END_CLEARING)).await?;
            tx.commit().await?;
            Ok(())
        })
        .await
}

/// Removes some nodes of a kind, and says whether there may be more.
async fn remove_some(server: &Server, epoch: i64, kind: NodeKind) -> Result<bool, GraphError> {
    server
        .attempt(|| async {
            let mut tx = server.graph.start_txn().await?;
            still_ours(server, &mut tx, epoch).await?;
            let removal = server.query(&cypher::clear(kind)).param("limit", REMOVED);
            let answer = all(&mut tx, removal).await?;
            tx.commit().await?;
            let removed: i64 = match answer.first() {
                Some(row) => row.get("removed").map_err(neo4rs::Error::from)?,
                None => 0,
            };
            Ok(removed > 0)
        })
        .await
}

async fn take_mark(server: &Server, tx: &mut Txn) -> Result<Found, Fault> {
    let rows = all(tx, server.query(cypher::TAKE_MARK)).await?;
    Ok(found(&rows)?)
}

async fn still_ours(server: &Server, tx: &mut Txn, epoch: i64) -> Result<(), Fault> {
    let now = take_mark(server, tx).await?;
    if now.state == State::Clearing && now.epoch == epoch {
        return Ok(());
    }
    Err(Fault::Ours(GraphError::Fenced))
}

/// The statements of a batch, in order.
struct Statements<'a> {
    server: &'a Server,
    out: Vec<Query>,
}

impl Statements<'_> {
    fn of(server: &Server, reduced: &Reduced) -> Vec<Query> {
        let graph = server.name.as_str();
        let name = |tenant: TenantId, id: NodeId| -> Row {
            Row::from([
                ("key", key(graph, tenant, id).into()),
                ("tenant", tenant.to_string().into()),
                ("id", id.to_string().into()),
            ])
        };
        let ends = |tenant: TenantId, edge: &EdgeKey| -> Row {
            Row::from([
                ("from", key(graph, tenant, edge.from).into()),
                ("to", key(graph, tenant, edge.to).into()),
                ("group", edge.group.as_str().into()),
            ])
        };
        let mut statements = Statements { server, out: Vec::new() };
        for (kind, nodes) in &reduced.remove_nodes {
            statements.add(&cypher::remove_nodes(*kind), nodes, |tenant, id| name(tenant, *id));
        }
        for ((kind, from, to), keys) in &reduced.remove_edges {
            statements.add(&cypher::remove_edges(*kind, *from, *to), keys, ends);
        }
        for (kind, nodes) in &reduced.put_nodes {
            statements.add(&cypher::put_nodes(*kind), nodes, |tenant, node: &Node| {
                let mut row = name(tenant, node.id);
                row.insert("retired", node.retired.into());
                row.insert("importance", i64::from(node.importance).into());
                row
            });
        }
        for (kind, nodes) in &reduced.touch_nodes {
            statements.add(&cypher::touch_nodes(*kind), nodes, |tenant, id| name(tenant, *id));
        }
        for ((kind, from, to), edges) in &reduced.put_edges {
            statements.add(&cypher::put_edges(*kind, *from, *to), edges, |tenant, edge| {
                let mut row = ends(tenant, &edge.key());
                say(&edge.link, &mut row);
                row
            });
        }
        statements.out
    }

    /// A statement for each so many rows.
    fn add<T>(&mut self, text: &str, items: &[(TenantId, T)], row: impl Fn(TenantId, &T) -> Row) {
        for chunk in items.chunks(ROWS) {
            let rows: Vec<BoltType> =
                chunk.iter().map(|(tenant, item)| row(*tenant, item).into()).collect();
            self.out.push(self.server.query(text).param("rows", rows));
        }
    }
}

/// What an edge says, as its properties.
fn say(link: &Link, row: &mut Row) {
    match link {
        Link::Covers { share, .. } => {
            row.insert("share", share.units().into());
        }
        Link::DependsOn { strength } => {
            row.insert("strength", strength.units().into());
        }
        Link::MapsTo(mapping) => {
            row.insert("relation", mapping.relation.name().into());
            row.insert("strength", mapping.strength.map(i64::from).into());
        }
        _ => {}
    }
}
