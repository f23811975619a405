//! `studio config check`, and what it says.

use std::{
    ffi::OsStr,
    process::{Command, Output},
};

/// Runs it with these settings and no others: whether all is in order, and what it prints.
pub(crate) fn config_check<V: AsRef<OsStr>>(settings: &[(&str, V)]) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_studio"));
    command.args(["config", "check", "--data-dir"]).arg(folder.path().join("data"));
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"STUDIO_") {
            command.env_remove(name);
        }
    }
    command.envs(settings.iter().map(|(name, value)| (name, value)));
    let Output { status, stdout, stderr } = command.output().unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the check made something");
    let said = [stdout, stderr].map(|text| String::from_utf8(text).unwrap()).concat();
    (status.success(), said)
}
