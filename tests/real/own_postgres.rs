//! PostgreSQL for one test alone, which does to it what other tests must not see.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// A primary and a standby. Dropped, they are gone.
pub(crate) struct OwnPostgres {
    state: PathBuf,
    environment: String,
}

impl OwnPostgres {
    /// Starts them; `test` names the folder that they lie in.
    pub(crate) fn start(test: &str) -> Self {
        // Not in a folder that is closed to others: PostgreSQL runs as its own user.
        let state = std::env::temp_dir().join(format!("studio-{test}-{}", std::process::id()));
        let environment = services(&state, &["start", "postgres"]);
        Self { state, environment }
    }

    /// The address of the primary.
    pub(crate) fn primary(&self) -> String {
        self.variable("STUDIO_TEST_POSTGRES")
    }

    /// The address of the standby.
    pub(crate) fn standby(&self) -> String {
        self.variable("STUDIO_TEST_POSTGRES_REPLICA")
    }

    /// `tests/services`, for these.
    pub(crate) fn services(&self, arguments: &[&str]) {
        services(&self.state, arguments);
    }

    fn variable(&self, name: &str) -> String {
        let line = format!("export {name}=");
        let found = self.environment.lines().find_map(|found| found.strip_prefix(&line));
        found.unwrap().to_owned()
    }
}

impl Drop for OwnPostgres {
    fn drop(&mut self) {
        self.services(&["stop"]);
    }
}

fn services(state: &Path, arguments: &[&str]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/services");
    let mut command = Command::new(script);
    let output = command.args(arguments).env("STUDIO_TEST_SERVICES_DIR", state).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "tests/services {arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}
