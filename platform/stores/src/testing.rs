//! The real servers that tests run against: shared ones, and servers of a test's own, which it may
//! kill. `tests/services` starts all of them.

use std::{path::PathBuf, process::Command};

use studio_kernel::Env;

pub(crate) fn variable(name: &str) -> Option<String> {
    let found = std::env::var(name).ok();
    if found.is_none() {
        println!("skipped: set {name}, see tests/services");
    }
    found
}

/// Servers that belong to one test alone, so that it can kill them.
pub(crate) struct OwnServers {
    state: PathBuf,
    environment: String,
}

impl OwnServers {
    /// `None` where the shared ones are not there either.
    pub(crate) fn start(name: &str, shared: &str) -> Option<Self> {
        variable(shared)?;
        // Not in a folder that is closed to others: PostgreSQL runs as its own user.
        let state = std::env::temp_dir().join(format!("studio-own-{}", Env::system().uuid()));
        let mut servers = Self { state, environment: String::new() };
        servers.environment = servers.services(&["start", name]);
        Some(servers)
    }

    pub(crate) fn services(&self, arguments: &[&str]) -> String {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/services");
        let output = Command::new(script)
            .args(arguments)
            .env("STUDIO_TEST_SERVICES_DIR", &self.state)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "tests/services {arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What the script exported.
    pub(crate) fn variable(&self, name: &str) -> String {
        let line = format!("export {name}=");
        let found = self.environment.lines().find_map(|found| found.strip_prefix(&line));
        found.unwrap_or_else(|| panic!("{name} is not in {}", self.environment)).to_owned()
    }
}

impl Drop for OwnServers {
    fn drop(&mut self) {
        self.services(&["stop"]);
    }
}
