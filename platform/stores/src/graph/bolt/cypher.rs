//! Every statement. They are put together from the names below and nothing else; what they are
//! about are parameters.

use crate::graph::{Direction, edge::EdgeKind, node::NodeKind};

/// The label of a kind of nodes.
const fn label(kind: NodeKind) -> &'static str {
    match kind {
        NodeKind::Organization => "Organization",
        NodeKind::User => "User",
        NodeKind::Project => "Project",
        NodeKind::Framework => "Framework",
        NodeKind::Requirement => "Requirement",
        NodeKind::Control => "Control",
        NodeKind::ControlTest => "ControlTest",
        NodeKind::Evidence => "Evidence",
    }
}

/// The type of a kind of edges.
const fn relationship(kind: EdgeKind) -> &'static str {
    match kind {
        EdgeKind::BelongsTo => "BELONGS_TO",
        EdgeKind::Adopts => "ADOPTS",
        EdgeKind::Owns => "OWNS",
        EdgeKind::Created => "CREATED",
        EdgeKind::Recorded => "RECORDED",
        EdgeKind::Uploaded => "UPLOADED",
        EdgeKind::Covers => "COVERS",
        EdgeKind::DependsOn => "DEPENDS_ON",
        EdgeKind::MapsTo => "MAPS_TO",
        EdgeKind::Tests => "TESTS",
        EdgeKind::RestsOn => "RESTS_ON",
    }
}

/// Keys of a kind are unique, which the server makes an index of; and one finds all nodes of a
/// graph.
pub(super) fn schema(kind: NodeKind) -> [String; 2] {
    let label = label(kind);
    let name = label.to_ascii_lowercase();
    [
        format!(
            "CREATE CONSTRAINT studio_{name}_key IF NOT EXISTS \
             FOR (n:{label}) REQUIRE n.key IS UNIQUE"
        ),
        format!("CREATE INDEX studio_{name}_graph IF NOT EXISTS FOR (n:{label}) ON (n.graph)"),
    ]
}

/// Each graph has one mark.
pub(super) const MARK_CONSTRAINT: &str = "CREATE CONSTRAINT studio_mark_name IF NOT EXISTS \
     FOR (m:StudioMark) REQUIRE m.name IS UNIQUE";

/// The mark, and an empty graph where there was none. Epochs count how often it was emptied.
pub(super) const MAKE_MARK: &str = "MERGE (m:StudioMark {name: $graph}) \
     ON CREATE SET m.state = 'empty', m.epoch = 0, m.writes = 0, m.version = 0, m.position = 0, \
     m.hash = ''";

/// Reads the mark.
pub(super) const READ_MARK: &str = "MATCH (m:StudioMark {name: $graph}) \
     RETURN m.state AS state, m.epoch AS epoch, m.version AS version, m.position AS position, \
     m.hash AS hash";

/// Reads the mark after writing to it, so that nobody else can move it before the transaction ends.
pub(super) const TAKE_MARK: &str = "MATCH (m:StudioMark {name: $graph}) \
     SET m.writes = m.writes + 1 \
     RETURN m.state AS state, m.epoch AS epoch, m.version AS version, m.position AS position, \
     m.hash AS hash";

/// Moves the mark.
pub(super) const MOVE_MARK: &str = "MATCH (m:StudioMark {name: $graph}) \
     SET m.state = 'at', m.version = $version, m.position = $position, m.hash = $hash";

/// Begins to empty the graph: whoever did before has lost the right to.
pub(super) const BEGIN_CLEARING: &str = "MATCH (m:StudioMark {name: $graph}) \
     SET m.state = 'clearing', m.epoch = m.epoch + 1, m.version = 0, m.position = 0, m.hash = '' \
     RETURN m.epoch AS epoch";

/// The graph is empty.
pub(super) const END_CLEARING: &str = "MATCH (m:StudioMark {name: $graph}) SET m.state = 'empty'";

/// Removes some nodes of a kind, and says how many.
pub(super) fn clear(kind: NodeKind) -> String {
    let label = label(kind);
    format!(
        "MATCH (n:{label}) WHERE n.graph = $graph WITH n LIMIT $limit \
         DETACH DELETE n RETURN count(*) AS removed"
    )
}

/// Removes nodes with all their edges.
pub(super) fn remove_nodes(kind: NodeKind) -> String {
    let label = label(kind);
    format!("UNWIND $rows AS row MATCH (n:{label} {{key: row.key}}) DETACH DELETE n")
}

/// Nodes are there, and this is what is known of them.
pub(super) fn put_nodes(kind: NodeKind) -> String {
    let label = label(kind);
    format!(
        "UNWIND $rows AS row MERGE (n:{label} {{key: row.key}}) \
         SET n.graph = $graph, n.tenant = row.tenant, n.id = row.id, n.retired = row.retired, \
         n.importance = row.importance"
    )
}

/// Nodes are there; what is known of them stays.
pub(super) fn touch_nodes(kind: NodeKind) -> String {
    let label = label(kind);
    format!(
        "UNWIND $rows AS row MERGE (n:{label} {{key: row.key}}) \
         ON CREATE SET n.graph = $graph, n.tenant = row.tenant, n.id = row.id, n.retired = false, n.importance = 0"
    )
}

/// What an edge is found by, beside its ends.
const fn key(kind: EdgeKind) -> &'static str {
    if kind.is_grouped() { " {group: row.group}" } else { "" }
}

/// Edges between nodes that are there.
pub(super) fn put_edges(kind: EdgeKind, from: NodeKind, to: NodeKind) -> String {
    let (from, to, relationship) = (label(from), label(to), relationship(kind));
    let key = key(kind);
    let says = match kind {
        EdgeKind::Covers => " SET r.share = row.share",
        EdgeKind::DependsOn => " SET r.strength = row.strength",
        EdgeKind::MapsTo => " SET r.relation = row.relation, r.strength = row.strength",
        _ => "",
    };
    format!(
        "UNWIND $rows AS row MATCH (a:{from} {{key: row.from}}) MATCH (b:{to} {{key: row.to}}) \
         MERGE (a)-[r:{relationship}{key}]->(b){says}"
    )
}

/// Removes edges.
pub(super) fn remove_edges(kind: EdgeKind, from: NodeKind, to: NodeKind) -> String {
    let (from, to, relationship) = (label(from), label(to), relationship(kind));
    let key = key(kind);
    format!(
        "UNWIND $rows AS row \
         MATCH (a:{from} {{key: row.from}})-[r:{relationship}{key}]->(b:{to} {{key: row.to}}) \
         DELETE r"
    )
}

/// The edges at some nodes, in order.
pub(super) fn step(kind: EdgeKind, direction: Direction, near: NodeKind) -> String {
    let (near, relationship) = (label(near), relationship(kind));
    let (left, right) = match direction {
        Direction::Out => ("-", "->"),
        Direction::In => ("<-", "-"),
    };
    let says = match kind {
        EdgeKind::Covers => ", r.share AS share, r.group AS group",
        EdgeKind::DependsOn => ", r.strength AS strength",
        EdgeKind::MapsTo => ", r.relation AS relation, r.strength AS strength, r.group AS group",
        _ => "",
    };
    let then = if kind.is_grouped() { ", group" } else { "" };
    format!(
        "UNWIND $keys AS key MATCH (n:{near} {{key: key}}){left}[r:{relationship}]{right}(m) \
         WHERE m.tenant = $tenant \
         RETURN n.id AS near, m.id AS far, m.retired AS retired, m.importance AS importance{says} \
         ORDER BY near, far{then} LIMIT $limit"
    )
}
