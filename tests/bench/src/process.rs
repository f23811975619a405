//! A measured process: started, watched through /proc, and killed at the end.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
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

    /// Starts it; what it says goes to a file.
    pub(crate) fn spawn(mut command: Command, log: &Path) -> anyhow::Result<Self> {
        let log = File::create(log)?;
        command.stdin(Stdio::null()).stderr(log.try_clone()?).stdout(log);
        let program = command.get_program().display().to_string();
        let child = command.spawn().with_context(|| format!("{program} does not start"))?;
        Ok(Self { child })
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> anyhow::Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// CPU time so far of it and of the processes that it started, in seconds, user and system
    /// (proc(5), /proc/pid/stat).
    pub(crate) fn cpu_seconds(&self) -> anyhow::Result<f64> {
        let mut ticks = 0.0;
        for process in tree(self.child.id())? {
            // utime is field 14 and stime field 15.
            ticks += process.field(14)? + process.field(15)?;
        }
        // The kernel counts 100 a second.
        Ok(ticks / 100.0)
    }

    /// The most memory it ever held, in MiB: it and the processes that it started, each at its most.
    pub(crate) fn peak_mib(&self) -> anyhow::Result<f64> {
        let mut kib = 0.0;
        for process in tree(self.child.id())? {
            let status = std::fs::read_to_string(format!("/proc/{}/status", process.id))?;
            let line = status.lines().find(|line| line.starts_with("VmHWM:"));
            let value = line.and_then(|line| line.split_whitespace().nth(1)).context("no VmHWM")?;
            kib += value.parse::<f64>()?;
        }
        Ok(kib / 1024.0)
    }
}

/// What the kernel says of a process in /proc/pid/stat.
struct Stat {
    id: u32,
    /// Its fields from the third on.
    fields: Vec<String>,
}

impl Stat {
    fn of(id: u32) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // The name in parentheses may hold spaces; the fields that count come after it.
        let fields = stat.rsplit(')').next()?.split_whitespace().map(str::to_owned).collect();
        Some(Self { id, fields })
    }

    /// A field by its number in proc(5).
    fn field(&self, number: usize) -> anyhow::Result<f64> {
        Ok(self.fields.get(number - 3).context("a short stat line")?.parse()?)
    }
}

/// A process and all below it.
fn tree(root: u32) -> anyhow::Result<Vec<Stat>> {
    let ids = std::fs::read_dir("/proc")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let mut others: Vec<Stat> = ids.filter_map(Stat::of).collect();
    let mut found = vec![Stat::of(root).context("the process is gone")?];
    let mut next = 0;
    while next < found.len() {
        let parent = f64::from(found[next].id);
        // The parent is field 4.
        let (children, rest) = others
            .into_iter()
            .partition(|process| process.field(4).is_ok_and(|field| field == parent));
        found.extend::<Vec<Stat>>(children);
        others = rest;
        next += 1;
    }
    Ok(found)
}

impl Drop for Process {
    fn drop(&mut self) {
        // What it started has to end with it; a process that is gone already needs no end.
        for process in tree(self.child.id()).unwrap_or_default().into_iter().skip(1) {
            Command::new("kill").args(["-9", &process.id.to_string()]).status().ok();
        }
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
