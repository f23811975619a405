//! `studio policy …`: runs the tests of a bundle, and asks it for a decision. Neither needs a server.

use std::{fs, io::Read, path::Path};

use anyhow::{Context, bail, ensure};
use serde_json::Value;
use studio_access::{Bundle, Mode, Policy};

use super::{
    arguments::{PolicyCommand, PolicyVerb, Which},
    mode,
};

/// The longest input that is read, in bytes.
const LONGEST: u64 = 1 << 20;

/// Runs the verb.
pub(crate) fn run(command: PolicyCommand) -> anyhow::Result<()> {
    match command.verb {
        PolicyVerb::Test { which } => test(&bundle(&which)?),
        PolicyVerb::Eval { which, input, explain } => eval(&bundle(&which)?, &input, explain),
    }
}

/// The folder that is named, else the one in the configuration, else what ships with Studio.
fn bundle(which: &Which) -> anyhow::Result<Bundle> {
    if let Some(folder) = &which.dir {
        let mode = if which.replace { Mode::Replace } else { Mode::Extend };
        return Ok(Bundle::read(folder, mode)?);
    }
    let config = which.settings.load(None)?.policy;
    let Some(folder) = &config.bundle else { return Ok(Bundle::embedded()) };
    let mode = if which.replace { Mode::Replace } else { mode(&config) };
    Ok(Bundle::read(folder, mode)?)
}

fn test(bundle: &Bundle) -> anyhow::Result<()> {
    // What decides must load by itself, without its tests.
    Policy::new(bundle)?;
    let results = bundle.test()?;
    ensure!(!results.is_empty(), "there is no test: name rules test_… in files …_test.rego");
    let mut failed = 0;
    for result in &results {
        match &result.failure {
            None => println!("ok      {}", result.name),
            Some(failure) => {
                failed += 1;
                println!("FAILED  {}: {failure}", result.name);
            }
        }
    }
    ensure!(failed == 0, "{failed} of {} tests failed", results.len());
    println!("{} tests passed.", results.len());
    Ok(())
}

fn eval(bundle: &Bundle, input: &Path, explain: bool) -> anyhow::Result<()> {
    let policy = Policy::new(bundle)?;
    let text = read(input).with_context(|| format!("{} cannot be read", input.display()))?;
    let input: Value = serde_json::from_str(&text)
        .with_context(|| format!("{} holds no JSON", input.display()))?;
    let mut answer = policy.ask(&input)?;
    let shown = if explain { answer } else { answer["decision"].take() };
    println!("{}", serde_json::to_string_pretty(&shown)?);
    Ok(())
}

/// The text of a file; `-` stands for standard input.
fn read(path: &Path) -> anyhow::Result<String> {
    let source: Box<dyn Read> = match path.as_os_str() == "-" {
        true => Box::new(std::io::stdin()),
        false => Box::new(fs::File::open(path)?),
    };
    let mut text = String::new();
    source.take(LONGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LONGEST {
        bail!("it has more than {LONGEST} bytes");
    }
    Ok(text)
}
