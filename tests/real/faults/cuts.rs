//! The network between two parts is cut: connections break and are refused, or nothing arrives any
//! more and nobody is told.

use super::{AWAY, servers, survives};
use crate::support::{Between, Installation, POSTGRES, Shape, Wire};

/// Cuts these wires for a while.
async fn cut(fault: &str, wires: &[Between], wire: Wire) {
    if !servers() {
        return;
    }
    let installation = Installation::of(Shape::Cluster).with_wires(wires);
    survives(fault, installation, false, async |server, _| {
        server.set_wires(wire);
        tokio::time::sleep(AWAY * 2).await;
        server.set_wires(Wire::Whole);
    })
    .await;
}

const TO_A_SUBGRAPH: [Between; 1] = [Between { from: "router", to: "controls" }];
/// Every feed that is read between subgraphs under this load, and who is signed in.
const BETWEEN_SUBGRAPHS: [Between; 6] = [
    Between { from: "documents", to: "controls" },
    Between { from: "evidence", to: "controls" },
    Between { from: "controls", to: "evidence" },
    Between { from: "ai", to: "documents" },
    Between { from: "identity", to: "controls" },
    Between { from: "worker", to: "controls" },
];
/// One replica is cut off, so that the other must take over what it led.
const ONE_FROM_THE_DATABASE: [Between; 1] = [Between { from: "controls-0", to: POSTGRES }];
const ALL_FROM_THE_DATABASE: [Between; 1] = [Between { from: "controls", to: POSTGRES }];

macro_rules! cuts {
    ($($test:ident($fault:literal, $wires:expr, $wire:expr);)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                cut($fault, &$wires, $wire).await;
            }
        )*
    };
}

cuts! {
    routers_are_refused_by_a_subgraph(
        "Network cut between routers and controls: refused", TO_A_SUBGRAPH, Wire::Refusing
    );
    routers_hear_nothing_from_a_subgraph(
        "Network cut between routers and controls: silence", TO_A_SUBGRAPH, Wire::Silent
    );
    subgraphs_are_refused_by_each_other(
        "Network cut between subgraphs: refused", BETWEEN_SUBGRAPHS, Wire::Refusing
    );
    subgraphs_hear_nothing_from_each_other(
        "Network cut between subgraphs: silence", BETWEEN_SUBGRAPHS, Wire::Silent
    );
    a_subgraph_is_refused_by_its_database(
        "Network cut between controls and PostgreSQL: refused", ALL_FROM_THE_DATABASE, Wire::Refusing
    );
    a_replica_hears_nothing_from_its_database(
        "Network cut between a replica of controls and PostgreSQL: silence",
        ONE_FROM_THE_DATABASE,
        Wire::Silent
    );
}
