//! `studio login`, `studio logout` and `studio whoami`, with and without a terminal.

use std::{
    io::{Read, Write},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};
use studio_sdk::{Client, Tokens};

use crate::support::{EMAIL, Installation, PASSWORD, Server, until};

fn sign_in(installation: &Installation, server: &Server) -> String {
    let login = ["login", "--server", &server.url, "--email", EMAIL];
    installation.run_with_password(&login, PASSWORD)
}

/// The tokens that lie in the file of the session.
fn kept(installation: &Installation) -> Tokens {
    let text = std::fs::read_to_string(installation.path().join("session.json")).unwrap();
    let mut session: Value = serde_json::from_str(&text).unwrap();
    serde_json::from_value(session["tokens"].take()).unwrap()
}

#[tokio::test]
async fn a_session_says_whose_it_is_and_ends_everywhere() {
    let installation = Installation::empty();
    let (server, _) = installation.set_up().await;
    assert!(installation.refused(&["whoami"], &[]).contains("run studio login"));
    let said = sign_in(&installation, &server);
    assert_eq!(said, format!("Signed in to {} as {EMAIL}.\n", server.url));

    let said = installation.run(&["whoami"]);
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines[0], format!("Ada Lovelace <{EMAIL}>, owner"));
    assert_eq!(lines[1], "Organization  Example");
    assert_eq!(lines[2], format!("Server        {}", server.url));
    let until = lines[3].strip_prefix("Signed in     until ").unwrap();
    let (instant, _) = until.split_once(", ").unwrap();
    assert_eq!(instant.len(), "2026-01-31T12:00:00Z".len(), "{said}");
    let elsewhere = installation.refused(&["whoami", "--server", "http://127.0.0.1:1"], &[]);
    assert!(elsewhere.contains("studio login --server http://127.0.0.1:1"), "{elsewhere}");

    let tokens = kept(&installation);
    let held = Client::new(&server.url).unwrap();
    held.set_tokens(Some(tokens.clone()));
    held.query_text::<Value>("{ me { name } }", json!({})).await.unwrap();
    let said = installation.run(&["logout"]);
    assert_eq!(said, format!("Signed out of {}.\n", server.url));
    let refused = held.query_text::<Value>("{ me { name } }", json!({})).await.unwrap_err();
    assert_eq!(refused.code(), Some("UNAUTHENTICATED"));
    assert!(!installation.path().join("session.json").exists());
    for verb in ["whoami", "logout", "projects"] {
        assert!(installation.refused(&[verb], &[]).contains("run studio login"), "{verb}");
    }
}

#[tokio::test]
async fn a_session_that_cannot_be_ended_is_kept_and_one_that_has_ended_is_not() {
    let installation = Installation::empty();
    let (server, _) = installation.set_up().await;
    sign_in(&installation, &server);
    let tokens = kept(&installation);
    let ends = Client::new(&server.url).unwrap();
    let path = installation.path().join("session.json");
    // Somebody else ends it: the refresh token is used, so a second use ends the session.
    ends.set_tokens(Some(tokens));
    ends.refresh().await.unwrap();
    let said = installation.run(&["logout"]);
    assert!(said.contains("had ended already"), "{said}");
    assert!(!path.exists());

    sign_in(&installation, &server);
    server.stop();
    let said = installation.refused(&["logout"], &[]);
    assert!(said.contains("could not be ended: try again, or delete"), "{said}");
    assert!(said.contains(path.to_str().unwrap()), "{said}");
    assert!(path.exists());
}

#[test]
fn without_a_terminal_nothing_is_asked() {
    let installation = Installation::empty();
    let said = installation.refused(&["login"], &[]);
    assert!(said.contains("--email"), "{said}");
    let said = installation.refused(&["login", "--email", EMAIL], &[("STUDIO_PASSWORD", "")]);
    assert!(said.contains("STUDIO_PASSWORD"), "{said}");
    let mut argument = installation.command(&["login", "--email", EMAIL, "--password", PASSWORD]);
    assert!(!argument.output().unwrap().status.success(), "a password is no argument");
}

#[tokio::test]
async fn a_piped_password_signs_in() {
    let installation = Installation::empty();
    let (server, _) = installation.set_up().await;
    let login = ["login", "--server", &server.url, "--email", EMAIL];
    let mut child = installation
        .command(&login)
        .env_remove("STUDIO_PASSWORD")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(format!("{PASSWORD}\n").as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}

/// `studio` at a terminal that `script` (util-linux) makes.
struct Terminal {
    script: Child,
    shown: Arc<Mutex<String>>,
    device: String,
}

impl Terminal {
    /// Runs a line of the shell, in which `$STUDIO` is the binary; `None`, with the reason, where
    /// there is no such `script`.
    async fn run(installation: &Installation, line: &str) -> Option<Self> {
        let version = Command::new("script").arg("--version").output();
        if !version.is_ok_and(|said| String::from_utf8_lossy(&said.stdout).contains("util-linux")) {
            println!("skipped: it needs script of util-linux, which makes a terminal");
            return None;
        }
        let mut command = Command::new("script");
        // As `installation` runs it.
        let studio = installation.command(&[]);
        for (name, value) in studio.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let mut script = command
            .env("STUDIO", studio.get_program())
            .env_remove("STUDIO_PASSWORD")
            .args(["-qefc", &format!("tty; {line}"), "/dev/null"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let shown = Arc::new(Mutex::new(String::new()));
        let (mut output, kept) = (script.stdout.take().unwrap(), shown.clone());
        std::thread::spawn(move || {
            let mut bytes = [0; 1024];
            while let Ok(read @ 1..) = output.read(&mut bytes) {
                kept.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..read]));
            }
        });
        let mut terminal = Self { script, shown, device: String::new() };
        let shown = terminal.shows("\n").await;
        terminal.device = shown.lines().next().unwrap().trim().to_owned();
        Some(terminal)
    }

    /// Waits until a text is on the screen, and gives all that is.
    async fn shows(&self, text: &str) -> String {
        until(text, async || {
            let shown = self.shown.lock().unwrap().clone();
            shown.contains(text).then_some(shown)
        })
        .await
    }

    /// Waits until what is typed is not shown.
    async fn hides(&self) {
        until("a terminal that shows nothing", async || {
            let told = Command::new("stty").args(["-F", &self.device, "-a"]).output().unwrap();
            String::from_utf8_lossy(&told.stdout).contains(" -echo ").then_some(())
        })
        .await;
    }

    fn types(&mut self, text: &str) {
        let input = self.script.stdin.as_mut().unwrap();
        input.write_all(text.as_bytes()).unwrap();
        input.flush().unwrap();
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.script.kill().ok();
        self.script.wait().ok();
    }
}

#[tokio::test]
async fn a_terminal_is_asked_and_shows_no_password() {
    let installation = Installation::empty();
    let (server, _) = installation.set_up().await;
    let line = format!("$STUDIO login --server {}; stty -a", server.url);
    let Some(mut terminal) = Terminal::run(&installation, &line).await else { return };
    terminal.shows("E-mail: ").await;
    terminal.types(&format!("{EMAIL}\n"));
    terminal.shows("Password: ").await;
    terminal.hides().await;
    terminal.types(&format!("{PASSWORD}\n"));
    let shown = terminal.shows(" echo ").await;
    assert!(shown.contains(&format!("Signed in to {} as {EMAIL}.", server.url)), "{shown}");
    assert!(!shown.contains(PASSWORD), "{shown}");
    assert!(installation.run(&["whoami"]).contains(EMAIL));
}

#[tokio::test]
async fn ctrl_c_leaves_a_terminal_that_shows_what_is_typed() {
    let installation = Installation::empty();
    let line = format!("$STUDIO login --email {EMAIL}; echo ended with $?; stty -a");
    let Some(mut terminal) = Terminal::run(&installation, &line).await else { return };
    terminal.shows("Password: ").await;
    terminal.hides().await;
    terminal.types("half a pass\u{3}");
    let shown = terminal.shows(" echo ").await;
    assert!(shown.contains("interrupted") && shown.contains("ended with 1"), "{shown}");
    assert!(!shown.contains("half"), "{shown}");
}

/// Whether a process waits for a lock on a file, as the kernel lists them; `None` where it does not say.
#[cfg(target_os = "linux")]
fn waits_for_lock(process: u32) -> Option<bool> {
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    let process = process.to_string();
    Some(
        locks
            .lines()
            .any(|line| line.contains("->") && line.split_whitespace().any(|word| word == process)),
    )
}

/// A verb that exchanges the tokens of the session before writes them when it is done. A login that did
/// not wait for it would be lost.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_login_waits_for_who_uses_the_session_before() {
    let installation = Installation::empty();
    let (server, _) = installation.set_up().await;
    let lock = std::fs::File::create(installation.path().join("session.lock")).unwrap();
    lock.lock().unwrap();
    if waits_for_lock(0).is_none() {
        println!("skipped: there is no /proc/locks to see who waits for a lock");
        return;
    }
    let login = installation
        .command(&["login", "--server", &server.url, "--email", EMAIL])
        .env("STUDIO_PASSWORD", PASSWORD)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let login = std::cell::RefCell::new(login);
    until("the login that waits", async || {
        let mut login = login.borrow_mut();
        assert!(login.try_wait().unwrap().is_none(), "it did not wait");
        waits_for_lock(login.id())?.then_some(())
    })
    .await;
    assert!(!installation.path().join("session.json").exists());
    lock.unlock().unwrap();
    assert!(login.into_inner().wait().unwrap().success());
    assert!(installation.run(&["whoami"]).contains(EMAIL));
}
