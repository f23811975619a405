//! `studio login --browser`, which waits for somebody to answer it in a browser.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, ChildStdout, Stdio},
};

use reqwest::Url;

use super::Installation;

/// The command, which waits for its browser.
pub(crate) struct Waiting {
    child: Child,
    /// Where it sends the browser.
    pub(crate) address: Url,
    printed: BufReader<ChildStdout>,
}

impl Waiting {
    /// Runs `studio login --browser` and waits until it has said where to go.
    pub(crate) fn start(installation: &Installation, server: &str, more: &[&str]) -> Self {
        let login = ["login", "--server", server, "--browser", "--no-open"];
        let mut command = installation.command(&[&login[..], more].concat());
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut printed = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        while !said.lines().any(|line| line.starts_with("http")) {
            assert_ne!(printed.read_line(&mut said).unwrap(), 0, "{said}");
        }
        let address = said.lines().find(|line| line.starts_with("http")).unwrap();
        Self { child, address: address.parse().unwrap(), printed }
    }

    /// A parameter of the address.
    #[allow(dead_code, reason = "the tests on embedded stores use it")]
    pub(crate) fn asked(&self, name: &str) -> String {
        self.address.query_pairs().find(|(own, _)| own == name).unwrap().1.into_owned()
    }

    /// How it ended, and all that it said after the address.
    pub(crate) fn ended(mut self) -> (bool, String) {
        let mut said = String::new();
        self.printed.read_to_string(&mut said).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap().success(), said)
    }
}
