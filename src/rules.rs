//! `studio rule …`, which holds a rule against its cases and needs no server, and `studio evidence …`,
//! which hands evidence in for rules to look at (`docs/tests-as-code.md`).

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail, ensure};
use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::value::RawValue;
use studio_kernel::Timestamp;
use studio_rego::{Case, Expected, Rule, check_cases};

use crate::cli::Server;

#[derive(Args)]
pub(crate) struct RuleCommand {
    #[command(subcommand)]
    verb: RuleVerb,
}

#[derive(Subcommand)]
enum RuleVerb {
    /// Hold a rule against its cases
    Test {
        /// The rule (Rego)
        #[arg(value_name = "RULE")]
        rule: PathBuf,
        /// The cases: a JSON list of name, input and expected
        #[arg(long, value_name = "FILE")]
        cases: PathBuf,
    },
}

#[derive(Args)]
pub(crate) struct EvidenceCommand {
    #[command(subcommand)]
    pub(crate) verb: EvidenceVerb,
}

#[derive(Subcommand)]
pub(crate) enum EvidenceVerb {
    /// Hand a JSON file in under a name, for rules to look at
    Put(Put),
}

#[derive(Args)]
pub(crate) struct Put {
    #[command(flatten)]
    pub(crate) server: Server,
    /// The project's id or name
    #[arg(long)]
    pub(crate) project: String,
    /// The name: what tests call evidenceName
    #[arg(long)]
    pub(crate) name: String,
    /// When it was collected (RFC 3339), if not now
    #[arg(long, value_name = "INSTANT")]
    pub(crate) collected_at: Option<Timestamp>,
    /// The evidence
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

/// A case as it stands in a file: its evidence is JSON and not text.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    input: Box<RawValue>,
    expected: Vec<Expected>,
}

/// `studio rule`
pub(crate) fn run(command: RuleCommand) -> anyhow::Result<()> {
    let RuleVerb::Test { rule, cases } = command.verb;
    let rule = Rule::new(&read(&rule)?)?;
    let written: Vec<Written> = serde_json::from_str(&read(&cases)?)
        .with_context(|| format!("{} holds no list of cases", cases.display()))?;
    let cases: Vec<Case> = written
        .into_iter()
        .map(|it| Case { name: it.name, input: it.input.get().to_owned(), expected: it.expected })
        .collect();
    let faults = check_cases(&rule, &cases);
    for (index, case) in cases.iter().enumerate() {
        if faults.iter().all(|fault| fault.index() != Some(index)) {
            println!("ok      {}", case.name);
        }
    }
    for fault in &faults {
        println!("FAILED  {fault}");
    }
    ensure!(faults.is_empty(), "the rule does not hold its cases: {} faults", faults.len());
    println!("{} cases hold.", cases.len());
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<String> {
    /// More than any rule, and any file of cases, may have.
    const LONGEST: u64 = 4 << 20;
    let size = fs::metadata(path).with_context(|| format!("{} cannot be read", path.display()))?;
    if size.len() > LONGEST {
        bail!("{} has more than {LONGEST} bytes", path.display());
    }
    fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
}
