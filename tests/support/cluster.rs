//! An installation as many processes: which of them there are, where they listen, and over which
//! wires they reach each other and their database.

use std::{net::SocketAddr, process::Command};

use super::{
    cut::{Proxy, Wire},
    server::{Installation, Server},
};

pub(super) const ROUTER: &str = "router";
const WORKER: &str = "worker";
/// The name of PostgreSQL as the end of a wire.
pub(crate) const POSTGRES: &str = "postgres";
/// The roles that are no subgraph.
const OWN: [&str; 2] = [ROUTER, WORKER];
/// The roles in the order in which they start.
const ROLES: [&str; 7] = ["identity", "controls", "evidence", "documents", "ai", WORKER, ROUTER];
/// How many processes of each role there are.
const REPLICAS: usize = 2;

/// A wire that a test wants to cut.
#[derive(Clone, Copy)]
pub(crate) struct Between {
    /// A role, or one process such as `controls-0`.
    pub(crate) from: &'static str,
    /// A subgraph, all of its replicas, or [`POSTGRES`].
    pub(crate) to: &'static str,
}

impl Between {
    fn is_from(self, role: &str, process: &str) -> bool {
        self.from == role || self.from == process
    }
}

/// Wires that can be cut, each with what it leads between and the proxies that it is made of.
#[derive(Default)]
pub(super) struct Wires(Vec<(Between, Vec<Proxy>)>);

impl Wires {
    fn lay(wanted: &[Between], plan: &Plan, sql: Option<&str>) -> Self {
        let lay = |between: &Between| {
            let ends: Vec<SocketAddr> = match between.to {
                POSTGRES => vec![host(sql.unwrap()).parse().unwrap()],
                role => plan.of(role).iter().map(|port| ([127, 0, 0, 1], *port).into()).collect(),
            };
            (*between, ends.into_iter().map(Proxy::to).collect())
        };
        Self(wanted.iter().map(lay).collect())
    }

    /// The ports at which a process finds the other end, where that leads over a wire.
    fn ports(&self, role: &str, process: &str, to: &str) -> Option<Vec<u16>> {
        let leads = |between: &Between| between.to == to && between.is_from(role, process);
        let (_, proxies) = self.0.iter().find(|(between, _)| leads(between))?;
        Some(proxies.iter().map(|proxy| proxy.port).collect())
    }

    pub(super) fn set(&self, wire: Wire) {
        self.0.iter().flat_map(|(_, proxies)| proxies).for_each(|proxy| proxy.set(wire));
    }
}

/// `HOST:PORT` of an address such as `postgres://user@HOST:PORT/database`.
pub(crate) fn host(url: &str) -> &str {
    let after = url.rsplit_once('@').unwrap().1;
    after.split('/').next().unwrap()
}

/// Which process listens where.
struct Plan {
    ports: Vec<(&'static str, Vec<u16>)>,
}

impl Plan {
    fn new() -> Self {
        // All are held until all are known, so that none is given twice.
        let mut held = Vec::new();
        let mut port = || {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let port = listener.local_addr().unwrap().port();
            held.push(listener);
            port
        };
        let ports =
            ROLES.iter().map(|role| (*role, (0..REPLICAS).map(|_| port()).collect())).collect();
        Self { ports }
    }

    fn of(&self, role: &str) -> &[u16] {
        &self.ports.iter().find(|(name, _)| *name == role).unwrap().1
    }
}

impl Installation {
    /// Two replicas of each subgraph, two workers and two routers.
    pub(super) fn start_cluster(&self, more: &[&str]) -> Server {
        let plan = Plan::new();
        let sql = self.stores.as_ref().map(|stores| stores.sql.as_str());
        let mut server = Server::of(self.path());
        server.wires = Wires::lay(&self.wires, &plan, sql);
        server.urls = plan.of(ROUTER).iter().map(|port| url(*port)).collect();
        server.url = server.urls[0].clone();
        for (role, ports) in &plan.ports {
            for (index, port) in ports.iter().enumerate() {
                let name = format!("{role}-{index}");
                let listen = format!("127.0.0.1:{port}");
                let mut arguments = match *role {
                    ROUTER | WORKER => vec![*role],
                    subgraph => vec!["subgraph", subgraph, "--standby"],
                };
                arguments.extend(["--listen", &listen]);
                if *role == ROUTER {
                    arguments.extend_from_slice(more);
                }
                let mut command = self.process(&name, &arguments);
                command.env("STUDIO_PUBLIC_URL", &server.url);
                lead(&mut command, &plan, &server.wires, role, &name);
                if let (Some(sql), Some(ports)) = (sql, server.wires.ports(role, &name, POSTGRES)) {
                    let near = sql.replace(host(sql), &format!("127.0.0.1:{}", ports[0]));
                    command.env("STUDIO_STORES__SQL", near);
                }
                server.add(command, &name);
            }
        }
        for _ in 0..plan.ports.len() * REPLICAS {
            server.wait_for_line("listens on ");
        }
        server
    }
}

/// Tells a process where it finds each subgraph.
fn lead(command: &mut Command, plan: &Plan, wires: &Wires, role: &str, process: &str) {
    for (subgraph, ports) in plan.ports.iter().filter(|(role, _)| !OWN.contains(role)) {
        let ports = wires.ports(role, process, subgraph).unwrap_or_else(|| ports.clone());
        let addresses: Vec<String> =
            ports.iter().map(|port| format!("\"{}\"", url(*port))).collect();
        let setting = format!("STUDIO_CLUSTER__ADDRESSES__{}", subgraph.to_ascii_uppercase());
        command.env(setting, format!("[{}]", addresses.join(",")));
    }
}

fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}
