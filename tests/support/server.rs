//! Starts, kills and restarts the binary.

use std::{
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
};

use serde_json::json;
use studio_sdk::Client;
use tempfile::TempDir;

use super::{PATIENCE, mutate};

/// A data folder that outlives the server in it.
pub(crate) struct Installation {
    folder: TempDir,
}

pub(crate) const EMAIL: &str = "owner@example.org";
pub(crate) const PASSWORD: &str = "a long enough password";

impl Installation {
    /// An empty one.
    pub(crate) fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// A copy of this one as it lies on the disk. No server may run in it.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self::empty();
        copy_folder(self.folder.path(), copy.folder.path());
        copy
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Runs `studio` with this data folder and gives what it prints; a failure fails the test.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        self.output(command(self.path(), arguments), arguments)
    }

    /// The same with a password for whoever it is about.
    pub(crate) fn run_with_password(&self, arguments: &[&str], password: &str) -> String {
        let mut command = command(self.path(), arguments);
        command.env("STUDIO_PASSWORD", password);
        self.output(command, arguments)
    }

    fn output(&self, mut command: Command, arguments: &[&str]) -> String {
        let output = command.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "studio {arguments:?}: {text}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        text
    }

    /// Starts a server in it and waits until it is ready.
    pub(crate) fn start(&self) -> Server {
        self.start_with(&[])
    }

    /// The same with more arguments.
    pub(crate) fn start_with(&self, more: &[&str]) -> Server {
        let mut arguments = vec!["serve", "--listen", "127.0.0.1:0"];
        arguments.extend_from_slice(more);
        let log = self.path().join("server.log");
        let mut child = command(self.path(), &arguments)
            .stdout(Stdio::piped())
            .stderr(std::fs::File::options().create(true).append(true).open(&log).unwrap())
            .spawn()
            .unwrap();
        let (lines, printed) = mpsc::channel();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            let mut line = String::new();
            while output.read_line(&mut line).is_ok_and(|read| read > 0) {
                if lines.send(std::mem::take(&mut line)).is_err() {
                    // Nobody reads any more, and a full pipe would stop the server.
                    output.read_to_end(&mut Vec::new()).ok();
                    return;
                }
            }
        });
        let mut server = Server { child, url: String::new(), printed, log };
        let line = server.wait_for_line("listens on ");
        line.split("listens on ").nth(1).unwrap().trim().clone_into(&mut server.url);
        server
    }

    /// Starts a server in an empty installation, sets up an organization and signs its owner in.
    pub(crate) async fn set_up(&self) -> (Server, Client) {
        let server = self.start();
        let line = server.wait_for_line("#setup=");
        let token = line.split("#setup=").nth(1).unwrap().trim().to_owned();
        let client = Client::new(&server.url).unwrap();
        mutate(
            &client,
            "mutation($input: SetUpInput!) { setUp(input: $input) { accessToken userErrors { code message path } } }",
            json!({
                "token": token,
                "organizationName": "Example",
                "ownerName": "Ada Lovelace",
                "ownerEmail": EMAIL,
                "password": PASSWORD,
            }),
        )
        .await;
        client.log_in(EMAIL, PASSWORD).await.unwrap();
        (server, client)
    }
}

/// A running server. Dropping it kills it, as SIGKILL does.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
    printed: mpsc::Receiver<String>,
    log: PathBuf,
}

impl Server {
    /// The next printed line that holds the text.
    pub(crate) fn wait_for_line(&self, text: &str) -> String {
        loop {
            match self.printed.recv_timeout(PATIENCE) {
                Ok(line) if line.contains(text) => return line,
                Ok(_other) => {}
                Err(_) => panic!(
                    "the server did not print \"{text}\"; its log:\n{}",
                    std::fs::read_to_string(&self.log).unwrap_or_default()
                ),
            }
        }
    }

    /// A client that is signed in as the owner.
    pub(crate) async fn client(&self) -> Client {
        let client = Client::new(&self.url).unwrap();
        client.log_in(EMAIL, PASSWORD).await.unwrap();
        client
    }

    /// SIGKILL, and waits until the process is gone.
    pub(crate) fn kill(mut self) {
        self.end();
    }

    /// SIGTERM, and waits for an orderly end.
    pub(crate) fn stop(mut self) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        assert!(sent.success());
        let ended = self.child.wait().unwrap();
        assert!(ended.success(), "{}", std::fs::read_to_string(&self.log).unwrap_or_default());
    }

    fn end(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

fn command(data_dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_studio"));
    command
        .args(arguments)
        .env("STUDIO_DATA_DIR", data_dir)
        .env("STUDIO_SESSION_FILE", data_dir.join("session.json"))
        .env_remove("STUDIO_CONFIG")
        .env_remove("STUDIO_SERVER");
    command
}

fn copy_folder(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir_all(&target).unwrap();
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
