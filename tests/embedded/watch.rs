//! `studio watch` over a real socket, while the server restarts.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Stdio},
    sync::mpsc::{Receiver, channel},
};

use crate::support::{
    EMAIL, Installation, PASSWORD, PATIENCE, adopt, create_project, import_builtin,
};

/// A running `studio watch`. Dropping it ends it.
struct Watch {
    child: Child,
    changes: Receiver<String>,
    told: Receiver<String>,
}

impl Watch {
    fn start(installation: &Installation, project: &str) -> Self {
        let mut child = installation
            .command(&["watch", "--project", project])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let changes = lines(child.stdout.take().unwrap());
        let told = lines(child.stderr.take().unwrap());
        Self { child, changes, told }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn lines(output: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

#[tokio::test]
async fn it_goes_on_where_it_was_when_the_server_comes_back() {
    let installation = Installation::empty();
    let (server, _) = installation.set_up().await;
    let listen = server.url.trim_start_matches("http://").to_owned();
    server.stop();
    // Tokens are made for an address: that of both starts.
    let server = installation.start_at(&listen, &[]);
    let client = server.client().await;
    let project = create_project(&client, "Production").await;
    let soc2 = import_builtin(&client, "soc2-2017").await;
    adopt(&client, &project, &soc2).await;
    let login = ["login", "--server", &server.url, "--email", EMAIL];
    installation.run_with_password(&login, PASSWORD);
    let watch = Watch::start(&installation, "Production");
    let first = watch.changes.recv_timeout(PATIENCE).unwrap();
    let (instant, told) = first.split_once("  ").unwrap();
    assert!(told.contains("SOC 2") && instant.len() == "2026-01-31T12:00:00Z".len(), "{first}");
    for flag in ["--as-of", "--at"] {
        let score = ["score", "--project", "Production", flag, "nonsense"];
        let refused = installation.refused(&score, &[]);
        assert!(refused.contains(flag) && refused.contains("RFC 3339"), "{refused}");
    }
    let forecast = ["score", "--project", "Production", "--at", "2100-01-31T12:00:00Z"];
    assert!(installation.run(&forecast).contains("SOC 2"));

    server.kill();
    let broken = watch.told.recv_timeout(PATIENCE).unwrap();
    assert!(broken.contains("trying again in 0.5 s"), "{broken}");
    let server = installation.start_at(&listen, &[]);
    let client = server.client().await;
    let iso = import_builtin(&client, "iso27001-2022").await;
    adopt(&client, &project, &iso).await;

    // What happened while it was away, and nothing of what it had told before.
    let second = watch.changes.recv_timeout(PATIENCE);
    let told: Vec<String> = watch.told.try_iter().collect();
    let second = second.unwrap_or_else(|error| panic!("{error}: {told:?}"));
    assert!(second.contains("ISO/IEC 27001"), "{second}");
    assert_eq!(told.last().map(String::as_str), Some("connected again"), "{told:?}");

    // A session that has ended is no reason to try for ever.
    drop(watch);
    let session = installation.path().join("session.json");
    let text = std::fs::read_to_string(&session).unwrap();
    let mut kept: serde_json::Value = serde_json::from_str(&text).unwrap();
    kept["tokens"]["refresh"] = "forged".into();
    std::fs::write(&session, kept.to_string()).unwrap();
    let output = installation.command(&["watch", "--project", "Production"]).output().unwrap();
    assert!(!output.status.success());
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("sign in again"), "{told}");
}
