//! Starts, kills and restarts the binary, as one process or as many.

use std::{
    cell::RefCell,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
};

use serde_json::json;
use studio_sdk::Client;
use tempfile::TempDir;

use super::{
    PATIENCE,
    cluster::{Between, ROUTER, Wires},
    cut::Wire,
    mutate,
    shape::{Shape, Stores},
};

/// A data folder that outlives the server in it.
pub(crate) struct Installation {
    folder: TempDir,
    shape: Shape,
    pub(super) stores: Option<Stores>,
    pub(super) wires: Vec<Between>,
    /// On top of all others.
    settings: Vec<(String, String)>,
}

pub(crate) const EMAIL: &str = "owner@example.org";
pub(crate) const PASSWORD: &str = "a long enough password";

impl Installation {
    /// An empty one, in the shape that `STUDIO_TEST_SHAPE` names.
    pub(crate) fn empty() -> Self {
        Self::of(Shape::chosen())
    }

    /// An empty one of this shape.
    pub(crate) fn of(shape: Shape) -> Self {
        Self::on(shape, (shape != Shape::Embedded).then(Stores::empty))
    }

    /// An empty one in this shape, on these servers.
    pub(crate) fn on(shape: Shape, stores: Option<Stores>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, shape, stores, wires: Vec::new(), settings: Vec::new() }
    }

    /// The same with wires that can be cut.
    #[allow(dead_code, reason = "the tests of faults, which need real servers, use it")]
    pub(crate) fn with_wires(mut self, wires: &[Between]) -> Self {
        self.wires = wires.to_vec();
        self
    }

    /// The same with one more setting (an environment variable) for every process.
    pub(crate) fn with_setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A copy of this one as it lies on the disk. No server may run in it.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self::of(Shape::Embedded);
        copy_folder(self.folder.path(), copy.folder.path());
        copy
    }

    /// The settings that point to the servers; none where it is embedded.
    #[allow(dead_code, reason = "the tests with real servers use it")]
    pub(crate) fn settings(&self) -> Vec<(&'static str, String)> {
        self.stores.as_ref().map(Stores::settings).unwrap_or_default()
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Runs `studio` with this data folder and gives what it prints; a failure fails the test.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        self.output(self.command(arguments), arguments)
    }

    /// The same with a password for whoever it is about.
    pub(crate) fn run_with_password(&self, arguments: &[&str], password: &str) -> String {
        let mut command = self.command(arguments);
        command.env("STUDIO_PASSWORD", password);
        self.output(command, arguments)
    }

    /// `studio` with this data folder, to be started.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.process("command", arguments)
    }

    /// Runs `studio` with this data folder, and gives what it says on its way to failure.
    pub(crate) fn refused(&self, arguments: &[&str], settings: &[(&str, &str)]) -> String {
        let mut command = self.command(arguments);
        command.envs(settings.iter().copied());
        match tried(command) {
            Err(text) => text,
            Ok(text) => panic!("studio {arguments:?} was not refused: {text}"),
        }
    }

    /// Runs `studio` with this data folder, and gives what it prints, or says of its failure.
    pub(crate) fn attempt(&self, arguments: &[&str]) -> Result<String, String> {
        tried(self.command(arguments))
    }

    /// Begins to run `studio` with this data folder.
    pub(crate) fn spawn(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
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

    /// The same with more arguments; they go to `studio serve`, or to each router.
    pub(crate) fn start_with(&self, more: &[&str]) -> Server {
        self.start_at("127.0.0.1:0", more)
    }

    /// The same at an address: that of a server that ended. Many processes have their own.
    pub(crate) fn start_at(&self, listen: &str, more: &[&str]) -> Server {
        match self.shape {
            Shape::Embedded | Shape::OneProcess => {
                let mut arguments = vec!["serve", "--listen", listen];
                arguments.extend_from_slice(more);
                let mut server = Server::of(self.path());
                server.add(self.process("serve", &arguments), "serve");
                let line = server.wait_for_line("listens on ");
                let told = line.split("listens on ").nth(1).unwrap();
                told.split(',').next().unwrap().trim().clone_into(&mut server.url);
                server.urls = vec![server.url.clone()];
                server
            }
            Shape::Cluster => self.start_cluster(more),
        }
    }

    /// The binary with the settings of this installation; each process has a folder of its own
    /// where they are many.
    pub(super) fn process(&self, process: &str, arguments: &[&str]) -> Command {
        let folder = match self.shape {
            Shape::Embedded => self.path().to_owned(),
            Shape::OneProcess | Shape::Cluster => self.path().join(process),
        };
        let mut command = Command::new(env!("CARGO_BIN_EXE_studio"));
        command
            .args(arguments)
            .env("STUDIO_DATA_DIR", folder)
            .env("STUDIO_SESSION_FILE", self.path().join("session.json"))
            .env_remove("STUDIO_CONFIG")
            .env_remove("STUDIO_SERVER");
        if let Some(stores) = &self.stores {
            command.envs(stores.settings());
        }
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
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

/// A running server: all processes of an installation. Dropping it kills them, as SIGKILL does.
pub(crate) struct Server {
    processes: Vec<Process>,
    pub(crate) url: String,
    /// Where clients reach it: one address, or one for each router.
    pub(crate) urls: Vec<String>,
    pub(super) wires: Wires,
    lines: mpsc::Sender<String>,
    printed: mpsc::Receiver<String>,
    unread: RefCell<Vec<String>>,
    log: PathBuf,
}

#[allow(dead_code, reason = "the tests of faults, which need real servers, use all of it")]
impl Server {
    pub(super) fn of(folder: &Path) -> Self {
        let (lines, printed) = mpsc::channel();
        let log = folder.join("server.log");
        let (url, urls) = (String::new(), Vec::new());
        let unread = RefCell::new(Vec::new());
        let wires = Wires::default();
        Self { processes: Vec::new(), url, urls, wires, lines, printed, unread, log }
    }

    /// Starts one more process.
    pub(super) fn add(&mut self, command: Command, name: &str) {
        let mut process = Process { name: name.to_owned(), command, child: None };
        self.spawn(&mut process);
        self.processes.push(process);
    }

    fn spawn(&self, process: &mut Process) {
        let log = std::fs::File::options().create(true).append(true).open(&self.log).unwrap();
        let mut child = process.command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let lines = self.lines.clone();
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
        process.child = Some(child);
    }

    /// The names of the processes that run, such as `controls-0`.
    pub(crate) fn names(&self) -> Vec<String> {
        self.processes.iter().map(|process| process.name.clone()).collect()
    }

    fn take(&mut self, name: &str) -> Process {
        let index = self.processes.iter().position(|process| process.name == name).unwrap();
        self.processes.remove(index)
    }

    /// Kills one process, as SIGKILL does.
    pub(crate) fn kill_one(&mut self, name: &str) {
        let mut process = self.take(name);
        process.kill();
        self.processes.push(process);
    }

    /// Stops one process in order.
    pub(crate) fn stop_one(&mut self, name: &str) {
        let mut process = self.take(name);
        process.terminate();
        let ended = process.wait();
        assert!(ended, "{name} did not end well; {}", self.log());
        self.processes.push(process);
    }

    /// Starts a process again that was killed or stopped, and waits until it listens.
    pub(crate) fn start_one(&mut self, name: &str) {
        let mut process = self.take(name);
        self.spawn(&mut process);
        self.processes.push(process);
        self.wait_for_line("listens on ");
    }

    /// Cuts every wire that can be cut, or makes it whole.
    pub(crate) fn set_wires(&self, wire: Wire) {
        self.wires.set(wire);
    }

    /// The next printed line that holds the text, of those that nobody has waited for yet.
    pub(crate) fn wait_for_line(&self, text: &str) -> String {
        let mut unread = self.unread.borrow_mut();
        if let Some(found) = unread.iter().position(|line| line.contains(text)) {
            return unread.remove(found);
        }
        loop {
            match self.printed.recv_timeout(PATIENCE) {
                Ok(line) if line.contains(text) => return line,
                Ok(other) => unread.push(other),
                Err(_) => panic!("the server did not print \"{text}\"; {}", self.log()),
            }
        }
    }

    /// What the processes have logged, for messages.
    fn log(&self) -> String {
        format!("its log:\n{}", self.logged())
    }

    /// What the processes have logged.
    pub(crate) fn logged(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// A client that is signed in as the owner.
    pub(crate) async fn client(&self) -> Client {
        let client = Client::new(&self.url).unwrap();
        client.log_in(EMAIL, PASSWORD).await.unwrap();
        client
    }

    /// SIGKILL, and waits until the processes are gone.
    pub(crate) fn kill(mut self) {
        self.end();
    }

    /// SIGTERM, and no wait.
    pub(crate) fn terminate(&self) {
        self.processes.iter().for_each(Process::terminate);
    }

    /// SIGHUP to those who read their configuration again by it: the whole server, or its routers.
    pub(crate) fn hang_up(&self) {
        let alone = self.processes.len() == 1;
        let reads = |process: &&Process| alone || process.name.starts_with(ROUTER);
        self.processes.iter().filter(reads).for_each(|process| process.signal("-HUP"));
    }

    /// Waits for the end of its one process, and gives the status.
    pub(crate) fn ended(mut self) -> Option<i32> {
        let [process] = &mut self.processes[..] else { panic!("{:?}", self.names()) };
        process.child.take().unwrap().wait().unwrap().code()
    }

    /// SIGTERM, and waits for an orderly end.
    pub(crate) fn stop(mut self) {
        self.terminate();
        let mut processes = std::mem::take(&mut self.processes);
        for process in &mut processes {
            assert!(process.wait(), "{} did not end well; {}", process.name, self.log());
        }
    }

    fn end(&mut self) {
        self.processes.iter_mut().for_each(Process::kill);
    }
}

/// One process, and how to start it again.
struct Process {
    name: String,
    command: Command,
    child: Option<Child>,
}

impl Process {
    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().ok();
            child.wait().ok();
        }
    }

    fn terminate(&self) {
        self.signal("-TERM");
    }

    fn signal(&self, signal: &str) {
        if let Some(child) = &self.child {
            let sent = Command::new("kill").args([signal, &child.id().to_string()]).status();
            assert!(sent.unwrap().success());
        }
    }

    /// Whether it ended well, which one that does not run has.
    fn wait(&mut self) -> bool {
        self.child.take().is_none_or(|mut child| child.wait().unwrap().success())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// A failure is said in a sentence; a panic fails the test.
fn tried(mut command: Command) -> Result<String, String> {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    assert!(said.contains("error: ") && !said.contains("panicked"), "{said}");
    Err(said)
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
