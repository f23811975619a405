//! A measured process: started, watched through /proc, and killed at the end.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use anyhow::{Context, ensure};

pub(crate) struct Process {
    child: Child,
}

impl Process {
    /// Starts it and reads its output until a line that holds `text`, which is returned.
    pub(crate) fn start(mut command: Command, text: &str) -> anyhow::Result<(Self, String)> {
        let mut child = command.stdout(Stdio::piped()).spawn().with_context(|| {
            format!("{} does not start: build it first", command.get_program().display())
        })?;
        let mut output = BufReader::new(child.stdout.take().context("no output")?);
        let process = Self { child };
        let mut line = String::new();
        loop {
            line.clear();
            ensure!(
                output.read_line(&mut line)? > 0,
                "the process ended before it said \"{text}\""
            );
            if line.contains(text) {
                std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
                return Ok((process, line));
            }
        }
    }

    /// CPU time so far, in seconds, user and system (proc(5), /proc/pid/stat).
    pub(crate) fn cpu_seconds(&self) -> anyhow::Result<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name in parentheses may hold spaces; the fields that count come after it.
        let fields: Vec<&str> =
            stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |index: usize| -> anyhow::Result<f64> {
            Ok(fields.get(index).context("a short stat line")?.parse()?)
        };
        // utime is field 14 and stime field 15; fields[0] is field 3. The kernel counts 100 a second.
        Ok((ticks(11)? + ticks(12)?) / 100.0)
    }

    /// The most memory it ever held, in MiB.
    pub(crate) fn peak_mib(&self) -> anyhow::Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).context("no VmHWM")?;
        let kib: f64 = line.split_whitespace().nth(1).context("no value")?.parse()?;
        Ok(kib / 1024.0)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The `studio` binary that was built beside this one.
pub(crate) fn studio() -> anyhow::Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name("studio");
    ensure!(path.is_file(), "{} is missing: cargo build --release --bin studio", path.display());
    Ok(path)
}
