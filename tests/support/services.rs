//! The script `tests/services`, as tests call it: for the servers that they share, and for servers of
//! a test's own, which it may kill. Every crate whose tests want it includes this file.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};

/// What the script exported of a server that the tests share. `None`, and said so, where it does not
/// run.
pub(crate) fn variable(name: &str) -> Option<String> {
    let found = std::env::var(name).ok();
    if found.is_none() {
        println!("skipped: {name} is not set: run it by tests/services");
    }
    found
}

/// Does something to the servers that the tests share.
pub(crate) fn services(arguments: &[&str]) {
    run(None, arguments);
}

/// Servers that belong to one test alone. Dropped, they are gone.
pub(crate) struct OwnServers {
    state: PathBuf,
    environment: String,
}

impl OwnServers {
    /// Starts one, which may have a standby. `None` where the shared one, which this variable names,
    /// is not there either.
    pub(crate) fn start(name: &str, shared: &str) -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        variable(shared)?;
        let own = format!("studio-own-{}-{}", std::process::id(), NUMBER.fetch_add(1, Relaxed));
        // Not in a folder that is closed to others: PostgreSQL runs as its own user.
        let mut servers =
            Self { state: std::env::temp_dir().join(own), environment: String::new() };
        servers.environment = servers.services(&["start", name]);
        Some(servers)
    }

    /// Does something to them, and gives what the script prints.
    pub(crate) fn services(&self, arguments: &[&str]) -> String {
        run(Some(&self.state), arguments)
    }

    /// What the script exported of them.
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

/// Runs the script on the servers in a folder, by default the shared ones.
fn run(state: Option<&Path>, arguments: &[&str]) -> String {
    let mut folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let script = folders.find_map(|folder| {
        let script = folder.join("tests/services");
        script.is_file().then_some(script)
    });
    let mut command = Command::new(script.expect("the repository has tests/services"));
    command.args(arguments);
    if let Some(state) = state {
        command.env("STUDIO_TEST_SERVICES_DIR", state);
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "tests/services {arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}
