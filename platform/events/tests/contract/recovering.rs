//! Point-in-time recovery of PostgreSQL, as `docs/operations.md` describes it: a base backup and the
//! archived write-ahead log bring a second server to the instant that is asked for, and the log there
//! is the one of that instant, to the last hash.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use sea_orm::{ConnectionTrait as _, Statement};
use studio_events::{EventStore, EventStoreOptions, Expected};
use studio_kernel::Env;
use studio_stores::sql::{Database, SqlError, SqlOptions};

use super::harness::*;

/// A PostgreSQL of the test's own, from the installed binaries. Dropping it stops it.
struct Server<'a> {
    bin: &'a Path,
    data: PathBuf,
    port: u16,
}

/// Where the binaries are, if the real servers are wanted and they are installed.
fn binaries() -> Option<PathBuf> {
    if std::env::var_os("STUDIO_TEST_POSTGRES").is_none() {
        println!("skipped: run it by tests/services with postgres");
        return None;
    }
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path().join("bin"))
        .filter(|bin| bin.join("pg_ctl").is_file())
        .collect();
    versions.sort();
    if versions.is_empty() {
        println!(
            "skipped: no PostgreSQL of the test's own can be started (no /usr/lib/postgresql)"
        );
    }
    versions.pop()
}

fn is_root() -> bool {
    let said = Command::new("id").arg("-u").output().unwrap().stdout;
    said.trim_ascii() == b"0"
}

/// PostgreSQL refuses to run as root.
fn postgres_command(program: &Path) -> Command {
    if is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]).arg(program);
        command
    } else {
        Command::new(program)
    }
}

fn as_postgres(program: &Path, arguments: &[&str]) {
    let mut command = postgres_command(program);
    // The server that is started keeps its output open: it must not be a pipe that is waited for.
    let log = tempfile::NamedTempFile::new().unwrap();
    let output = || log.reopen().unwrap();
    let status =
        command.args(arguments).current_dir("/").stdout(output()).stderr(output()).status();
    let said = std::fs::read_to_string(log.path()).unwrap();
    assert!(status.unwrap().success(), "{} {arguments:?}: {said}", program.display());
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn add(file: &Path, lines: &str) {
    use std::io::Write as _;
    std::fs::File::options().append(true).open(file).unwrap().write_all(lines.as_bytes()).unwrap();
}

impl<'a> Server<'a> {
    fn start(bin: &'a Path, data: PathBuf, settings: &str) -> Self {
        let port = free_port();
        let folder = data.parent().unwrap();
        add(
            &data.join("postgresql.auto.conf"),
            &format!(
                "port = {port}\nlisten_addresses = '127.0.0.1'\n\
                 unix_socket_directories = '{}'\n{settings}\n",
                text(folder)
            ),
        );
        let log = folder.join(format!("log-{port}"));
        let arguments = ["-D", text(&data), "-l", text(&log), "-w", "-t", "60", "start"];
        as_postgres(&bin.join("pg_ctl"), &arguments);
        Self { bin, data, port }
    }

    async fn database(&self) -> Database {
        let url = format!("postgres://studio@127.0.0.1:{}/postgres", self.port);
        let options = SqlOptions { schema: Some("bank".to_owned()), ..SqlOptions::default() };
        let database = Database::connect(&url, options).await.unwrap();
        migrate(&database).await;
        database
    }

    async fn store(&self) -> EventStore {
        let options = EventStoreOptions::new(self.database().await, "bank", Env::system());
        EventStore::open(options).await.unwrap()
    }

    fn stop(&self, mode: &str) {
        let arguments = ["-D", text(&self.data), "-m", mode, "-w", "stop"];
        as_postgres(&self.bin.join("pg_ctl"), &arguments);
    }
}

async fn ask(database: &Database, sql: &str) -> String {
    let statement = Statement::from_string(database.backend(), sql);
    let row = database.writer().query_one_raw(statement).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}

async fn write(store: &EventStore, events: i64) {
    for n in 0..events {
        let append = to_account(tenant(1), "a", Expected::Any, vec![pay(n)]);
        store.append(append).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_is_brought_to_an_instant() {
    let Some(bin) = binaries() else { return };
    let folder = tempfile::tempdir().unwrap();
    let [data, archive, base] = ["data", "archive", "base"].map(|name| folder.path().join(name));
    std::fs::create_dir(&archive).unwrap();
    if is_root() {
        let owned = Command::new("chown").arg("-R").arg("postgres").arg(folder.path()).status();
        assert!(owned.unwrap().success());
    }

    let created = ["-D", text(&data), "-U", "studio", "--auth=trust", "--encoding=UTF8", "-N"];
    as_postgres(&bin.join("initdb"), &created);
    let archiving = format!(
        "archive_mode = on\narchive_command = 'test ! -f {0}/%f && cp %p {0}/%f'",
        text(&archive)
    );
    let first = Server::start(&bin, data, &archiving);
    let store = first.store().await;
    write(&store, 20).await;
    let port = first.port.to_string();
    let copied = ["-h", "127.0.0.1", "-p", &port, "-U", "studio", "-D", text(&base), "-c", "fast"];
    as_postgres(&bin.join("pg_basebackup"), &copied);
    write(&store, 20).await;
    let wanted = store.verify().await.unwrap();
    assert_eq!(wanted.events, 40);
    let instant = ask(store.database(), "SELECT clock_timestamp()::text").await;
    write(&store, 20).await;

    // The segment that is being written is closed, and waited for in the archive.
    let segment = ask(store.database(), "SELECT pg_walfile_name(pg_switch_wal())").await;
    let archived = async {
        while !archive.join(&segment).is_file() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), archived).await.unwrap();
    store.shutdown().await;
    store.database().close().await.unwrap();
    first.stop("immediate");

    std::fs::write(base.join("recovery.signal"), "").unwrap();
    if is_root() {
        let owned = Command::new("chown").arg("-R").arg("postgres").arg(&base).status();
        assert!(owned.unwrap().success());
    }
    let recovering = format!(
        "archive_mode = off\nrestore_command = 'cp {}/%f %p'\n\
         recovery_target_time = '{instant}'\nrecovery_target_action = 'promote'",
        text(&archive)
    );
    let second = Server::start(&bin, base, &recovering);
    let url = format!("postgres://studio@127.0.0.1:{}/postgres", second.port);
    // Until it is promoted it is a standby, which is not connected to.
    let promoted = async {
        loop {
            match Database::connect(&url, SqlOptions::default()).await {
                Ok(plain) => return plain.close().await.unwrap(),
                Err(SqlError::NoPrimary(_)) => tokio::time::sleep(Duration::from_millis(50)).await,
                Err(error) => panic!("{error}"),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), promoted).await.unwrap();

    let store = second.store().await;
    assert_eq!(store.verify().await.unwrap(), wanted, "the log of that instant");
    write(&store, 1).await;
    assert_eq!(whole_log(&store).await.len(), 41, "and it goes on");
    store.shutdown().await;
    store.database().close().await.unwrap();
    second.stop("fast");
}

impl Drop for Server<'_> {
    fn drop(&mut self) {
        // Only what a failed test left running.
        if self.data.join("postmaster.pid").exists() {
            let stop = ["-D", text(&self.data), "-m", "immediate", "stop"];
            postgres_command(&self.bin.join("pg_ctl")).args(stop).current_dir("/").status().ok();
        }
    }
}
